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


def _trains(design: Design) -> bool:
    return design.recommended is not None


def _about_species(design: Design) -> bool:
    return design.heads_are == "species"


def _has_ladder(design: Design) -> bool:
    return _about_species(design) and len(design.ladder()) > 1


def _has_several(design: Design) -> bool:
    return _about_species(design) and len(design.on(design.split)) > 1


def _has_rivals(design: Design) -> bool:
    return _trains(design) and len(design.on(design.split)) > 1


def _both_splits(design: Design) -> bool:
    return any(len(series.splits) > 1 for series in design.series)


FIGURES: dict[str, FigureEntry] = {
    entry.name: entry
    for entry in (
        FigureEntry(
            "window_counts",
            "Windows",
            "Windows by species and part",
            "data",
            "Sites and others of each species in training, validation and test part, for both splits.",
            ("counts",),
            "data:counts",
        ),
        FigureEntry(
            "drops",
            "Drops",
            "What was dropped, and why",
            "data",
            "Rows of the input dropped by stage, reason and species.",
            ("drops",),
            "data:drops",
        ),
        FigureEntry(
            "leaks",
            "Leak meter",
            "Leak meter",
            "splits",
            "Share of test windows with a relative in training, by kind of relative and species.",
            ("leaks",),
            "splits:leaks",
        ),
        FigureEntry(
            "training",
            "Training",
            "Training curves",
            "training",
            "AUROC on the validation part by round of training, with the stages of the curriculum.",
            ("histories",),
            "training:training",
            _trains,
        ),
        FigureEntry(
            "figure_2ab",
            "Figure 2",
            "Models trained on one species",
            "metrics",
            "AUPRC and AUROC of models of one species on two species, with 95 % intervals.",
            ("metrics",),
            "comparisons:models",
            lambda design: _about_species(design) and len(design.single()) > 1,
        ),
        FigureEntry(
            "figure_2cd",
            "Figure 2",
            "One species or many",
            "metrics",
            "AUPRC by the number of species trained together, on the root species and its nearest relative.",
            ("metrics",),
            "comparisons:settings",
            _has_ladder,
        ),
        FigureEntry(
            "differences",
            "Differences",
            "The recommended model against the others, paired",
            "metrics",
            "Differences in AUPRC and AUROC on the same windows, with 95 % intervals.",
            ("paired", "metrics"),
            "comparisons:differences",
            _has_rivals,
        ),
        FigureEntry(
            "roc_curves",
            "Figure S1",
            "ROC curves",
            "metrics",
            "ROC curves of the main models, one panel per species.",
            ("curves", "metrics"),
            "curves:curves",
            _about_species,
            options={"curve": "roc"},
        ),
        FigureEntry(
            "pr_curves",
            "Figure S1",
            "Precision-recall curves",
            "metrics",
            "Precision-recall curves of the main models, one panel per species.",
            ("curves", "metrics"),
            "curves:curves",
            _about_species,
            options={"curve": "pr"},
        ),
        FigureEntry(
            "auroc_all",
            "Figure S2",
            "AUROC of all models on all species",
            "metrics",
            "AUROC of every model and setting on every species.",
            ("metrics",),
            "comparisons:heat_map",
            _has_several,
            {"metric": "auroc"},
        ),
        FigureEntry(
            "auprc_all",
            "Figure S3",
            "AUPRC of all models on all species",
            "metrics",
            "AUPRC of every model and setting on every species.",
            ("metrics",),
            "comparisons:heat_map",
            _has_several,
            {"metric": "auprc"},
        ),
        FigureEntry(
            "both_splits",
            "Splits",
            "Paper split against guarded split",
            "metrics",
            "AUPRC and AUROC of the same models on the paper split and on the guarded split.",
            ("metrics",),
            "splits:both_splits",
            _both_splits,
        ),
        FigureEntry(
            "reliability",
            "Calibration",
            "Reliability of the probabilities",
            "calibration",
            "Observed share of sites against calibrated probability, one panel per species.",
            ("reliability", "calibration"),
            "calibration:reliability",
            _trains,
        ),
        FigureEntry(
            "thresholds",
            "Thresholds",
            "Thresholds at a stated precision",
            "thresholds",
            "Precision kept and recall reached on the test part by thresholds chosen on the validation part.",
            ("thresholds",),
            "calibration:thresholds",
            _trains,
        ),
        FigureEntry(
            "similarity",
            "Similarity",
            "Performance by similarity to training",
            "similarity",
            "AUPRC at 1:1 by identity of the nearest training window, one panel per species.",
            ("similarity", "metrics"),
            "splits:similarity",
            lambda design: bool(design.series),
        ),
        FigureEntry(
            "external",
            "External",
            "Test sets from elsewhere",
            "external",
            "AUPRC and AUROC of the released model on further test sets.",
            ("external",),
            "comparisons:external",
            lambda design: design.external and design.released,
        ),
        *(entry for stage in STAGES for entry in stage.FIGURES),
    )
}


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
