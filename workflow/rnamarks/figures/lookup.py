"""Rows of the tidy tables that figures, captions and the report ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .design import Design, Series

METRIC_LABELS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "auprc_1to1": "AUPRC at 1:1",
    "auprc_1to10": "AUPRC at 1:10",
    "auprc_ratio": "AUPRC / prevalence",
}


def select(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """Rows in which every named column has the wanted value, or one of a list of them."""
    rows = np.ones(len(table), dtype=bool)
    for column, value in wanted.items():
        values = list(value) if isinstance(value, list | tuple | set) else [value]
        rows &= table[column].isin(values).to_numpy()
    return table[rows]


def metric_rows(
    metrics: pd.DataFrame, metric: str, split: str, *, seed: str = "mean", part: str = "test"
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The rows of one metric by (model, setting, species)."""
    rows = select(metrics, metric=metric, split=split, seed=seed, part=part)
    return {(row["model"], row["setting"], row["species"]): row for row in rows.to_dict("records")}


def seed_values(metrics: pd.DataFrame, metric: str, split: str, series: Series, species: str) -> list[float]:
    """The metric of each seed of a series on the test part."""
    rows = select(
        metrics, metric=metric, split=split, part="test", model=series.model, setting=series.setting, species=species
    )
    return rows.loc[~rows["seed"].isin(["mean", "ensemble"]), "value"].astype(float).tolist()


def best_baseline(metrics: pd.DataFrame, design: Design, split: str) -> Series | None:
    """The baseline with the highest AUPRC averaged over species, None without baselines."""
    rows = metric_rows(metrics, "auprc", split, seed="ensemble")
    averages = []
    for series in design.on(split):
        if not series.trained:
            values = [row["value"] for (model, setting, _), row in rows.items() if (model, setting) == series.key]
            if values:
                averages.append((float(np.mean(values)), series))
    return max(averages, key=lambda entry: entry[0])[1] if averages else None


def differences(
    paired: pd.DataFrame, first: tuple[str, str], second: tuple[str, str], *, split: str, metric: str, seed: str
) -> dict[str, dict[str, float]]:
    """By species: first minus second with its interval, whichever way round the table has the pair."""
    rows = select(paired, split=split, metric=metric, seed=seed, part="test")
    found = {}
    for row in rows.to_dict("records"):
        a, b = (row["model_a"], row["setting_a"]), (row["model_b"], row["setting_b"])
        if (a, b) == (tuple(first), tuple(second)):
            found[row["species"]] = {key: row[key] for key in ("difference", "low", "high", "p")}
        elif (b, a) == (tuple(first), tuple(second)):
            found[row["species"]] = {
                "difference": -row["difference"],
                "low": -row["high"],
                "high": -row["low"],
                "p": row["p"],
            }
    return found


def counts_by_species(metrics: pd.DataFrame, species: Sequence[str], split: str) -> dict[str, tuple[int, int]]:
    """Positives and negatives of the test part."""
    rows = select(metrics, metric="auroc", split=split, part="test").drop_duplicates("species").set_index("species")
    return {
        name: (int(rows.at[name, "n_positive"]), int(rows.at[name, "n_negative"]))
        for name in species
        if name in rows.index
    }


def say_counts(counts: Mapping[str, tuple[int, int]]) -> str:
    """``human 395 : 3,950, chimp …``, positives before negatives."""
    return ", ".join(f"{name} {positive:,} : {negative:,}" for name, (positive, negative) in counts.items())
