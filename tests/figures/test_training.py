"""One panel per training, one line per task and seed, bands for stages."""

from __future__ import annotations

from rnamarks.figures.training import draw_training, explain_training


def test_panels_and_lines(design, tables):
    figure = draw_training(tables["histories"].astype({"seed": str}), design)
    shown = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}
    assert "MASS, 3 species\nguarded scheme" in shown
    assert len(shown["MASS, 3 species\npaper scheme"].lines) == 3 * 2 + 1
    assert len(shown["MASS, 3 species\npaper scheme"].patches) == 2
    assert len(shown["MASS, one species\npaper scheme"].lines) == 2 * 2
    assert not shown["MASS, 3 species, round robin\npaper scheme"].patches
    assert "(2 seeds)" in explain_training(tables["histories"], design)[0][1]
