"""Sequences that lie whole within others, on either strand, found without alignment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..models.tokens import TOKENS, A, T

WORD = 16
"""Shortest sequence that is looked for, in nt."""
_NONE = np.iinfo(np.uint64).max
# in FASTA for MMseqs2 what is no nucleotide is N
_LETTERS = np.frombuffer(b"NNNNN" + "".join(TOKENS[5:]).replace("-", "N").replace("I", "N").encode(), np.uint8)


class Texts(NamedTuple):
    """Sequences end to end.

    Attributes
    ----------
    tokens : numpy.ndarray, shape=(nt,), dtype=uint8
    starts, lengths : numpy.ndarray, shape=(n,), dtype=int64
    """

    tokens: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    def __getitem__(self, index: int) -> np.ndarray:  # type: ignore[override]
        return self.tokens[self.starts[index] : self.starts[index] + self.lengths[index]]


def join(sequences: list[np.ndarray]) -> Texts:
    """Sequences of tokens end to end."""
    lengths = np.array([len(one) for one in sequences], dtype=np.int64)
    ends = lengths.cumsum()
    return Texts(np.concatenate(sequences or [np.zeros(0, np.uint8)]), ends - lengths, lengths)


def write_fasta(texts: Texts, chosen: np.ndarray, path: Path) -> None:
    """Write some of the sequences, by their indices, which become their names."""
    with open(path, "wb") as handle:
        for index in chosen.tolist():
            handle.write(b">%d\n%b\n" % (index, _LETTERS[texts[index]].tobytes()))


def turned(tokens: np.ndarray) -> np.ndarray:
    """The reverse complement; letters other than A, C, G and T stay as they are."""
    # A C G T are neighbours, so that their complement is a difference
    return np.where((tokens >= A) & (tokens <= T), A + T - tokens, tokens)[::-1]


def hashed_words(texts: Texts) -> np.ndarray:
    """A hash of the 16 nt from each position on, shape (nt,), uint64; the largest number where a word would leave its
    sequence or holds other letters than A, C, G and T."""
    tokens = texts.tokens
    places = max(len(tokens) - WORD + 1, 0)
    words = np.zeros(places, dtype=np.uint64)
    known = np.ones(places, dtype=bool)
    for offset in range(WORD):
        letter = tokens[offset : offset + places]
        words = words * np.uint64(4) + (letter - np.uint8(A)).astype(np.uint64)
        known &= (letter >= A) & (letter <= T)
    hashes = np.full(len(tokens), _NONE)
    # an odd factor is one to one; without it runs of A would be everybody's smallest word
    hashes[:places] = np.where(known, words * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(1), _NONE)
    tail = texts.starts[:, None] + texts.lengths[:, None] - np.arange(1, WORD)
    hashes[tail[tail >= texts.starts[:, None]]] = _NONE
    return hashes


class Needles:
    """Sequences to look for in others: each by the word of smallest hash that it has.

    Parameters
    ----------
    texts : Texts
    hashes : numpy.ndarray, optional
        Of :func:`hashed_words`, if they are at hand.
    """

    def __init__(self, texts: Texts, hashes: np.ndarray | None = None) -> None:
        self.texts = texts
        hashes = hashed_words(texts) if hashes is None else hashes
        filled = np.flatnonzero(texts.lengths > 0)
        smallest = np.full(len(texts.lengths), _NONE)
        if len(filled):
            smallest[filled] = np.minimum.reduceat(hashes, texts.starts[filled])
        owner = np.repeat(np.arange(len(texts.lengths)), texts.lengths)
        places = np.flatnonzero((hashes == smallest[owner]) & (hashes != _NONE))
        owners, first = np.unique(owner[places], return_index=True)
        order = np.argsort(smallest[owners], kind="stable")
        self._owners = owners[order]
        self._words = smallest[self._owners]
        self._offsets = (places[first] - texts.starts[owners])[order]

    def within(self, others: Texts, hashes: np.ndarray) -> Iterator[tuple[int, int]]:
        """Pairs of a needle and one of the other sequences that holds it.

        Parameters
        ----------
        others : Texts
        hashes : numpy.ndarray
            Of ``others``, from :func:`hashed_words`.
        """
        left = np.searchsorted(self._words, hashes, "left")
        some = left < len(self._words)
        some[some] = self._words[left[some]] == hashes[some]
        places = np.flatnonzero(some & (hashes != _NONE))
        owner = np.searchsorted(others.starts, places, "right") - 1
        last = np.searchsorted(self._words, hashes[places], "right")
        for place, other, begin, end in zip(
            places.tolist(), owner.tolist(), left[places].tolist(), last.tolist(), strict=True
        ):
            stop = int(others.starts[other] + others.lengths[other])
            for row in range(begin, end):
                needle = int(self._owners[row])
                start = place - int(self._offsets[row])
                length = int(self.texts.lengths[needle])
                if start < others.starts[other] or start + length > stop:
                    continue
                if np.array_equal(self.texts[needle], others.tokens[start : start + length]):
                    yield needle, other
