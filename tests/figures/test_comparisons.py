"""What is on the comparing figures."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks.figures.comparisons import (
    draw_differences,
    draw_external,
    draw_heat_map,
    draw_models,
    draw_settings,
    explain_differences,
    explain_external,
    explain_settings,
)
from rnamarks.figures.palette import QUIET


def test_models_have_a_row_of_panels_per_task(design, tables):
    figure = draw_models(tables["metrics"], design)
    assert len(figure.axes) == 4
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [
        "MASS, single",
        "DeepM6ASeq, single",
        "prevalence",
        "k-mer logistic regression",
    ]
    assert figure.axes[2].get_xlabel() == "AUPRC"
    assert figure.axes[3].get_xlabel() == "AUROC"
    assert "human: 30 sites, 150 others" in figure.axes[0].get_title(loc="left")


def test_dots_stand_at_the_table_s_values(design, tables):
    metrics = tables["metrics"]
    wanted = metrics.query(
        "model == 'mass' and setting == 'single' and scheme == 'paper' and task == 'human' and split == 'test' and "
        "metric == 'auprc'"
    ).set_index("seed")["value"]
    lines = draw_models(metrics, design).axes[0].lines
    drawn = [float(value) for line in lines for value in np.atleast_1d(line.get_xdata())]
    for seed in ("1", "2", "mean", "ensemble"):
        assert min(abs(value - wanted[seed]) for value in drawn) < 1e-12


def test_settings_climb_from_one_task_to_all(design, tables):
    figure = draw_settings(tables["metrics"], design)
    assert len(figure.axes) == 2
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert ticks == ["1\nDeep-\nM6ASeq", "1", "2", "3", "3\nround\nrobin"]
    assert figure.axes[0].get_ylabel() == "AUPRC"


def test_a_stack_stands_beside_its_network_s_settings(stacked):
    design, metrics = stacked[0], stacked[1]["metrics"]
    axes = draw_settings(metrics, design).axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1\nDeep-\nM6ASeq", "1", "2", "2\nstacked"]
    (path,) = [line for line in axes.lines if line.get_color() == QUIET]
    assert list(path.get_xdata()) == [1, 2]
    assert "stacked: MASS + k-mer logistic regression, a weighted sum" in explain_settings(metrics, design)[0][1]


@pytest.mark.parametrize("metric", ["auroc", "auprc"])
def test_heat_map_writes_every_number(design, tables, metric):
    figure = draw_heat_map(tables["metrics"], design, metric)
    axes = figure.axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert len(texts) == 3 * len(design.series)
    # one task of the two-species setting and of each network trained alone
    assert texts.count("–") == 3
    assert len([text for text in axes.texts if text.get_fontweight() == "bold"]) >= 3
    assert axes.get_title(loc="left").endswith("mean of seeds")
    title = next(text for text in axes.get_children() if getattr(text, "get_text", str)() == axes.get_title(loc="left"))
    assert title.get_window_extent().x1 < figure.bbox.x1


def test_differences_fill_what_excludes_zero(design, tables):
    figure = draw_differences(tables["paired"], tables["metrics"], design)
    axes = figure.axes[0]
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(points) == 2 + 2 + 3 + 2 + 2 * 3
    assert axes.get_yticklabels()[0].get_text() == "MASS, one species"
    filled = [line for line in points if line.get_markerfacecolor() != "white"]
    assert filled
    captions = explain_differences(tables["paired"], tables["metrics"], design)
    assert [panel for panel, _ in captions] == ["A", "B"]
    assert "paired bootstrap" in captions[0][1]


def test_external_sets(design, tables):
    figure = draw_external(tables["external"], design)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["elsewhere (human)"]
    assert "3 removed as seen in training" in explain_external(tables["external"], design)[0][1]
