"""Counts of nucleotides by their neighbours: what a language model has to be better than."""

from __future__ import annotations

import numpy as np

from ..corpus.store import HELD, Corpus
from ..models.tokens import MASK, TOKENS, A, T
from ..training.masking import DRAWN, MASKED, RANDOM, MaskedBatch

BASELINES = {"composition": (0, 0), "markov3": (3, 0), "kmer7": (3, 3)}
"""Names to nucleotides before and after that are looked at."""

_LETTERS = len(TOKENS) - A
# observations that the estimate from fewer neighbours is worth
_PRIOR = 5.0
_CHUNK = 1 << 20


class ContextCounts:
    """Probabilities of a nucleotide from those next to it.

    Where a neighbour is masked, no nucleotide or beyond the end, it and what lies behind it are left out: counts exist
    for every number of known neighbours on both sides. A count is mixed with the estimate from one neighbour less, on
    the side with more of them, which is worth five observations (Dirichlet prior); one observation of each of the 17
    letters is added to the composition.

    Parameters
    ----------
    before, after : int
        Most neighbours on either side.
    """

    def __init__(self, before: int, after: int) -> None:
        self.before, self.after = before, after
        self._counts = {(b, a): np.zeros((4 ** (b + a), _LETTERS)) for b in range(before + 1) for a in range(after + 1)}

    @classmethod
    def of_corpus(
        cls, corpus: Corpus, before: int, after: int, *, held: str = "cluster", most: int = 20_000_000
    ) -> ContextCounts:
        """Counts of the training sequences of a corpus, in a random order until there are ``most`` nucleotides."""
        found = cls(before, after)
        free = np.flatnonzero((corpus.held & HELD[held]) == 0)
        chosen = np.random.default_rng(0).permutation(free)
        chosen = chosen[: np.searchsorted(corpus.lengths[chosen].cumsum(), most) + 1]
        chosen = np.sort(chosen)
        for part in np.split(chosen, np.flatnonzero(np.diff(corpus.lengths[chosen].cumsum() // _CHUNK)) + 1):
            if len(part):
                found.add([corpus[index] for index in part.tolist()])
        return found

    @property
    def parameters(self) -> int:
        """Free probabilities of A, C, G and U, with all neighbours known."""
        return 3 * 4 ** (self.before + self.after)

    def add(self, sequences: list[np.ndarray]) -> None:
        """Count sequences of tokens, without ``<cls>`` and ``<eos>``."""
        # what is no letter keeps neighbours apart
        tokens = np.concatenate([part for one in sequences for part in (one, [MASK])]).astype(np.int64)
        rows = np.flatnonzero(tokens >= A)
        known, codes = self._contexts(tokens, rows)
        letters = tokens[rows] - A
        for (b, a), counts in self._counts.items():
            within = (known[0] >= b) & (known[1] >= a)
            cells = _number(codes[within], b, a, self.before) * _LETTERS + letters[within]
            counts += np.bincount(cells, minlength=counts.size).reshape(counts.shape)

    def losses(self, batch: MaskedBatch) -> tuple[np.ndarray, np.ndarray]:
        """Negative log-likelihood of each chosen token, and whether the most probable letter is the true one."""
        # sequences of a batch are apart, also where a piece has no end
        ends = batch.lengths.cumsum()
        owners = np.searchsorted(ends, np.arange(len(batch.tokens)), side="right")
        tokens = np.full(len(batch.tokens) + len(ends), MASK, np.int64)
        places = np.arange(len(batch.tokens)) + owners
        tokens[places] = batch.tokens
        rows = places[batch.rows]
        known, codes = self._contexts(tokens, rows)
        found = np.empty((len(rows), _LETTERS))
        for b, a in self._counts:
            own = (known[0] == b) & (known[1] == a)
            found[own] = self.probabilities(b, a)[_number(codes[own], b, a, self.before)]
        found = _seen(found, tokens[rows])
        letters = batch.truth - A
        return -np.log(found[np.arange(len(rows)), letters]), found.argmax(axis=1) == letters

    def probabilities(self, before: int, after: int) -> np.ndarray:
        """Of the 17 letters behind and before so many neighbours, shape (4 ** (before + after), 17)."""
        counts = self._counts[before, after]
        if not before and not after:
            return (counts + 1) / (counts.sum() + _LETTERS)
        if before >= after:
            # numbers of contexts have the nucleotide that is farthest before in front
            lower = np.tile(self.probabilities(before - 1, after), (4, 1))
        else:
            lower = np.repeat(self.probabilities(before, after - 1), 4, axis=0)
        return (counts + _PRIOR * lower) / (counts.sum(axis=1, keepdims=True) + _PRIOR)

    def _contexts(self, tokens: np.ndarray, rows: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        """How many neighbours are known on both sides, and their codes, the farthest before first."""
        size = max(self.before, self.after)
        padded = np.pad(np.where((tokens >= A) & (tokens <= T), tokens - A, -1), size, constant_values=-1)
        offsets = np.r_[np.arange(-self.before, 0), np.arange(1, self.after + 1)]
        codes = padded[rows[:, None] + size + offsets]
        is_known = codes >= 0
        before = np.logical_and.accumulate(is_known[:, : self.before][:, ::-1], axis=1).sum(axis=1)
        after = np.logical_and.accumulate(is_known[:, self.before :], axis=1).sum(axis=1)
        return (before, after), codes


def _number(codes: np.ndarray, before: int, after: int, most: int) -> np.ndarray:
    """Number of each context of the nearest neighbours, the one farthest before in the highest place."""
    return codes[:, most - before : most + after] @ (4 ** np.arange(before + after)[::-1])


def _seen(prior: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Bayes' rule for what stands in the place of a chosen nucleotide that is not masked: it, or a random letter."""
    kept = 1 - MASKED - RANDOM
    likelihood = np.where(np.isin(shown, DRAWN), RANDOM / len(DRAWN), 0.0)[:, None].repeat(_LETTERS, axis=1)
    visible = np.flatnonzero(shown != MASK)
    likelihood[visible, shown[visible] - A] += kept
    posterior = np.where((shown == MASK)[:, None], prior, prior * likelihood)
    return posterior / posterior.sum(axis=1, keepdims=True)
