"""What a scan calls in tRNAs, whose every modified nucleotide is known, with p against other transcripts.

    PYTHONPATH=workflow python benchmarks/trna.py resources/models/modifications modified.fa.gz codes.csv.gz

The sequences of MODOMICS, read nucleotide by nucleotide; of those with one sequence of letters the first counts.
Intervals: 1,000 resamples of the tRNAs by amino acid, since those of one amino acid are alike. What resembles a
training window of the model is not left out, see the table `laboratories` of its run for that.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.evaluation.bootstrap import interval, resample_genes, resampled_metrics
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.sites.window_formats import SITE_WIDTH, labelled_windows
from rnamarks.tables import read_parquet


def read_trnas(modified: Path, codes: Path) -> dict[str, tuple[str, list[str]]]:
    """RNA to amino acid and modification of each nucleotide."""
    records = labelled_windows({"file": modified, "format": "modomics", "label": None, "codes": codes})
    found: dict[int, tuple[str, list[str], list[str]]] = {}
    for record in records:
        _, letters, names = found.setdefault(record.line, (record.gene, [], []))
        letters.append(record.sequence[SITE_WIDTH // 2])
        names.append(record.modification)
    rnas: dict[str, tuple[str, list[str]]] = {}
    for gene, letters, names in found.values():
        rnas.setdefault("".join(letters), (gene, names))
    return rnas


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("modified", type=Path)
    parser.add_argument("codes", type=Path)
    parser.add_argument("--mode", default="fast")
    given = parser.parse_args()
    rnas = read_trnas(given.modified, given.codes)
    scanner = Scanner(given.model, mode=given.mode, device="cpu")
    # what only ranks is judged as if it called
    scanner.config.ranks_only = []
    with tempfile.TemporaryDirectory() as scratch:
        fasta, table = Path(scratch) / "trna.fa", Path(scratch) / "sites.parquet"
        fasta.write_text("".join(f">{at}\n{rna}\n" for at, rna in enumerate(rnas)))
        scanner.run(fasta, ScanOptions(alpha=None, top=False), Outputs(table=table), warn=lambda line: None)
        sites, _ = read_parquet(table)
    known = list(rnas.values())
    number = sites["sequence"].astype(int)
    sites["gene"] = [known[at][0] for at in number]
    sites["truth"] = [known[at][1][start] for at, start in zip(number, sites["start"], strict=True)]
    rows = []
    for task in scanner.config.tasks:
        part = sites[sites["task"] == task.name]
        labels, called = (part["truth"] == task.modification).to_numpy(), (part["q"] < 0.1).to_numpy()
        row = {"task": task.name, "tested": len(part), "modified": labels.sum(), "called": called.sum()}
        if labels.any():
            values, draws = resampled_metrics(
                labels,
                part["logit"].to_numpy()[None],
                resamples=resample_genes(part["gene"].to_numpy(str), 1000, np.random.default_rng(1)),
                called={"": called[None]},
            )
            for name in ("auroc", "auprc", "precision", "sensitivity"):
                low, high = interval(draws[name][0])
                row[name] = f"{values[name][0]:.3f} ({low:.3f}-{high:.3f})"
        rows.append(row)
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
