"""Reliability and thresholds show the recommended ensemble."""

from __future__ import annotations

import numpy as np

from rnamarks.figures.calibration import draw_reliability, draw_thresholds


def test_reliability(design, tables):
    figure = draw_reliability(tables["reliability"], tables["calibration"], design)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == list(design.names)
    for axes in shown:
        assert axes.texts[0].get_text().startswith("ECE 0.")
        assert "→" in axes.texts[0].get_text()
        assert axes.get_xlim() == axes.get_ylim()
        # the diagonal; a line and a marker of each bin
        assert len(axes.lines) == 1 + 2 * 5


def test_a_threshold_that_is_not_reached_is_crossed(design, tables):
    thresholds = tables["thresholds"].copy()
    numbers = ["precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high"]
    thresholds.loc[thresholds["target_precision"] == 0.9, numbers] = np.nan
    figure = draw_thresholds(thresholds, design)
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert len(crosses) == len(design.tasks)
    assert "no threshold" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["0.5", "0.9"]
