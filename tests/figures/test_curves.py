"""One panel per task, the area written in."""

from __future__ import annotations

import pytest

from rnamarks.figures.curves import draw_curves


@pytest.mark.parametrize(("curve", "label"), [("roc", "AUROC"), ("pr", "AUPRC")])
def test_panels(design, tables, curve, label):
    figure = draw_curves(tables["curves"], tables["metrics"], design, curve=curve)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == list(design.names)
    assert all(axes.texts[0].get_text().startswith(label) for axes in shown)
    # chance, recommended, two networks of one task, best baseline
    assert [len(axes.lines) for axes in shown] == [5, 5, 3]
    assert shown[0].get_xlabel() in ("fraction of others called", "recall")
