"""Elements: k-mers in a range of distances from the site, in windows and in optimised windows.

For optimised windows there are no labels. There the question is whether both of two elements are at their places,
against windows whose columns are put in another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError, check_choice
from ..evaluation.bootstrap import interval
from ..sequences import UNKNOWN, encode

NULLS = ("columns", "rotation")


@dataclass(frozen=True)
class Element:
    """A k-mer with the places in which it is expected.

    Attributes
    ----------
    name : str
    kmer : str
        RNA or DNA.
    first, last : int
        Distances from the site to the first nucleotide, nt, negative upstream, both included.
    mismatches : int
        Nucleotides that may differ.
    """

    name: str
    kmer: str
    first: int
    last: int
    mismatches: int = 0

    def __post_init__(self) -> None:
        codes = encode(self.kmer)
        if not len(codes) or (codes >= UNKNOWN).any():
            raise InputError(f"the element {self.name} is no k-mer of A, C, G, U", value=self.kmer, remedy="correct it")
        if not 0 <= self.mismatches < len(codes):
            raise InputError(f"the element {self.name} allows too many mismatches", value=self.mismatches)
        if self.first > self.last:
            raise InputError(
                f"the element {self.name} ends before it begins", value=(self.first, self.last), remedy="exchange them"
            )

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> Element:
        """From a configuration: the attributes by name; ``mismatches`` may be left out."""
        known = {"name", "kmer", "first", "last", "mismatches"}
        if not known >= set(given) >= known - {"mismatches"}:
            raise InputError(
                "an element needs name, kmer, first and last, and may have mismatches",
                value=sorted(given),
                remedy="see config/README.md",
            )
        return cls(**given)

    def _places(self, window: int) -> np.ndarray:
        """0-based columns of each nucleotide at each start that lies wholly in a window, shape (starts, width)."""
        starts = np.arange(self.first, self.last + 1) + window // 2
        starts = starts[(starts >= 0) & (starts + len(self.kmer) <= window)]
        if not len(starts):
            raise InputError(
                f"the element {self.name} lies outside windows of {window} nt",
                value=(self.first, self.last),
                remedy="give distances from the site at the centre",
            )
        return starts[:, None] + np.arange(len(self.kmer))

    def present(self, codes: np.ndarray) -> np.ndarray:
        """Whether each window has it; codes of shape (n_windows, window), result of shape (n_windows,)."""
        needed, wanted = len(self.kmer) - self.mismatches, encode(self.kmer)
        found = np.zeros(len(codes), dtype=bool)
        for places in self._places(codes.shape[1]):
            found |= (codes[:, places] == wanted).sum(axis=1) >= needed
        return found

    def soft_scores(self, shares: np.ndarray) -> np.ndarray:
        """Best mean agreement in range with windows of shares.

        Parameters
        ----------
        shares : numpy.ndarray, shape=(n, 4, window)

        Returns
        -------
        numpy.ndarray, shape=(n,)
            Mean over the element's nucleotides of their shares; 1 for a k-mer that is there for certain.
        """
        agree = shares[:, encode(self.kmer), self._places(shares.shape[2])]
        return agree.mean(axis=2).max(axis=1)


def require_pairs(elements: Sequence[Element]) -> None:
    """Raise :class:`InputError` unless there are two elements or more, each with a name of its own."""
    names = [element.name for element in elements]
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError("co-occurrence needs at least two elements with names of their own", value=names)


def pairs_in_optimised(
    pwms: np.ndarray,
    elements: Sequence[Element],
    *,
    null: str = "columns",
    held: np.ndarray | None = None,
    permutations: int = 999,
    seed: int = 0,
) -> pd.DataFrame:
    """Whether optimised windows hold both of two elements at their places.

    The statistic of a pair is the smaller of the two elements'
    :meth:`Element.soft_scores`, averaged over starts. The null puts the columns of
    all starts into one new order: starts that agree are no independent evidence and move together. ``columns`` draws
    any order (keeps the nucleotides, breaks k-mers); ``rotation`` turns the window (keeps k-mers, breaks their places;
    window - 1 turns). Turns within the slack of both elements' ranges keep both, and p cannot fall below their
    fraction.

    Parameters
    ----------
    pwms : numpy.ndarray, shape=(starts, 4, window)
    elements : sequence of Element
    null : {"columns", "rotation"}
    held : numpy.ndarray, shape=(window,), dtype=bool, optional
        Columns that were imposed; they stay where they are under ``columns``.
    permutations : int
    seed : int

    Returns
    -------
    pandas.DataFrame
        Table ``optimised_pairs`` from ``element_a`` on. ``both`` counts starts whose commonest nucleotides hold both
        elements; ``score_low`` and ``score_high`` are a 95 % bootstrap interval over starts; ``null_high`` is the
        null's 95 % quantile; ``p`` is one-sided.
    """
    require_pairs(elements)
    check_choice(null, NULLS, "no such null")
    starts, _, window = pwms.shape
    generator = np.random.default_rng([seed, 0])
    if null == "rotation":
        orders = [np.roll(np.arange(window), shift) for shift in range(1, window)]
    else:
        movable = np.arange(window) if held is None else np.flatnonzero(~held)
        orders = []
        for _ in range(permutations):
            order = np.arange(window)
            order[movable] = generator.permutation(movable)
            orders.append(order)
    own = np.stack([element.soft_scores(pwms) for element in elements])
    moved = np.stack([[element.soft_scores(pwms[:, :, order]) for element in elements] for order in orders])
    consensus = pwms.argmax(axis=1).astype(np.uint8)
    present = np.stack([element.present(consensus) for element in elements])
    resamples = np.random.default_rng([seed, 1]).integers(0, starts, size=(2000, starts))
    rows = []
    for first, second in combinations(range(len(elements)), 2):
        joint = np.minimum(own[first], own[second])
        null_scores = np.minimum(moved[:, first], moved[:, second]).mean(axis=1)
        low, high = interval(joint[resamples].mean(axis=1)) if starts > 1 else (np.nan, np.nan)
        rows.append(
            {
                "element_a": elements[first].name,
                "element_b": elements[second].name,
                "starts": starts,
                "both": int((present[first] & present[second]).sum()),
                "score_a": own[first].mean(),
                "score_b": own[second].mean(),
                "score": joint.mean(),
                "score_low": low,
                "score_high": high,
                "null_mean": null_scores.mean(),
                "null_high": np.quantile(null_scores, 0.95),
                "p": (1 + (null_scores >= joint.mean() - 1e-12).sum()) / (len(orders) + 1),
            }
        )
    return pd.DataFrame(rows, columns=column_names("optimised_pairs", first="element_a"))
