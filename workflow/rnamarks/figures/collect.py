"""Tidy tables of a run that are joined from files of several rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

HISTORY_COLUMNS = (
    "model",
    "setting",
    "split",
    "seed",
    "round",
    "stage",
    "head",
    "loss",
    "auroc",
    "auprc",
    "score",
    "seconds",
    "windows_per_second",
)
COUNT_COLUMNS = ("split", "species", "part", "label", "windows")


def join_histories(records: Sequence[Mapping[str, Any]], histories: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Histories of all trainings, one below the other.

    Parameters
    ----------
    records : sequence of mapping
        ``model``, ``setting``, ``split``, ``seed`` of each training.
    histories : sequence of pandas.DataFrame
        Their ``history.tsv``, in the same order.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`HISTORY_COLUMNS`.
    """
    tables = [
        history.assign(**{key: record[key] for key in HISTORY_COLUMNS[:4]})[list(HISTORY_COLUMNS)]
        for record, history in zip(records, histories, strict=True)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(HISTORY_COLUMNS))


def count_windows(windows: Sequence[pd.DataFrame], splits: Sequence[str] = ("paper", "guarded")) -> pd.DataFrame:
    """Number of windows by split, species, part and label.

    Parameters
    ----------
    windows : sequence of pandas.DataFrame
        The *splits* border, one per species.
    splits : sequence of str

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COUNT_COLUMNS`; ``part`` is ``""`` for windows left out of the split.
    """
    tables = []
    for split in splits:
        for frame in windows:
            sizes = frame.groupby(["species", split, "label"], sort=True).size().reset_index(name="windows")
            tables.append(sizes.rename(columns={split: "part"}).assign(split=split)[list(COUNT_COLUMNS)])
    return pd.concat(tables, ignore_index=True)
