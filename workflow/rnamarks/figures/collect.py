"""Tables of a run: reading those of the dictionary, and joining those that several rules write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..dictionary import column_names
from ..dictionary.tables import TABLES
from ..keys import SCHEMES
from ..tables import read_tsv, stack_frames
from ..tasks import Task, add_task_columns
from .catalogue import find_figure
from .design import Design


def read_table(name: str, path: str | Path) -> pd.DataFrame:
    """A table of the dictionary, its text columns as text (empty text for missing)."""
    columns = TABLES[name].columns
    texts = {column.name: str for column in columns if column.kind == "text"}
    frame, _ = read_tsv(path, [column.name for column in columns], dtype=texts)
    return frame.fillna(dict.fromkeys(texts, ""))


def index_rows(design: Design, tables: Mapping[str, pd.DataFrame], figures: Sequence[str]) -> pd.DataFrame:
    """Rows of ``figures.tsv``: one per panel of each figure, then one per table.

    Parameters
    ----------
    design : Design
    tables : mapping of str to pandas.DataFrame
        Those of :func:`~rnamarks.figures.catalogue.tables_of`, or of a report of another kind.
    figures : sequence of str

    Returns
    -------
    pandas.DataFrame
        Paths are relative to the run's folder, in which ``figures.tsv`` lies. A row of a table has ``Table`` as its
        figure and the table as its file, too.
    """
    rows = []
    for name in figures:
        entry = find_figure(name)
        for panel, text in entry.explain([tables[table] for table in entry.tables], design):
            caption = f"{entry.title_in(design)}. {text}"
            rows.append((entry.label, panel or "all", entry.file, TABLES[entry.tables[0]].path, caption))
    for name in tables:
        rows.append(("Table", name, TABLES[name].path, TABLES[name].path, TABLES[name].about))
    return pd.DataFrame(rows, columns=column_names("figures"))


def join_language_histories(records: Sequence[Mapping[str, Any]], histories: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Histories of all pre-trainings, one below the other.

    Parameters
    ----------
    records : sequence of mapping
        ``language`` and ``seed`` of each.
    histories : sequence of pandas.DataFrame
        Their ``history.tsv``, in the same order.
    """
    joined = [history.assign(**record) for record, history in zip(records, histories, strict=True)]
    return stack_frames(joined, column_names("language_histories"))


def join_histories(
    records: Sequence[Mapping[str, Any]], histories: Sequence[pd.DataFrame], tasks: Sequence[Task]
) -> pd.DataFrame:
    """Histories of all trainings, one below the other.

    Parameters
    ----------
    records : sequence of mapping
        ``model``, ``setting``, ``scheme``, ``seed`` of each training.
    histories : sequence of pandas.DataFrame
        Their ``history.tsv``, in the same order.
    tasks : sequence of Task
        All that the histories name.

    Returns
    -------
    pandas.DataFrame
    """
    names = column_names("histories")
    keys = ("model", "setting", "scheme", "seed")
    joined = [
        add_task_columns(history.assign(**{key: record[key] for key in keys}), tasks)
        for record, history in zip(records, histories, strict=True)
    ]
    return stack_frames(joined, names)


def count_windows(windows: Sequence[pd.DataFrame], schemes: Sequence[str] = SCHEMES) -> pd.DataFrame:
    """Number of windows by scheme, task, split and label.

    Parameters
    ----------
    windows : sequence of pandas.DataFrame
        The *splits* border, one per task.
    schemes : sequence of str

    Returns
    -------
    pandas.DataFrame
        ``split`` is ``""`` for windows left out of the scheme.
    """
    found = []
    for scheme in schemes:
        for frame in windows:
            keys = ["task", "species", "modification", scheme, "label"]
            sizes = frame.groupby(keys, sort=True).size().reset_index(name="windows")
            found.append(sizes.rename(columns={scheme: "split"}).assign(scheme=scheme)[column_names("counts")])
    return pd.concat(found, ignore_index=True)
