"""Tests of one variable against another, each with an effect size, its 95 % interval and what it controls for.

Two groups are compared on one scale throughout, Cliff's delta: the probability that a value of the first group is the
larger one, less that of the smaller. It equals twice the difference of mean ranks over the number of values, so that a
regression of ranks on the group gives the same quantity with covariates held fixed, and the raw and the controlled
effect can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy

from ..errors import InputError

LEVEL = 0.95
_Z = float(scipy.special.ndtri(0.5 + LEVEL / 2))
FEWEST = 4
"""Smallest group, and smallest number of pairs, that is tested; below it every number of a result is NaN."""
MOST_STRATA, CELL = 5, 8
"""Most quantile bins of a covariate in a matched comparison; values that a cell should hold on average."""


@dataclass(frozen=True)
class Result:
    """Result of one test.

    Attributes
    ----------
    test : str
    measure : str
        What ``effect`` is.
    n, n_first, n_second : int
        Values used; in the two groups (0 for a correlation).
    statistic, p : float
        ``p`` is two-sided.
    effect, low, high : float
        With the 95 % interval.
    shift, shift_low, shift_high : float
        Hodges-Lehmann estimate of first minus second in the unit of the value, NaN where it has no meaning.
    """

    test: str
    measure: str
    n: int
    n_first: int = 0
    n_second: int = 0
    statistic: float = float("nan")
    p: float = float("nan")
    effect: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    shift: float = float("nan")
    shift_low: float = float("nan")
    shift_high: float = float("nan")


def cliffs_delta(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Cliff's delta with its 95 % interval.

    The variance is Cliff's consistent estimate from the placements of each value among the other group; the interval
    is the asymmetric one that stays within -1 and 1 (N. Cliff, Ordinal Methods for Behavioral Data Analysis, 1996).
    Groups without overlap have no such variance; their bound is Clopper and Pearson's for the smaller group.
    Time grows as n log n.

    Parameters
    ----------
    first, second : numpy.ndarray, shape=(n_first,) and (n_second,)

    Returns
    -------
    delta, low, high : float
        NaN where a group has fewer than 2 values.
    """
    groups = [np.asarray(values, dtype=np.float64) for values in (first, second)]
    n, m = map(len, groups)
    if min(n, m) < 2:
        return (float("nan"),) * 3
    _, place = np.unique(np.concatenate(groups), return_inverse=True)
    a, b = (np.bincount(part, minlength=place.max() + 1).astype(np.float64) for part in np.split(place, [n]))
    over_a, over_b = dominance(b)[place[:n]], dominance(a)[place[n:]]
    delta = float(over_a.mean())
    if abs(delta) == 1:
        edge = 2 * ((1 - LEVEL) / 2) ** (1 / min(n, m)) - 1
        return (delta, edge, 1.0) if delta > 0 else (delta, -1.0, -edge)
    # of n m pairs all but the ties have a squared sign of 1
    of_pairs = (n * m - a @ b - n * m * delta**2) / (n * m - 1)
    of_a, of_b = over_a.var(ddof=1), over_b.var(ddof=1)
    # Cliff's unbiased estimate may fall to nought or below, his bound keeps it above
    variance = max(
        ((m - 1) * of_a + (n - 1) * of_b + of_pairs) / (n * m), (1 - delta**2) / (n * m - 1), np.finfo(float).tiny
    )
    half = _Z * np.sqrt(variance) * np.sqrt((1 - delta**2) ** 2 + _Z**2 * variance)
    scale = 1 - delta**2 + _Z**2 * variance
    centre = delta - delta**3
    return delta, float(max(-1.0, (centre - half) / scale)), float(min(1.0, (centre + half) / scale))


def delta_of_counts(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cliff's delta of two groups counted over the same ascending values, without an interval.

    Parameters
    ----------
    first, second : numpy.ndarray, shape=(rows, n_values)

    Returns
    -------
    numpy.ndarray, shape=(rows,)
        NaN where a group is empty.
    """
    return ratio((first * dominance(second)).sum(axis=1), first.sum(axis=1))


def dominance(counts: np.ndarray) -> np.ndarray:
    """Of each of ascending values: fraction of a group below it less the fraction above it.

    Parameters
    ----------
    counts : numpy.ndarray, shape=(..., n_values)
        How often the group has each value.
    """
    total, up_to = counts.sum(axis=-1, keepdims=True), np.cumsum(counts, axis=-1)
    return ratio(2 * up_to - counts - total, total)


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """One array over another, NaN where that is not above 0."""
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below > 0)


def hodges_lehmann(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Median of all pairwise differences, first minus second, with its distribution-free 95 % interval.

    The pairs are counted, never listed: order statistics of the differences are found by bisection, so 20,000 values
    need no more memory than themselves. The interval is Moses' (normal approximation of the rank-sum statistic).

    Returns
    -------
    shift, low, high : float
        In the unit of the values; NaN for an empty group.
    """
    a, b = (np.sort(np.asarray(values, dtype=np.float64)) for values in (first, second))
    pairs = len(a) * len(b)
    if not pairs:
        return (float("nan"),) * 3
    half = _Z * np.sqrt(pairs * (len(a) + len(b) + 1) / 12)
    edge = int(np.clip(np.floor(pairs / 2 - half), 0, (pairs - 1) // 2))
    ranks = np.array([(pairs - 1) // 2, pairs // 2, edge, pairs - 1 - edge])
    middle_low, middle_high, low, high = _differences_at(a, b, ranks)
    return float((middle_low + middle_high) / 2), float(low), float(high)


def _differences_at(a: np.ndarray, b: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Pairwise differences a - b of given 0-based ranks."""
    pairs = len(a) * len(b)
    low, high = np.full(len(ranks), a[0] - b[-1]), np.full(len(ranks), a[-1] - b[0])
    below, up_to = np.zeros(len(ranks)), np.full(len(ranks), float(pairs))
    # the lower bound must not be a difference itself
    low = np.nextafter(low, -np.inf)
    reach = max(float(high[0] - low[0]), np.finfo(float).tiny)
    for step in range(100):
        wide = high - low > 1e-12 * reach
        if not wide.any():
            break
        # counts grow smoothly where values are many, so a straight line between the bounds lands near; halving, every
        # second time, never fails
        share = np.full(len(ranks), 0.5)
        if step % 2:
            share = np.clip((ranks + 0.5 - below) / np.maximum(up_to - below, 1), 0.01, 0.99)
        for t in np.unique((low + share * (high - low))[wide]):
            # a - b <= t for as many pairs as there are b >= a - t; what is learnt serves every rank
            count = pairs - np.searchsorted(b, a - t, "left").sum()
            enough = count > ranks
            sinks, lifts = enough & (t < high), ~enough & (t > low)
            high, up_to = np.where(sinks, t, high), np.where(sinks, count, up_to)
            low, below = np.where(lifts, t, low), np.where(lifts, count, below)
    return np.array([_difference_up_to(a, b, t) for t in high])


def _difference_up_to(a: np.ndarray, b: np.ndarray, t: float) -> float:
    """The largest difference that is at most t: bisection ends near the value, this is the value."""
    at = np.searchsorted(b, a - t, "left")
    inside = at < len(b)
    return float((a[inside] - b[at[inside]]).max()) if inside.any() else t


def rank_sum(first: np.ndarray, second: np.ndarray) -> Result:
    """Wilcoxon's rank-sum test with Cliff's delta and the Hodges-Lehmann shift.

    Ties are corrected for; below 9 values in a group without ties the p-value is exact. ``statistic`` is U of the
    first group.
    """
    a, b = (np.asarray(values, dtype=np.float64) for values in (first, second))
    counts = {"n": len(a) + len(b), "n_first": len(a), "n_second": len(b)}
    if min(len(a), len(b)) < FEWEST:
        return Result("rank_sum", "cliffs_delta", **counts)
    u, p = scipy.stats.mannwhitneyu(a, b, alternative="two-sided", method="auto")
    effects = (*cliffs_delta(a, b), *hodges_lehmann(a, b))
    return Result("rank_sum", "cliffs_delta", *counts.values(), float(u), float(p), *effects)


def correlate(x: np.ndarray, y: np.ndarray, method: str = "pearson") -> Result:
    """Pearson's or Spearman's correlation with a 95 % interval by Fisher's z.

    Spearman's interval has the variance of D. G. Bonett, T. A. Wright, Psychometrika 65 (2000) 23-28. ``statistic`` is
    t with n - 2 degrees of freedom.
    """
    x, y = (np.asarray(values, dtype=np.float64) for values in (x, y))
    if method not in ("pearson", "spearman"):
        raise InputError("no correlation of that name", value=method, remedy="choose pearson or spearman")
    empty = Result(method, f"{method}_r", len(x))
    if len(x) < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return empty
    if method == "spearman":
        x, y = scipy.stats.rankdata(x), scipy.stats.rankdata(y)
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))
    freedom = len(x) - 2
    with np.errstate(divide="ignore"):
        t = r * np.sqrt(freedom / max(1 - r**2, 0.0)) if abs(r) < 1 else np.copysign(np.inf, r)
    spread = 1 + (r**2 / 2 if method == "spearman" else 0.0)
    low, high = _fisher(r, np.sqrt(spread / (len(x) - 3)))
    p = float(2 * scipy.stats.t.sf(abs(t), freedom))
    return Result(method, f"{method}_r", len(x), statistic=float(t), p=p, effect=r, low=low, high=high)


def _fisher(r: float, error: float) -> tuple[float, float]:
    centre = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    return float(np.tanh(centre - _Z * error)), float(np.tanh(centre + _Z * error))


def rank_terms(controls: pd.DataFrame) -> np.ndarray:
    """Regressors of the covariates: their ranks and the squares of these, scaled; constants are left out.

    Parameters
    ----------
    controls : pandas.DataFrame, shape=(n, k)

    Returns
    -------
    numpy.ndarray, shape=(n, up to 2 k)
        Linearly independent.
    """
    terms = []
    for name in controls.columns:
        values = controls[name].to_numpy(dtype=np.float64)
        if np.ptp(values) > 0:
            rank = _scaled(scipy.stats.rankdata(values))
            terms.append(rank)
            if len(np.unique(values)) > 2:
                terms.append(_scaled(rank**2))
    return _independent(np.column_stack(terms)) if terms else np.empty((len(controls), 0))


def _scaled(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


def _independent(terms: np.ndarray) -> np.ndarray:
    kept: list[int] = []
    basis = np.empty((len(terms), 0))
    for at in range(terms.shape[1]):
        column = terms[:, at] - terms[:, at].mean()
        rest = column - basis @ (basis.T @ column)
        if np.linalg.norm(rest) > 1e-6 * np.linalg.norm(column):
            kept.append(at)
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    return terms[:, kept]


def adjusted_rank_sum(
    value: np.ndarray, first: np.ndarray, controls: pd.DataFrame, *, groups: np.ndarray | None = None
) -> Result:
    """Difference of two groups on the scale of Cliff's delta, covariates held fixed.

    The ranks of the value are regressed on the group and on :func:`rank_terms`; twice the coefficient over n is the
    effect. Without covariates it is Cliff's delta. Errors are HC3, or robust to clusters where these are given.

    Parameters
    ----------
    value : numpy.ndarray, shape=(n,)
    first : numpy.ndarray, shape=(n,), dtype=bool
        Members of the first group.
    controls : pandas.DataFrame, shape=(n, k)
    groups : numpy.ndarray, shape=(n,), optional
        Clusters within which values hang together (transcripts, stretches of genome).
    """
    first = np.asarray(first, dtype=bool)
    counts = {"n": len(first), "n_first": int(first.sum()), "n_second": int((~first).sum())}
    empty = Result("rank_regression", "cliffs_delta", **counts)
    ranks = scipy.stats.rankdata(value) * 2 / max(len(first), 1)
    terms = rank_terms(controls)
    if min(counts["n_first"], counts["n_second"]) < FEWEST or np.ptp(ranks) == 0:
        return empty
    fitted = _regress(ranks, first.astype(np.float64), terms, groups)
    return empty if fitted is None else replace(empty, **fitted)


def matched_rank_sum(value: np.ndarray, first: np.ndarray, controls: pd.DataFrame) -> Result:
    """Difference of two groups within cells of like covariates, on the scale of Cliff's delta.

    Each covariate is cut at its quantiles, into as many bins, 2 to 5, as leave 8 values for a cell on average; the
    cells are the combinations. Only cells with members of both groups count, which is coarsened exact matching
    (S. M. Iacus et al., Political Analysis 20 (2012) 1-24). The effect is the mean over cells, each weighted by
    n1 n2 / (n1 + n2), of the difference in rank; what is left of a covariate within its cell is held fixed by its rank.
    ``n`` are the values in such cells. Errors are HC3.

    Parameters
    ----------
    value, first, controls
        See :func:`adjusted_rank_sum`.
    """
    first = np.asarray(first, dtype=bool)
    fitting = (len(first) / CELL) ** (1 / max(1, controls.shape[1]))
    cell = _cells(controls, int(np.clip(np.floor(fitting), 2, MOST_STRATA)))
    members = np.bincount(cell, minlength=1), np.bincount(cell, weights=first, minlength=1)
    mixed = (members[1] > 0) & (members[1] < members[0])
    kept = mixed[cell]
    chosen, cell = first[kept], np.unique(cell[kept], return_inverse=True)[1]
    counts = {"n": int(kept.sum()), "n_first": int(chosen.sum()), "n_second": int((~chosen).sum())}
    empty = Result("matched_rank_sum", "cliffs_delta", **counts)
    if min(counts["n_first"], counts["n_second"]) < FEWEST:
        return empty
    ranks = scipy.stats.rankdata(np.asarray(value)[kept]) * 2 / counts["n"]
    terms = rank_terms(controls[kept])
    columns = np.column_stack([ranks, chosen.astype(np.float64), terms])
    size = np.bincount(cell)
    for at in range(columns.shape[1]):
        columns[:, at] -= (np.bincount(cell, weights=columns[:, at]) / size)[cell]
    fitted = _regress(columns[:, 0], columns[:, 1], _independent(columns[:, 2:]), None, lost=len(size) - 1)
    return empty if fitted is None else replace(empty, **fitted)


def _cells(controls: pd.DataFrame, strata: int) -> np.ndarray:
    cell = np.zeros(len(controls), dtype=np.int64)
    for name in controls.columns:
        values = controls[name].to_numpy(dtype=np.float64)
        edges = np.unique(np.quantile(values, np.arange(1, strata) / strata)) if len(values) else np.empty(0)
        cell = cell * (len(edges) + 1) + np.searchsorted(edges, values, "right")
    return np.unique(cell, return_inverse=True)[1]


def partial_correlation(
    x: np.ndarray, y: np.ndarray, controls: pd.DataFrame, *, ranks: bool = True, groups: np.ndarray | None = None
) -> Result:
    """Correlation of two variables, covariates held fixed.

    Parameters
    ----------
    x, y : numpy.ndarray, shape=(n,)
    controls : pandas.DataFrame, shape=(n, k)
        Enter as :func:`rank_terms`.
    ranks : bool
        Correlate ranks (Spearman) instead of values (Pearson).
    groups : numpy.ndarray, shape=(n,), optional
        Clusters; without them errors are HC3.

    Returns
    -------
    Result
        ``effect`` is the partial correlation; interval and p-value come from the robust error of the coefficient.
    """
    x, y = (np.asarray(values, dtype=np.float64) for values in (x, y))
    name = "partial_spearman" if ranks else "partial_pearson"
    empty = Result(name, f"{name}_r", len(x))
    terms = rank_terms(controls)
    if len(x) < FEWEST + terms.shape[1] + 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return empty
    if ranks:
        x, y = scipy.stats.rankdata(x), scipy.stats.rankdata(y)
    design = np.column_stack([np.ones(len(x)), terms])
    left = [values - design @ np.linalg.lstsq(design, values, rcond=None)[0] for values in (x, y)]
    if (
        min(np.linalg.norm(rest) / np.linalg.norm(_centred(full)) for rest, full in zip(left, (x, y), strict=True))
        < 1e-6
    ):
        return empty
    fitted = _regress(_scaled(y), _scaled(x), terms, groups)
    if fitted is None:
        return empty
    # from the coefficient of standardised variables to the correlation of what is left of them
    scale = (left[0].std() / x.std()) / (left[1].std() / y.std())
    scaled = {part: float(np.clip(fitted[part] * scale, -1, 1)) for part in ("effect", "low", "high")}
    return replace(empty, **fitted | scaled)


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean()


def _regress(
    y: np.ndarray, x: np.ndarray, terms: np.ndarray, groups: np.ndarray | None, lost: int = 0
) -> dict[str, float] | None:
    """Numbers of a :class:`Result` for the coefficient of x; None where the terms give x, or nothing is free."""
    # loading it takes a second that callers without regressions need not spend
    from statsmodels.regression.linear_model import OLS

    design = np.column_stack([x, np.ones(len(y)), terms])
    clusters = None if groups is None else np.unique(groups, return_inverse=True)[1]
    freedom = len(y) - design.shape[1] - lost
    if clusters is not None:
        freedom = min(freedom, int(clusters.max()))
    length = np.linalg.norm(design, axis=0)
    if freedom < 2 or not length.all():
        return None
    # the products are small whatever the number of values, and so is their decomposition
    if np.linalg.matrix_rank(design.T @ design / np.outer(length, length), 1e-10) < len(length):
        return None
    options = {"cov_type": "HC3"} if clusters is None else {"cov_type": "cluster", "cov_kwds": {"groups": clusters}}
    fit = OLS(y, design).fit(method="qr", **options)
    # cells that were subtracted cost degrees of freedom that the fit does not know of
    error = float(fit.bse[0]) * float(np.sqrt((len(y) - design.shape[1]) / (len(y) - design.shape[1] - lost)))
    if not np.isfinite(error) or error <= 0:
        return None
    estimate = float(fit.params[0])
    t = estimate / error
    half = float(scipy.stats.t.ppf(0.5 + LEVEL / 2, freedom)) * error
    p = float(2 * scipy.stats.t.sf(abs(t), freedom))
    return {"effect": estimate, "low": estimate - half, "high": estimate + half, "statistic": float(t), "p": p}


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """q-values by Benjamini and Hochberg (1995); NaN stays NaN and does not count as a test.

    Parameters
    ----------
    p : numpy.ndarray, shape=(n,)

    Returns
    -------
    numpy.ndarray, shape=(n,)
    """
    p = np.asarray(p, dtype=np.float64)
    q = np.full(len(p), np.nan)
    known = np.isfinite(p)
    q[known] = scipy.stats.false_discovery_control(p[known])
    return q
