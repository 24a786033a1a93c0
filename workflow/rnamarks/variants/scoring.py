"""Logits of the nucleotides that an allele touches, on the reference and on the changed transcript.

A nucleotide is touched if its window or its motif holds something that is changed. Of each transcript only the stretch
that the windows of such nucleotides cover is scored, once as it is and once as it becomes, by the engine of the scan
(:mod:`rnamarks.prediction.engine`): equal stretches of isoforms once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..prediction.bases import find_sites, gap_for
from ..prediction.engine import Engine
from ..sites.gene_structure import Places
from ..sites.windows import lay
from ..tasks import Task
from .placing import Edit, Unit, reach_of

NOWHERE = -1
"""Index or position of a nucleotide that is not there."""


class Pairs(NamedTuple):
    """Nucleotides that are touched, before and after, one entry each, by unit and from 5' to 3'.

    ``unit``: number of the unit. ``reference``, ``alternative``: index into laid stretches, -1 where the nucleotide is
    not there. ``position``: 0-based on the reference transcript, -1 for one that is inserted. ``distance``: nt from
    the change along the RNA, negative towards its 5' end, 0 for what is changed itself.
    """

    unit: np.ndarray
    reference: np.ndarray
    alternative: np.ndarray
    position: np.ndarray
    distance: np.ndarray


class Effects(NamedTuple):
    """Of one task, the touched nucleotides that it may be asked about before or after the change.

    ``unit``, ``position``, ``distance``: as in :class:`Pairs`. ``before``, ``after``: logits, natural-log odds as
    trained, NaN where the nucleotide or its motif is not there.
    """

    unit: np.ndarray
    position: np.ndarray
    distance: np.ndarray
    before: np.ndarray
    after: np.ndarray


def score_units(
    units: Sequence[Unit],
    sequences: Mapping[int, np.ndarray],
    tasks: Sequence[Task],
    engine: Engine,
    structure: Places | None = None,
) -> dict[str, Effects]:
    """Logits of all that the alleles of units touch.

    Parameters
    ----------
    units : sequence of Unit
    sequences : mapping of int to numpy.ndarray, dtype=uint8
        Row of a transcript to its codes.
    tasks : sequence of Task
    engine : Engine
    structure : Places, optional
        Of the transcripts, for engines that read them. They stay as they are, whatever is inserted, deleted or done to
        codons; what is inserted has the place of the nucleotide that it is inserted before.

    Returns
    -------
    dict of str to Effects
        By task, in the order of the units.
    """
    margin = gap_for(tasks, engine)
    stretches: dict[tuple[int, bytes], int] = {}
    found, places = [], []
    for number, unit in enumerate(units):
        before, after, pairs = _stretches(unit, sequences[unit.transcript], margin)
        # equal stretches are one, unless they lie elsewhere among exons
        for at, codes in enumerate((before, after)):
            key = 2 * number + at if engine.reads else 0
            places.append(stretches.setdefault((key, codes.tobytes()), len(stretches)))
        found.append(pairs._replace(unit=np.full(len(pairs.position), number)))
    pairs = Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))
    laid = lay([np.frombuffer(codes, dtype=np.uint8) for _, codes in stretches], margin)
    starts = laid.starts[np.array(places).reshape(-1, 2)][pairs.unit]
    reference, alternative = (
        np.where(at < 0, NOWHERE, at + start)
        for at, start in zip((pairs.reference, pairs.alternative), starts.T, strict=True)
    )
    asked = np.zeros(len(laid.codes), dtype=bool)
    for at in (reference, alternative):
        asked[at[at >= 0]] = True
    sites = {}
    for task in tasks:
        at = find_sites(laid.codes, task)
        sites[task.name] = at[asked[at]]
    placed = None
    if engine.reads:
        owner, at = _origins(len(laid.codes), pairs, reference, alternative, units)
        placed = {name: structure.features(owner[rows], at[rows]) for name, rows in sites.items()}
    logits = engine.score(laid.codes, sites, structure=placed).logits
    effects = {}
    for name, at in sites.items():
        if not np.isfinite(logits[name]).all():
            raise InputError("the model gave a logit that is no finite number", remedy="train it again")
        # the last entry stands for a nucleotide that is not there
        known = np.full(len(laid.codes) + 1, np.nan, dtype=np.float32)
        known[at] = logits[name]
        before, after = known[reference], known[alternative]
        rows = np.flatnonzero(~(np.isnan(before) & np.isnan(after)))
        columns = (pairs.unit, pairs.position, pairs.distance, before, after)
        effects[name] = Effects(*(column[rows] for column in columns))
    return effects


def _origins(
    n: int, pairs: Pairs, reference: np.ndarray, alternative: np.ndarray, units: Sequence[Unit]
) -> tuple[np.ndarray, np.ndarray]:
    """Row of the transcript and position on it of laid nucleotides that are asked about, shape (n,) each."""
    owner, place = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    row = np.array([unit.transcript for unit in units], dtype=np.int64)[pairs.unit]
    start = np.array([unit.own.start for unit in units], dtype=np.int64)[pairs.unit]
    position = np.where(pairs.position >= 0, pairs.position, start)
    for at in (reference, alternative):
        there = at >= 0
        owner[at[there]], place[at[there]] = row[there], position[there]
    return owner, place


def _stretches(unit: Unit, codes: np.ndarray, margin: int) -> tuple[np.ndarray, np.ndarray, Pairs]:
    """The stretch of a transcript around an edit, what it becomes, and the pairs, whose indices are into these."""
    own, edits = unit.own, unit.edits
    reach = reach_of(own, edits, margin)
    first = max(0, min(own.start - reach, *(edit.start for edit in edits)))
    last = min(len(codes), max(own.end + reach, *(edit.end for edit in edits)))
    kept, origin, at, here = [], [], first, 0
    for edit in edits:
        kept += [codes[at : edit.start], edit.new]
        origin += [np.arange(at, edit.start), _origin(edit)]
        at = edit.end
        if edit is own:
            here = sum(map(len, kept)) - len(edit.new)
    after = np.concatenate([*kept, codes[at:last]])
    source = np.concatenate([*origin, np.arange(at, last)])
    back = np.full(last - first, NOWHERE)
    there = np.flatnonzero(source >= 0)
    back[source[there] - first] = there

    old = np.arange(max(first, own.start - margin), min(last, own.end + margin))
    low, high = max(0, here - margin), min(len(after), here + len(own.new) + margin)
    becomes = back[old - first]
    beyond = becomes[(becomes >= 0) & ((becomes < low) | (becomes >= high))]
    alternative = np.sort(np.concatenate([np.arange(low, high), beyond]))
    gone = old[becomes < 0]
    reference = np.concatenate([source[alternative], gone])
    alternative = np.concatenate([alternative, np.full(len(gone), NOWHERE)])
    # what is inserted lies beside what it is inserted before
    along = np.where(reference >= 0, reference, own.start)
    change = np.where(
        reference >= 0, _distance(reference, own.start, own.end), _distance(alternative, here, here + len(own.new))
    )
    order = np.lexsort((alternative, along))
    at = np.where(reference >= 0, reference - first, NOWHERE)
    return codes[first:last], after, Pairs(*(part[order] for part in (at, at, alternative, reference, change)))


def _origin(edit: Edit) -> np.ndarray:
    """Positions on the reference of the new nucleotides: one by one where as many are replaced, else none."""
    if len(edit.new) == edit.end - edit.start:
        return np.arange(edit.start, edit.end)
    return np.full(len(edit.new), NOWHERE)


def _distance(at: np.ndarray, start: int, end: int) -> np.ndarray:
    return np.where(at < start, at - start, np.where(at >= end, at - end + 1, 0))
