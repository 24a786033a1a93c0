"""3-mers as words: their numbers, and vectors of them learned from windows (word2vec, Mikolov et al. 2013).

The word that starts at each place of a sequence has a number in base 5 with the digits A 0, C 1, G 2, U 3, N 4: AAC is
1, CAA is 25, NNN is 124. A sequence of n nt has n - 2 words, one per place (stride 1).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import product

import numpy as np

from ..errors import InputError
from ..sequences import LETTERS, UNKNOWN

LETTERS_PER_WORD = 3
WORDS = tuple("".join(letters) for letters in product(LETTERS.tobytes().decode("ascii"), repeat=LETTERS_PER_WORD))
"""All 125 words, in the order of their numbers."""


def word_numbers(codes):
    """Numbers of the words of windows.

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
    """The words of each window as text, as often as somebody asks."""

    def __init__(self, codes: np.ndarray) -> None:
        self.codes = codes
        self.words = np.array(WORDS, dtype=object)

    def __iter__(self) -> Iterator[list[str]]:
        for row in self.codes:
            yield self.words[word_numbers(row)].tolist()


def fit_word_vectors(
    codes: np.ndarray, *, dims: int = 300, context: int = 5, epochs: int = 5, seed: int, most_words: int = 20_000_000
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
    context : int
        Words to each side that a word is predicted from.
    epochs : int
        Passes over the windows.
    seed : int
    most_words : int
        Where the windows have more words, windows drawn without replacement; bounds the time.

    Returns
    -------
    numpy.ndarray, shape=(125, dims), dtype=float32
        Rows in the order of the words' numbers. Zeros for words that no window holds.

    Raises
    ------
    InputError
        If there is no window or gensim is not installed.
    ValueError
        If windows are narrower than a word.
    """
    n, width = codes.shape
    if not n:
        raise InputError("word vectors are learned from windows, and there are none", remedy="give training windows")
    if width < LETTERS_PER_WORD:
        raise ValueError(f"windows of {width} nt hold no word of {LETTERS_PER_WORD}")
    try:
        from gensim.models import Word2Vec
    except ImportError as error:
        raise InputError(
            "word vectors are learned by gensim, which is not installed", value="gensim", remedy="install it"
        ) from error
    fitting = max(1, most_words // (width - LETTERS_PER_WORD + 1))
    if n > fitting:
        codes = codes[np.sort(np.random.default_rng(seed).choice(n, fitting, replace=False))]
    # gensim tells every step of its work at the level that the workflow's logs show
    logger = logging.getLogger("gensim")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        model = Word2Vec(
            _Sentences(codes),
            vector_size=dims,
            window=context,
            epochs=epochs,
            min_count=1,
            seed=seed,
            workers=1,
        )
    finally:
        logger.setLevel(level)
    table = np.zeros(((UNKNOWN + 1) ** LETTERS_PER_WORD, dims), dtype=np.float32)
    for number, word in enumerate(WORDS):
        if word in model.wv:
            table[number] = model.wv[word]
    return table
