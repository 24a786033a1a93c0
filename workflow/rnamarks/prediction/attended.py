"""What is attended, as arrays: from the weights of k-mers to those of nucleotides, and to the windows with most of it.

As in MultiRM (Song et al. 2021) a k-mer's weight goes to each of its nucleotides, and the nucleotides attended are
windows of highest sum, taken one after the other. The first and last nucleotides lie in fewer k-mers and get less;
``mean`` divides by the number of k-mers, which the original does not.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..errors import InputError


def spread_kmers(weights: np.ndarray, width: int = 3, *, mean: bool = False) -> np.ndarray:
    """Weights of k-mers as weights of nucleotides: each k-mer's weight goes to all of its nucleotides.

    Parameters
    ----------
    weights : numpy.ndarray, shape=(..., n_kmers)
        Of overlapping k-mers, stride 1.
    width : int
        Nucleotides of a k-mer.
    mean : bool
        Divide by the number of k-mers that cover a nucleotide: 1 at the ends, ``width`` inside.

    Returns
    -------
    numpy.ndarray, shape=(..., n_kmers + width - 1)

    Examples
    --------
    >>> spread_kmers(np.array([1.0, 2.0, 4.0]))
    array([1., 3., 7., 6., 4.])
    """
    if width < 1 or not weights.shape[-1]:
        raise InputError("k-mers need at least one nucleotide and one place", value=(width, weights.shape[-1]))
    n_kmers = weights.shape[-1]
    out = np.zeros((*weights.shape[:-1], n_kmers + width - 1), dtype=np.result_type(weights, np.float32))
    covered = np.zeros(n_kmers + width - 1, dtype=out.dtype)
    for place in range(width):
        out[..., place : place + n_kmers] += weights
        covered[place : place + n_kmers] += 1
    return out / covered if mean else out


def top_windows(
    weights: np.ndarray, *, width: int = 3, count: int = 3, margin: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Windows of highest sum, one after the other; none touches an earlier one or the nucleotides beside it.

    Parameters
    ----------
    weights : numpy.ndarray, shape=(n, length)
        Of nucleotides.
    width : int
        Of a window, nt.
    count : int
        Windows per row.
    margin : int
        Nucleotides on either side of a window that no later one may hold.

    Returns
    -------
    starts : numpy.ndarray, shape=(n, count), dtype=int64
        0-based; -1 where no other window fits.
    sums : numpy.ndarray, shape=(n, count), dtype=float64
        NaN beside a start of -1. Of equal windows the one nearest to the 5' end wins.

    Raises
    ------
    InputError
        If a row is shorter than a window, a number is out of range or a weight is not finite.
    """
    n, length = weights.shape
    if not 1 <= width <= length or count < 1 or margin < 0:
        raise InputError(
            f"windows of {width} nt, {count} of them with {margin} nt between, do not go into {length} nt",
            remedy="give a width of 1 nt up to the length, at least one window and a margin of at least 0",
        )
    if not np.isfinite(weights).all():
        raise InputError("a nucleotide's weight is not a finite number", remedy="train the network again")
    # windows with the same numbers get the same sum to the last bit, so that ties are ties
    sums = sliding_window_view(np.asarray(weights, dtype=np.float64), width, axis=1).sum(axis=-1)
    places = np.arange(sums.shape[1])
    rows = np.arange(n)
    starts = np.full((n, count), -1, dtype=np.int64)
    found = np.full((n, count), np.nan)
    for rank in range(count):
        best = sums.argmax(axis=1)
        value = sums[rows, best]
        fits = np.isfinite(value)
        starts[fits, rank], found[fits, rank] = best[fits], value[fits]
        sums[np.abs(places - best[:, None]) < width + margin] = -np.inf
    return starts, found


def covered_by(starts: np.ndarray, width: int, length: int) -> np.ndarray:
    """Nucleotides that windows cover.

    Parameters
    ----------
    starts : numpy.ndarray, shape=(n, count), dtype=int64
        -1 for no window.
    width, length : int
        Of a window and of the sequence, nt.

    Returns
    -------
    numpy.ndarray, shape=(n, length), dtype=bool
    """
    places = np.arange(length)
    inside = (places >= starts[..., None]) & (places < starts[..., None] + width) & (starts[..., None] >= 0)
    return inside.any(axis=1)
