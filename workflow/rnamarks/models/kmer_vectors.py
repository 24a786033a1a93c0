"""3-mers: their numbers, and vectors of them learned from windows (word2vec, Mikolov et al. 2013).

The k-mer that starts at each place of a sequence has a number in base 5 with the digits A 0, C 1, G 2, U 3, N 4: AAC is
1, CAA is 25, NNN is 124. A sequence of n nt has n - 2 k-mers, one per place (stride 1).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import product

import numpy as np

from ..errors import InputError, needs
from ..sequences import LETTERS, UNKNOWN

K = 3
KMERS = tuple("".join(letters) for letters in product(LETTERS.tobytes().decode("ascii"), repeat=K))
"""All 125 k-mers, in the order of their numbers."""


def kmer_numbers(codes):
    """Numbers of the k-mers of windows.

    Parameters
    ----------
    codes : numpy.ndarray or torch.Tensor, shape=(..., width), of any integer type
        0 to 4.

    Returns
    -------
    Of the same kind and type, shape=(..., width - 2)
        The largest number, 124, fits into the bytes that codes are.
    """
    return 25 * codes[..., :-2] + 5 * codes[..., 1:-1] + codes[..., 2:]


class _Sentences:
    """The k-mers of each window as text, as often as somebody asks."""

    def __init__(self, codes: np.ndarray) -> None:
        self.codes = codes
        self.words = np.array(KMERS, dtype=object)

    def __iter__(self) -> Iterator[list[str]]:
        for row in self.codes:
            yield self.words[kmer_numbers(row)].tolist()


def fit_kmer_vectors(
    codes: np.ndarray, *, dims: int = 300, epochs: int = 5, seed: int, most_kmers: int = 20_000_000
) -> np.ndarray:
    """Vectors of 3-mers from windows: word2vec as gensim has it, each window one sentence.

    The paper (Song et al. 2021) gives the width of the vectors, 300, and of the context, 5; everything else is gensim's
    default (continuous bag of words, 5 negative samples, frequent words thinned). One thread learns, so that windows
    and seed alone decide the result.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, width), dtype=uint8
        At least 3 nt wide.
    dims : int
    epochs : int
        Passes over the windows.
    seed : int
    most_kmers : int
        Where the windows have more k-mers, windows drawn without replacement; bounds the time.

    Returns
    -------
    numpy.ndarray, shape=(125, dims), dtype=float32
        Rows in the order of the k-mers' numbers. Zeros for k-mers that no window holds.

    Raises
    ------
    InputError
        If there is no window or gensim is not installed.
    ValueError
        If windows are narrower than a k-mer.
    """
    n, width = codes.shape
    if not n:
        raise InputError(
            "vectors of k-mers are learned from windows, and there are none", remedy="give training windows"
        )
    if width < K:
        raise ValueError(f"windows of {width} nt hold no k-mer of {K}")
    with needs("gensim", "install it"):
        from gensim.models import Word2Vec
    fitting = max(1, most_kmers // (width - K + 1))
    if n > fitting:
        codes = codes[np.sort(np.random.default_rng(seed).choice(n, fitting, replace=False))]
    # gensim tells every step of its work at the level that the workflow's logs show
    logger = logging.getLogger("gensim")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        model = Word2Vec(
            _Sentences(codes), vector_size=dims, window=5, epochs=epochs, min_count=1, seed=seed, workers=1
        )
    finally:
        logger.setLevel(level)
    table = np.zeros(((UNKNOWN + 1) ** K, dims), dtype=np.float32)
    for number, kmer in enumerate(KMERS):
        if kmer in model.wv:
            table[number] = model.wv[kmer]
    return table
