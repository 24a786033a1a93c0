"""Sequence logos: stacks of nucleotides whose heights are bits."""

from __future__ import annotations

from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from .palette import INK, NUCLEOTIDES

_WIDTH = 0.92
_LOWEST = 0.004


@cache
def _outline(nucleotide: str) -> Path:
    """The letter in a unit square."""
    path = TextPath((0, 0), nucleotide, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    # not of the vertices: those that close a line lie elsewhere
    low, high = path.get_extents().get_points()
    return Path((path.vertices - low) / (high - low), path.codes)


def draw_logo(axes: Axes, heights: np.ndarray, places: np.ndarray, *, faded: np.ndarray | None = None) -> None:
    """Stacks of nucleotides, the tallest on top.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Its limits are left alone: set them, or call :func:`frame_logo`.
    heights : numpy.ndarray, shape=(n_positions, 4)
        Of A, C, G, U, in bits; not negative.
    places : numpy.ndarray, shape=(n_positions,)
        Centre of each stack.
    faded : numpy.ndarray, shape=(n_positions,), dtype=bool, optional
        Stacks drawn pale.
    """
    heights = np.asarray(heights, dtype=float)
    order = np.argsort(heights, axis=1, kind="stable")
    tops = np.take_along_axis(np.take_along_axis(heights, order, 1).cumsum(axis=1), order.argsort(axis=1), 1)
    faded = np.zeros(len(places), dtype=bool) if faded is None else faded
    for code, (nucleotide, colour) in enumerate(NUCLEOTIDES.items()):
        letter = _outline(nucleotide)
        for pale, alpha in ((False, 1.0), (True, 0.3)):
            parts = [
                Path(letter.vertices * (_WIDTH, height) + (place - _WIDTH / 2, top - height), letter.codes)
                for place, height, top, faint in zip(places, heights[:, code], tops[:, code], faded, strict=True)
                if faint == pale and height >= _LOWEST
            ]
            if parts:
                whole = Path.make_compound_path(*parts)
                # an artist, not a patch: axes would measure every outline for limits that the caller sets
                axes.add_artist(PathPatch(whole, facecolor=colour, linewidth=0, alpha=alpha, zorder=3))


def frame_logo(axes: Axes, top: float, limits: tuple[float, float]) -> None:
    """Axes of a small logo: a base line, 0 and ``top`` bits, and no ticks of positions.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    top : float
        Upper end of the axis, bits.
    limits : (float, float)
        First and last position shown.
    """
    axes.axhline(0, color=INK, linewidth=0.7)
    axes.set_xlim(limits[0] - 0.6, limits[1] + 0.6)
    axes.set_ylim(0, top)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([0, top], ["", f"{top:g}"], va="top")
    axes.tick_params(axis="y", labelsize=6.5, length=2)
