"""An interval is drawn where there is one; grids hold their panels; legends fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnamarks.figures.panels import (
    add_letters,
    cell,
    draw_interval,
    grid_of,
    label_bottom,
    legend_columns,
    panel_grid,
    predictor_looks,
    spread,
    task_entries,
)
from rnamarks.figures.style import new_figure


def test_interval_and_marker(design):
    axes = new_figure(1).subplots()
    draw_interval(axes, 2, {"value": 0.5, "low": 0.4, "high": 0.6}, design.best.colour)
    assert [list(line.get_xdata()) for line in axes.lines] == [[0.4, 0.6], [0.5]]
    axes = new_figure(1).subplots()
    row = {"value": 0.5, "low": math.nan, "high": math.nan}
    draw_interval(axes, 2, row, "#000000", upright=True, hollow=True)
    assert [list(line.get_ydata()) for line in axes.lines] == [[0.5]]
    assert axes.lines[0].get_markerfacecolor() == "white"
    axes = new_figure(1).subplots()
    draw_interval(axes, 2, dict.fromkeys("abc", math.nan), "#000000", keys=("a", "b", "c"))
    assert len(axes.lines) == 0


def test_cell_is_centred():
    assert cell(2, 3, "#FFFFFF").get_xy() == (1.5, 2.5)


def test_entries_of_a_row_are_spread_around_its_middle():
    assert spread(1).tolist() == [0.0]
    assert spread(4, 0.8) == pytest.approx([-0.3, -0.1, 0.1, 0.3])
    assert spread(0).tolist() == []


@pytest.mark.parametrize(
    ("count", "grid"), [(1, (1, 1)), (3, (1, 3)), (4, (1, 4)), (5, (2, 3)), (7, (2, 4)), (9, (3, 3))]
)
def test_grids_hold_all_panels(count, grid):
    assert grid_of(count) == grid
    assert np.prod(grid) >= count


def test_lowest_panels_carry_the_label_and_panels_in_use_letters():
    _, grid = panel_grid(7, height=1, above=0)
    label_bottom(grid, "recall")
    assert [axes.get_xlabel() for axes in grid.flat] == ["", "", "", "recall", "recall", "recall", "recall", ""]
    assert not grid[1, 3].get_visible()
    add_letters(grid.flat)
    assert "".join(text.get_text() for axes in grid.flat for text in axes.texts) == "ABCDEFG"


def test_a_legend_of_long_labels_has_fewer_columns():
    assert legend_columns(["short", "words"], 7.2, 3) == 2
    assert [legend_columns(["x" * 40] * 4, width, 3) for width in (2.0, 5.6, 7.2, 9.0)] == [1, 2, 2, 3]


def test_entries_have_the_tasks_colours(design):
    assert [entry.get_color() for entry in task_entries(design)] == [task.colour for task in design.tasks]
    assert [entry.get_label() for entry in task_entries(design, ["mouse"])] == ["mouse"]


def test_predictors_look_different_and_measured_sites_are_last():
    looks = predictor_looks(["measured", "multi", "single"])
    assert list(looks) == ["multi", "single", "measured"]
    assert len({(look.colour, look.marker) for look in looks.values()}) == 3
