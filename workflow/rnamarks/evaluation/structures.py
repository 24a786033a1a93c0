"""Predicted base pairs RNA by RNA: F1 by family, its spread, and the RNAs that a report shows.

Works on the tables of predictions of downstream tasks whose target is ``pairs``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..structure.decoding import compare_pairs
from ..structure.pairs import pairs_of, pseudoknotted
from .bootstrap import interval

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
RANKS = ("best", "median", "worst")
BOTH, MISSED, FALSE, NONE = "both", "missed", "false", "none"
_GROUP = ("downstream", "fold", "predictor")

Predictions = Sequence[tuple[Mapping[str, Any], pd.DataFrame]]
"""Tables of predictions, each with its ``downstream``, ``fold``, ``predictor`` and ``seed``."""


def score_structures(predictions: Predictions) -> pd.DataFrame:
    """F1 of every RNA of the test split, mean over seeds.

    Returns
    -------
    pandas.DataFrame
        ``downstream``, ``fold``, ``predictor``, ``example``, ``family``, ``length`` (nt), ``f1``, ``f1_relaxed``.
    """
    rows = []
    for keys, frame in predictions:
        for row in frame[frame["split"] == "test"].itertuples():
            found, known = pairs_of(row.predicted), pairs_of(row.partners)
            scores = (compare_pairs(found, known, relaxed=relaxed).f1 for relaxed in (False, True))
            rows.append((*(keys[name] for name in _GROUP), row.example, row.family, row.length, *scores))
    names = [*_GROUP, "example", "family", "length"]
    table = pd.DataFrame(rows, columns=[*names, "f1", "f1_relaxed"])
    return table.groupby(names, sort=False, as_index=False)[["f1", "f1_relaxed"]].mean()


def spread_of_structures(scores: pd.DataFrame, *, bootstrap: int = 1000, seed: int = 1) -> pd.DataFrame:
    """Mean and quantiles of F1, of all RNAs (family ``""``) and of each family.

    Parameters
    ----------
    scores : pandas.DataFrame
        From :func:`score_structures`.
    bootstrap : int
        Resamples of RNAs for the intervals of the means.
    seed : int

    Returns
    -------
    pandas.DataFrame
        The table ``structure_spread``.
    """
    return pd.DataFrame(list(_spread(scores, bootstrap, seed)), columns=column_names("structure_spread"))


def _spread(scores: pd.DataFrame, bootstrap: int, seed: int) -> Iterator[dict[str, Any]]:
    for keys, group in scores.groupby(list(_GROUP), sort=False):
        parts = [("", group), *group[group["family"] != ""].groupby("family")]
        for family, part in parts:
            # the same draws for every predictor
            draws = np.random.default_rng([seed, 29]).integers(0, len(part), (bootstrap, len(part)))
            ordered = part.sort_values("example")
            for metric in ("f1", "f1_relaxed"):
                values = ordered[metric].to_numpy()
                # one RNA says nothing of how RNAs differ
                low, high = interval(values[draws].mean(axis=1)) if len(values) > 1 else (np.nan, np.nan)
                row = {"family": family, "metric": metric, "value": values.mean(), "low": low, "high": high}
                quantiles = dict(zip(QUANTILES, np.quantile(values, list(QUANTILES.values())), strict=True))
                yield dict(zip(_GROUP, keys, strict=True)) | row | quantiles | {"examples": len(part)}


def choose_structures(scores: pd.DataFrame, lead: str) -> dict[tuple[str, str], dict[str, str]]:
    """The RNAs that stand for a set by (downstream, fold): of highest, median and lowest F1 of a predictor.

    Of equal ones the longest, so that no hairpin stands for the best.

    Returns
    -------
    dict of (str, str) to dict of str to str
        Example by rank; a set of fewer than three RNAs has fewer ranks.
    """
    chosen = {}
    for keys, group in scores[scores["predictor"] == lead].groupby(["downstream", "fold"], sort=False):
        ordered = group.sort_values(["f1", "length"], ascending=[False, False])
        low, middle = ordered["f1"].min(), ordered["f1"].iloc[len(ordered) // 2]
        found = {"best": ordered.iloc[0]["example"]}
        for rank, at in (("worst", low), ("median", middle)):
            names = [name for name in ordered.loc[ordered["f1"] == at, "example"] if name not in found.values()]
            if names:
                found[rank] = names[0]
        chosen[keys] = {rank: found[rank] for rank in RANKS if rank in found}
    return chosen


def pairs_of_structures(predictions: Predictions, scores: pd.DataFrame, predictors: Sequence[str]) -> pd.DataFrame:
    """Known and predicted pairs of the RNAs of :func:`choose_structures`, one pair a row.

    Parameters
    ----------
    predictions, scores
    predictors : sequence of str
        Those to show, first seeds; the first chooses the RNAs.

    Returns
    -------
    pandas.DataFrame
        The table ``structure_pairs``.
    """
    chosen = choose_structures(scores, predictors[0])
    rows: dict[tuple, list[dict[str, Any]]] = {}
    for keys, frame in predictions:
        where = keys["downstream"], keys["fold"], keys["predictor"]
        if keys["predictor"] not in predictors or where in rows:
            continue
        rows[where] = []
        test = frame[frame["split"] == "test"].set_index("example")
        for rank, example in chosen.get(where[:2], {}).items():
            row = test.loc[example]
            found, known = pairs_of(row["predicted"]), pairs_of(row["partners"])
            about = {"downstream": where[0], "fold": where[1], "predictor": where[2], "seed": keys["seed"]}
            about |= {"rank": rank, "example": example, "family": row["family"], "length": row["length"]}
            about |= {"f1": compare_pairs(found, known).f1}
            rows[where] += [about | pair for pair in compare_one(found, known)]
    return pd.DataFrame(
        [row for where in sorted(rows, key=lambda at: predictors.index(at[2])) for row in rows[where]],
        columns=column_names("structure_pairs"),
    )


def compare_one(found: np.ndarray, known: np.ndarray) -> list[dict[str, Any]]:
    """Pairs of either structure: ``i``, ``j``, ``kind``, ``pseudoknot``; where there is none, one row of kind ``none``.

    ``kind`` is ``both``, ``missed`` (known and not found) or ``false`` (found and not known).
    """
    knots: dict[tuple[int, int], bool] = {}
    for pairs in (found, known):
        knots |= {tuple(pair): bool(knot) for pair, knot in zip(pairs.tolist(), pseudoknotted(pairs), strict=True)}
    ours, theirs = set(map(tuple, found.tolist())), set(map(tuple, known.tolist()))
    rows = []
    for pair in sorted(ours | theirs):
        kind = BOTH if pair in ours and pair in theirs else MISSED if pair in theirs else FALSE
        rows.append({"i": pair[0], "j": pair[1], "kind": kind, "pseudoknot": int(knots[pair])})
    return rows or [{"i": -1, "j": -1, "kind": NONE, "pseudoknot": 0}]
