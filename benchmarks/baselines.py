"""Baselines on published windows: AUROC and AUPRC with 95 % bootstrap intervals.

    python benchmarks/baselines.py [--data FOLDER] [--out TSV] [--only deepm6aseq,irna,mass] [--baselines a,b]

- DeepM6ASeq's human, mouse and zebrafish sets: fitted on each training file, measured on its test file.
- iRNA-m6A's 41-nt tissue sets: fitted on the training set, measured on the independent one.
- MASS's zebrafish test pair: fitted on DeepM6ASeq's zebrafish training file, whose windows are not centred.

Test windows whose sequence occurs in the training file are removed and counted. The features and the regularisation of
the k-mer baselines were chosen on DeepM6ASeq's human test file, so their human rows are slightly flattered. One thread,
about five minutes of CPU time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.evaluation.bootstrap import bootstrap_metrics
from rnamarks.models.baselines import BASELINES
from rnamarks.sequences import encode_windows, read_records
from rnamarks.tables import write_tsv

ROOT = Path(__file__).resolve().parents[1]
SPECIES = {"hs": "human", "mm": "mouse", "dr": "zebrafish"}
TISSUES = ("human_brain", "human_kidney", "mouse_brain", "mouse_kidney", "mouse_liver", "rat_brain", "rat_kidney")
SHARED_RUN = 40


def read_pair(positives: Path, negatives: Path) -> pd.DataFrame:
    """Windows of two files with their labels."""
    parts = [
        pd.DataFrame({"sequence": [r.sequence for r in read_records(path)], "label": label})
        for path, label in ((positives, 1), (negatives, 0))
    ]
    return pd.concat(parts, ignore_index=True)


def read_signed(path: Path) -> pd.DataFrame:
    """Windows of a FASTA file whose headers begin with + or -."""
    records = list(read_records(path))
    return pd.DataFrame(
        {"sequence": [r.sequence for r in records], "label": [int(r.header.startswith("+")) for r in records]}
    )


def data_sets(data: Path, chosen: set[str]) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame, list[str]]]:
    """Name, training windows, test windows and baselines of each comparison."""
    m6a = data / "m6a"
    deep, mass = m6a / "deepm6aseq", m6a / "mass"
    quick = ["prevalence", "composition", "motif_rule", "kmer_frequency", "naive_bayes_trinucleotide"]
    everything = [*quick, "kmer_logistic", "kmer_xgboost", "kmer_blend"]
    if "deepm6aseq" in chosen:
        for short, species in SPECIES.items():
            train, test = (
                read_pair(deep / f"{short}_pos_{part}.txt.gz", deep / f"{short}_neg_{part}.txt.gz")
                for part in ("train", "test")
            )
            yield f"DeepM6ASeq {species}", train, test, everything
    if "irna" in chosen:
        for tissue in TISSUES:
            train, test = (
                read_signed(m6a / "irna_m6a_41nt" / f"{tissue}_{part}.fa.gz") for part in ("train", "independent")
            )
            yield f"iRNA-m6A {tissue}", train, test, ["composition", "naive_bayes_trinucleotide", "kmer_blend"]
    if "mass" in chosen:
        train = read_pair(deep / "dr_pos_train.txt.gz", deep / "dr_neg_train.txt.gz")
        test = read_pair(mass / "danRer10_pos_test.txt.gz", mass / "danRer10_neg_test.txt.gz")
        known = {s[i : i + SHARED_RUN] for s in train["sequence"] for i in range(len(s) - SHARED_RUN + 1)}
        overlapping = test["sequence"].map(
            lambda s: any(s[i : i + SHARED_RUN] in known for i in range(len(s) - SHARED_RUN + 1))
        )
        share = overlapping.groupby(test["label"]).mean()
        print(
            f"MASS zebrafish: {share[1]:.1%} of positives and {share[0]:.1%} of negatives share {SHARED_RUN} nt with "
            "a training window; they are left out of the second row",
            flush=True,
        )
        yield "MASS zebrafish", train, test, everything
        yield "MASS zebrafish, no overlap", train, test[~overlapping], everything


def main() -> None:
    """Print one row per data set and baseline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("RNAMARKS_SHARED_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="deepm6aseq,irna,mass")
    parser.add_argument("--baselines", help="names, comma-separated; default: all that suit the set")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"{arguments.data} is not a folder; give --data")
    rows = []
    for name, train, test, baselines in data_sets(arguments.data, set(arguments.only.split(","))):
        seen = test["sequence"].isin(set(train["sequence"])).to_numpy()
        test = test[~seen]
        codes, test_codes = encode_windows(train["sequence"]), encode_windows(test["sequence"])
        labels, test_labels = train["label"].to_numpy(), test["label"].to_numpy()
        for baseline in arguments.baselines.split(",") if arguments.baselines else baselines:
            start = time.process_time()
            logits = BASELINES[baseline]().fit(codes, labels, seed=arguments.seed).logit(test_codes)
            seconds = time.process_time() - start
            found = bootstrap_metrics(test_labels, logits, seed=arguments.seed).set_index("metric")
            row = {"data": name, "baseline": baseline}
            for metric in ("auroc", "auprc"):
                row |= {metric: found.at[metric, "value"]}
                row |= {f"{metric}_{end}": found.at[metric, end] for end in ("low", "high")}
            row |= {
                "n_positive": int(test_labels.sum()),
                "n_negative": int((1 - test_labels).sum()),
                "prevalence": float(np.mean(test_labels)),
                "removed": int(seen.sum()),
                "cpu_seconds": round(seconds, 1),
            }
            rows.append(row)
            print(
                f"{name:<28}{baseline:<27}AUROC {row['auroc']:.3f} ({row['auroc_low']:.3f} to {row['auroc_high']:.3f})"
                f"  AUPRC {row['auprc']:.3f} ({row['auprc_low']:.3f} to {row['auprc_high']:.3f})  "
                f"{row['n_positive']}:{row['n_negative']}, {row['removed']} removed, {seconds:.1f} s",
                flush=True,
            )
    if arguments.out:
        write_tsv(pd.DataFrame(rows), arguments.out, {"seed": str(arguments.seed), "resamples": "1000"})


if __name__ == "__main__":
    main()
