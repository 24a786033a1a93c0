"""Features of windows for the baselines: k-mers, motifs, places.

*Centred* windows are those that nearly all have the same nucleotide at index ``width // 2``, as windows cut around a
site do; fragments that hold a site anywhere do not.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ..sequences import UNKNOWN
from ..sites.motifs import find_motif

CENTRED_FRACTION = 0.99
ROWS_AT_ONCE = 4096


def kmer_codes(codes: np.ndarray, k: int) -> np.ndarray:
    """The k-mer that starts at each position, as a number in base 4; -1 where it holds an N.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n, width), dtype=uint8
    k : int
        1 to 15.

    Returns
    -------
    numpy.ndarray, shape=(n, max(width - k + 1, 0)), dtype=int32
        AAC with k = 3 is 0·16 + 0·4 + 1 = 1.
    """
    starts = max(codes.shape[1] - k + 1, 0)
    index = np.zeros((len(codes), starts), dtype=np.int32)
    known = np.ones(index.shape, dtype=bool)
    for offset in range(k):
        letter = codes[:, offset : offset + starts]
        index = 4 * index + (letter & 3)
        known &= letter < UNKNOWN
    index[~known] = -1
    return index


def kmer_counts(codes: np.ndarray, k: int) -> np.ndarray:
    """How often each k-mer occurs in each window.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n, width), dtype=uint8
    k : int

    Returns
    -------
    numpy.ndarray, shape=(n, 4**k), dtype=float32
    """
    found = kmer_codes(codes, k)
    row, position = np.nonzero(found >= 0)
    cells = row * 4**k + found[row, position]
    return np.bincount(cells, minlength=len(codes) * 4**k).reshape(len(codes), 4**k).astype(np.float32)


def motif_starts(codes: np.ndarray, motif: str) -> tuple[np.ndarray, np.ndarray]:
    """Every occurrence of a motif in windows, overlapping ones included.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n, width), dtype=uint8
    motif : str
        IUPAC, DNA or RNA; N in a window matches nothing.

    Returns
    -------
    row, start : numpy.ndarray, shape=(n_occurrences,), dtype=int64
        Window, and 0-based index of the motif's first nucleotide in it.
    """
    apart = np.pad(codes, ((0, 0), (0, 1)), constant_values=UNKNOWN)
    return np.divmod(find_motif(apart.ravel(), motif), apart.shape[1])


def is_centred(codes: np.ndarray) -> bool:
    """Whether at least 99 % of windows with a known middle (index ``width // 2``) have the same nucleotide there."""
    middle = codes[:, codes.shape[1] // 2]
    known = middle[middle < UNKNOWN]
    return bool(len(known) and np.bincount(known).max() >= CENTRED_FRACTION * len(known))


def log_ratio(positive: np.ndarray, negative: np.ndarray, smoothing: float, axis: int = -1) -> np.ndarray:
    """Log of the ratio of two smoothed frequency tables; ``axis`` runs over the outcomes."""

    def log_frequency(counts: np.ndarray) -> np.ndarray:
        smoothed = counts + smoothing
        return np.log(smoothed) - np.log(smoothed.sum(axis=axis, keepdims=True))

    return log_frequency(positive) - log_frequency(negative)


def kmer_features(
    codes: np.ndarray, *, centred: bool, longest: int, motif: str, motif_offset: int, reach: int
) -> sp.csr_matrix:
    """Sparse features of windows.

    - square roots of the counts of all k-mers, k = 1 to ``longest``;
    - nucleotides by position, one-hot; in centred windows trinucleotides by position, too;
    - dinucleotides by distance from every occurrence of ``motif``, summed over occurrences (square root): the context
      of a site wherever it lies.

    About 3 kB per 101-nt window.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n, width), dtype=uint8
    centred : bool
    longest : int
    motif : str
        IUPAC; ``""`` leaves the third group out.
    motif_offset : int
        0-based index in the motif from which distances count.
    reach : int
        Largest distance, in nt.

    Returns
    -------
    scipy.sparse.csr_matrix, shape=(n, n_features), dtype=float32
        Absent features are not stored.
    """
    blocks = []
    for start in range(0, len(codes), ROWS_AT_ONCE):
        block = codes[start : start + ROWS_AT_ONCE]
        parts = [sp.csr_matrix(kmer_counts(block, k)).sqrt() for k in range(1, longest + 1)]
        parts.append(_by_position(block, 1))
        if centred:
            parts.append(_by_position(block, 3))
        if motif:
            parts.append(_around_motif(block, motif, motif_offset, reach))
        blocks.append(sp.hstack(parts, format="csr", dtype=np.float32))
    return sp.vstack(blocks, format="csr")


def _by_position(codes: np.ndarray, k: int) -> sp.csr_matrix:
    found = kmer_codes(codes, k)
    row, position = np.nonzero(found >= 0)
    columns = position * 4**k + found[row, position]
    shape = (len(codes), found.shape[1] * 4**k)
    return sp.csr_matrix((np.ones(len(row), dtype=np.float32), (row, columns)), shape=shape)


def _around_motif(codes: np.ndarray, motif: str, motif_offset: int, reach: int) -> sp.csr_matrix:
    row, start = motif_starts(codes, motif)
    padded = np.pad(codes, ((0, 0), (reach, reach)), constant_values=UNKNOWN)
    pairs = kmer_codes(padded, 2)
    # index 0 of ``pairs`` is ``reach`` to the left of the window's first nucleotide
    offsets = np.arange(2 * reach)
    found = pairs[row[:, None], (start + motif_offset)[:, None] + offsets]
    occurrence, offset = np.nonzero(found >= 0)
    columns = offset * 16 + found[occurrence, offset]
    ones = np.ones(len(columns), dtype=np.float32)
    return sp.csr_matrix((ones, (row[occurrence], columns)), shape=(len(codes), 16 * len(offsets))).sqrt()
