"""Whether windows that are called hold two elements together.

For two elements A and B "co-occurrence" can mean three things, which are measured apart:

- *together*: windows that are called hold A and B more often than windows that are not. It is tested by permuting the
  labels, within strata where given (for example the five nucleotides at the site). It does not say that the model needs
  both: elements that each raise the score by themselves are called together as well.
- *each given the other*: the odds of a call of windows with both, against those with A alone and against those with B
  alone. Both above 1: either element adds to the other. The larger of the two P is the P of both.
- *interaction*: these odds beyond the product of the two elements' own (the term of a saturated log-linear model).
  Above 1, one element counts for more where the other is. Elements that add up in the log odds have none.

The association of A with B *within* called windows is not used: of two elements that merely add up, either makes the
other less needed, so they repel each other there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import scipy
from scipy.special import ndtr

from ..dictionary import column_names
from ..errors import InputError
from .elements import Element, require_pairs

_Z = float(scipy.special.ndtri(0.975))


def of_both_kinds(called: np.ndarray) -> bool:
    """Whether some windows are called and some are not; shape (n_windows,), dtype bool."""
    return bool(called.any() and not called.all())


def log_odds(a, b, c, d) -> tuple[np.ndarray, np.ndarray]:
    """log(a d / (b c)) and its variance, half a count added to each cell (Haldane, Anscombe)."""
    cells = [np.asarray(cell, dtype=np.float64) + 0.5 for cell in (a, b, c, d)]
    return np.log(cells[0] * cells[3] / (cells[1] * cells[2])), sum(1 / cell for cell in cells)


def _in_bits(name: str, value: np.ndarray, variance: np.ndarray) -> dict[str, np.ndarray]:
    half, scale = _Z * np.sqrt(variance), 1 / np.log(2)
    return {name: value * scale, f"{name}_low": (value - half) * scale, f"{name}_high": (value + half) * scale}


def pair_table(
    present: np.ndarray,
    called: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    names: Sequence[str],
    *,
    strata: np.ndarray | None = None,
    permutations: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """The three meanings of co-occurrence for pairs of elements.

    Parameters
    ----------
    present : numpy.ndarray, shape=(n_windows, n_elements), dtype=bool
    called : numpy.ndarray, shape=(n_windows,), dtype=bool
        Calls of a model, or measured labels.
    pairs : sequence of (int, int)
        Columns ``present``.
    names : sequence of str
        Of the elements.
    strata : numpy.ndarray, shape=(n_windows,), optional
        Labels are permuted within equal values only.
    permutations : int
        Of the labels, for ``p_together``.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Table ``cooccurrence`` from ``element_a`` on, one row per pair. ``enrichment`` is log2 of the ratio of the two
        fractions of windows with both; ``odds_given_a`` the log2 odds ratio of a call among windows with A, with B
        against without; ``odds_given_b`` likewise; ``interaction`` log2 of the ratio of odds ratios. Intervals are
        95 % Wald intervals with half a count added to each cell. ``p_together`` is one-sided with ties counted half,
        ``p_each`` the larger of the one-sided P of ``odds_given_a`` and ``odds_given_b`` (at most 5 % of them fall
        below 0.05 where either element adds nothing), ``p_interaction`` is two-sided.

    Raises
    ------
    InputError
        If all windows are called, or none.
    """
    called = np.asarray(called, dtype=bool)
    if not of_both_kinds(called):
        raise InputError(
            "co-occurrence needs windows that are called and windows that are not",
            value=f"{int(called.sum())} of {called.size} called",
            remedy="change the threshold or give more windows",
        )
    strata = np.zeros(called.size, dtype=np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    sizes = np.bincount(strata)
    called_sizes = np.bincount(strata, weights=called).astype(np.int64)
    rows = []
    for number, (first, second) in enumerate(pairs):
        a, b = present[:, first], present[:, second]
        cell = 2 * a + b
        yes, no = np.bincount(cell[called], minlength=4), np.bincount(cell[~called], minlength=4)
        n_called, n_other = int(yes.sum()), int(no.sum())
        both = a & b
        generator = np.random.default_rng([seed, number])
        joint = np.bincount(strata, weights=both).astype(np.int64)
        # permuted labels within a stratum give a hypergeometric number of called windows with both
        drawn = np.zeros(permutations, dtype=np.int64)
        for size, hits, draws in zip(sizes, joint, called_sizes, strict=True):
            if hits and draws:
                drawn += generator.hypergeometric(hits, size - hits, draws, size=permutations)
        above = (drawn > yes[3]).sum() + 0.5 * (drawn == yes[3]).sum()
        shares = (yes[3] + 0.5) / (n_called + 1), (no[3] + 0.5) / (n_other + 1)
        variance = 1 / (yes[3] + 0.5) - 1 / (n_called + 1) + 1 / (no[3] + 0.5) - 1 / (n_other + 1)
        given_a = log_odds(yes[3], no[3], yes[2], no[2])
        given_b = log_odds(yes[3], no[3], yes[1], no[1])
        without_a = log_odds(yes[1], no[1], yes[0], no[0])
        beyond, spread = given_a[0] - without_a[0], given_a[1] + without_a[1]
        row = {
            "element_a": names[first],
            "element_b": names[second],
            "n_called": n_called,
            "n_other": n_other,
            "a_called": yes[2] + yes[3],
            "a_other": no[2] + no[3],
            "b_called": yes[1] + yes[3],
            "b_other": no[1] + no[3],
            "both_called": yes[3],
            "both_other": no[3],
            "fraction_called": yes[3] / n_called,
            "fraction_other": no[3] / n_other,
            "p_together": (above + 0.5) / (permutations + 1),
            "p_each": max(float(ndtr(-value / np.sqrt(error))) for value, error in (given_a, given_b)),
            "p_interaction": float(2 * ndtr(-abs(beyond / np.sqrt(spread)))),
        }
        row |= _in_bits("enrichment", np.log(shares[0] / shares[1]), variance)
        row |= _in_bits("odds_given_a", *given_a)
        row |= _in_bits("odds_given_b", *given_b)
        row |= _in_bits("interaction", beyond, spread)
        rows.append(row)
    return pd.DataFrame(rows, columns=column_names("cooccurrence", first="element_a"))


def pairs_in_windows(
    codes: np.ndarray,
    called: np.ndarray,
    elements: Sequence[Element],
    *,
    stratify: bool = True,
    permutations: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """:func:`pair_table` of all pairs of elements in windows.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    called : numpy.ndarray, shape=(n_windows,), dtype=bool
    elements : sequence of Element
    stratify : bool
        Permute labels among windows with the same five nucleotides around the site, so that neither element can borrow
        from the site's own motif. Of a pair with an element that covers these nucleotides, the other is what is tested.
    permutations, seed : int
    """
    require_pairs(elements)
    present = np.stack([element.present(codes) for element in elements], axis=1)
    centre = codes.shape[1] // 2
    strata = codes[:, centre - 2 : centre + 3].astype(np.int64) @ (5 ** np.arange(5)) if stratify else None
    return pair_table(
        present,
        called,
        list(combinations(range(len(elements)), 2)),
        [element.name for element in elements],
        strata=strata,
        permutations=permutations,
        seed=seed,
    )
