"""Metrics of downstream tasks with bootstrap intervals over examples, and paired differences between predictors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..evaluation.bootstrap import Ranking, interval, over_seeds, paired_draws, resample_counts
from ..evaluation.seeds import MEAN
from ..structure.decoding import compare_pairs
from ..structure.pairs import pairs_of, pseudoknotted
from .formats import TARGET_COLUMNS

METRICS = {
    "pairs": (
        *("f1", "precision", "recall", "f1_relaxed", "precision_relaxed", "recall_relaxed"),
        *("f1_weighted", "f1_relaxed_weighted", "pseudoknot_recall"),
    ),
    "label": ("accuracy", "f1", "auroc", "auprc"),
    "value": ("r2", "r2_pearson", "mae"),
}
COLUMNS = column_names("downstream")
DIFFERENCE_COLUMNS = column_names("downstream_differences")
_KEYS = ("downstream", "target", "fold")

Measure = Callable[[np.ndarray], dict[str, np.ndarray]]


def evaluate(
    predictions: Sequence[tuple[Mapping[str, object], pd.DataFrame]], bootstrap: int = 1000, seed: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metrics of predictions, and differences between predictors of the same examples.

    Parameters
    ----------
    predictions : sequence of (dict, pandas.DataFrame)
        Keys ``downstream``, ``target``, ``fold``, ``predictor``, ``seed``, and a table of
        :func:`~rnamarks.downstream.predictions.predictions_table`.
    bootstrap : int
        Resamples of the examples, drawn within the labels where there are some, the same for all predictors of a fold.
    seed : int

    Returns
    -------
    metrics : pandas.DataFrame
        :data:`COLUMNS`. ``seed`` is a number or ``mean``, whose interval also knows of the seeds.

        Pairs: means over RNAs of F1, precision and recall, strict or with one nucleotide of a pair moved by one; F1
        weighted by length; and the fraction of all pairs in pseudoknots (those that would have to go for the rest to
        nest) that are found. Labels: accuracy, F1 (of two labels that of the last in order, else the mean over labels
        that occur), and of two labels AUROC and average precision. Values: 1 - SSE / SST, the squared correlation, and
        the mean absolute error.
    differences : pandas.DataFrame
        :data:`DIFFERENCE_COLUMNS`: first minus second, seeds averaged, examples paired; not of the validation part.

    Raises
    ------
    InputError
        If two predictors of a fold answer different examples.
    """
    groups: dict[tuple, list[tuple[Mapping[str, object], pd.DataFrame]]] = {}
    for keys, frame in predictions:
        groups.setdefault(tuple(keys[name] for name in _KEYS), []).append((keys, frame))
    metrics: list[tuple] = []
    differences: list[tuple] = []
    for group, members in groups.items():
        labels = _labels_of(members) if group[1] == "label" else []
        splits = dict.fromkeys(split for _, frame in members for split in frame["split"].unique())
        for split in sorted(splits, reverse=True):
            runs, frames = _aligned(group, split, members)
            values, draws, prevalence = _resampled(str(group[1]), frames, labels, bootstrap, seed)
            n = len(frames[0])
            rows_of = runs.groupby("predictor", sort=False).indices
            for metric in values:
                for row, (predictor, number) in enumerate(runs.itertuples(index=False)):
                    found = (values[metric][row], *interval(draws[metric][row]), n, prevalence)
                    metrics.append((*group, predictor, str(number), split, metric, *found))
                for predictor, rows in rows_of.items():
                    found = (values[metric][rows].mean(), *interval(over_seeds(draws[metric][rows])), n, prevalence)
                    metrics.append((*group, predictor, MEAN, split, metric, *found))
                for first, second in combinations(rows_of, 2) if split != "valid" else ():
                    one, other = rows_of[first], rows_of[second]
                    spread = paired_draws(draws[metric], one, other)
                    difference = values[metric][one].mean() - values[metric][other].mean()
                    where = (group[0], group[2], first, second, metric, split)
                    differences.append((*where, difference, *interval(spread), n))
    return pd.DataFrame(metrics, columns=list(COLUMNS)), pd.DataFrame(differences, columns=list(DIFFERENCE_COLUMNS))


def _aligned(group: tuple, split: str, members: Sequence) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Predictor and seed of each run, and their predictions of one split in one order of the examples."""
    runs = pd.DataFrame([(keys["predictor"], keys["seed"]) for keys, _ in members], columns=["predictor", "seed"])
    frames = [
        frame[frame["split"] == split].sort_values("example", ignore_index=True, kind="stable") for _, frame in members
    ]
    for frame, name in zip(frames, runs["predictor"], strict=True):
        if not frame["example"].equals(frames[0]["example"]):
            raise InputError(
                f"{name} and {runs['predictor'][0]} answer different examples of {group[0]}, fold {group[2]}",
                value=f"{len(frame)} and {len(frames[0])} for {split}",
                remedy="make the predictions again from one table of examples",
            )
    return runs, frames


def _labels_of(members: Sequence) -> list[str]:
    """Labels in the order of the probabilities, of all splits, because one of them may lack a label."""
    return sorted({label for _, frame in members for name in ("label", "predicted") for label in frame[name].unique()})


def _resampled(
    target: str, frames: Sequence[pd.DataFrame], labels: Sequence[str], bootstrap: int, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], float]:
    """Of each metric the values, shape (n_runs,), and resamples, shape (n_runs, bootstrap); and the prevalence."""
    answers = frames[0][TARGET_COLUMNS[target]]
    binary = target == "label" and len(frames[0]["probability"].iloc[0]) == 2
    strata = np.searchsorted(labels, answers) if target == "label" else np.zeros(len(answers), dtype=np.int64)
    measures: list[Measure] = []
    for frame in frames:
        if target == "pairs":
            measures.append(_pairs(frame))
        elif target == "value":
            measures.append(_values(answers.to_numpy(float), frame["predicted"].to_numpy(float)))
        else:
            measures.append(_labels(strata, np.searchsorted(labels, frame["predicted"]), len(labels), frame, binary))
    values = _stack([measure(np.ones((1, len(answers)))) for measure in measures])
    blocks = [
        _stack([measure(counts) for measure in measures])
        for counts in resample_counts(strata, bootstrap, np.random.default_rng(seed))
    ]
    draws = {name: np.hstack([block[name] for block in blocks] or [np.empty((len(frames), 0))]) for name in values}
    prevalence = float((strata == len(labels) - 1).mean()) if binary else np.nan
    return {name: value[:, 0] for name, value in values.items()}, draws, prevalence


def _stack(found: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def score_pairs(known: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Strict and relaxed agreement of one RNA, and how many pairs of pseudoknots it has and how many were found.

    Parameters
    ----------
    known, found : numpy.ndarray, shape=(n_pairs, 2)
    """
    strict, relaxed = compare_pairs(found, known), compare_pairs(found, known, relaxed=True)
    scores = {name: getattr(strict, name) for name in strict._fields}
    scores |= {f"{name}_relaxed": getattr(relaxed, name) for name in relaxed._fields}
    knotted = known[pseudoknotted(known)]
    hits = np.isin(knotted @ (1 << 31, 1), found @ (1 << 31, 1)) if len(knotted) and len(found) else np.zeros(0)
    return scores | {"knotted": float(len(knotted)), "knotted_found": float(hits.sum())}


def _pairs(frame: pd.DataFrame) -> Measure:
    scores = pd.DataFrame(
        [
            score_pairs(pairs_of(known), pairs_of(found))
            for known, found in zip(frame["partners"], frame["predicted"], strict=True)
        ]
    )
    one, length = np.ones(len(frame)), frame["length"].to_numpy(float)
    weights = dict.fromkeys(METRICS["pairs"], one) | {"f1_weighted": length, "f1_relaxed_weighted": length}
    parts = {name: (scores[name.removesuffix("_weighted")].to_numpy() * weight, weight)
             for name, weight in weights.items() if name != "pseudoknot_recall"}  # fmt: skip
    if scores["knotted"].any():
        parts["pseudoknot_recall"] = (scores["knotted_found"].to_numpy(), scores["knotted"].to_numpy())
    return lambda counts: {name: _ratio(counts @ above, counts @ below) for name, (above, below) in parts.items()}


def _values(known: np.ndarray, found: np.ndarray) -> Measure:
    # centred, so that sums of squares lose nothing
    known, found = known - known.mean(), found - known.mean()

    def measure(counts: np.ndarray) -> dict[str, np.ndarray]:
        total = counts.sum(axis=1)
        y, p = counts @ known / total, counts @ found / total
        yy, pp, yp = (counts @ one / total for one in (known**2, found**2, known * found))
        spread, covariance = yy - y**2, yp - y * p
        return {
            "r2": 1 - _ratio(counts @ (known - found) ** 2 / total, spread),
            # a constant explains nothing
            "r2_pearson": np.where(pp - p**2 > 1e-12 * (pp + 1e-300), _ratio(covariance**2, spread * (pp - p**2)), 0.0),
            "mae": counts @ np.abs(known - found) / total,
        }

    return measure


def _labels(known: np.ndarray, found: np.ndarray, n_labels: int, frame: pd.DataFrame, binary: bool) -> Measure:
    right = known == found
    are, called = (np.eye(n_labels)[one] for one in (known, found))
    ranking = None
    if binary:
        scores = np.array([one[1] for one in frame["probability"]], dtype=np.float64)
        ranking = Ranking(known == n_labels - 1, scores)

    def measure(counts: np.ndarray) -> dict[str, np.ndarray]:
        hits, calls, there = counts @ (are * right[:, None]), counts @ called, counts @ are
        f1 = _ratio(2 * hits, calls + there)
        table = {"accuracy": counts @ right / counts.sum(axis=1), "f1": f1[:, -1] if binary else np.nanmean(f1, axis=1)}
        if ranking is not None:
            table["auroc"], (table["auprc"],) = ranking.weighted(counts)
        return table

    return measure


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return above / below
