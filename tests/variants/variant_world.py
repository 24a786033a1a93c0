"""A small genome with genes on both strands, and what a variant does to it, worked out by the letter."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "prediction"))
import scan_world

from rnamarks.cli import main
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.student import Student, add_student
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs

GENES = {
    # transcript: strand, exons (0-based half-open), coding sequence on the genome
    "plus": ("+", [(100, 220), (300, 360), (420, 700)], (150, 600)),
    "short": ("+", [(100, 220), (420, 700)], None),
    "minus": ("-", [(560, 690), (760, 790), (840, 1000)], (600, 900)),
    "tiny": ("+", [(1100, 1130)], None),
}
OTHER = {"A": "G", "C": "T", "G": "A", "T": "C"}
COMPLEMENT = str.maketrans("ACGT", "TGCA")
HEADER = ("##fileformat=VCFv4.2", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')


def build_model(folder: Path) -> Path:
    """A model directory whose networks and student read all of their windows."""
    scan_world.build(folder, student=False, null=False)
    torch.manual_seed(1)
    names = scan_world.NAMES
    student = Student(names, receptive=scan_world.CROP, width=5, filters=8, channels=8, hidden=8).eval()
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.normal_(0, 0.4)
    calibration = dict.fromkeys(names, Calibration(0.1, 1.5, 0.2, "platt").to_dict())
    add_student(folder, student, calibration=calibration, agreement=dict.fromkeys(names, 0.0))
    return folder


class Done(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    lines: list[str]


def run(*arguments, code: int = 0) -> Done:
    """Run the command line in this process."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(said):
        patch.setattr(sys, "argv", ["rnamarks", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
    assert (end.value.code or 0) == code, said.getvalue()
    return Done(code, said.getvalue().splitlines())


def genome(seed: int = 3, nt: int = 1400) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), nt))


TEXT = genome()


def snv(at: int, chrom: str = "chr1") -> tuple[str, int, str, str]:
    """A row of a VCF: the letter of the genome at a 0-based position becomes another."""
    return chrom, at, TEXT[at], OTHER[TEXT[at]]


def write_genome(folder: Path, text: str, name: str = "chr1") -> Path:
    path = folder / "genome.fa"
    lines = [text[start : start + 60] for start in range(0, len(text), 60)]
    path.write_text("\n".join([f">{name}", *lines]) + "\n")
    return path


def write_annotation(folder: Path, name: str = "chr1", coding: bool = True) -> Path:
    path = folder / "genes.gtf"
    lines = []
    for transcript, (strand, exons, cds) in GENES.items():
        gene = {"short": "plus"}.get(transcript, transcript)
        told = f'gene_id "{gene}"; transcript_id "{transcript}"; gene_name "{gene.upper()}";'
        rows = [("exon", *exon) for exon in exons]
        if cds and coding:
            rows += [
                ("CDS", max(start, cds[0]), min(end, cds[1])) for start, end in exons if start < cds[1] and end > cds[0]
            ]
        lines += [f"{name}\tx\t{kind}\t{start + 1}\t{end}\t.\t{strand}\t.\t{told}" for kind, start, end in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_vcf(folder: Path, rows, *, samples=(), header=HEADER, name: str = "calls.vcf") -> Path:
    """Rows of (chrom, 0-based start, ref, alt) and a genotype per sample."""
    path = folder / name
    columns = [
        "#CHROM",
        "POS",
        "ID",
        "REF",
        "ALT",
        "QUAL",
        "FILTER",
        "INFO",
        *(["FORMAT", *samples] if samples else []),
    ]
    lines = [*header, "\t".join(columns)]
    for chrom, start, ref, alt, *genotypes in rows:
        fields = [chrom, str(start + 1), ".", ref, alt, ".", "PASS", "."]
        lines.append("\t".join([*fields, *(["GT", *genotypes] if samples else [])]))
    path.write_text("\n".join(lines) + "\n")
    return path


def spliced(text: str, transcript: str, edits=()) -> tuple[str, list[int]]:
    """RNA of a transcript after edits of the genome (start, ref, alt), and for each of its letters the genome position
    it has, -1 for what is inserted. The genome is rewritten letter by letter, then spliced."""
    strand, exons, _ = GENES[transcript]
    letters = [[(letter, at)] for at, letter in enumerate(text)]
    for start, ref, alt in edits:
        assert text[start : start + len(ref)] == ref
        for at in range(start, start + len(ref)):
            letters[at] = [(alt[at - start], at)] if len(ref) == len(alt) else []
        if len(ref) != len(alt):
            # a letter that both begin with keeps its place
            letters[start] = [(letter, -1) for letter in alt]
            if alt[0] == ref[0]:
                letters[start][0] = (alt[0], start)
    kept = [pair for begin, end in exons for at in range(begin, end) for pair in letters[at]]
    if strand == "-":
        kept = [(letter.translate(COMPLEMENT), at) for letter, at in reversed(kept)]
    return "".join(letter for letter, _ in kept).replace("T", "U"), [at for _, at in kept]


def scanned(scanner, rnas: dict[str, str], folder: Path) -> dict[str, dict[tuple[str, int], float]]:
    """Logits of all bases of RNAs, by the scan: name to task and position to logit."""
    (folder / "rna.fa").write_text("".join(f">{name}\n{rna}\n" for name, rna in rnas.items()))
    options = ScanOptions(alpha=None, top=False)
    scanner.run(folder / "rna.fa", options, Outputs(table=folder / "rna.tsv"), warn=lambda line: None)
    found: dict[str, dict[tuple[str, int], float]] = {name: {} for name in rnas}
    for row in pd.read_csv(folder / "rna.tsv", sep="\t").itertuples():
        found[row.sequence][row.task, row.start] = row.logit
    return found
