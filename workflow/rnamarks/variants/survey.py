"""A first look at a file of variants: where they lie, and whether they were called on the genome that is given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import InputError
from ..sites.contigs import match_contigs
from .records import records

if TYPE_CHECKING:
    import pyfaidx
    import pysam

ABSENT = "chromosome not in the genome"
DIFFERS = "reference differs from the genome"
TOLERATED = 0.01
"""Fraction of the records whose reference may differ from the genome."""
_FEW = 3
_CHUNK = 1 << 16
_BASES = frozenset("ACGT")


class Survey(NamedTuple):
    """What a file of variants holds.

    ``header``: its text, with all that the records use. ``samples``, ``records``: numbers of them. ``contigs``:
    chromosomes as the file calls them to the genome's names, of those that the genome has. ``chroms`` (the genome's),
    ``starts``, ``ends``: of each record on such a chromosome, 0-based half-open. ``wrong``: numbers of the records
    whose reference differs from the genome.
    """

    header: str
    samples: int
    records: int
    contigs: dict[str, str]
    chroms: list[str]
    starts: np.ndarray
    ends: np.ndarray
    wrong: frozenset[int]


def survey_variants(
    file: pysam.VariantFile, genome: pyfaidx.Fasta, named: str | Path, genome_path: str | Path
) -> Survey:
    """Read all records once.

    Raises
    ------
    InputError
        If none lies on a chromosome of the genome, or the reference of more than :data:`TOLERATED` of them, and of at
        least three or of all, differs from the genome: the variants are of another assembly.
    """
    stated = list(file.header.contigs)
    contigs: dict[str, str] = {}
    unknown: set[str] = set()
    letters = _Letters(genome)
    chroms, starts, ends, wrong = [], [], [], []
    number = -1
    for number, record in enumerate(records(file, named)):
        name = record.chrom
        if name not in contigs:
            if name not in unknown:
                found = match_contigs([name], genome.keys())
                contigs |= found
                unknown |= {name} - set(found)
            if name in unknown:
                continue
        chrom, reference = contigs[name], record.ref
        chroms.append(chrom)
        starts.append(record.start)
        ends.append(record.start + len(reference))
        if letters.differ(chrom, record.start, reference):
            wrong.append(number)
    if unknown and not contigs:
        raise InputError(
            "variants and genome have no chromosome in common",
            path=named,
            value=min(unknown),
            remedy=f"the genome has {', '.join(list(genome.keys())[:3])}; give files of one assembly",
        )
    if len(wrong) > TOLERATED * len(starts) and (len(wrong) >= _FEW or len(wrong) == len(starts)):
        raise InputError(
            f"the reference of {len(wrong):,} of {len(starts):,} records differs from {genome_path}",
            path=named,
            remedy="give the genome on which the variants were called",
        )
    return Survey(
        _header_of(file, stated, genome, contigs),
        len(file.header.samples),
        number + 1,
        contigs,
        chroms,
        np.array(starts, dtype=np.int64),
        np.array(ends, dtype=np.int64),
        frozenset(wrong),
    )


def _header_of(file: pysam.VariantFile, stated: Iterable[str], genome: pyfaidx.Fasta, contigs: dict[str, str]) -> str:
    """The header, where chromosomes that it did not state have the genome's lengths."""
    text = str(file.header)
    for name in set(contigs) - set(stated):
        line = f"##contig=<ID={name}>\n"
        text = text.replace(line, f"{line[:-2]},length={len(genome[contigs[name]])}>\n")
    return text


class _Letters:
    """Letters of a genome, read a chunk at a time."""

    def __init__(self, genome: pyfaidx.Fasta) -> None:
        self._genome = genome
        self._chrom, self._first, self._text = "", 0, ""

    def differ(self, chrom: str, start: int, reference: str) -> bool:
        """Whether a stretch of a chromosome, 0-based, is other than it should be; what is no A, C, G, T fits all."""
        if start < 0:
            return True
        end = start + len(reference)
        if chrom != self._chrom or start < self._first or end > self._first + len(self._text):
            self._chrom, self._first = chrom, start
            self._text = self._genome[chrom][start : max(end, start + _CHUNK)].seq.upper()
        found = self._text[start - self._first : end - self._first]
        given = reference.upper()
        if found == given:
            return False
        return len(found) < len(given) or any(
            one != other and one in _BASES and other in _BASES for one, other in zip(found, given, strict=True)
        )
