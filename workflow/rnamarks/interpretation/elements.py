"""Elements of windows: words and motifs, each in a range of distances from the site.

A window has an element or not (:meth:`Element.present`); a window of shares, as optimisation makes it, holds it more or
less (:meth:`Element.soft_scores`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError
from ..sequences import UNKNOWN, encode
from .pwm import PWM


@dataclass(frozen=True, eq=False)
class Element:
    """A word or motif with the places in which it is expected.

    Attributes
    ----------
    name : str
    weights : numpy.ndarray, shape=(width, 5)
        Score of each letter A, C, G, U, N at each place.
    first, last : int
        Distances from the site to the first letter, in nt, negative upstream, both included.
    threshold : float
        A place with at least this score has the element.
    frequencies : numpy.ndarray, shape=(width, 4)
    """

    name: str
    weights: np.ndarray = field(repr=False)
    first: int
    last: int
    threshold: float
    frequencies: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise InputError(
                f"the element {self.name} ends before it begins", value=(self.first, self.last), remedy="exchange them"
            )

    @classmethod
    def from_word(cls, name: str, word: str, first: int, last: int, mismatches: int = 0) -> Element:
        """A word of RNA or DNA letters; scored by matching letters, of which so many may be missing."""
        codes = encode(word)
        if not len(codes) or (codes >= UNKNOWN).any():
            raise InputError(f"the element {name} is no word of A, C, G, U", value=word, remedy="give such letters")
        if not 0 <= mismatches < len(codes):
            raise InputError(f"the element {name} allows too many mismatches", value=mismatches)
        weights = np.zeros((len(codes), UNKNOWN + 1))
        weights[np.arange(len(codes)), codes] = 1.0
        return cls(name, weights, first, last, len(codes) - mismatches - 1e-9, weights[:, :UNKNOWN].copy())

    @classmethod
    def from_pwm(cls, motif: PWM, first: int, last: int, share: float = 0.7, pseudo: float = 0.01) -> Element:
        """A motif, scored by log odds against equal shares in bits; a place needs this share of the largest score.

        Parameters
        ----------
        motif : PWM
        first, last : int
        share : float
            Above 0, at most 1.
        pseudo : float
            Mixed into the frequencies, so that a letter never seen costs a finite amount; N costs as much as the
            dearest letter.
        """
        if not 0 < share <= 1:
            raise InputError(f"the share of the largest score of {motif.name} is not in (0, 1]", value=share)
        mixed = (motif.frequencies + pseudo) / (1 + UNKNOWN * pseudo)
        odds = np.log2(mixed * UNKNOWN)
        weights = np.hstack([odds, odds.min(axis=1, keepdims=True)])
        return cls(motif.name, weights, first, last, share * float(odds.max(axis=1).sum()), motif.frequencies)

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> Element:
        """From a configuration: ``name``, ``word``, ``first``, ``last`` and perhaps ``mismatches``."""
        known = {"name", "word", "first", "last", "mismatches"}
        if not known >= set(given) >= known - {"mismatches"}:
            raise InputError(
                "an element needs name, word, first and last, and may have mismatches",
                value=sorted(given),
                remedy="see config/README.md",
            )
        return cls.from_word(**given)

    @property
    def width(self) -> int:
        """In nt."""
        return len(self.weights)

    def places(self, window: int) -> np.ndarray:
        """0-based columns of the first letter that lie wholly in a window whose site is ``window // 2``."""
        starts = np.arange(self.first, self.last + 1) + window // 2
        starts = starts[(starts >= 0) & (starts + self.width <= window)]
        if not len(starts):
            raise InputError(
                f"the element {self.name} lies outside windows of {window} nt",
                value=(self.first, self.last),
                remedy="give distances from the site at the centre",
            )
        return starts

    def scores(self, codes: np.ndarray) -> np.ndarray:
        """Best score in range of each window; codes of shape (n_windows, window), result of shape (n_windows,)."""
        best = np.full(len(codes), -np.inf)
        for start in self.places(codes.shape[1]):
            total = np.zeros(len(codes))
            for place, weights in enumerate(self.weights):
                total += weights[codes[:, start + place]]
            np.maximum(best, total, out=best)
        return best

    def present(self, codes: np.ndarray) -> np.ndarray:
        """Whether each window has it, shape (n_windows,)."""
        return self.scores(codes) >= self.threshold

    def soft_scores(self, shares: np.ndarray) -> np.ndarray:
        """Best mean agreement in range with windows of shares.

        Parameters
        ----------
        shares : numpy.ndarray, shape=(n, 4, window)

        Returns
        -------
        numpy.ndarray, shape=(n,)
            Mean over the element's letters of the probability that element and window draw the same letter; 1 for a
            word that is there for certain.
        """
        starts = self.places(shares.shape[2])
        agree = np.einsum("wl,nlp->nwp", self.frequencies, shares)
        return (
            np.stack([agree[:, np.arange(self.width), start + np.arange(self.width)] for start in starts])
            .mean(axis=2)
            .max(axis=0)
        )


def all_pairs(count: int) -> list[tuple[int, int]]:
    """Every pair of so many elements, first before second."""
    return [(a, b) for a in range(count) for b in range(a + 1, count)]


def require_pairs(elements: Sequence[Element]) -> None:
    """Raise :class:`InputError` unless there are two elements or more, each with a name of its own."""
    names = [element.name for element in elements]
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError("co-occurrence needs at least two elements with names of their own", value=names)
