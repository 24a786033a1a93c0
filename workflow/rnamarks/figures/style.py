"""One look for all figures: sizes, colours, and a way to save them so that equal input gives equal bytes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from ..files import atomic_path
from .palette import FAINT, INK

WIDTH = 7.2
"""Inches, two columns of a journal."""

SETTINGS: dict[str, Any] = {
    "svg.hashsalt": "rnamarks",
    # text as outlines looks the same on every machine, whatever fonts it has
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "lines.linewidth": 1.4,
    "text.color": INK,
    "figure.facecolor": "white",
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorator: the function draws in the style of all figures, whatever the process had set."""

    @functools.wraps(draw)
    def inside(*args: Any, **kwargs: Any) -> Figure:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(SETTINGS)
            return draw(*args, **kwargs)

    return inside


def new_figure(height: float, width: float = WIDTH, layout: str = "constrained") -> Figure:
    """An empty figure, sizes in inches, that needs no window system; ``compressed`` suits square panels."""
    return Figure(figsize=(width, height), layout=layout)


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as SVG, atomically; the same figure gives the same bytes."""
    with matplotlib.rc_context(), atomic_path(path) as part:
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        figure.savefig(part, format="svg", metadata={"Date": None, "Creator": None})
