"""m6A per adenosine of transcripts: every model of a run on held-out chromosomes, on all labels and antibody-free ones.

    python benchmarks/m6a_sites.py results/m6a

Prints Markdown tables of AUROC and AUPRC at the prevalence of the transcripts, with 95 % intervals from resampling
genes, and differences to the first model on the same resamples. Antibody-free labels are the sites that a list named
here finds (MAZTER-seq, m6A-label-seq); sites of other lists are then left out, and adenosines that no list names stay.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.evaluation.bootstrap import interval, resample_genes, resampled_metrics
from rnamarks.tables import read_parquet, read_tsv

FREE = ("MAZTER", "label")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="results/RUN")
    parser.add_argument("--task", default="m6A")
    parser.add_argument("--first", default="structured", help="model that the others are compared with")
    parser.add_argument("--free", nargs="*", default=FREE, help="names of antibody-free lists")
    parser.add_argument("--resamples", type=int, default=1000)
    given = parser.parse_args()
    windows, _ = read_parquet(given.run / "datasets" / f"{given.task}.split.parquet")
    sites, _ = read_tsv(given.run / "sites" / f"{given.task}.sites.tsv.gz", dtype={"chrom": str, "source": str})
    keys = ["chrom", "genome_start", "strand"]
    named = sites.rename(columns={"start": "genome_start"}).set_index(keys)["source"].str.split(",")
    found = windows.set_index(keys).index.map(named.to_dict())
    windows["free"] = [isinstance(names, list) and bool(set(names) & set(given.free)) for names in found]
    schemes = [name for name in windows.columns if name not in ("paper", "guarded") and set(windows[name]) >= {"test"}]
    for scheme in (name for name in schemes if (given.run / "predictions" / given.first).exists()):
        scores = read_scores(given.run / "predictions", given.task, scheme)
        if given.first not in scores:
            continue
        test = windows[windows[scheme] == "test"].set_index("window")
        for words, rows in (
            ("all labels", np.ones(len(test), dtype=bool)),
            ("antibody-free labels", (test["free"] | (test["label"] == 0)).to_numpy()),
        ):
            show(scheme, words, test[rows], scores, given.first, given.resamples)


def read_scores(folder: Path, task: str, scheme: str) -> dict[str, pd.Series]:
    """Mean logit over seeds of each window, by model."""
    scores = {}
    for model in sorted(path for path in folder.iterdir() if path.is_dir()):
        frames = [read_parquet(path)[0] for path in model.glob(f"*/{scheme}/*.parquet") if ".tasks." not in path.name]
        frames = [frame[(frame["task"] == task) & (frame["split"] == "test")] for frame in frames]
        frames = [frame.set_index("window")["logit"] for frame in frames if len(frame)]
        if frames:
            scores[model.name] = pd.concat(frames, axis=1).mean(axis=1)
    return scores


def show(scheme: str, words: str, test: pd.DataFrame, scores: dict[str, pd.Series], first: str, resamples: int) -> None:
    names = [first, *(name for name in scores if name != first)]
    logits = np.stack([scores[name].loc[test.index].to_numpy(np.float64) for name in names])
    labels = test["label"].to_numpy(dtype=bool)
    drawn = resample_genes(test["gene"].to_numpy(dtype=str), resamples, np.random.default_rng(1))
    values, draws = resampled_metrics(labels, logits, resamples=drawn)
    print(f"\nScheme {scheme}, {words}: {labels.sum():,} of {len(labels):,}, prevalence {labels.mean():.3f}, ", end="")
    print(f"{test['gene'].nunique()} genes\n")
    print(f"| model | AUROC | AUPRC | {first} minus it: AUROC; AUPRC |\n| --- | --- | --- | --- |")
    for row, name in enumerate(names):
        cells = [said(values[metric][row], draws[metric][row]) for metric in ("auroc", "auprc")]
        apart = [
            said(values[metric][0] - values[metric][row], draws[metric][0] - draws[metric][row], "+")
            for metric in ("auroc", "auprc")
        ]
        print(f"| {name} | {cells[0]} | {cells[1]} | {'; '.join(apart) if row else ''} |")


def said(value: float, draws: np.ndarray, sign: str = "") -> str:
    """A value and its 95 % interval."""
    low, high = interval(draws)
    return f"{value:{sign}.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
