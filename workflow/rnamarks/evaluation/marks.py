"""Metrics of models with one head per modification: Tables 3 and 4 of Song et al. 2021.

*AUCb* is the AUROC of a mark's positives against its own negatives, *AUCm* against every other held-out window; *APb*
and *APm* are the average precisions of the same two comparisons. Marks whose windows come from different laboratories
can be told apart by the laboratory, which AUCm rewards and AUCb does not
(:mod:`rnamarks.evaluation.sources_apart`). Where a mark has 50 positives and 50 negatives an AUCb of 0.84 has a
standard error of about 0.04, so that few models differ: :func:`noise_table` counts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.stats import norm, rankdata

from .bootstrap import LEVEL, Ranking, interval, over_seeds, paired_row
from .mark_panels import Held, MarkPanel, call_ratios, g_mean_threshold, resample_windows

RANKINGS = ("auc_b", "ap_b", "auc_m", "ap_m")
CALLS = ("sensitivity", "specificity", "accuracy", "mcc")
CHOICES = ("validation", "published")
PAIRED = ("auc_b", "auc_m")
MEAN = "mean"
_WHO = ("model", "setting", "split")
METRIC_COLUMNS = (
    *_WHO,
    "modification",
    "seed",
    "metric",
    "choice",
    "threshold",
    "value",
    "low",
    "high",
    "chance",
    "n_positive",
    "n_negative",
    "prevalence",
)
SUMMARY_COLUMNS = (
    *_WHO,
    "seed",
    "metric",
    "choice",
    "marks",
    "mean",
    "mean_low",
    "mean_high",
    "median",
    "median_low",
    "median_high",
    "rank",
    "first",
    "network",
    "width",
    "embedding",
    "objective",
    "otherwise",
)
PAIRED_COLUMNS = (
    "model_a",
    "setting_a",
    "model_b",
    "setting_b",
    "split",
    "seed",
    "metric",
    "modification",
    "value_a",
    "value_b",
    "difference",
    "low",
    "high",
    "p",
)
NOISE_COLUMNS = (
    "split",
    "seed",
    "metric",
    "modification",
    "n_positive",
    "n_negative",
    "standard_error",
    "pairs",
    "differ",
    "neighbours",
    "neighbours_differ",
)


@dataclass
class Measured:
    """Metrics of all rows and marks of a panel, and the same on resamples.

    Attributes
    ----------
    values : dict of (metric, choice) to numpy.ndarray, shape=(n_rows, n_marks)
        ``choice`` is ``""`` for what needs no threshold. NaN for marks that a model does not know.
    draws : dict of (metric, choice) to numpy.ndarray, shape=(n_rows, n_marks, n), dtype=float32
    thresholds : dict of choice to numpy.ndarray, shape=(n_rows, n_marks)
    """

    values: dict[tuple[str, str], np.ndarray]
    draws: dict[tuple[str, str], np.ndarray]
    thresholds: dict[str, np.ndarray]


def mark_thresholds(panel: MarkPanel, choice: str = "validation") -> np.ndarray:
    """Logits at and above which windows are called, shape (n_rows, n_marks); NaN where a model lacks the mark.

    Parameters
    ----------
    panel : MarkPanel
    choice : {"validation", "published"}
        ``validation``: largest G-mean on the mark's own validation windows. ``published``: on the test windows, the
        mark's positives against every other window, as the original program does. It looks at what it is measured on.
    """
    held = {"validation": panel.valid, "published": panel.test}[choice]
    chosen = np.full(panel.known.shape, np.nan)
    for mark in range(len(panel.marks)):
        windows = held.own_of(mark) if choice == "validation" else held.all_of(mark)
        for row in np.flatnonzero(panel.known[:, mark]):
            chosen[row, mark] = g_mean_threshold(held.positive[windows, mark], held.logits[row, windows, mark])
    return chosen


def measure_marks(panel: MarkPanel, *, n: int = 1000, seed: int = 0) -> Measured:
    """All metrics of the test part, on the windows and on resamples of them.

    Parameters
    ----------
    panel : MarkPanel
    n, seed : int
        Resamples of windows within mark and label, common to all models and marks.
    """
    thresholds = {choice: mark_thresholds(panel, choice) for choice in CHOICES}
    names = [(name, "") for name in RANKINGS] + [(name, choice) for choice in CHOICES for name in CALLS]
    values = {name: np.full(panel.known.shape, np.nan) for name in names}
    draws = {name: np.full((*panel.known.shape, n), np.nan, dtype=np.float32) for name in names}
    for mark in range(len(panel.marks)):
        # the resamples of each mark are drawn anew from the same seed: holding the sorted scores of one mark is enough
        meters = {row: _Meter(panel.test, row, mark, thresholds) for row in np.flatnonzero(panel.known[:, mark])}
        everything = np.ones((1, len(panel.test.own)))
        for row, meter in meters.items():
            for name, found in meter.measure(everything).items():
                values[name][row, mark] = found[0]
        start = 0
        for counts in resample_windows(panel.test, n, seed):
            for row, meter in meters.items():
                for name, found in meter.measure(counts).items():
                    draws[name][row, mark, start : start + len(counts)] = found
            start += len(counts)
    return Measured(values, draws, thresholds)


class _Meter:
    """Metrics of one model and mark under weightings of the test windows."""

    def __init__(self, test: Held, row: int, mark: int, thresholds: Mapping[str, np.ndarray]) -> None:
        windows = {"b": test.own_of(mark), "m": test.all_of(mark)}
        labels, logits = test.positive[:, mark], test.logits[row, :, mark]
        self.rankings = {kind: Ranking(labels, logits, among) for kind, among in windows.items()}
        own = windows["b"]
        self.choices = list(thresholds)
        cells = [confusion_cells(logits[own] >= table[row, mark], labels[own]) for table in thresholds.values()]
        # one row per choice and cell, so that all are one product
        choice_and_cell, at = np.nonzero(np.concatenate(cells))
        shape = sum(map(len, cells)), len(labels)
        self.cells = csr_array((np.ones(len(at)), (choice_and_cell, own[at])), shape=shape)

    def measure(self, counts: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        """Each shape (n_weightings,), for counts of shape (n_weightings, n_windows)."""
        found = {}
        for kind, ranking in self.rankings.items():
            area, (precision,) = ranking.weighted(counts)
            found |= {(f"auc_{kind}", ""): area, (f"ap_{kind}", ""): precision}
        tables = (self.cells @ counts.T).reshape(len(self.choices), -1, len(counts))
        for choice, table in zip(self.choices, tables, strict=True):
            ratios = call_ratios(*table)
            found |= {(name, choice): ratios[name] for name in CALLS}
        return found


def confusion_cells(called: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """True positives, false positives, false negatives and true negatives as masks of the shape of ``called``."""
    return called & labels, called & ~labels, ~called & labels, ~called & ~labels


def _seed_kinds(panel: MarkPanel, singles: bool = True):
    """``model, setting, seed, rows``: each seed, their mean and the ensemble."""
    for model, setting, seeds, together in panel.aggregates():
        for row in seeds if singles else ():
            yield model, setting, panel.keys.at[row, "seed"], np.array([row])
        yield model, setting, MEAN, seeds
        yield model, setting, "ensemble", np.array([together])


def marks_table(panel: MarkPanel, measured: Measured) -> pd.DataFrame:
    """Metrics of every model and mark with their intervals.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`METRIC_COLUMNS`. ``metric`` is one of :data:`RANKINGS`, or of :data:`CALLS` with how the
        threshold was chosen in ``choice``, on the mark's own windows. ``chance`` is what a random order gives; for
        ``auc_m`` and ``ap_m`` what the base in the centre alone gives.
    """
    rows = []
    for i, mark in enumerate(panel.marks):
        facts = {kind: _facts(panel, i, kind) for kind in "bm"}
        for model, setting, seed, members in _seed_kinds(panel):
            if not panel.known[members, i].all():
                continue
            for (metric, choice), values in measured.values.items():
                bounds = interval(over_seeds(measured.draws[metric, choice][members, i]))
                chance, *counts = facts["m" if metric.endswith("_m") else "b"]
                threshold = np.nan
                if choice and len(members) == 1 and seed != MEAN:
                    threshold = measured.thresholds[choice][members[0], i]
                head = (model, setting, panel.split, mark, seed, metric, choice, threshold)
                known = chance.get(metric, np.nan)
                rows.append((*head, values[members, i].mean(), *bounds, known, *counts))
    return pd.DataFrame(rows, columns=list(METRIC_COLUMNS))


def _facts(panel: MarkPanel, mark: int, kind: str) -> tuple[dict[str, float], int, int, float]:
    """What chance gives by metric, positives, others, and the share of the former."""
    test = panel.test
    windows = test.own_of(mark) if kind == "b" else test.all_of(mark)
    labels = test.positive[windows, mark]
    positives, others = int(labels.sum()), int((~labels).sum())
    share = positives / len(labels)
    if kind == "b":
        return {"auc_b": 0.5, "ap_b": share}, positives, others, share
    same = test.base[windows] == panel.bases[mark]
    base, (precision,) = Ranking(labels, same.astype(np.float64)).weighted(np.ones((1, len(labels))))
    return {"auc_m": float(base[0]), "ap_m": float(precision[0])}, positives, others, share


def summary_table(
    panel: MarkPanel, measured: Measured, settings: Mapping[str, Mapping[str, Any]] | None = None
) -> pd.DataFrame:
    """Mean and median over marks, and the mean rank among models.

    Parameters
    ----------
    panel : MarkPanel
    measured : Measured
    settings : mapping of model to mapping, optional
        ``network``, ``width`` (nt read), ``embedding`` and ``objective`` of networks, and ``otherwise`` for everything
        else, so that models can be compared that differ in one of them.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`SUMMARY_COLUMNS`. ``rank`` is the mean over marks of the rank, 1 for the highest value, ties
        sharing theirs, among the models that know all marks; ``first`` counts the marks with rank 1, shared or alone.
        Both are NaN for single seeds and for models that lack a mark.
    """
    kinds = list(_seed_kinds(panel))
    blank = {"network": "", "width": np.nan, "embedding": "", "objective": "", "otherwise": ""}
    rows = []
    for (metric, choice), values in measured.values.items():
        table = np.array([values[members].mean(axis=0) for *_, members in kinds])
        ranks, first = _ranks(table, [seed for _, _, seed, _ in kinds])
        for at, (model, setting, seed, members) in enumerate(kinds):
            known = np.isfinite(table[at])
            drawn = measured.draws[metric, choice][members][:, known].astype(np.float64)
            mean, median = over_seeds(drawn.mean(axis=1)), over_seeds(np.median(drawn, axis=1))
            described = blank | dict((settings or {}).get(model, {}))
            rows.append(
                (
                    *(model, setting, panel.split, seed, metric, choice, int(known.sum())),
                    *(table[at, known].mean(), *interval(mean)),
                    *(float(np.median(table[at, known])), *interval(median)),
                    *(ranks[at], first[at]),
                    *(described[key] for key in blank),
                )
            )
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def _ranks(table: np.ndarray, seeds: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Mean rank over marks and number of marks led, of each row; NaN for single seeds and rows that lack a mark."""
    mean, first = np.full(len(table), np.nan), np.full(len(table), np.nan)
    for kind in (MEAN, "ensemble"):
        rows = [at for at, seed in enumerate(seeds) if seed == kind and np.isfinite(table[at]).all()]
        if rows:
            # equal models must not be ordered by rounding
            ranks = rankdata(-np.round(table[rows], 12), axis=0)
            mean[rows], first[rows] = ranks.mean(axis=1), (ranks == ranks.min(axis=0)).sum(axis=1)
    return mean, first


def paired_marks(
    panel: MarkPanel, measured: Measured, *, reference: tuple[str, str] | None = None, metrics: Sequence[str] = PAIRED
) -> pd.DataFrame:
    """Differences between models on the same resamples, for each mark and for their mean, every pair once.

    Parameters
    ----------
    panel : MarkPanel
    measured : Measured
    reference : (model, setting), optional
        Stands at a in all its pairs.
    metrics : sequence of str
        Of :data:`RANKINGS`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`PAIRED_COLUMNS`. ``modification`` is a mark or ``mean``, the mean over the marks that both
        models know; ``low`` and ``high`` are the 95 % interval of a - b, ``p`` two-sided from the resamples.
    """
    members = {(model, setting): (seeds, together) for model, setting, seeds, together in panel.aggregates()}
    order = sorted(members, key=lambda key: key != reference)
    rows = []
    for metric in metrics:
        values, draws = measured.values[metric, ""], measured.draws[metric, ""]
        for a, b in combinations(order, 2):
            common = np.flatnonzero(panel.known[members[a][1]] & panel.known[members[b][1]])
            if not common.size:
                continue
            for seed, pick in ((MEAN, 0), ("ensemble", 1)):
                chosen = [np.atleast_1d(members[key][pick]) for key in (a, b)]
                both = np.concatenate(chosen)
                places = slice(0, len(chosen[0])), slice(len(chosen[0]), None)
                head = (*a, *b, panel.split, seed, metric)
                for i in common:
                    found = paired_row(values[both, i], draws[both, i].astype(np.float64), *places)
                    rows.append((*head, panel.marks[i], *found))
                means = values[np.ix_(both, common)].mean(axis=1)
                drawn = draws[both][:, common].mean(axis=1, dtype=np.float64)
                rows.append((*head, MEAN, *paired_row(means, drawn, *places)))
    return pd.DataFrame(rows, columns=list(PAIRED_COLUMNS))


def noise_table(metrics: pd.DataFrame, paired: pd.DataFrame) -> pd.DataFrame:
    """How many pairs of models differ by more than the windows can tell.

    Parameters
    ----------
    metrics, paired : pandas.DataFrame
        From :func:`marks_table` and :func:`paired_marks`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`NOISE_COLUMNS`, one row per split, kind of seed, metric and mark (``mean`` for the mean over
        marks). ``standard_error`` is the median over models of the half width of the 95 % interval over 1.96 (NaN for
        the mean over marks); ``differ`` counts pairs whose interval of the difference leaves out zero, of which one in
        twenty would be expected of models that are alike; ``neighbours`` are the pairs next to each other in rank.
    """
    rows = []
    width = 2 * norm.ppf((1 + LEVEL) / 2)
    for (split, seed, metric, mark), pairs in paired.groupby(["split", "seed", "metric", "modification"], sort=False):
        own = metrics[
            (metrics["split"] == split)
            & (metrics["seed"] == seed)
            & (metrics["metric"] == metric)
            & (metrics["modification"] == mark)
        ]
        counts = own[["n_positive", "n_negative"]].iloc[0] if len(own) else (np.nan, np.nan)
        apart = ((pairs["low"] > 0) | (pairs["high"] < 0)).to_numpy()
        beside = _neighbours(pairs)
        rows.append(
            (
                *(split, seed, metric, mark, *counts, float((own["high"] - own["low"]).median() / width)),
                *(len(pairs), int(apart.sum()), int(beside.sum()), int((apart & beside).sum())),
            )
        )
    return pd.DataFrame(rows, columns=list(NOISE_COLUMNS))


def _neighbours(pairs: pd.DataFrame) -> np.ndarray:
    """Whether the two models of each pair stand next to each other when all are ordered by value."""
    values: dict[tuple[str, str], float] = {}
    for side in "ab":
        names = zip(pairs[f"model_{side}"], pairs[f"setting_{side}"], strict=True)
        values |= dict(zip(names, pairs[f"value_{side}"], strict=True))
    place = {key: at for at, key in enumerate(sorted(values, key=values.get))}
    a = [place[key] for key in zip(pairs["model_a"], pairs["setting_a"], strict=True)]
    b = [place[key] for key in zip(pairs["model_b"], pairs["setting_b"], strict=True)]
    return np.abs(np.subtract(a, b)) == 1
