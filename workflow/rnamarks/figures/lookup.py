"""Rows of the tidy tables that figures, captions and the report ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .design import Design, Series

AREA_METRICS = ("auprc", "auroc")
MEAN, ENSEMBLE = "mean", "ensemble"


def select(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """Rows in which every named column has the wanted value, or one of a list of them."""
    rows = np.ones(len(table), dtype=bool)
    for column, value in wanted.items():
        values = list(value) if isinstance(value, list | tuple | set) else [value]
        rows &= table[column].isin(values).to_numpy()
    return table[rows]


def ensembles(table: pd.DataFrame, design: Design, **wanted: Any) -> pd.DataFrame:
    """Rows of ensembles on the scheme that figures show."""
    return select(table, scheme=design.scheme, seed=ENSEMBLE, **wanted)


def rows_by(rows: pd.DataFrame, *columns: str) -> dict[tuple, dict[str, Any]]:
    """Rows as dicts, by the values of some columns."""
    return {tuple(row[name] for name in columns): row for row in rows.to_dict("records")}


def metric_rows(
    metrics: pd.DataFrame, metric: str, scheme: str, *, seed: str = MEAN
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The test split's rows of one metric against own negatives by (model, setting, task); calls: logits above 0."""
    rows = select(metrics, metric=metric, scheme=scheme, seed=seed, split="test", against="own", choice="")
    return rows_by(rows, "model", "setting", "task")


def seed_values(metrics: pd.DataFrame, metric: str, scheme: str, series: Series, task: str) -> list[float]:
    """The metric of each seed of a series on the test split, against own negatives."""
    rows = select(metrics, metric=metric, scheme=scheme, split="test", against="own", choice="", task=task)
    rows = select(rows, model=series.model, setting=series.setting)
    return rows.loc[~rows["seed"].isin([MEAN, ENSEMBLE]), "value"].astype(float).tolist()


def shown_series(table: pd.DataFrame, design: Design) -> list[Series]:
    """Models of a table, in the order of the design."""
    present = set(zip(table["model"], table["setting"], strict=True))
    return [series for series in design.on(design.scheme) if series.key in present]


def lead_series(table: pd.DataFrame, design: Design) -> Series:
    """The recommended model; where none is trained, the first of the table."""
    shown = shown_series(table, design)
    return next((series for series in shown if series.key == design.recommended), shown[0])


def best_baseline(metrics: pd.DataFrame, design: Design, scheme: str) -> Series | None:
    """The baseline with the highest AUPRC averaged over tasks, None without baselines."""
    rows = metric_rows(metrics, "auprc", scheme, seed=ENSEMBLE)
    averages = []
    for series in design.on(scheme):
        if not series.trained:
            values = [row["value"] for (model, setting, _), row in rows.items() if (model, setting) == series.key]
            if values:
                averages.append((float(np.mean(values)), series))
    return max(averages, key=lambda entry: entry[0])[1] if averages else None


def differences(
    paired: pd.DataFrame,
    first: tuple[str, str],
    second: tuple[str, str],
    *,
    scheme: str,
    metric: str,
    seed: str,
    against: str = "own",
) -> dict[str, dict[str, float]]:
    """By task and ``mean``: first minus second with its interval, whichever way round the table has the pair."""
    rows = select(paired, scheme=scheme, metric=metric, seed=seed, split="test", against=against)
    found = {}
    for row in rows.to_dict("records"):
        pair = (row["model_a"], row["setting_a"]), (row["model_b"], row["setting_b"])
        if pair == (tuple(first), tuple(second)):
            found[row["task"]] = {key: row[key] for key in ("difference", "low", "high", "p")}
        elif pair == (tuple(second), tuple(first)):
            turned = turn_round(row)
            found[row["task"]] = {key: turned[key] for key in ("difference", "low", "high", "p")}
    return found


def turn_round(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a difference with its interval as second minus first."""
    return {**row, "difference": -row["difference"], "low": -row["high"], "high": -row["low"]}


def counts_by_task(
    metrics: pd.DataFrame, names: Sequence[str], scheme: str, against: str = "own"
) -> dict[str, tuple[int, int]]:
    """Positives and negatives of the test split."""
    rows = select(metrics, metric="auroc", scheme=scheme, split="test", against=against).drop_duplicates("task")
    found = {row["task"]: (int(row["n_positive"]), int(row["n_negative"])) for row in rows.to_dict("records")}
    return {name: found[name] for name in names if name in found}


def say_counts(counts: Mapping[str, tuple[int, int]], design: Design) -> str:
    """``human 395 : 3,950, 50 : 50 (chimp, mouse)``: positives before negatives, equal numbers together."""
    groups: dict[str, list[str]] = {}
    for name, (positive, negative) in counts.items():
        groups.setdefault(f"{positive:,} : {negative:,}", []).append(design.label(name))
    if len(groups) == 1 and len(counts) > 1:
        return f"{next(iter(groups))} for each {design.word}"
    return ", ".join(
        f"{names[0]} {text}" if len(names) == 1 else f"{text} ({', '.join(names)})" for text, names in groups.items()
    )
