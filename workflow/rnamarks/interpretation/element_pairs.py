"""Whether what a model calls holds two elements together.

For two elements A and B (:mod:`rnamarks.interpretation.elements`) "co-occurrence" can mean three things, which are
measured apart:

- *together*: windows that are called hold A and B more often than windows that are not. It is tested by permuting the
  labels, within strata where given (for example the five letters at the site). It does not say that the model needs
  both: elements that each raise the score by themselves are called together as well.
- *each given the other*: the odds of a call of windows with both, against those with A alone and against those with B
  alone. Both above 1: either element adds to the other. The larger of the two P is the P of both.
- *interaction*: these odds beyond the product of the two elements' own (the term of a saturated log-linear model).
  Above 1, one element counts for more where the other is. Elements that add up in the log odds have none. With the
  model's logits there is the same question without a threshold: the *synergy*, in nats.

The association of A with B *within* called windows is not used: of two elements that merely add up, either makes the
other less needed, so they repel each other there.

For optimised windows there are no labels. There the question is whether both elements stand at their places, against
windows whose columns are put in another order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr

from ..errors import InputError
from ..evaluation.bootstrap import interval
from .elements import Element, all_pairs, require_pairs

_Z = 1.959963984540054
NULLS = ("columns", "rotation")
PAIR_COLUMNS = [
    "element_a",
    "element_b",
    "n_called",
    "n_other",
    "a_called",
    "a_other",
    "b_called",
    "b_other",
    "both_called",
    "both_other",
    "share_called",
    "share_other",
    "enrichment",
    "enrichment_low",
    "enrichment_high",
    "p_together",
    "odds_given_a",
    "odds_given_a_low",
    "odds_given_a_high",
    "odds_given_b",
    "odds_given_b_low",
    "odds_given_b_high",
    "p_each",
    "interaction",
    "interaction_low",
    "interaction_high",
    "p_interaction",
    "synergy",
    "synergy_low",
    "synergy_high",
    "p_synergy",
]
OPTIMISED_COLUMNS = [
    "element_a",
    "element_b",
    "starts",
    "both",
    "score_a",
    "score_b",
    "score",
    "score_low",
    "score_high",
    "null_mean",
    "null_high",
    "p",
]


def of_both_kinds(called: np.ndarray) -> bool:
    """Whether some windows are called and some are not; shape (n_windows,), dtype bool."""
    return bool(called.any() and not called.all())


def log_odds(a, b, c, d) -> tuple[np.ndarray, np.ndarray]:
    """log(a d / (b c)) and its variance, half a count added to each cell (Haldane, Anscombe)."""
    cells = [np.asarray(cell, dtype=np.float64) + 0.5 for cell in (a, b, c, d)]
    return np.log(cells[0] * cells[3] / (cells[1] * cells[2])), sum(1 / cell for cell in cells)


def _with_interval(name: str, value: np.ndarray, variance: np.ndarray, scale: float = 1.0) -> dict[str, np.ndarray]:
    half = _Z * np.sqrt(variance)
    return {name: value * scale, f"{name}_low": (value - half) * scale, f"{name}_high": (value + half) * scale}


def pair_table(
    present: np.ndarray,
    called: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    names: Sequence[str],
    *,
    strata: np.ndarray | None = None,
    logits: np.ndarray | None = None,
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
        Columns of ``present``.
    names : sequence of str
        Of the elements.
    strata : numpy.ndarray, shape=(n_windows,), optional
        Labels are permuted within equal values only.
    logits : numpy.ndarray, shape=(n_windows,), optional
        Adds the synergy.
    permutations : int
        Of the labels, for ``p_together``.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Columns :data:`PAIR_COLUMNS`, one row per pair. ``enrichment`` is log2 of the ratio of the two shares of windows
        with both; ``odds_given_a`` the log2 odds ratio of a call among windows with A, with B against without;
        ``odds_given_b`` likewise; ``interaction`` log2 of the ratio of odds ratios. Intervals are 95 % Wald intervals
        with half a count added to each cell. ``p_together`` is one-sided with ties counted half, ``p_each`` the
        larger of the one-sided P of ``odds_given_a`` and ``odds_given_b`` (at most 5 % of them
        fall below 0.05 where either element adds nothing), ``p_interaction`` and
        ``p_synergy`` are two-sided. ``synergy`` is the mean logit with both, less that with A alone, less that with B
        alone, plus that with neither (nats); NaN without logits or with fewer than two windows in a group.

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
        to_bits = 1 / np.log(2)
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
            "share_called": yes[3] / n_called,
            "share_other": no[3] / n_other,
            "p_together": (above + 0.5) / (permutations + 1),
            "p_each": max(float(ndtr(-value / np.sqrt(error))) for value, error in (given_a, given_b)),
            "p_interaction": _two_sided(beyond / np.sqrt(spread)),
        }
        row |= _with_interval("enrichment", np.log(shares[0] / shares[1]), variance, to_bits)
        row |= _with_interval("odds_given_a", *given_a, to_bits)
        row |= _with_interval("odds_given_b", *given_b, to_bits)
        row |= _with_interval("interaction", beyond, spread, to_bits)
        row |= _synergy(cell, logits)
        rows.append(row)
    return pd.DataFrame(rows, columns=PAIR_COLUMNS)


def _two_sided(z: float) -> float:
    return float(2 * ndtr(-abs(z)))


def _synergy(cell: np.ndarray, logits: np.ndarray | None) -> dict[str, float]:
    counts = np.bincount(cell, minlength=4)
    if logits is None or counts.min() < 2:
        return dict.fromkeys(("synergy", "synergy_low", "synergy_high", "p_synergy"), float("nan"))
    groups = [np.asarray(logits, dtype=np.float64)[cell == at] for at in range(4)]
    value = float(np.dot([1, -1, -1, 1], [group.mean() for group in groups]))
    variance = sum(group.var(ddof=1) / group.size for group in groups)
    p = _two_sided(value / np.sqrt(variance)) if variance > 0 else float("nan")
    return _with_interval("synergy", value, variance) | {"p_synergy": p}


def pairs_in_windows(
    codes: np.ndarray,
    called: np.ndarray,
    elements: Sequence[Element],
    *,
    logits: np.ndarray | None = None,
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
    logits : numpy.ndarray, optional
    stratify : bool
        Permute labels among windows with the same five letters around the site, so that neither element can borrow
        from the site's own motif. Of a pair with an element that covers these letters, the other is what is tested.
    permutations, seed : int
    """
    require_pairs(elements)
    present = np.stack([element.present(codes) for element in elements], axis=1)
    centre = codes.shape[1] // 2
    strata = codes[:, centre - 2 : centre + 3].astype(np.int64) @ (5 ** np.arange(5)) if stratify else None
    return pair_table(
        present,
        called,
        all_pairs(len(elements)),
        [element.name for element in elements],
        strata=strata,
        logits=logits,
        permutations=permutations,
        seed=seed,
    )


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
    :meth:`rnamarks.interpretation.elements.Element.soft_scores`, averaged over starts. The null puts the columns of
    all starts into one new order: starts that agree are no independent evidence and move together. ``columns`` draws
    any order (keeps the letters, breaks words); ``rotation`` turns the window (keeps words, breaks their places;
    window - 1 turns). Turns within the slack of both elements' ranges keep both, and p cannot fall below their share.

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
        Columns :data:`OPTIMISED_COLUMNS`. ``both`` counts starts whose commonest letters hold both elements;
        ``score_low`` and ``score_high`` are a 95 % bootstrap interval over starts; ``null_high`` is the null's 95 %
        quantile; ``p`` is one-sided.
    """
    require_pairs(elements)
    if null not in NULLS:
        raise InputError("no such null", value=null, remedy=f"choose one of {', '.join(NULLS)}")
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
    for first, second in all_pairs(len(elements)):
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
    return pd.DataFrame(rows, columns=OPTIMISED_COLUMNS)
