"""Where alleles lie on transcripts, and which of them lie on one haplotype."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..sequences import encode, on_strand
from ..sites.coordinates import TranscriptMap
from .records import ANY, Allele

OUTSIDE = "in no exon of the annotation"
JUNCTION = "across an exon junction or an end of the transcript"
EDGE = "insertion at the edge of an exon"
OVERLAP = "overlaps another allele of its haplotype"

_STRANDS = ("+", "-")


class Edit(NamedTuple):
    """A change of a transcript: ``[start, end)``, 0-based on its RNA from the 5' end, becomes ``new``, codes of RNA.
    ``allele``: number of the allele that makes it."""

    start: int
    end: int
    new: np.ndarray
    allele: int

    @property
    def lost(self) -> int:
        """Nucleotides by which it shortens the transcript, 0 if it does not."""
        return max(0, self.end - self.start - len(self.new))


class Unit(NamedTuple):
    """An allele on a transcript, with all that is changed on the same haplotype.

    ``own``: the allele's edit. ``edits``: ascending, the own one among them, those of them that may share a window with
    what the own one touches or lie between.
    """

    transcript: int
    own: Edit
    edits: tuple[Edit, ...]


class Placed(NamedTuple):
    """Alleles on transcripts: ``units``, and ``unscored``, (allele, row of the transcript, reason)."""

    units: list[Unit]
    unscored: list[tuple[int, int, str]]


def touched_transcripts(
    transcripts: pd.DataFrame, chroms: Sequence[str], starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Which transcripts have an exon at any of these stretches of the genome, or next to one.

    Parameters
    ----------
    transcripts : pandas.DataFrame
        Border **transcripts**, with the chromosome names of ``chroms``; no sequences are needed.
    chroms : sequence of str, shape=(n,)
    starts, ends : numpy.ndarray, shape=(n,)
        0-based half-open.

    Returns
    -------
    numpy.ndarray, shape=(n_transcripts,), dtype=bool
    """
    found = np.zeros(len(transcripts), dtype=bool)
    if not len(starts):
        return found
    stretch, position = _positions(starts - 1, ends + 1)
    chrom = np.asarray(chroms, dtype=object)[stretch]
    where = TranscriptMap(transcripts)
    for strand in _STRANDS:
        found[where.overlaps(chrom, np.full(len(chrom), strand, dtype=object), position)[1]] = True
    return found


def place_alleles(
    alleles: Sequence[Allele], chroms: Sequence[str], where: TranscriptMap
) -> tuple[list[tuple[int, Edit]], list[tuple[int, int, str]]]:
    """The edit that each allele is on each transcript.

    Parameters
    ----------
    alleles : sequence of Allele
        Those that are changes of a sequence.
    chroms : sequence of str
        Their chromosomes as the transcripts call them.
    where : TranscriptMap

    Returns
    -------
    edits : list of (int, Edit)
        Row of the transcript and the edit, by allele and transcript.
    unscored : list of (int, int, str)
        Number of the allele, row of the transcript (-1 for none), and the reason.

    Notes
    -----
    What is deleted or replaced must lie in one exon; of an insertion both neighbours must.
    """
    at = np.array([allele.at for allele in alleles], dtype=np.int64)
    size = np.array([len(allele.old) for allele in alleles], dtype=np.int64)
    inserted = size == 0
    stretch, position = _positions(at - inserted, at + np.maximum(size, 1))
    chrom = np.asarray(chroms, dtype=object)[stretch]
    needed = np.where(inserted, 2, size)
    edits: list[tuple[int, Edit]] = []
    unscored: list[tuple[int, int, str]] = []
    for strand in _STRANDS:
        query, row, place = where.overlaps(chrom, np.full(len(chrom), strand, dtype=object), position)
        table = pd.DataFrame({"allele": stretch[query], "row": row, "place": place})
        groups = table.groupby(["allele", "row"], sort=True)["place"].agg(["size", "min", "max"]).reset_index()
        for number, row, hits, first, last in groups.itertuples(index=False, name=None):
            if hits < needed[number] or last - first != hits - 1:
                unscored.append((number, row, EDGE if inserted[number] else JUNCTION))
                continue
            new = on_strand(encode(alleles[number].new), strand)
            begin = last if inserted[number] else first
            edits.append((row, Edit(begin, begin + int(size[number]), new, number)))
    seen = {edit.allele for _, edit in edits} | {number for number, _, _ in unscored}
    unscored += [(number, -1, OUTSIDE) for number in range(len(alleles)) if number not in seen]
    return sorted(edits, key=lambda pair: (pair[1].allele, pair[0])), unscored


def _positions(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the stretch, and position, of every nucleotide of stretches."""
    sizes = ends - starts
    stretch = np.repeat(np.arange(len(sizes)), sizes)
    return stretch, np.arange(len(stretch)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + starts[stretch]


def alone(edits: Iterable[tuple[int, Edit]]) -> list[Unit]:
    """Each allele by itself."""
    return [Unit(row, edit, (edit,)) for row, edit in edits]


def on_haplotypes(
    edits: Sequence[tuple[int, Edit]], carriers: Mapping[int, Sequence[tuple[int, int, str]]], margin: int
) -> Placed:
    """Alleles together with those that share a haplotype and a transcript with them.

    Parameters
    ----------
    edits : sequence of (int, Edit)
        Of :func:`place_alleles`.
    carriers : mapping of int to sequence of (int, int, str)
        Number of an allele to sample, haplotype and phase set, see :func:`rnamarks.variants.records.carriers`.
    margin : int
        Nucleotides on either side of a change that it touches; edits farther than twice that from the own one are
        left out, since no window holds both.

    Returns
    -------
    Placed
        One unit for each different set of edits. An allele on no phased haplotype is a unit by itself. Of two alleles
        of one haplotype that overlap, or insert at one place, the second on the RNA is not applied.
    """
    by_transcript: dict[int, list[Edit]] = {}
    for row, edit in edits:
        by_transcript.setdefault(row, []).append(edit)
    units, unscored = [], []
    for row, own in by_transcript.items():
        seen: dict[tuple[int, ...], Unit] = {}
        refused: set[int] = set()
        for haplotype in _haplotypes(own, carriers):
            applied: list[Edit] = []
            for edit in sorted(haplotype, key=lambda edit: (edit.start, edit.end)):
                if applied and (edit.start < applied[-1].end or edit.start == edit.end == applied[-1].start):
                    refused.add(edit.allele)
                else:
                    applied.append(edit)
            for edit in applied:
                near = _near(edit, applied, margin)
                seen.setdefault((edit.allele, *(other.allele for other in near)), Unit(row, edit, near))
        units += seen.values()
        unscored += [(allele, row, OVERLAP) for allele in sorted(refused)]
    return Placed(sorted(units, key=lambda unit: (unit.own.allele, unit.transcript)), unscored)


def _haplotypes(edits: Sequence[Edit], carriers: Mapping[int, Sequence[tuple[int, int, str]]]) -> list[list[Edit]]:
    """Sets of edits that lie together, each edit in at least one."""
    carried: dict[tuple[int, int], dict[str, list[Edit]]] = {}
    free = []
    for edit in edits:
        for sample, haplotype, phase in carriers.get(edit.allele, ()):
            carried.setdefault((sample, haplotype), {}).setdefault(phase, []).append(edit)
        if not carriers.get(edit.allele):
            free.append([edit])
    found = {}
    for phases in carried.values():
        everywhere = phases.pop(ANY, [])
        for own in phases.values() or [[]]:
            together = own + everywhere
            found[tuple(sorted(edit.allele for edit in together))] = together
    return [*found.values(), *free]


def reach_of(own: Edit, edits: Iterable[Edit], margin: int) -> int:
    """Nucleotides of the reference on either side of an edit that windows of what it touches may hold: what other edits
    delete lets them reach farther."""
    return 2 * margin + sum(edit.lost for edit in edits if edit is not own)


def _near(own: Edit, edits: Sequence[Edit], margin: int) -> tuple[Edit, ...]:
    reach = reach_of(own, edits, margin)
    return tuple(edit for edit in edits if edit.end >= own.start - reach and edit.start <= own.end + reach)
