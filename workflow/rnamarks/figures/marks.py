"""Marks that several figures share: a value with its interval, a cell of a table, entries of legends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from .design import Design, Series
from .palette import CHANCE

NEAR_ZERO = 0.25
SEQUENTIAL = LinearSegmentedColormap.from_list("sequential", ["#F5F3F8", "#BBA8D0", "#6A4A94", "#33125C"])


def draw_interval(
    axes: Axes, at: float, row: Mapping[str, Any], series: Series, *, upright: bool = False, hollow: bool = False
) -> None:
    """A marker at ``row["value"]`` and a line from ``low`` to ``high``, in the look of a series.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    at : float
        Place on the other axis.
    row : mapping
        ``value``, ``low``, ``high``; without finite bounds there is no line.
    series : Series
    upright : bool
        Values run upwards instead of to the right.
    hollow : bool
        Leave the marker empty.
    """
    value, low, high = (float(row[key]) for key in ("value", "low", "high"))
    if np.isfinite([low, high]).all():
        ends = ([at, at], [low, high]) if upright else ([low, high], [at, at])
        axes.plot(*ends, color=series.colour, linewidth=1.6, solid_capstyle="round", zorder=3)
    point = (at, value) if upright else (value, at)
    axes.plot(
        *point,
        marker=series.marker,
        color=series.colour,
        markersize=6,
        linestyle="none",
        markerfacecolor="white" if hollow else series.colour,
        markeredgewidth=1.2 if hollow else 0,
        zorder=4,
    )


def value_axis(axes: Axes, lowest_chance: float | None = None) -> None:
    """Few ticks along the horizontal axis, and zero on it where a random order stands near zero.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    lowest_chance : float, optional
        Smallest prevalence shown.
    """
    axes.locator_params(axis="x", nbins=5)
    if lowest_chance is not None and lowest_chance < NEAR_ZERO:
        axes.set_xlim(left=0)


def cell(x: float, y: float, colour: Sequence[float] | str) -> Rectangle:
    """A unit square with a white rim, centred on a point."""
    return Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.2)


def chance_handle(label: str) -> Line2D:
    """Legend entry of what a random order gives."""
    return Line2D([], [], color=CHANCE, linestyle=(0, (3, 2)), linewidth=1.1, label=label)


def legend_columns(labels: Sequence[str], width: float, most: int) -> int:
    """How many columns, up to ``most``, a legend with these labels may have in a figure ``width`` inches wide."""
    column = 0.45 + 0.055 * max(map(len, labels), default=0)
    return max(1, min(most, len(labels), int(width / column)))


def species_handles(design: Design) -> list[Line2D]:
    """Legend entries of the species, each in its colour."""
    return [
        Line2D([], [], color=design.colours[name], marker="o", markersize=4, linewidth=1.4, label=name)
        for name in design.species
    ]
