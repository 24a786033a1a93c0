"""What panels are made of: grids, letters, axes, intervals, cells, colour scales and legends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from .captions import PANELS
from .design import Design
from .palette import CHANCE, DASHES, FAINT, INK, QUIET, ink_on, ramp
from .style import WIDTH, new_figure

SEQUENTIAL = LinearSegmentedColormap.from_list("sequential", ["#F5F3F8", "#BBA8D0", "#6A4A94", "#33125C"])
DIVERGING = LinearSegmentedColormap.from_list("diverging", ["#16306B", "#A9BCE0", "#FAFAFA", "#F3B27A", "#8C3A04"])
DASHED = (0, (3, 2))
SIGNIFICANT = 0.05
MEASURED = "measured"
"""What stands for a predictor in rows about measured sites."""
_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85}


def nothing(text: str) -> Figure:
    """A figure that says that there is nothing to show."""
    figure = new_figure(1.0)
    axes = figure.subplots()
    axes.axhline(0, color=FAINT)
    axes.set_axis_off()
    write_inside(axes, text, va="bottom")
    return figure


def first_of(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first predictor."""
    return table[table["predictor"] == table["predictor"].iloc[0]] if len(table) else table


def grid_of(count: int, maximum: int = 4) -> tuple[int, int]:
    """Rows and columns for a number of equal panels, at most so many side by side."""
    columns = min(count, maximum)
    rows = -(-count // columns)
    return rows, -(-count // rows)


def panel_grid(
    count: int, maximum: int = 4, *, height: float, above: float, width: float = WIDTH, **options: Any
) -> tuple[Figure, np.ndarray]:
    """A figure of equal panels, filled row by row.

    Parameters
    ----------
    count : int
    maximum : int
        Panels side by side.
    height, width : float
        Inches of one panel with its labels; the figure is not wider than :data:`~rnamarks.figures.style.WIDTH`.
    above : float
        Inches for the legend and labels of the whole figure.
    **options
        ``layout`` of the figure, and those of :meth:`matplotlib.figure.Figure.subplots`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    grid : numpy.ndarray of matplotlib.axes.Axes, shape=(rows, columns)
        Those beyond ``count`` are hidden.
    """
    rows, columns = grid_of(count, maximum)
    layout = options.pop("layout", "constrained")
    figure = new_figure(above + height * rows, min(WIDTH, width * columns + 0.2), layout)
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    for axes in grid.flat[count:]:
        axes.set_visible(False)
    return figure, grid


def label_bottom(grid: np.ndarray, text: str) -> None:
    """Label the horizontal axis of the lowest visible panel of each column, axes of shape (rows, columns)."""
    for column in grid.T:
        used = [axes for axes in column if axes.get_visible()]
        if used:
            used[-1].tick_params(labelbottom=True)
            used[-1].set_xlabel(text)


def letter(axes: Axes, text: str, rise: float = 7) -> None:
    """Write a panel's letter above its upper left corner, by so many points."""
    annotate(axes, text, (0, 1), (-26, rise), fontsize=11, fontweight="bold", ha="left", va="bottom")


def add_letters(grid: Iterable[Axes], rise: float = 7) -> None:
    """Letters of :data:`PANELS` for visible panels, in their order."""
    shown = [axes for axes in grid if axes.get_visible()]
    for axes, text in zip(shown, PANELS, strict=False):
        letter(axes, text, rise)


def annotate(axes: Axes, text: str, at: tuple[float, float], points: tuple[float, float], **look: Any) -> None:
    """Text so many points from a place, which is in fractions of the panel unless ``xycoords`` is given."""
    look = {"xycoords": "axes fraction", "annotation_clip": False} | look
    axes.annotate(text, at, xytext=points, textcoords="offset points", **look)


def write_inside(axes: Axes, text: str, **look: Any) -> None:
    """Grey text in the middle of a panel."""
    look = {"ha": "center", "va": "center", "color": QUIET} | look
    axes.text(0.5, 0.5, text, transform=axes.transAxes, **look)


def write_in_corner(axes: Axes, text: str, *, right: bool, top: bool, **look: Any) -> None:
    """Small text on white in a corner of a panel."""
    place = {"ha": "right" if right else "left", "va": "top" if top else "bottom", "fontsize": 7, "zorder": 5}
    x, y = 0.97 if right else 0.04, 0.97 if top else 0.05
    axes.text(x, y, text, transform=axes.transAxes, bbox=_BOX, **place | look)


def write_beside(axes: Axes, at: float, text: str, size: float = 7.5, **look: Any) -> None:
    """Text to the right of a panel, at a height of its vertical axis."""
    axes.text(1.015, at, text, transform=axes.get_yaxis_transform(), fontsize=size, va="center", **look)


def write_values(axes: Axes, at: float, values: Sequence[float]) -> None:
    """Values of a row, of each seed for instance, to the right of a panel; the first three where there are more."""
    write_beside(axes, at, " ".join(f"{value:.2f}" for value in values[:3]).replace("-", "−"), 7)


def rows_axis(axes: Axes, labels: Sequence[str], size: float = 7.5) -> None:
    """One row per label from top to bottom, without an axis line."""
    axes.set_yticks(range(len(labels)), labels, fontsize=size)
    axes.set_ylim(max(1, len(labels)) - 0.4, -0.6)
    bare_rows(axes)


def bare_rows(axes: Axes) -> None:
    """No line and no ticks on the vertical axis; vertical lines in the panel."""
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def value_axis(axes: Axes, lowest_chance: float | None = None) -> None:
    """Few ticks along the horizontal axis, and zero on it where a random order is near zero.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    lowest_chance : float, optional
        Smallest prevalence shown.
    """
    axes.locator_params(axis="x", nbins=5)
    if lowest_chance is not None and lowest_chance < 0.25:
        axes.set_xlim(left=0)


def unit_axes(axes: Axes) -> None:
    """Both axes from 0 to 1, and equal."""
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    axes.set_aspect("equal")
    axes.grid(color=FAINT)


def matrix_axes(axes: Axes, rows: Sequence[str], columns: Sequence[str], *, size: float = 7.5) -> None:
    """Axes of a matrix of cells, row 0 at the top, without lines."""
    axes.set_xlim(-0.5, max(1, len(columns)) - 0.5)
    axes.set_ylim(max(1, len(rows)) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns, fontsize=size)
    axes.set_yticks(range(len(rows)), rows, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def square_axes(axes: Axes, labels: Sequence[str]) -> None:
    """Axes of a square matrix, the same labels below and on the left."""
    matrix_axes(axes, labels, labels, size=6.8)
    axes.tick_params(axis="x", rotation=90)
    axes.set_aspect("equal")


def draw_reference(axes: Axes, value: float, *, across: bool = False, colour: str = CHANCE, dash: Any = DASHED) -> None:
    """A line behind the data at what chance or no difference gives: upright, or across the panel."""
    line = axes.axhline if across else axes.axvline
    line(value, color=colour, linestyle=dash, linewidth=1.1, zorder=1)


def draw_interval(
    axes: Axes,
    at: float,
    row: Mapping[str, Any],
    colour: str,
    *,
    keys: tuple[str, str, str] = ("value", "low", "high"),
    marker: str = "o",
    size: float = 5,
    upright: bool = False,
    hollow: bool = False,
) -> None:
    """A marker at a value and a line over its interval.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    at : float
        Place on the other axis.
    row : mapping
    colour : str
    keys : (str, str, str)
        Of the value and its bounds in ``row``; without a finite value nothing is drawn, without bounds no line.
    marker : str
    size : float
        Points.
    upright : bool
        Values run upwards instead of to the right.
    hollow : bool
        Leave the marker empty.
    """
    value, low, high = (float(row[key]) for key in keys)
    if np.isfinite([low, high]).all():
        ends = ([at, at], [low, high]) if upright else ([low, high], [at, at])
        axes.plot(*ends, color=colour, linewidth=1.4, solid_capstyle="round", zorder=3)
    if np.isfinite(value):
        place = (at, value) if upright else (value, at)
        face = "white" if hollow else colour
        look = {"markersize": size, "markerfacecolor": face, "markeredgewidth": 1.1 if hollow or marker in "xX" else 0}
        axes.plot(*place, marker, color=colour, zorder=4, **look)


DIFFERENCE = ("difference", "low", "high")
"""Keys of an interval of a difference."""


def leaves_out(row: Mapping[str, float], value: float = 0.0) -> bool:
    """Whether an interval ``low`` to ``high`` lies on one side of a value."""
    return row["low"] > value or row["high"] < value


def spread(count: int, width: float = 0.8) -> np.ndarray:
    """Shifts of so many entries of one row around its middle, ``width`` in all, shape (count,)."""
    return (np.arange(count) - (count - 1) / 2) * width / max(1, count)


def cell(x: float, y: float, colour: Sequence[float] | str) -> Rectangle:
    """A unit square with a white rim, centred on a point."""
    return Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.2)


def draw_cell(axes: Axes, x: float, y: float, colour: Sequence[float], text: str = "", **look: Any) -> None:
    """A cell with text in black or white, whichever is legible."""
    axes.add_patch(cell(x, y, colour))
    if text:
        look = {"fontsize": 6.8, "color": ink_on(colour[:3])} | look
        axes.text(x, y + (0.12 if text == "*" else 0), text, ha="center", va="center", linespacing=1.05, **look)


def draw_cells(
    axes: Axes, values: np.ndarray, texts: np.ndarray, rows: Sequence[str], columns: Sequence[str], norm: Normalize
) -> None:
    """Cells coloured by value, white where it is NaN, with text; bold where the text begins with ``*``."""
    for (y, x), value in np.ndenumerate(values):
        colour = SEQUENTIAL(norm(value)) if np.isfinite(value) else (1.0, 1.0, 1.0)
        bold = {"fontweight": "bold"} if texts[y, x].startswith("*") else {}
        draw_cell(axes, x, y, colour, texts[y, x].lstrip("*"), **bold)
    matrix_axes(axes, rows, columns)
    axes.xaxis.tick_top()


def write_cells(values: np.ndarray, best: np.ndarray, digits: int = 3) -> np.ndarray:
    """Texts of numbers, ``*`` before those that equal the best of their column as written; a dash for NaN."""
    texts = np.full(values.shape, "–", dtype=object)
    for (y, x), value in np.ndenumerate(values):
        if np.isfinite(value):
            texts[y, x] = f"{'*' if round(value, digits) == round(best[x], digits) else ''}{value:.{digits}f}"
    return texts


def colour_scale(
    figure: Figure, axes: Axes | Sequence[Axes], norm: Normalize, colours: Colormap, label: str, **place: Any
) -> Colorbar:
    """A colour scale made of rectangles, which stays a drawing where an image would not."""
    # above fifty steps matplotlib makes an image of it
    steps = ScalarMappable(norm, colours.resampled(41))
    bar = figure.colorbar(steps, ax=axes, **{"shrink": 0.6, "aspect": 18, "pad": 0.02} | place)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize=6.5)
    bar.set_label(label, fontsize=7)
    return bar


def legend_entry(
    label: str, colour: str = INK, marker: str = "", *, hollow: bool = False, size: float = 5, line: Any = "-"
) -> Line2D:
    """Legend entry of a line, of a marker (``line="none"``), or of a marker with its interval."""
    look = {"linestyle": line, "linewidth": 1.4, "markersize": size, "markeredgewidth": 1.1 if hollow else 1.0}
    return Line2D(
        [], [], color=colour, marker=marker, markerfacecolor="white" if hollow else colour, label=label, **look
    )


def chance_entry(label: str = "random order") -> Line2D:
    """Legend entry of what a random order gives."""
    return Line2D([], [], color=CHANCE, linestyle=DASHED, linewidth=1.1, label=label)


def task_entries(design: Design, names: Iterable[str] | None = None, marker: str = "o") -> list[Line2D]:
    """Legend entries of tasks, each in its colour; of all tasks without ``names``."""
    shown = design.names if names is None else design.ordered(names)
    return [legend_entry(design.label(name), design.colour(name), marker, size=4) for name in shown]


def legend_columns(labels: Sequence[str], width: float, maximum: int) -> int:
    """How many columns, up to ``maximum``, a legend with these labels may have in a figure ``width`` inches wide."""
    for columns in range(min(maximum, len(labels)), 1, -1):
        # matplotlib fills one column after the other
        longest = [max(map(len, part)) for part in np.array_split(labels, columns)]
        if sum(0.45 + 0.055 * length for length in longest) <= width:
            return columns
    return 1


def place_legend(figure: Figure, entries: Sequence[Artist], maximum: int = 8, **look: Any) -> None:
    """A legend below the figure, in as many columns as its width allows; none without entries."""
    if entries:
        columns = legend_columns([str(entry.get_label()) for entry in entries], figure.get_figwidth(), maximum)
        figure.legend(handles=entries, loc="outside lower center", ncols=columns, **look)


@dataclass(frozen=True)
class Look:
    """Colour, line style and marker of a predictor."""

    label: str
    colour: str
    dash: object
    marker: str


def predictor_looks(names: Sequence[str]) -> dict[str, Look]:
    """Looks of predictors, in the order in which the configuration has them; measured sites are black."""
    looks, models = {}, [name for name in dict.fromkeys(names) if name != MEASURED]
    for index, name in enumerate(models):
        dash = "-" if not index else DASHES[index % len(DASHES)]
        looks[name] = Look(name.replace("_", " "), ramp(index, 0.75), dash, "osDv^P"[index % 6])
    if MEASURED in names:
        looks[MEASURED] = Look("measured sites", INK, "-", "X")
    return looks


def predictors_of(table: pd.DataFrame) -> list[str]:
    """Predictors of a table in its order, measured sites last."""
    return sorted(dict.fromkeys(table["predictor"]), key=lambda name: name == MEASURED)
