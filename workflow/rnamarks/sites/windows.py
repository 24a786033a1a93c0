"""Windows of one length around positions of transcripts; all positions are 0-based."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..errors import InputError
from ..sequences import LETTERS, UNKNOWN, encode

CHUNK_NT = 1 << 21
_GAP_LETTER = chr(LETTERS[UNKNOWN])


class Laid(NamedTuple):
    """Sequences laid end to end with padding around each.

    ``codes``, dtype=uint8: all of them, with at least ``flank`` codes of 4, and at least one, before the first,
    between two, and after the last. ``starts``, shape=(n_sequences,), dtype=int64: where each begins in ``codes``.
    """

    codes: np.ndarray
    starts: np.ndarray

    def owner(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number of the sequence, and 0-based position on it, of ascending indices into ``codes``."""
        counts = np.diff(np.searchsorted(at, self.starts), append=len(at))
        sequence = np.repeat(np.arange(len(self.starts)), counts)
        return sequence, at - self.starts[sequence]

    def windows(self, at: np.ndarray, width: int) -> np.ndarray:
        """Windows around indices into ``codes``; ``flank`` must have been at least ``width // 2``."""
        return _gather(self.codes, at - width // 2, width)


def flank_of(width: int) -> int:
    """Nucleotides on either side of the site in a window of odd ``width``."""
    if width < 1 or width % 2 == 0:
        raise InputError("a window needs a middle", value=width, remedy="give an odd number of nt, such as 101")
    return width // 2


def lay(sequences: Sequence[str] | Sequence[np.ndarray], flank: int) -> Laid:
    """Lay sequences (RNA or DNA text, or codes) end to end with padding around each, see :class:`Laid`."""
    n_gap = max(flank, 1)
    lengths = np.fromiter((len(sequence) for sequence in sequences), dtype=np.int64, count=len(sequences))
    starts = np.cumsum(lengths + n_gap) - lengths
    if len(sequences) and isinstance(sequences[0], str):
        gap = _GAP_LETTER * n_gap
        codes = encode("".join((gap, gap.join(sequences), gap)))
    else:
        gap = np.full(n_gap, UNKNOWN, dtype=np.uint8)
        codes = np.concatenate([gap, *(part for sequence in sequences for part in (sequence, gap))])
    return Laid(codes, starts)


def cut_windows(codes: np.ndarray, positions: np.ndarray, width: int = 101) -> np.ndarray:
    """Windows around positions of one sequence, padded where they leave it.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_nt,), dtype=uint8
    positions : array-like of int, shape=(n,)
        0-based.
    width : int
        Odd; position ``width // 2`` of a window is the site.

    Returns
    -------
    numpy.ndarray, shape=(n, width), dtype=uint8
        4 outside the sequence.

    Raises
    ------
    InputError
        If ``width`` is even, or a position lies off the end of the sequence.
    """
    flank = flank_of(width)
    positions = np.asarray(positions, dtype=np.int64)
    outside = (positions < 0) | (positions >= len(codes))
    if outside.any():
        raise InputError(
            f"a site lies off the end of its sequence of {len(codes)} nt",
            value=int(positions[outside][0]),
            remedy="check that sites and sequences are of one assembly and count from 0",
        )
    padded = np.full(len(codes) + 2 * flank, UNKNOWN, dtype=np.uint8)
    padded[flank : flank + len(codes)] = codes
    return _gather(padded, positions, width)


def lay_chunks(
    sequences: Iterable[str] | Iterable[np.ndarray], flank: int, chunk_nt: int = CHUNK_NT
) -> Iterator[tuple[int, Laid]]:
    """Lay sequences end to end, ``chunk_nt`` at a time, or one that is longer.

    Yields
    ------
    first : int
        Number of the chunk's first sequence in the stream.
    laid : Laid
    """
    held: list = []
    n_nt = first = 0
    for sequence in sequences:
        held.append(sequence)
        n_nt += len(sequence) + flank
        if n_nt >= chunk_nt:
            yield first, lay(held, flank)
            first += len(held)
            held, n_nt = [], 0
    if held:
        yield first, lay(held, flank)


def _gather(codes: np.ndarray, starts: np.ndarray, width: int) -> np.ndarray:
    return sliding_window_view(codes, width)[starts]
