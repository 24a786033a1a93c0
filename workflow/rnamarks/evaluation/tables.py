"""The tidy tables of the evaluation, built from panels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np
import pandas as pd
import scipy
from sklearn.metrics import brier_score_loss

from ..dictionary import column_names
from ..errors import InputError
from ..tables import require_columns, stack_frames
from .bootstrap import AT_THRESHOLD, LEVEL, RANKING, interval, over_seeds, paired_draws, resampled_metrics, two_sided_p
from .calibration import Calibration, reliability_table
from .metrics import calibration_noise, expected_calibration_error
from .panels import Panel
from .seeds import ENSEMBLE, MEAN, members_of
from .thresholds import PRECISIONS, threshold_table

_RUN = ("model", "setting", "scheme", "task")
_LEAD = (*_RUN, "seed", "split")
IDENTITY_EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
FEWEST_IN_BIN = 20


def metrics_table(panels: Sequence[Panel], *, n: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Every metric of every seed, mean and ensemble.

    ``auroc``; ``auprc`` at the windows' own prevalence, its ratio to that (``auprc_ratio``), and with the windows
    weighted to 1:1 and 1:10 (``auprc_1to1``, ``auprc_1to10``); ``sensitivity``, ``specificity``, ``precision``,
    ``accuracy`` and ``mcc`` of calls; and of calibrated probabilities ``brier``, ``log_loss``, ``ece`` (15 equal-mass
    bins) and ``ece_noise`` (what a perfectly calibrated model would show). The last two have no interval: resampling
    adds noise that they count as miscalibration.

    Parameters
    ----------
    panels : sequence of Panel
    n, seed : int
        Resamples and their seed.

    Returns
    -------
    pandas.DataFrame
        Table ``metrics``; ``seed`` is a number as text, ``mean`` or ``ensemble``; ``choice`` and
        ``threshold`` as :attr:`~rnamarks.evaluation.panels.Panel.thresholds`.
    """
    rows = []
    for panel in panels:
        values, draws = panel.measure(n, seed)
        values = values | panel.calibration_errors()
        tail = (*panel.counts, panel.labels.mean())
        for model, members in members_of(panel.keys).items():
            for (kind, chosen), (name, value) in product(members.items(), values.items()):
                metric, choice, threshold = _read_name(panel, name, chosen, kind)
                if choice and np.isnan(panel.thresholds[choice][chosen]).any():
                    continue
                bounds = interval(over_seeds(draws[name][chosen])) if name in draws else (np.nan, np.nan)
                rows.append(
                    (
                        *(
                            *model,
                            panel.scheme,
                            panel.task,
                            panel.against,
                            kind,
                            panel.split,
                            metric,
                            choice,
                            threshold,
                        ),
                        *(value[chosen].mean(), *bounds, panel.chance.get(metric, np.nan), *tail),
                    )
                )
    return pd.DataFrame(rows, columns=column_names("metrics", task_columns=False))


def _read_name(panel: Panel, name: str, chosen: np.ndarray, kind: str) -> tuple[str, str, float]:
    """Metric, choice and threshold (NaN for means and where there is none) behind a name of ``Panel.measure``."""
    metric, _, choice = name.partition("@")
    called = metric in AT_THRESHOLD and kind != MEAN
    return metric, choice, panel.thresholds[choice][chosen[0]] if called else np.nan


def summary_table(
    panels: Sequence[Panel], settings: Mapping[str, Mapping[str, Any]] | None = None, *, n: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Mean and median over tasks of ranking metrics and calls on the test split, and the mean rank among models.

    Parameters
    ----------
    panels : sequence of Panel
    settings : mapping of model to mapping, optional
        ``network``, ``width`` (nt read), ``embedding`` and ``objective`` of networks, and ``otherwise`` for everything
        else, so that models can be compared that differ in one of them.
    n, seed : int

    Returns
    -------
    pandas.DataFrame
        Table ``summary``. ``rank`` is the mean over tasks of the rank, 1 for the highest value, ties
        sharing theirs, among the models that know all tasks; ``first`` counts the tasks with rank 1, shared or alone.
        Both are NaN for single seeds and for models that lack a task.
    """
    blank = {"network": "", "width": np.nan, "embedding": "", "objective": "", "otherwise": ""}
    rows = []
    for (scheme, against), group in _test_groups(panels).items():
        found: dict[tuple, dict[tuple, tuple[dict[str, float], list[np.ndarray]]]] = {}
        for place, panel in enumerate(group):
            values, draws = panel.measure(n, seed)
            wanted = {name: values[name] for name in values if name.partition("@")[0] in (*RANKING, *AT_THRESHOLD)}
            for model, members in members_of(panel.keys).items():
                for (kind, chosen), (name, value) in product(members.items(), wanted.items()):
                    metric, choice, _ = _read_name(panel, name, chosen, kind)
                    if choice and np.isnan(panel.thresholds[choice][chosen]).any():
                        continue
                    one = found.setdefault((metric, choice), {}).setdefault((*model, kind), ({}, []))
                    one[0][panel.task] = value[chosen].mean()
                    one[1].append(over_seeds(_shift(draws[name][chosen], panel, place)))
        for (metric, choice), models in found.items():
            ranks = _ranks({key: known for key, (known, _) in models.items()}, len(group))
            for (model, setting, kind), (known, drawn) in models.items():
                value, described = list(known.values()), blank | dict((settings or {}).get(model, {}))
                rows.append(
                    (
                        *(model, setting, scheme, against, kind, metric, choice, len(known)),
                        *(np.mean(value), *interval(np.mean(drawn, axis=0))),
                        *(np.median(value), *interval(np.median(drawn, axis=0))),
                        *ranks.get((model, setting, kind), (np.nan, np.nan)),
                        *(described[key] for key in blank),
                    )
                )
    return pd.DataFrame(rows, columns=column_names("summary"))


def _test_groups(panels: Sequence[Panel]) -> dict[tuple[str, str], list[Panel]]:
    """Panels of the test split by (scheme, against)."""
    groups: dict[tuple[str, str], list[Panel]] = {}
    for panel in panels:
        if panel.split == "test":
            groups.setdefault((panel.scheme, panel.against), []).append(panel)
    return groups


def _shift(draws: np.ndarray, panel: Panel, place: int) -> np.ndarray:
    """Resamples of the panel at a place, in an order that makes those of different tasks independent.

    Equal resamples of two tasks' own windows draw equal places of both, which would add up to too wide an interval of
    the mean where the windows are alike. Resamples of a pool are common to its tasks, as their windows are.
    """
    return np.roll(draws, place, axis=1) if panel.against == "own" else draws


def _ranks(values: Mapping[tuple, Mapping[str, float]], tasks: int) -> dict[tuple, tuple[float, int]]:
    """Mean rank over tasks and number of tasks led of means and ensembles that know all tasks."""
    found = {}
    for kind in (MEAN, ENSEMBLE):
        keys = [key for key, known in values.items() if key[-1] == kind and len(known) == tasks]
        if keys:
            # equal models must not be ordered by rounding
            ranks = scipy.stats.rankdata([-np.round(list(values[key].values()), 12) for key in keys], axis=0)
            led = (ranks == ranks.min(axis=0)).sum(axis=1)
            found |= dict(zip(keys, zip(ranks.mean(axis=1), led, strict=True), strict=True))
    return found


def paired_table(
    panels: Sequence[Panel], *, reference: tuple[str, str] | None = None, n: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Differences between models on the same test windows and resamples, for each task and for their mean.

    Parameters
    ----------
    panels : sequence of Panel
    reference : (model, setting), optional
        Model a in all its pairs; the others keep the order of the runs. Every pair comes once.
    n, seed : int

    Returns
    -------
    pandas.DataFrame
        Table ``paired``: ``task`` is a task, or ``mean`` over those that both models know; ``seed`` is
        ``mean`` or ``ensemble``, ``metric`` ``auroc`` or ``auprc``; ``low`` and ``high`` are the 95 % interval of
        a - b, ``p`` is two-sided, from the resamples.
    """
    rows = []
    for (scheme, against), group in _test_groups(panels).items():
        members = [members_of(panel.keys) for panel in group]
        models = dict.fromkeys(model for known in members for model in known)
        for a, b in combinations(sorted(models, key=lambda model: model != reference), 2):
            for kind in (MEAN, ENSEMBLE):
                for metric in RANKING:
                    head = (*a, *b, scheme)
                    where = (against, kind, "test", metric)
                    pairs = []
                    for place, (panel, known) in enumerate(zip(group, members, strict=True)):
                        if a in known and b in known:
                            values, draws = panel.measure(n, seed)
                            chosen = known[a][kind], known[b][kind]
                            means = [values[metric][rows_of].mean() for rows_of in chosen]
                            found = _paired_row(means, paired_draws(draws[metric], *chosen))
                            rows.append((*head, panel.task, *where, *found, *panel.counts))
                            pairs.append((means, paired_draws(_shift(draws[metric], panel, place), *chosen)))
                    if pairs:
                        means, drawn = (np.mean(part, axis=0) for part in zip(*pairs, strict=True))
                        rows.append((*head, MEAN, *where, *_paired_row(means, drawn), pd.NA, pd.NA))
    table = pd.DataFrame(rows, columns=column_names("paired", task_columns=False))
    return table.astype(dict.fromkeys(("n_positive", "n_negative"), "Int64"))


def _paired_row(means: Sequence[float], drawn: np.ndarray) -> tuple[float, ...]:
    return (*means, means[0] - means[1], *interval(drawn), two_sided_p(drawn))


def noise_table(metrics: pd.DataFrame, paired: pd.DataFrame) -> pd.DataFrame:
    """How many pairs of models differ by more than the windows can tell.

    With 50 positives and 50 negatives an AUROC of 0.84 has a standard error of about 0.04.

    Parameters
    ----------
    metrics, paired : pandas.DataFrame
        From :func:`metrics_table` and :func:`paired_table`.

    Returns
    -------
    pandas.DataFrame
        Table ``noise``, one row per scheme, task (``mean`` for the mean over tasks), kind of negatives,
        kind of seed and metric. ``standard_error`` is the median over models of the half width of the 95 % interval
        over 1.96 (NaN for the mean over tasks); ``differ`` counts pairs whose interval of the difference leaves out
        zero, of which one in twenty would be expected of models that are alike; ``neighbours`` are the pairs next to
        each other in rank.
    """
    keys = ["scheme", "task", "against", "seed", "metric"]
    own = metrics[metrics["split"] == "test"]
    errors = (
        ((own["high"] - own["low"]) / (2 * scipy.special.ndtri((1 + LEVEL) / 2)))
        .groupby([own[key] for key in keys])
        .median()
    )
    rows = []
    for key, pairs in paired.groupby(keys, sort=False):
        apart = ((pairs["low"] > 0) | (pairs["high"] < 0)).to_numpy()
        beside = _neighbours(pairs)
        rows.append(
            (
                *(*key, *pairs[["n_positive", "n_negative"]].iloc[0], errors.get(key, np.nan)),
                *(len(pairs), int(apart.sum()), int(beside.sum()), int((apart & beside).sum())),
            )
        )
    table = pd.DataFrame(rows, columns=column_names("noise", task_columns=False))
    return table.astype(dict.fromkeys(("n_positive", "n_negative"), "Int64"))


def _neighbours(pairs: pd.DataFrame) -> np.ndarray:
    """Whether the two models of each pair follow each other when all are ordered by value."""
    values, keys = {}, []
    for side in "ab":
        keys.append(list(zip(pairs[f"model_{side}"], pairs[f"setting_{side}"], strict=True)))
        values |= dict(zip(keys[-1], pairs[f"value_{side}"], strict=True))
    place = {key: at for at, key in enumerate(sorted(values, key=values.get))}
    return np.abs(np.subtract(*([place[key] for key in side] for side in keys))) == 1


def _rows_of(panels: Sequence[Panel]) -> Iterator[tuple[Panel, int, dict[str, str]]]:
    """Rows with probabilities, and the columns that lead their tables."""
    for panel in panels:
        if panel.probabilities is not None:
            for row, (model, setting, seed) in enumerate(panel.keys.itertuples(index=False, name=None)):
                yield (
                    panel,
                    row,
                    dict(zip(_LEAD, (model, setting, panel.scheme, panel.task, seed, panel.split), strict=True)),
                )


def calibration_table(panels: Sequence[Panel]) -> pd.DataFrame:
    """Constants of each calibration, and calibration error before and after on the panel's split.

    Returns
    -------
    pandas.DataFrame
        ``model``, ``setting``, ``scheme``, ``task``, ``seed``, ``split``, ``prevalence``, ``slope``, ``intercept``,
        ``method`` (``platt``, ``prior``, ``flat``), ``n_positive``, ``n_negative`` (validation windows fitted on),
        ``fitted_on``, ``ece_raw`` (sigmoid of the logit as trained), ``ece_prior`` (prevalence corrected),
        ``ece`` (calibrated), ``ece_noise``, ``brier_raw``, ``brier``.
    """
    rows = []
    for panel, row, lead in _rows_of(panels):
        found, labels, logits = panel.calibrations[row], panel.labels, panel.logits[row]
        raw, calibrated = Calibration(0.5).probability(logits), panel.probabilities[row]
        rows.append(
            lead
            | found.to_dict()
            | {
                "ece_raw": expected_calibration_error(labels, raw),
                "ece_prior": expected_calibration_error(labels, Calibration(found.prevalence).probability(logits)),
                "ece": expected_calibration_error(labels, calibrated),
                "ece_noise": calibration_noise(calibrated),
                "brier_raw": brier_score_loss(labels, raw),
                "brier": brier_score_loss(labels, calibrated),
            }
        )
    return pd.DataFrame(rows, columns=column_names("calibration", task_columns=False))


def reliability_tables(panels: Sequence[Panel]) -> pd.DataFrame:
    """:func:`~rnamarks.evaluation.calibration.reliability_table` of every row, behind the columns of the run."""
    tables = [
        reliability_table(panel.labels, panel.probabilities[row]).assign(**lead)
        for panel, row, lead in _rows_of(panels)
    ]
    return stack_frames(tables, column_names("reliability", task_columns=False))


def threshold_tables(panels: Sequence[Panel], *, precisions: Sequence[float] = PRECISIONS) -> pd.DataFrame:
    """:func:`~rnamarks.evaluation.thresholds.threshold_table` of every row, behind the columns of the run."""
    tables = [
        threshold_table(
            (panel.valid[0], panel.valid[1][row]),
            (panel.labels, panel.logits[row]),
            panel.calibrations[row],
            precisions=precisions,
        ).assign(**lead)
        for panel, row, lead in _rows_of(panels)
    ]
    return stack_frames(tables, column_names("thresholds", task_columns=False))


def similarity_table(
    panels: Sequence[Panel],
    identity: pd.DataFrame,
    *,
    edges: Sequence[float] = IDENTITY_EDGES,
    n: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Metrics of windows by the identity of their nearest training window.

    Parameters
    ----------
    panels : sequence of Panel
    identity : pandas.DataFrame
        ``scheme``, ``task``, ``window``, ``max_identity`` (0 to 1; NaN where no neighbour was found, which counts as
        0).
    edges : sequence of float
        Ascending; a bin holds its lower edge, the last one its upper edge, too.
    n, seed : int

    Returns
    -------
    pandas.DataFrame
        Table ``similarity``; ``seed`` is ``mean`` or ``ensemble``, ``metric`` ``auroc``, ``auprc`` or
        ``auprc_1to1`` (comparable between bins of different prevalence). A bin with fewer than 20 windows of either
        label keeps its counts and has NaN for value, low and high.

    Raises
    ------
    InputError
        If a window has no identity or one outside the edges.
    """
    require_columns(identity, ["scheme", "task", "window", "max_identity"], "the table of identities")
    edges = np.asarray(edges, dtype=np.float64)
    rows = []
    for panel in panels:
        known = identity[(identity["scheme"] == panel.scheme) & (identity["task"] == panel.task)]
        nearest = known.drop_duplicates("window").set_index("window")["max_identity"].fillna(0.0)
        nearest = nearest.reindex(panel.windows).to_numpy(np.float64)
        lost = ~((nearest >= edges[0]) & (nearest <= edges[-1]))
        if lost.any():
            raise InputError(
                f"{lost.sum()} {panel.split} windows of {panel.task}, scheme {panel.scheme}, have no identity "
                f"between {edges[0]:g} and {edges[-1]:g}",
                value=str(panel.windows[lost][0]),
                remedy="measure the leak on the same splits table",
            )
        bin_of = np.clip(np.searchsorted(edges, nearest, side="right") - 1, 0, len(edges) - 2)
        for index, bounds in enumerate(pairwise(edges)):
            inside = bin_of == index
            labels = panel.labels[inside]
            positives, negatives = int(labels.sum()), int((~labels).sum())
            values = draws = None
            if min(positives, negatives) >= FEWEST_IN_BIN:
                values, draws = resampled_metrics(
                    labels, panel.logits[:, inside], n=n, seed=seed, prevalences={"1to1": 0.5}
                )
            tail = (positives, negatives, positives / len(labels) if len(labels) else np.nan, *bounds)
            for model, members in members_of(panel.keys).items():
                for kind in (MEAN, ENSEMBLE):
                    for metric in (*RANKING, "auprc_1to1"):
                        found = (np.nan, np.nan, np.nan)
                        if values:
                            chosen = members[kind]
                            found = (values[metric][chosen].mean(), *interval(over_seeds(draws[metric][chosen])))
                        rows.append((*model, panel.scheme, panel.task, kind, panel.split, metric, *found, *tail))
    return pd.DataFrame(rows, columns=column_names("similarity", task_columns=False))
