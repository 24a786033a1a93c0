"""What a scan calls where p compares with the model's own null, and with other transcripts of the same kind.

    PYTHONPATH=workflow python benchmarks/background.py results/twelve_marks/model transcripts.fa.gz

Genes are parted at random into two halves. One is the background of ``rnamarks null``, the other is scanned, once with
the model as it is and once with that background. Genes are told apart by the last words in brackets of their header,
as RefSeq's have them. Fast mode unless ``--mode exact``.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.prediction.background import replace_null
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.sequences import Record, read_records


def gene_of(header: str) -> str:
    """``TBX1`` of ``... (TBX1), transcript variant C, mRNA``; the whole header where nothing stands in brackets."""
    return next(iter(re.findall(r"\(([^()]+)\)[^()]*$", header)), header)


def write(records: list[Record], path: Path) -> Path:
    path.write_text("".join(f">{number}\n{record.sequence}\n" for number, record in enumerate(records)))
    return path


def halves(records: list[Record], seed: int) -> tuple[list[Record], list[Record]]:
    """Records of one random half of the genes, and of the other."""
    genes = sorted({gene_of(record.header) for record in records})
    first = set(np.random.default_rng(seed).permutation(genes)[: len(genes) // 2])
    parted: tuple[list[Record], list[Record]] = ([], [])
    for record in records:
        parted[gene_of(record.header) not in first].append(record)
    return parted


def shares(model: Path, fasta: Path, mode: str) -> pd.Series:
    """Fraction of the bases tested that have q below 0.1, by task."""
    scanner = Scanner(model, mode=mode, device="cpu")
    summary = scanner.run(fasta, ScanOptions(alpha=0.01, top=False), Outputs(), warn=lambda line: None)
    return summary.set_index("task").eval("below / tested")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("fasta", type=Path)
    parser.add_argument("--mode", default="fast")
    parser.add_argument("--bases", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    records = list(read_records(given.fasta))
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(1, given.seeds + 1):
            folder = Path(scratch) / str(seed)
            folder.mkdir()
            background, rest = (
                write(half, folder / f"{name}.fa") for name, half in zip("ab", halves(records, seed), strict=True)
            )
            replace_null(given.model, background, folder / "model", n=given.bases, seed=seed, device="cpu")
            for name, model in (("own null", given.model), ("background", folder / "model")):
                found[name, seed] = shares(model, rest, given.mode)
    print((100 * pd.DataFrame(found)).round(2).to_string())


if __name__ == "__main__":
    main()
