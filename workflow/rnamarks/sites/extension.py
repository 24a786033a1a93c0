"""Untranslated regions for annotations that have none, such as that of budding yeast."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .drops import NOTE, Scope


def extend_ends(
    transcripts: pd.DataFrame, lengths: Mapping[str, int], scope: Scope, *, five: int = 0, three: int = 0
) -> pd.DataFrame:
    """Transcripts that go on where they end with their coding sequence.

    An end goes on up to the next transcript of another gene on the same strand, introns of that transcript included, or
    up to the end of the chromosome. 3' ends come first: of a gap between two genes the 5' end of the second has what
    they leave, so that no nucleotide belongs to two genes that it did not belong to before. Ends with an untranslated
    region, and transcripts without a coding sequence, stay as they are.

    Parameters
    ----------
    transcripts : pandas.DataFrame
        Columns ``gene``, ``chrom``, ``strand``, ``exon_starts``, ``exon_ends`` (0-based half-open on the genome,
        ascending), ``cds_start`` and ``cds_end`` (0-based half-open on the transcript, -1 for none).
    lengths : mapping of str to int
        nt of each chromosome.
    scope : Scope
        Takes notes: how many ends went on, and how many by less than asked.
    five, three : int
        Largest number of nt upstream of the start codon and downstream of the stop codon.

    Returns
    -------
    pandas.DataFrame
        The same rows; ``exon_starts``, ``exon_ends``, ``cds_start`` and ``cds_end`` are new.
    """
    spliced = [
        int((ends - starts).sum())
        for starts, ends in zip(transcripts["exon_starts"], transcripts["exon_ends"], strict=True)
    ]
    coding = (transcripts["cds_start"] >= 0).to_numpy()
    bare_three = coding & (transcripts["cds_end"].to_numpy() == np.array(spliced, dtype=np.int64))
    bare_five = (transcripts["cds_start"] == 0).to_numpy()
    forward = (transcripts["strand"] == "+").to_numpy()
    moved, _ = _go_on(transcripts, lengths, scope, "3'", three, bare_three, upwards=forward)
    moved, added = _go_on(moved, lengths, scope, "5'", five, bare_five, upwards=~forward)
    for name in ("cds_start", "cds_end"):
        moved[name] = np.where(coding, moved[name] + added, moved[name])
    return moved


def _go_on(
    transcripts: pd.DataFrame,
    lengths: Mapping[str, int],
    scope: Scope,
    end: str,
    wanted: int,
    bare: np.ndarray,
    *,
    upwards: np.ndarray,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Transcripts whose ``bare`` ends go on, and by how much; ``upwards``: towards larger positions."""
    low = np.array([row[0] for row in transcripts["exon_starts"]], dtype=np.int64)
    high = np.array([row[-1] for row in transcripts["exon_ends"]], dtype=np.int64)
    group = transcripts.groupby(["chrom", "strand"], sort=False).ngroup().to_numpy()
    gene = transcripts["gene"].to_numpy()
    last = transcripts["chrom"].map(lengths).to_numpy(dtype=np.int64)
    room = np.where(upwards, _room(-high, -low, gene, group, -last), _room(low, high, gene, group, np.zeros_like(low)))
    added = np.where(bare, np.minimum(room, wanted), 0)
    if wanted:
        scope.count(f"{NOTE}{end} end without UTR extended by {wanted} nt", (added == wanted).sum())
        why = "up to another gene or the end of the chromosome"
        scope.count(f"{NOTE}{end} end without UTR extended by less, {why}", (bare & (added < wanted)).sum())
    moved = transcripts.copy()
    for name, at, step in (
        ("exon_starts", 0, np.where(upwards, 0, -added)),
        ("exon_ends", -1, np.where(upwards, added, 0)),
    ):
        rows = np.empty(len(moved), dtype=object)
        for number, positions in enumerate(transcripts[name]):
            rows[number] = positions.copy()
            rows[number][at] += step[number]
        moved[name] = rows
    return moved, added


def _room(low: np.ndarray, high: np.ndarray, gene: np.ndarray, group: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Free nt below each interval [low, high), down to ``floor`` or to an interval of another gene of the group."""
    room = low - floor
    reached, owner, of_others, at = 0, None, 0, None
    for row in np.lexsort((high, low, group)):
        if group[row] != at:
            at, owner, reached, of_others = group[row], None, floor[row], floor[row]
        room[row] = max(0, low[row] - (of_others if gene[row] == owner else reached))
        # the farthest end so far, and the farthest of any gene but that one's
        if gene[row] == owner:
            reached = max(reached, high[row])
        elif high[row] > reached:
            reached, owner, of_others = high[row], gene[row], reached
        else:
            of_others = max(of_others, high[row])
    return room
