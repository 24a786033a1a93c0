"""How well scores rank measured positions, and how calls agree with them, with intervals over genes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from ..dictionary import column_names
from ..evaluation.bootstrap import interval, resample_counts, resample_genes, resampled_metrics
from ..evaluation.curves import CURVES, curve_points
from ..evaluation.metrics import equal_mass_bins
from ..sites.coordinates import SPAN

TOLERANCES = (0, 1, 2, 5)
"""Nucleotides within which a call and a measured site agree."""
BINS = 10
_PERMUTATIONS = 2_000


@dataclass(frozen=True)
class Positions:
    """Covered motif positions, each once; arrays of shape=(n,).

    Attributes
    ----------
    gene : numpy.ndarray of int
        What is resampled.
    transcript, start : numpy.ndarray of int
        Number of the transcript that was scored, and 0-based position on it.
    score : numpy.ndarray of float
        Logit.
    q : numpy.ndarray of float
        NaN without a null distribution.
    measured : numpy.ndarray of bool
    stoichiometry : numpy.ndarray of float
        NaN where it is not known.
    near : mapping of int to numpy.ndarray of bool
        By tolerance, whether a measured site of any motif lies so near on the transcript.
    """

    gene: np.ndarray
    transcript: np.ndarray
    start: np.ndarray
    score: np.ndarray
    q: np.ndarray
    measured: np.ndarray
    stoichiometry: np.ndarray
    near: Mapping[int, np.ndarray]

    def __len__(self) -> int:
        return len(self.score)

    def only(self, kept: np.ndarray) -> Positions:
        """Some of them, by a mask."""
        near = {tolerance: values[kept] for tolerance, values in self.near.items()}
        rest = {name: getattr(self, name)[kept] for name in self.__dataclass_fields__ if name != "near"}
        return Positions(**rest, near=near)


def near_sites(transcript: np.ndarray, start: np.ndarray, sites: np.ndarray) -> dict[int, np.ndarray]:
    """Whether positions have one of some sites within each of :data:`TOLERANCES`.

    Parameters
    ----------
    transcript, start : numpy.ndarray of int, shape=(n,)
    sites : numpy.ndarray of int64
        ``transcript * SPAN + position`` of each.
    """
    keys, found, so_far = transcript * SPAN + start, {}, np.zeros(len(start), dtype=bool)
    for distance in range(max(TOLERANCES) + 1):
        so_far = so_far | np.isin(keys + distance, sites) | ((start >= distance) & np.isin(keys - distance, sites))
        if distance in TOLERANCES:
            found[distance] = so_far
    return found


def call_sites(positions: Positions) -> dict[str, np.ndarray]:
    """Which positions are called, by rule: ``as_many`` as are measured, those of the highest scores; ``q`` below 0.1
    where there is a null distribution."""
    called = np.zeros(len(positions), dtype=bool)
    called[np.argsort(-positions.score, kind="stable")[: int(positions.measured.sum())]] = True
    rules = {"as_many": called}
    return rules | ({"q": positions.q < 0.1} if np.isfinite(positions.q).any() else {})


def measure_ranking(positions: Positions, *, n: int = 1000, seed: int = 0) -> pd.DataFrame:
    """AUROC, AUPRC, and precision and recall of calls, with 95 % bootstrap intervals over genes.

    Returns
    -------
    pandas.DataFrame
        Columns ``metric``, ``value``, ``low``, ``high``; nothing where all positions or none are measured.
    """
    labels = positions.measured
    if labels.all() or not labels.any():
        return pd.DataFrame(columns=["metric", "value", "low", "high"])
    calls = {rule: called[None] for rule, called in call_sites(positions).items()}
    values, draws = resampled_metrics(
        labels,
        positions.score[None],
        resamples=resample_genes(positions.gene, n, np.random.default_rng(seed)),
        called=calls,
    )
    names = {"auroc": "auroc", "auprc": "auprc"}
    for rule in calls:
        names |= {f"precision@{rule}": f"precision_{rule}", f"sensitivity@{rule}": f"recall_{rule}"}
    rows = [(name, float(values[key][0]), *interval(draws[key][0])) for key, name in names.items()]
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def measure_agreement(positions: Positions, *, seed: int = 0) -> pd.DataFrame:
    """Calls with a measured site near them, against calls shuffled among the positions of the same transcript.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``agreement`` from ``call`` on. In each of 2,000 draws every transcript keeps its number
        of calls, so the number that agree is hypergeometric: no position has to be shuffled. ``p`` is one-sided, the
        fraction of draws with at least as many, counted with one more.
    """
    generator = np.random.default_rng(seed)
    _, of = np.unique(positions.transcript, return_inverse=True)
    sizes, rows = np.bincount(of), []
    for rule, called in call_sites(positions).items():
        calls = np.bincount(of, weights=called, minlength=len(sizes)).astype(np.int64)
        for tolerance, near in positions.near.items():
            hits = np.bincount(of, weights=near, minlength=len(sizes)).astype(np.int64)
            free = (calls > 0) & (hits > 0)
            drawn = np.zeros(_PERMUTATIONS, dtype=np.int64)
            for size, likely, drawings in zip(sizes[free], hits[free], calls[free], strict=True):
                drawn += generator.hypergeometric(likely, size - likely, drawings, size=_PERMUTATIONS)
            found, expected = int((near & called).sum()), float((calls * hits / sizes).sum())
            low, high = interval(drawn.astype(float))
            p = (1 + int((drawn >= found).sum())) / (1 + _PERMUTATIONS)
            fold = found / expected if expected else np.nan
            counts = int(called.sum()), int(positions.measured.sum())
            rows.append((rule, tolerance, *counts, found, expected, low, high, fold, p))
    return pd.DataFrame(rows, columns=column_names("agreement", first="call"))


def correlate_stoichiometry(positions: Positions, *, n: int = 1000, seed: int = 0) -> tuple[float, float, float]:
    """Spearman's correlation of score with stoichiometry and its 95 % bootstrap interval over genes.

    Positions are ranked once, not anew in each resample. NaN for fewer than four positions or equal values.
    """
    x, y = (scipy.stats.rankdata(values) for values in (positions.score, positions.stoichiometry))
    if len(x) < 4 or not np.ptp(x) or not np.ptp(y):
        return (float("nan"),) * 3
    x, y = x - x.mean(), y - y.mean()
    _, of = np.unique(positions.gene, return_inverse=True)
    parts = [np.bincount(of, weights=values) for values in (np.ones_like(x), x, y, x * x, y * y, x * y)]
    sums = np.column_stack(parts)

    def correlation(counts: np.ndarray) -> np.ndarray:
        total, x, y, xx, yy, xy = (counts @ sums).T
        with np.errstate(invalid="ignore", divide="ignore"):
            return (total * xy - x * y) / np.sqrt((total * xx - x**2) * (total * yy - y**2))

    blocks = resample_counts(np.zeros(len(sums), dtype=bool), n, np.random.default_rng(seed))
    drawn = np.concatenate([correlation(block) for block in blocks])
    return (float(correlation(np.ones((1, len(sums))))[0]), *interval(drawn))


def bin_stoichiometry(positions: Positions) -> pd.DataFrame:
    """Stoichiometry in deciles of the score: columns of the table ``stoichiometry`` from ``bin`` on."""
    if not len(positions):
        return pd.DataFrame(columns=column_names("stoichiometry", first="bin"))
    place = equal_mass_bins(positions.score, BINS)
    rows = []
    for number in range(place.max() + 1):
        mine = place == number
        score, share = positions.score[mine], positions.stoichiometry[mine]
        lower, median, upper = np.quantile(share, [0.25, 0.5, 0.75])
        rows.append((number, score.min(), score.max(), mine.sum(), lower, median, upper, share.mean()))
    return pd.DataFrame(rows, columns=column_names("stoichiometry", first="bin"))


def draw_points(positions: Positions) -> pd.DataFrame:
    """Points of both curves: columns of the table ``comparison_curves`` from ``curve`` on."""
    labels, names = positions.measured, column_names("comparison_curves", first="curve")
    if labels.all() or not labels.any():
        return pd.DataFrame(columns=names)
    found = []
    for curve in CURVES:
        x, y = curve_points(labels, positions.score, curve).T
        found.append(pd.DataFrame(dict(zip(names, (curve, x, y), strict=True))))
    return pd.concat(found, ignore_index=True)
