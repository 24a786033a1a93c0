"""The register of figures: what each shows, which tables it reads, and when it has something to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import InputError
from ..tables import read_tsv
from .catalogue import STAGES
from .design import Design
from .dictionary import TABLES
from .entry import FigureEntry

FIGURE_COLUMNS = ("figure", "panel", "file", "table", "caption")

FIGURES: dict[str, FigureEntry] = {entry.name: entry for stage in STAGES for entry in stage.FIGURES}


def figures_of(design: Design) -> list[str]:
    """Names of the figures that a run makes, in the order of the report.

    Decided from the configuration alone, so that a workflow knows its outputs before anything has run.
    """
    return [entry.name for entry in FIGURES.values() if entry.shown(design)]


def tables_of(design: Design) -> list[str]:
    """Names of the tables that the figures of a run read and the report lists, in the order of the register."""
    used = {name for figure in figures_of(design) for name in FIGURES[figure].tables} | {"metrics"}
    return [name for name in TABLES if name in used]


def find_figure(name: str) -> FigureEntry:
    """The entry of a figure."""
    if name not in FIGURES:
        raise InputError("no such figure", value=name, remedy=f"choose one of {', '.join(FIGURES)}")
    return FIGURES[name]


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
        Those of :func:`tables_of`.
    figures : sequence of str

    Returns
    -------
    pandas.DataFrame
        Columns :data:`FIGURE_COLUMNS`; paths are relative to the run's folder, in which ``figures.tsv`` lies. A row of
        a table has ``Table`` as its figure and the table as its file, too.
    """
    rows: list[dict[str, Any]] = []
    for name in figures:
        entry = find_figure(name)
        for panel, text in entry.explain([tables[table] for table in entry.tables], design):
            rows.append(
                {
                    "figure": entry.label,
                    "panel": panel or "all",
                    "file": entry.file,
                    "table": TABLES[entry.tables[0]].path,
                    "caption": f"{design.say(entry.title)}. {text}",
                }
            )
    rows += [
        {
            "figure": "Table",
            "panel": name,
            "file": TABLES[name].path,
            "table": TABLES[name].path,
            "caption": TABLES[name].about,
        }
        for name in tables_of(design)
    ]
    return pd.DataFrame(rows, columns=list(FIGURE_COLUMNS))
