"""Batches for filling masked nucleotides, each a function of (seed, step) alone (Penić et al. 2024, Methods).

A pass draws one member of every training cluster, in a new order and with new members each time.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from ..corpus.store import HELD, Corpus
from ..errors import InputError
from ..models.tokens import CLS, EOS, MASK, A, C, G, N, T

MASKED, RANDOM = 0.8, 0.1
"""Fractions of the chosen nucleotides that become ``<mask>``, and a random one of A C G U N; the rest stays."""
DRAWN = np.array([A, C, G, T, N], dtype=np.uint8)
# the same for every seed, so that perplexities can be compared
_JUDGED = 20_301


class Sequences(Protocol):
    """Sequences by number: a :class:`~rnamarks.corpus.store.Corpus` and the like, ``lengths`` in nt."""

    lengths: np.ndarray

    def __getitem__(self, index: int) -> np.ndarray: ...


class MaskedBatch(NamedTuple):
    """Sequences end to end, as :class:`~rnamarks.models.packing.Pack` has them, and what is to be filled in.

    Attributes
    ----------
    tokens : numpy.ndarray, shape=(total,), dtype=uint8
    lengths : numpy.ndarray, shape=(n,), dtype=int64
    rows : numpy.ndarray, shape=(n_chosen,), dtype=int64
        Chosen tokens.
    truth : numpy.ndarray, shape=(n_chosen,), dtype=int64
        What they were.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    rows: np.ndarray
    truth: np.ndarray


class MaskedSampler:
    """Batches of a corpus.

    Parameters
    ----------
    corpus : Corpus
    batch_size : int
        Sequences of a batch.
    longest : int
        Nucleotides read of a sequence; of a longer one a piece at random.
    fraction : float
        Of the nucleotides that are chosen.
    held : {"cluster", "random"}
        Which hold-out training keeps away from, see :data:`rnamarks.corpus.store.HELD`.
    seed : int

    Attributes
    ----------
    steps_per_pass : int
    """

    def __init__(self, corpus: Corpus, *, batch_size: int, longest: int, fraction: float, held: str, seed: int) -> None:
        self.corpus, self.longest, self.fraction, self.seed = corpus, longest, fraction, seed
        bit = HELD[held]
        free = (corpus.held[corpus.members] & bit) == 0
        # members of a cluster are neighbours; those held out by themselves leave gaps
        self._members = corpus.members[free]
        counts = np.add.reduceat(free.astype(np.int64), corpus.offsets[:-1]) if len(free) else np.zeros(0, np.int64)
        self._sizes = counts[counts > 0]
        self._begins = np.concatenate([[0], self._sizes.cumsum()])[:-1]
        self.batch_size = min(batch_size, len(self._sizes))
        if not self.batch_size:
            raise InputError(
                "all clusters are held out", path=corpus.path, remedy="build the corpus of more, or with less held out"
            )
        self.steps_per_pass = len(self._sizes) // self.batch_size
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def batch(self, visit: int) -> MaskedBatch:
        """The ``visit``-th batch, counted from 0."""
        number, step = divmod(visit, self.steps_per_pass)
        if self._order[0] != number:
            order = np.random.default_rng([self.seed, 91, number]).permutation(len(self._sizes))
            self._order = number, order
        clusters = self._order[1][step * self.batch_size : (step + 1) * self.batch_size]
        random = np.random.default_rng([self.seed, 92, visit])
        drawn = self._begins[clusters] + (random.random(len(clusters)) * self._sizes[clusters]).astype(np.int64)
        return mask_batch(self.corpus, self._members[drawn], self.longest, self.fraction, random)


def judged_batch(sequences: Sequences, indices: np.ndarray, most: int, longest: int, fraction: float) -> MaskedBatch:
    """What models are judged on: some of the sequences, ``most`` or with 0 all, masked in one way for every model."""
    random = np.random.default_rng(_JUDGED)
    if most and len(indices) > most:
        indices = np.sort(random.choice(indices, most, replace=False))
    return mask_batch(sequences, indices, longest, fraction, random)


def mask_batch(
    sequences: Sequences, indices: np.ndarray, longest: int, fraction: float, random: np.random.Generator
) -> MaskedBatch:
    """Some of the sequences, shortest first, with some nucleotides chosen and changed.

    ``<cls>`` and ``<eos>`` are there where a piece holds that end of its sequence, and are never chosen.
    """
    lengths = sequences.lengths[indices]
    indices = indices[np.argsort(np.minimum(lengths, longest), kind="stable")]
    pieces = []
    for index in indices.tolist():
        nucleotides = sequences[index]
        start = int(random.integers(max(0, len(nucleotides) - longest) + 1))
        piece = nucleotides[start : start + longest]
        head = [CLS] if start == 0 else []
        tail = [EOS] if start + longest >= len(nucleotides) else []
        pieces.append(np.concatenate([head, piece, tail]).astype(np.uint8))
    tokens = np.concatenate(pieces)
    changed, rows = mask_tokens(tokens, fraction, random)
    sizes = np.fromiter(map(len, pieces), np.int64, len(pieces))
    return MaskedBatch(changed, sizes, rows, tokens[rows].astype(np.int64))


def mask_tokens(tokens: np.ndarray, fraction: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Choose some nucleotides; of these 80 % become ``<mask>``, 10 % random ones of A C G U N, 10 % stay.

    Returns
    -------
    changed : numpy.ndarray, as ``tokens``
    rows : numpy.ndarray, shape=(n_chosen,)
        One at least, if there is a nucleotide.
    """
    letters = np.flatnonzero(tokens >= A)
    rows = letters[random.random(len(letters)) < fraction]
    if not len(rows) and len(letters):
        rows = letters[[random.integers(len(letters))]]
    changed = tokens.copy()
    fate = random.random(len(rows))
    changed[rows[fate < MASKED]] = MASK
    replaced = rows[(fate >= MASKED) & (fate < MASKED + RANDOM)]
    changed[replaced] = DRAWN[random.integers(len(DRAWN), size=len(replaced))]
    return changed, rows
