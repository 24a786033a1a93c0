"""Trained on one laboratory's windows, tested on another's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from .captions import Captions, captioned
from .design import Design
from .panels import draw_cells
from .style import new_figure, styled

_COLUMNS = 3
_CELL = 0.3


@styled
def draw_laboratories(laboratories: pd.DataFrame, design: Design) -> Figure:
    """One panel per task: sets that were trained on by sets that were tested, bold where composition is beaten."""
    tasks = _tasks(laboratories, design)
    tables = {task: _cells(laboratories[laboratories["task"] == task]) for task in tasks}
    tall = [
        max(len(tables[task].trained) for task in tasks[first : first + _COLUMNS])
        for first in range(0, len(tasks), _COLUMNS)
    ]
    figure = new_figure(sum(1.25 + _CELL * number for number in tall))
    grid = figure.subplots(len(tall), _COLUMNS, squeeze=False, height_ratios=[number + 3 for number in tall])
    norm = Normalize(0.5, 1.0, clip=True)
    for axes in grid.flat[len(tasks) :]:
        axes.axis("off")
    wide = max(len(table.tested) for table in tables.values())
    for at, (axes, task) in enumerate(zip(grid.flat, tasks, strict=False)):
        table = tables[task]
        draw_cells(axes, table.values, table.texts, table.trained, table.tested, norm)
        # cells of one size in all panels
        axes.set_xlim(-0.5, wide - 0.5)
        axes.set_ylim(tall[at // _COLUMNS] - 0.5, -0.5)
        axes.set_title(design.label(task), loc="left", fontweight="bold")
        axes.tick_params(axis="x", labelrotation=45)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("left")
    return figure


@captioned
def explain_laboratories(laboratories: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_laboratories`."""
    model = next((name for name in laboratories["model"].unique() if name != "released model"), "a baseline")
    return (
        f"AUROC on the set of windows of each column of a model trained on the set of each row ({model}), and of the "
        f"released model. On the diagonal the set's own test split, elsewhere the whole set; windows of genes seen in "
        f"training, or alike a window of it, are left out. Bold: above 0.5 and above the composition of nucleotides, "
        f"fitted to the same windows, by intervals (95 %, bootstrap) that hold neither; –: too few windows. Numbers of "
        f"windows, intervals and the composition are in the table."
    )


class _Cells(NamedTuple):
    """Values and texts of one task, rows trained and columns tested."""

    trained: list[str]
    tested: list[str]
    values: np.ndarray
    texts: np.ndarray


def _cells(rows: pd.DataFrame) -> _Cells:
    trained, tested = list(rows["trained"].unique()), list(rows["tested"].unique())
    values = np.full((len(trained), len(tested)), np.nan)
    texts = np.full(values.shape, "–", dtype=object)
    for row in rows.to_dict("records"):
        at = trained.index(row["trained"]), tested.index(row["tested"])
        values[at] = row["value"]
        if np.isfinite(row["value"]):
            beaten = row["low"] > 0.5 and row["difference_low"] > 0
            texts[at] = f"{'*' if beaten else ''}{row['value']:.2f}"
    names = [[name.replace("_", " ") for name in part] for part in (trained, tested)]
    return _Cells(*names, values, texts)


def _tasks(laboratories: pd.DataFrame, design: Design) -> list[str]:
    asked = set(laboratories["task"])
    return [name for name in design.names if name in asked]
