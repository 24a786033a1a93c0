"""Windows that lie nucleotide by nucleotide inside wider ones, on the strand that both are written in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_FACTOR = 0x9E3779B97F4A7C15
_ROUGH_BITS = 22


def find_contained(short: np.ndarray, wide: np.ndarray, *, chunk_nt: int = 1 << 22) -> tuple[np.ndarray, np.ndarray]:
    """Which windows lie inside a wider one, and which wider ones hold one; N matches N alone.

    The shorter windows are indexed by a hash of their nucleotides, and every stretch of that width of the wider ones is
    looked up as it is passed over. What the hash finds is compared nucleotide by nucleotide, so the answer is exact.

    Parameters
    ----------
    short : numpy.ndarray, shape=(n_short, w), dtype=uint8
        Codes. Memory grows with this table, by about 30 bytes per window.
    wide : numpy.ndarray, shape=(n_wide, v), dtype=uint8
        Codes, v at least w.
    chunk_nt : int
        Nucleotides of ``wide`` that are looked at in one step, at about 30 bytes each.

    Returns
    -------
    inside : numpy.ndarray, shape=(n_short,), dtype=bool
    holds : numpy.ndarray, shape=(n_wide,), dtype=bool
    """
    inside, holds = np.zeros(len(short), dtype=bool), np.zeros(len(wide), dtype=bool)
    width = short.shape[1]
    if not len(short) or not len(wide):
        return inside, holds
    keys = next(_hashes(short, width))
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    # the upper bits depend on all nucleotides, the lower ones on the last alone
    rough = np.zeros(1 << _ROUGH_BITS, dtype=bool)
    shift = np.uint64(64 - _ROUGH_BITS)
    rough[keys >> shift] = True
    step = max(1, chunk_nt // wide.shape[1])
    for first in range(0, len(wide), step):
        part = wide[first : first + step]
        for offset, hashes in enumerate(_hashes(part, width)):
            row = np.flatnonzero(rough[hashes >> shift])
            at = np.searchsorted(keys, hashes[row], "left")
            # windows of one hash are neighbours in the order
            while len(row):
                same = at < len(keys)
                row, at = row[same], at[same]
                same = keys[at] == hashes[row]
                row, at = row[same], at[same]
                equal = (short[order[at]] == part[row, offset : offset + width]).all(axis=1)
                inside[order[at[equal]]] = True
                holds[first + row[equal]] = True
                at = at + 1
    return inside, holds


def _hashes(codes: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Polynomial hashes modulo 2^64 of the stretches of a width, shape=(n,) for each offset from the left."""
    factor = np.uint64(_FACTOR)
    lead = np.uint64(pow(_FACTOR, width, 1 << 64))
    columns = codes.T.astype(np.uint64) + np.uint64(1)
    value = np.zeros(len(codes), dtype=np.uint64)
    for at, column in enumerate(columns):
        value = value * factor + column
        if at >= width:
            value = value - columns[at - width] * lead
        if at >= width - 1:
            yield value
