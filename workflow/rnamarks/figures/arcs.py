"""Base pairs as arcs over a sequence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from .palette import CHANCE, INK
from .panels import panel_grid
from .style import styled

BOTH, MISSED, FALSE = "#0072B2", "#E69F00", CHANCE
KNOT = (0, (2, 1))
_STEPS = np.linspace(0, np.pi, 33)


class Arc(NamedTuple):
    """A pair to draw: 0-based positions, a colour, whether it is drawn as part of a pseudoknot."""

    i: int
    j: int
    colour: str
    knot: bool


def draw_arcs(axes: Axes, length: int, above: Sequence[Arc], below: Sequence[Arc] = ()) -> None:
    """A sequence as a line from 5' to 3', pairs as arcs above it and below it, pseudoknots dashed.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    length : int
        nt.
    above, below : sequence of Arc
        Heights grow with the root of the distance, on one scale.
    """
    widest = max((arc.j - arc.i for arc in (*above, *below)), default=1)
    for arcs, side in ((above, 1), (below, -1)):
        lines = []
        for arc in arcs:
            reach = (arc.j - arc.i) / 2
            x = arc.i + 1 + reach * (1 - np.cos(_STEPS))
            # a root, lest one arc across the RNA flattens all hairpins
            height = ((arc.j - arc.i) / widest) ** 0.5
            lines.append(np.column_stack([x, side * height * np.sin(_STEPS)]))
        if lines:
            styles = [KNOT if arc.knot else "-" for arc in arcs]
            width = 1.1 if length < 200 else 0.8 if length < 600 else 0.5
            look = {"colors": [arc.colour for arc in arcs], "linestyles": styles, "linewidths": width}
            axes.add_collection(LineCollection(lines, **look))
    axes.plot([1, length], [0, 0], color=INK, linewidth=1.2, solid_capstyle="butt")
    room = 0.01 * length
    axes.text(1 - room, 0, "5′", ha="right", va="center", fontsize=7)
    axes.text(length + room, 0, "3′", ha="left", va="center", fontsize=7)
    axes.set_xlim(1 - 5 * room, length + 5 * room)
    axes.set_ylim(-1.08 if below else -0.12, 1.08 if above else 0.12)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", length=2, labelsize=6.5)
    axes.locator_params(axis="x", nbins=6, integer=True)


@styled
def draw_structures(structures: Iterable[tuple[str, int, np.ndarray, np.ndarray]]) -> Figure:
    """Structures by themselves, a panel each.

    Parameters
    ----------
    structures : iterable of (title, length, pairs, knots)
        Pairs of shape (n, 2), and which of them are pseudoknots, shape (n,).
    """
    listed = list(structures)
    figure, grid = panel_grid(len(listed), 2, height=1.55, above=0)
    for axes, (title, length, pairs, knots) in zip(grid.flat, listed, strict=False):
        arcs = [Arc(i, j, BOTH, bool(knot)) for (i, j), knot in zip(pairs.tolist(), knots, strict=True)]
        draw_arcs(axes, length, arcs)
        axes.set_title(title)
    return figure
