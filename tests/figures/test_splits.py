"""The leak meter, the two schemes side by side, and the bins of similarity."""

from __future__ import annotations

import numpy as np

from rnamarks.figures.splits import draw_both_schemes, draw_leaks, draw_similarity, explain_leaks, explain_similarity


def test_leaks_show_known_kinds_only(design, tables):
    figure = draw_leaks(tables["leaks"], design)
    assert len(figure.axes) == 2
    labels = [text.get_text() for text in figure.axes[1].get_xticklabels()]
    assert labels == ["same sequence,\nany species", "similar,\nany species", "orthologue,\nother species"]
    assert [text.get_text() for text in figure.axes[0].texts if "%" in text.get_text()] == ["5.0 %"] * 9


def test_shares_are_not_rounded_to_nothing(design, tables):
    leaks = tables["leaks"].copy()
    leaks.loc[leaks["kind"] == "similar_any", "fraction"] = 1e-4
    leaks.loc[leaks["kind"] == "exact_any", "fraction"] = 0.0
    texts = {text.get_text() for text in draw_leaks(leaks, design).axes[0].texts}
    assert {"<0.1 %", "0"} <= texts


def test_both_schemes(design, tables):
    figure = draw_both_schemes(tables["metrics"], design)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [task.label for task in design.tasks] * 2
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(points) == 2 * 2 * 3
    assert sum(line.get_markerfacecolor() == "white" for line in points) == 6


def test_similarity_leaves_out_tasks_without_values(design, tables):
    similarity = tables["similarity"].copy()
    similarity.loc[similarity["task"] == design.names[2], ["value", "low", "high"]] = np.nan
    similarity.loc[similarity["task"] != design.names[2], ["value", "low", "high"]] = [0.8, 0.7, 0.9]
    figure = draw_similarity(similarity, tables["metrics"], design)
    shown = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    assert shown == list(design.names[:2])
    assert f"not shown: {design.names[2]}" in explain_similarity(similarity, tables["metrics"], design)[0][1]


def test_similarity_without_any_value_is_still_a_figure(design, tables):
    similarity = tables["similarity"].assign(value=np.nan, low=np.nan, high=np.nan)
    assert draw_similarity(similarity, tables["metrics"], design).axes


def test_a_mixed_run_speaks_of_tasks(mixed):
    design, tables = mixed
    figure = draw_leaks(tables["leaks"], design)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [task.label for task in design.tasks]
    assert "same sequence,\nany task" in [text.get_text() for text in figure.axes[1].get_xticklabels()]
    text = explain_leaks(tables["leaks"], design)[0][1]
    assert "each task" in text
    assert f"{design.label('mouse_Y')} 180" in text
