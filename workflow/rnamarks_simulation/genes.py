"""Genes of the demo world: what is fixed about a gene, and the sequence that evolves.

A gene is laid out in *columns*, in its own 5' to 3' sense: a spacer, exons with introns between them, a short spacer.
Orthologues share their columns; which columns a species has depends on its insertions and deletions. For example, a
gene with columns 0 to 9 of which a species lacks 3 and 4 is 8 nt long there, and column 5 is its nucleotide 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .parameters import WorldParameters

SPACER, INTRON, UTR, CODING, FIXED = range(5)
STOP_CODONS = (48, 50, 56)
"""UAA, UAG and UGA as 16 a + 4 b + c of the codes."""

_AMINO_ACIDS = "KNKNTTTTRSRSIIMIQHQHPPPPRRRRLLLLEDEDAAAAGGGGVVVV*Y*YSSSS*CWCLFLF"
AMINO_ACID = np.array([-1 if letter == "*" else ord(letter) for letter in _AMINO_ACIDS], dtype=np.int16)
"""Standard genetic code, indexed like :data:`STOP_CODONS`; -1 for a stop."""

FREQUENCIES = np.array([0.28, 0.22, 0.22, 0.28])
_EDGE = 12
_SLOT_EVERY = 30
_SENSE_CODONS = np.setdiff1d(np.arange(64), STOP_CODONS)


@dataclass(frozen=True)
class Isoform:
    """One transcript of a gene.

    Attributes
    ----------
    exons : tuple of (int, int)
        Half-open column spans, 5' to 3'.
    coding : (int, int) or None
        Columns of the first nucleotide of the start codon and the one after the stop codon.
    """

    exons: tuple[tuple[int, int], ...]
    coding: tuple[int, int] | None


@dataclass(frozen=True)
class GeneModel:
    """What all species share about a gene.

    Attributes
    ----------
    family : int
        Number of the gene in the ancestor, counted from 1.
    kind : numpy.ndarray, shape=(n_columns,)
        ``SPACER``, ``INTRON``, ``UTR``, ``CODING`` or ``FIXED`` (splice sites, start and stop codon).
    slot : numpy.ndarray, shape=(n_columns,)
        Number of the insertion or deletion that a column belongs to, or -1.
    masked : numpy.ndarray, shape=(n_columns,), dtype=bool
        Columns written in lower case.
    codons : numpy.ndarray, shape=(n_codons, 3)
        Columns of the codons between start and stop codon.
    isoforms : tuple of Isoform
        The first one holds every exon in full length.
    """

    family: int
    kind: np.ndarray
    slot: np.ndarray
    masked: np.ndarray
    codons: np.ndarray
    isoforms: tuple[Isoform, ...]


@dataclass
class GeneCopy:
    """A gene in one genome.

    Attributes
    ----------
    model : GeneModel
    copy : int
        0, or the number of the duplication it arose from.
    forward : bool
        Whether the gene's sense is that of the chromosome.
    codes : numpy.ndarray, shape=(n_columns,), dtype=uint8
        Nucleotides in the gene's sense, also those of absent columns.
    has : numpy.ndarray, shape=(n_slots,), dtype=bool
        Which insertions are present.
    hidden : numpy.ndarray, shape=(n_columns,)
        Standard normal; what decides about methylation and no sequence shows.
    """

    model: GeneModel
    copy: int
    forward: bool
    codes: np.ndarray
    has: np.ndarray
    hidden: np.ndarray

    def clone(self) -> GeneCopy:
        """A copy whose sequence can evolve on its own."""
        return GeneCopy(self.model, self.copy, self.forward, self.codes.copy(), self.has.copy(), self.hidden.copy())

    def present(self) -> np.ndarray:
        """Which columns the genome has, shape=(n_columns,), dtype=bool."""
        slot = self.model.slot
        return (slot < 0) | self.has[slot] if self.has.size else np.ones(slot.size, dtype=bool)


def make_gene(family: int, parameters: WorldParameters, rng: np.random.Generator) -> GeneCopy:
    """A random gene of the ancestor; some are non-coding (``parameters.noncoding_fraction``)."""
    coding = rng.random() >= parameters.noncoding_fraction
    utr5 = int(rng.integers(*parameters.utr5, endpoint=True))
    codons = int(rng.integers(*parameters.codons, endpoint=True))
    utr3 = int(rng.integers(*parameters.utr3, endpoint=True))
    start, stop = utr5, utr5 + 3 * codons
    length = stop + utr3
    transcript = rng.choice(4, size=length, p=FREQUENCIES).astype(np.uint8)
    kind = np.full(length, UTR, dtype=np.uint8)
    if coding:
        body = rng.choice(_SENSE_CODONS, size=codons)
        body[0], body[-1] = 14, rng.choice(STOP_CODONS)
        transcript[start:stop] = np.stack([body // 16, body // 4 % 4, body % 4], axis=1).ravel()
        kind[start:stop] = CODING
        kind[start : start + 3] = kind[stop - 3 : stop] = FIXED

    junctions, skipped = _junctions(start, stop, parameters, rng)
    pieces, exons, codon_columns = [], [], np.zeros(length, dtype=np.int64)
    column = _spacer(pieces, int(rng.integers(*parameters.spacer, endpoint=True)), 0, rng)
    edges = [0, *junctions, length]
    for index, (first, last) in enumerate(pairwise(edges)):
        pieces.append((transcript[first:last], kind[first:last]))
        codon_columns[first:last] = np.arange(column, column + last - first)
        exons.append((column, column + last - first))
        column += last - first
        if index < len(edges) - 2:
            column = _intron(pieces, int(rng.integers(*parameters.intron, endpoint=True)), column, rng)
    column = _spacer(pieces, 100, column, rng)

    codes = np.concatenate([piece[0] for piece in pieces])
    kinds = np.concatenate([piece[1] for piece in pieces])
    span = (int(codon_columns[start]), int(codon_columns[stop - 1]) + 1) if coding else None
    isoforms = [Isoform(tuple(exons), span)]
    if rng.random() < parameters.isoform_fraction:
        if skipped is not None:
            isoforms.append(Isoform(tuple(exon for at, exon in enumerate(exons) if at != skipped), span))
        else:
            end = int(codon_columns[stop + utr3 // 2])
            isoforms.append(Isoform((*exons[:-1], (exons[-1][0], end)), span))
    slot = _slots(kinds, rng)
    model = GeneModel(
        family=family,
        kind=kinds,
        slot=slot,
        masked=_masked(kinds, rng),
        codons=codon_columns[start + 3 : stop - 3].reshape(-1, 3) if coding else np.zeros((0, 3), dtype=np.int64),
        isoforms=tuple(isoforms),
    )
    return GeneCopy(
        model=model,
        copy=0,
        forward=bool(rng.random() < 0.5),
        codes=codes,
        has=rng.random(slot.max() + 1) < 0.5,
        hidden=rng.standard_normal(codes.size),
    )


def _junctions(
    start: int, stop: int, parameters: WorldParameters, rng: np.random.Generator
) -> tuple[list[int], int | None]:
    """Transcript positions where introns lie, and the number of an exon that can be skipped, or None."""
    count = int(rng.integers(*parameters.exons, endpoint=True)) - 1
    step = (stop - start) / (count + 1)
    inner = [start + int(step * (index + 1) + step * rng.uniform(-0.3, 0.3)) for index in range(count)]
    skipped = None
    if count >= 2 and rng.random() < 0.5:
        # whole codons on both sides keep the frame when the exon between is left out
        inner[0], inner[1] = (start + (at - start) // 3 * 3 for at in inner[:2])
        skipped = 1
    if start > 150 and rng.random() < 0.3:
        return [start // 2, *inner], None if skipped is None else skipped + 1
    return inner, skipped


def _spacer(pieces: list, length: int, column: int, rng: np.random.Generator) -> int:
    codes = rng.choice(4, size=length, p=FREQUENCIES).astype(np.uint8)
    pieces.append((codes, np.full(length, SPACER, dtype=np.uint8)))
    return column + length


def _intron(pieces: list, length: int, column: int, rng: np.random.Generator) -> int:
    codes = rng.choice(4, size=length, p=FREQUENCIES).astype(np.uint8)
    kind = np.full(length, INTRON, dtype=np.uint8)
    codes[:2], codes[-2:] = (2, 3), (0, 2)
    kind[:2] = kind[-2:] = FIXED
    pieces.append((codes, kind))
    return column + length


def _slots(kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places of 1 to 6 nt that may come and go, away from exon ends and outside the coding sequence."""
    slot = np.full(kind.size, -1, dtype=np.int64)
    edges = np.flatnonzero(np.diff(kind)) + 1
    number = 0
    for first, last in zip([0, *edges], [*edges, kind.size], strict=True):
        if kind[first] in (CODING, FIXED):
            continue
        at = first + _EDGE + int(rng.integers(0, _SLOT_EVERY))
        while at + 6 + _EDGE < last:
            slot[at : at + int(rng.integers(1, 7))] = number
            number += 1
            at += _SLOT_EVERY + int(rng.integers(-10, 11))
    return slot


def _masked(kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Runs of 60 to 200 nt, a tenth of the gene or so, that a repeat masker would have marked."""
    masked = np.zeros(kind.size, dtype=bool)
    for _ in range(max(1, kind.size // 1300)):
        at = int(rng.integers(0, kind.size))
        masked[at : at + int(rng.integers(60, 201))] = True
    return masked & (kind != CODING) & (kind != FIXED)
