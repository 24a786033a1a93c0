"""An interval is drawn where there is one."""

from __future__ import annotations

import math

from rnamarks.figures.marks import cell, draw_interval, legend_columns, species_handles
from rnamarks.figures.style import new_figure


def test_interval_and_marker(design):
    axes = new_figure(1).subplots()
    draw_interval(axes, 2, {"value": 0.5, "low": 0.4, "high": 0.6}, design.best)
    assert [list(line.get_xdata()) for line in axes.lines] == [[0.4, 0.6], [0.5]]
    axes = new_figure(1).subplots()
    draw_interval(axes, 2, {"value": 0.5, "low": math.nan, "high": math.nan}, design.best, upright=True, hollow=True)
    assert [list(line.get_ydata()) for line in axes.lines] == [[0.5]]
    assert axes.lines[0].get_markerfacecolor() == "white"


def test_cell_is_centred():
    assert cell(2, 3, "#FFFFFF").get_xy() == (1.5, 2.5)


def test_a_legend_of_long_labels_has_fewer_columns():
    assert legend_columns(["short", "words"], 7.2, 3) == 2
    assert [legend_columns(["x" * 40] * 4, width, 3) for width in (2.0, 5.6, 7.2, 9.0)] == [1, 2, 2, 3]


def test_handles_have_the_species_colours(design):
    assert [handle.get_color() for handle in species_handles(design)] == [
        design.colours[name] for name in design.species
    ]
