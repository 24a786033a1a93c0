"""Where a nucleotide lies among the exons and the coding sequence of its transcript, as numbers for a model.

m6A is depleted near exon junctions, where exon junction complexes keep the methyltransferase out, and is found in long
internal exons, last exons and near stop codons (He et al. 2023, Science 379:677; Uzonyi et al. 2023, Mol Cell 83:237).
All features follow from the annotation alone; nothing here is told which nucleotides are modified.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol, Self

import numpy as np
import pandas as pd

from ..sequences import encode
from .coordinates import TranscriptMap

FEATURES = {
    "junction": "nt to the nearest exon junction, 0 for a nucleotide beside one",
    "junction_upstream": "nt to the junction at the 5' end of the exon",
    "junction_downstream": "nt to the junction at the 3' end of the exon",
    "exon_start": "nt to the 5' end of the exon",
    "exon_end": "nt to the 3' end of the exon",
    "exon_relative": "fraction of the exon before it",
    "exon_length": "nt of the exon",
    "exon_number": "number of the exon from the 5' end, from 1",
    "exons_behind": "exons between it and the 3' end",
    "exons": "exons of the transcript",
    "last_exon": "1 in the last exon, else 0",
    "exon_before": "nt of the exon before, 0 for none",
    "exon_behind": "nt of the exon behind, 0 for none",
    "intron_before": "nt of the intron before the exon, 0 for none",
    "intron_behind": "nt of the intron behind the exon, 0 for none",
    "last_exon_length": "nt of the last exon",
    "last_junction": "nt behind the last junction, negative before it",
    "junctions_500": "junctions within 500 nt on the transcript",
    "junctions_1000": "junctions within 1000 nt on the transcript",
    "transcript_start": "nt to the 5' end of the transcript",
    "transcript_end": "nt to the 3' end of the transcript",
    "transcript_length": "nt of the transcript",
    "relative": "fraction of the transcript before it",
    "coding_start": "nt behind the start of the coding sequence, negative before it",
    "coding_end": "nt behind the end of the coding sequence, negative before it",
    "coding_length": "nt of the coding sequence, 0 for none",
    "utr5_length": "nt of the 5' UTR, 0 for none",
    "utr3_length": "nt of the 3' UTR, 0 for none",
    "region": "0 5' UTR, 1 coding sequence, 2 3' UTR, 3 a transcript without coding sequence",
}
"""Names of the features, in the order of the columns, and what each is."""

ENDS = {
    "transcript_start": "nt to the 5' end of the sequence",
    "transcript_end": "nt to the 3' end of the sequence",
    "transcript_length": "nt of the sequence",
    "relative": "fraction of the sequence before it",
    "frame_start": "nt behind the start of the longest open reading frame, negative before it",
    "frame_end": "nt behind its end, the stop codon included, negative before it",
    "frame_length": "nt of it, 0 for none",
}
"""Names of what a whole transcript's sequence says alone, in the order of the columns."""

FAR = 1e6
"""Distance in nt to a junction or a coding sequence that is not there, or to what is not known: farther than any."""
WIDTHS = {"": 0, "ends": len(ENDS), "exons": len(FEATURES)}
"""Columns of what a model reads of places: nothing, :data:`ENDS` or :data:`FEATURES`."""
WHOLE = 200
"""nt from which a sequence is taken for a whole transcript; of shorter ones it is not known where they end."""


class Places(Protocol):
    """Where nucleotides of a set of sequences lie.

    Attributes
    ----------
    known : numpy.ndarray, shape=(n_sequences,), dtype=bool
        Sequences whose places are known.
    """

    known: np.ndarray

    def features(self, transcript: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Features of 0-based positions on sequences, named by their numbers; shape=(n, n_features), dtype=float32."""


class SequenceEnds:
    """:data:`ENDS` of sequences, taken for whole transcripts from :data:`WHOLE` nt on, for pieces if they are shorter.

    Parameters
    ----------
    lengths : numpy.ndarray, shape=(n_sequences,), dtype=int64
    codes : callable
        Number of a sequence to its codes, for the open reading frame.
    """

    def __init__(self, lengths: np.ndarray, codes: Callable[[int], np.ndarray]) -> None:
        self._lengths, self._codes = lengths, codes
        self.known = np.ones(len(lengths), dtype=bool)
        self._frames: dict[int, tuple[int, int]] = {}

    @classmethod
    def of_texts(cls, texts: Sequence[str]) -> Self:
        """Those of RNA or DNA text."""
        return cls(np.array([len(text) for text in texts], dtype=np.int64), lambda row: encode(texts[row]))

    def features(self, transcript: np.ndarray, position: np.ndarray) -> np.ndarray:
        """See :meth:`Places.features`."""
        row, position = np.asarray(transcript, dtype=np.int64), np.asarray(position, dtype=np.int64)
        for one in np.unique(row).tolist():
            if one not in self._frames:
                self._frames[one] = open_frame(np.asarray(self._codes(one)))
        length = self._lengths[row]
        start, end = np.array([self._frames[one] for one in row.tolist()], dtype=np.int64).reshape(-1, 2).T
        framed = end > start
        columns = (
            position,
            length - 1 - position,
            length,
            position / np.maximum(length, 1),
            np.where(framed, position - start, FAR),
            np.where(framed, position - end, FAR),
            end - start,
        )
        found = np.column_stack(columns).astype(np.float32).reshape(len(row), len(ENDS))
        return np.where((length < WHOLE)[:, None], np.float32(FAR), found)


def open_frame(codes: np.ndarray) -> tuple[int, int]:
    """The longest stretch from AUG to a stop codon or the end of the sequence, in three frames.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_nt,), dtype=uint8
        RNA, 5' to 3'.

    Returns
    -------
    start, end : int
        0-based half-open, with the stop codon; (0, 0) for none. Of equally long ones the first.
    """
    a, _, g, u = range(4)
    first, second, third = codes[:-2], codes[1:-1], codes[2:]
    begins = (first == a) & (second == u) & (third == g)
    stops = (first == u) & (((second == a) & ((third == a) | (third == g))) | ((second == g) & (third == a)))
    best = (0, 0)
    for frame in range(3):
        starts = np.arange(frame, len(first), 3)
        if not len(starts):
            continue
        ends = starts[stops[starts]] + 3
        whole = int(starts[-1]) + 3
        edges = np.append(ends, whole) if not len(ends) or ends[-1] < whole else ends
        heads = starts[begins[starts]]
        # the first AUG of each stretch between stop codons
        piece = np.searchsorted(edges, heads, side="right")
        chosen, at = np.unique(piece, return_index=True)
        for number, head in zip(chosen.tolist(), heads[at].tolist(), strict=True):
            if edges[number] - head > best[1] - best[0]:
                best = head, int(edges[number])
    return best


class GeneStructure:
    """Structure of a set of transcripts.

    Parameters
    ----------
    transcripts : pandas.DataFrame
        Border **transcripts**, or its columns :data:`rnamarks.sites.coordinates.MAPPED`. A transcript is named by its
        row number, from 0.

    Attributes
    ----------
    known : numpy.ndarray, shape=(n_transcripts,), dtype=bool
        Transcripts with exons. The others have no structure: a model that reads it cannot be asked about them.
    """

    def __init__(self, transcripts: pd.DataFrame) -> None:
        self._map = TranscriptMap(transcripts)
        self._exons = self._map.exons()
        self.known = self._exons.number > 0

    @property
    def digest(self) -> str:
        """SHA-256 of everything that features follow from."""
        parts = (*self._exons, self._map.cds_start, self._map.cds_end)
        return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()

    def features(self, transcript: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Features of nucleotides.

        Parameters
        ----------
        transcript : array-like of int, shape=(n,)
            Row numbers of transcripts that are :attr:`known`.
        position : array-like of int, shape=(n,)
            0-based, 5' to 3'; on the transcript.

        Returns
        -------
        numpy.ndarray, shape=(n, len(FEATURES)), dtype=float32
            Columns in the order of :data:`FEATURES`.

        Raises
        ------
        ValueError
            If a transcript has no exons, or a position is not on its transcript.
        """
        row, position = np.asarray(transcript, dtype=np.int64), np.asarray(position, dtype=np.int64)
        length = self._map.lengths[row]
        if not self.known[row].all() or ((position < 0) | (position >= length)).any():
            raise ValueError("a position lies on no exon of its transcript")
        exons, at = self._exons, self._map.exon_of(row, position)
        number = exons.number[row]
        place = at - exons.first[row]
        behind = number - 1 - place
        last = at + behind
        upstream = position - exons.start[at]
        downstream = exons.length[at] - 1 - upstream
        is_first, is_last = place == 0, behind == 0
        before, after = np.maximum(at - 1, 0), np.minimum(at + 1, len(exons.start) - 1)
        start, end = self._map.cds_start[row], self._map.cds_end[row]
        coding = start >= 0
        upstream_junction = np.where(is_first, FAR, upstream)
        downstream_junction = np.where(is_last, FAR, downstream)
        columns = (
            np.minimum(upstream_junction, downstream_junction),
            upstream_junction,
            downstream_junction,
            upstream,
            downstream,
            upstream / exons.length[at],
            exons.length[at],
            place + 1,
            behind,
            number,
            is_last,
            np.where(is_first, 0, exons.length[before]),
            np.where(is_last, 0, exons.length[after]),
            np.where(is_first, 0, exons.intron[before]),
            np.where(is_last, 0, exons.intron[at]),
            exons.length[last],
            np.where(number > 1, position - exons.start[last], FAR),
            self._junctions_near(row, position, 500),
            self._junctions_near(row, position, 1000),
            position,
            length - 1 - position,
            length,
            position / length,
            np.where(coding, position - start, FAR),
            np.where(coding, position - end, FAR),
            np.where(coding, end - start, 0),
            np.where(coding, start, 0),
            np.where(coding, length - end, 0),
            np.where(coding, np.where(position < start, 0, np.where(position < end, 1, 2)), 3),
        )
        return np.column_stack(columns).astype(np.float32).reshape(len(row), len(FEATURES))

    def _junctions_near(self, row: np.ndarray, position: np.ndarray, reach: int) -> np.ndarray:
        """Junctions within so many nt on the transcript; shape=(n,)."""
        exons, offsets = self._exons, self._map.offsets
        inner = np.ones(len(exons.start), dtype=bool)
        inner[exons.first[self.known]] = False
        owner = np.repeat(np.arange(len(exons.number)), exons.number)
        # all junctions on one line, on which transcripts follow each other
        line = (offsets[owner] + exons.start)[inner]
        low = np.maximum(position - reach, 0)
        high = np.minimum(position + reach, self._map.lengths[row] - 1)
        first = np.searchsorted(line, offsets[row] + low, side="left")
        return np.searchsorted(line, offsets[row] + high, side="right") - first


def places_of(reads: str, transcripts: pd.DataFrame) -> Places | None:
    """What a model reads of the places of nucleotides on transcripts.

    Parameters
    ----------
    reads : str
        See :data:`WIDTHS`.
    transcripts : pandas.DataFrame
        Border **transcripts**.

    Returns
    -------
    Places or None
        None where it reads nothing.
    """
    if reads == "exons":
        return GeneStructure(transcripts)
    return SequenceEnds.of_texts(transcripts["sequence"].tolist()) if reads else None
