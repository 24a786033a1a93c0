"""Sequences of a corpus that resemble RNA which a model is tested on: found on both strands, marked, counted.

A corpus sequence resembles an example if one lies whole within the other (16 nt and longer), or if MMseqs2 aligns
them with enough matches: at least ``identity`` of the shorter one's nucleotides, or of an alignment that covers half of
the shorter one and 40 nt. Fewer nucleotides, or sequences below 30 nt, are similar to something by chance.
As MMseqs2's alignments end and open gaps where the best one would not, 0.03 less than the identity is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..datasets.neighbours import search
from ..datasets.tools import scratch_folder
from ..dictionary import column_names
from ..models.tokens import letters_to_tokens
from .contained import Needles, Texts, hashed_words, join, turned, write_fasta

SHORTEST_ALIGNED, SHORTEST_PART, COVERAGE = 30, 40, 0.5
_CLASSES = (SHORTEST_ALIGNED, 60, 150)
# without it some of what optimal alignments find is missed; tests/corpus holds the recall above 0.9
_MARGIN = 0.03
_NT_AT_ONCE = 4_000_000
_LARGE = 200_000_000
_MOST_HITS = 300
_ROUNDS = 4
_HIT_COLUMNS = ["query", "target", "nident", "alnlen"]


class Kept(NamedTuple):
    """RNA that the corpus must not know: of which task or set, which split, and its sequences."""

    name: str
    split: str
    sequences: Sequence[str]


class Relatives:
    """Which corpus sequences resemble which sets, and which examples have a relative.

    Parameters
    ----------
    sets : sequence of Kept
    n_corpus : int

    Attributes
    ----------
    related : numpy.ndarray, shape=(n_examples,), dtype=bool
        Examples of all sets one after the other.
    """

    def __init__(self, sets: Sequence[Kept], n_corpus: int) -> None:
        self.sets = list(sets)
        self.set_of = np.repeat(np.arange(len(sets)), [len(one.sequences) for one in sets])
        self.related = np.zeros(len(self.set_of), dtype=bool)
        # a bit per set, for millions of sequences
        self._bits = np.zeros((n_corpus, (len(sets) + 7) // 8), dtype=np.uint8)

    def mark(self, corpus: np.ndarray, examples: np.ndarray) -> None:
        """Note pairs of a corpus sequence and an example, by their indices."""
        self.related[examples] = True
        found = self.set_of[examples]
        np.bitwise_or.at(self._bits, (corpus, found // 8), (1 << (found % 8)).astype(np.uint8))

    @property
    def removed(self) -> np.ndarray:
        """Corpus sequences that leave, shape (n_corpus,), bool."""
        return self._bits.any(axis=1)

    def of_set(self, number: int) -> np.ndarray:
        """Corpus sequences that resemble one of the sets, shape (n_corpus,), bool."""
        return (self._bits[:, number // 8] >> (number % 8) & 1).astype(bool)

    def table(self, left: np.ndarray, identity: float) -> pd.DataFrame:
        """The table ``relatives``: per set the examples with a relative before, the sequences that left, and after.

        Parameters
        ----------
        left : numpy.ndarray, shape=(n_examples,), dtype=bool
            Examples of which the last search still found relatives.
        identity : float
        """
        rows = []
        for number, one in enumerate(self.sets):
            own = self.set_of == number
            related, n = int(self.related[own].sum()), int(own.sum())
            removed = int(self.of_set(number).sum())
            fraction = related / n if n else np.nan
            rows.append((one.name, one.split, n, related, fraction, removed, int(left[own].sum()), identity))
        return pd.DataFrame(rows, columns=column_names("relatives"))


def find_relatives(
    corpus: Texts,
    sets: Sequence[Kept],
    *,
    identity: float = 0.8,
    threads: int = 1,
    folder: Path | None = None,
    report: Callable[[str], None] = print,
) -> tuple[Relatives, np.ndarray]:
    """Corpus sequences that resemble examples.

    Searches repeat, in turn from the corpus and from the examples, without what was found before, until one finds
    nothing (four at most).

    Parameters
    ----------
    corpus : Texts
        Tokens of :mod:`rnamarks.models.tokens`.
    sets : sequence of Kept
    identity : float
    threads : int
    folder : Path, optional
        For scratch files: about the size of the corpus.
    report : callable
        Given a line per search.

    Returns
    -------
    relatives : Relatives
    left : numpy.ndarray, shape=(n_examples,), dtype=bool
        Examples of which the last search still found relatives; these have left, too.
    """
    found = Relatives(sets, len(corpus.lengths))
    examples = [letters_to_tokens(sequence) for one in sets for sequence in one.sequences]
    left = np.zeros(len(examples), dtype=bool)
    if not examples:
        return found, left
    for pairs in _contained(corpus, examples):
        found.mark(*pairs)
    report(f"{int(found.removed.sum()):,} corpus sequences hold an example or lie in one")
    targets = join(examples)
    for number in range(_ROUNDS):
        before = found.removed
        rest = np.flatnonzero(~before)
        left[:] = False
        with scratch_folder(folder) as scratch:
            ends = (_Fasta(corpus, rest, scratch, "corpus"), _Fasta(targets, np.arange(len(examples)), scratch, "kept"))
            for hits in _search(*(ends if number % 2 == 0 else ends[::-1]), identity, threads):
                one, other = hits if number % 2 == 0 else hits[::-1]
                near = _is_near(corpus.lengths[one[0]], targets.lengths[other[0]], *one[1:], identity - _MARGIN)
                found.mark(one[0][near], other[0][near])
                left[other[0][near]] = True
        report(f"search {number + 1}: {int(found.removed.sum() - before.sum()):,} corpus sequences resemble examples")
        if not left.any():
            break
    return found, left


def _is_near(
    one: np.ndarray, other: np.ndarray, matches: np.ndarray, columns: np.ndarray, identity: float
) -> np.ndarray:
    shorter = np.minimum(one, other)
    whole = matches >= identity * shorter
    part = (matches >= identity * columns) & (columns >= np.maximum(COVERAGE * shorter, SHORTEST_PART))
    return whole | part


def _contained(corpus: Texts, examples: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of a corpus sequence and an example of which one lies in the other, on either strand."""
    both = join([*examples, *map(turned, examples)])
    hashes = hashed_words(both)
    needles = Needles(both, hashes)
    ends = corpus.lengths.cumsum()
    begin = 0
    while begin < len(ends):
        stop = max(begin + 1, int(np.searchsorted(ends, (ends[begin - 1] if begin else 0) + _NT_AT_ONCE, "right")))
        part = join([corpus[index] for index in range(begin, stop)])
        words = hashed_words(part)
        pairs = [(other, needle) for needle, other in needles.within(part, words)]
        pairs += list(Needles(part, words).within(both, hashes))
        if pairs:
            found = np.unique(np.array(pairs), axis=0)
            yield found[:, 0] + begin, found[:, 1] % len(examples)
        begin = stop


class _Fasta:
    """FASTA files of sequences of some lengths, written when they are asked for; names are indices."""

    def __init__(self, texts: Texts, chosen: np.ndarray, folder: Path, name: str) -> None:
        self._texts, self._chosen, self._folder, self._name = texts, chosen, folder, name

    def of(self, shortest: float, end: float) -> Path | None:
        """A file of those from ``shortest`` to less than ``end`` nt; None if there are none."""
        lengths = self._texts.lengths[self._chosen]
        own = self._chosen[(lengths >= shortest) & (lengths < end)]
        path = self._folder / f"{self._name}_{shortest}_{end}.fasta"
        if len(own) and not path.exists():
            write_fasta(self._texts, own, path)
        return path if len(own) else None


def _search(queries: _Fasta, targets: _Fasta, identity: float, threads: int) -> Iterator[tuple]:
    """(query, matches, columns) and (target, matches, columns) of alignments on both strands, some at a time."""
    for shortest, end in pairwise((*_CLASSES, np.inf)):
        # the shorter sequence is of this class
        for query, target in (
            (queries.of(shortest, end), targets.of(shortest, np.inf)),
            (queries.of(end, np.inf), targets.of(shortest, end)),
        ):
            if query is None or target is None:
                continue
            # what half of the shorter sequence scores without a gap at this identity (2 for a match, -3 otherwise)
            ungapped = int(np.clip(0.4 * shortest * (5 * identity - 3), 15, 45))
            options = {
                "--strand": 2,
                "-k": 9 if target.stat().st_size < _LARGE else 11,
                "--min-ungapped-score": ungapped,
                "--min-seq-id": max(0.0, identity - 0.1),
                "--max-seqs": _MOST_HITS,
                "--threads": threads,
            }
            for hits in search(query, target, _HIT_COLUMNS, options):
                first, second, matches, columns = (hits[name].to_numpy() for name in _HIT_COLUMNS)
                yield (first, matches, columns), (second, matches, columns)
