"""Trained here, tested there, as a figure."""

from __future__ import annotations

import numpy as np

from rnamarks.figures.laboratories import draw_laboratories, explain_laboratories

from .conftest import fill


def row(trained, tested, value, control, task="human", model="kmer_blend"):
    found = {"task": task, "trained": trained, "tested": tested, "model": model, "removed": 3}
    for name, number in (("", value), ("control", control), ("difference", value - control)):
        found |= {name or "value": number} | {f"{name}_{side}".strip("_"): number + off for side, off in SIDES}
    return found | {"n_positive": 50, "n_negative": 70, "prevalence": 50 / 120}


SIDES = (("low", -0.05), ("high", 0.05))


def test_a_cell_is_bold_where_chance_and_composition_are_beaten(design):
    rows = [
        row("one", "one", 0.81, 0.60),
        row("one", "the_other", 0.62, 0.60),
        row("the_other", "one", 0.53, 0.30),
        row("the_other", "the_other", np.nan, np.nan),
        row("released model", "one", 0.72, 0.55, model="released model"),
        row("released model", "the_other", 0.55, 0.60, model="released model"),
        row("mine", "mine", 0.9, 0.5, task="mouse"),
    ]
    table = fill("laboratories", rows, design)
    figure = draw_laboratories(table, design)
    first, second = figure.axes[:2]
    assert [axes.get_title(loc="left") for axes in (first, second)] == [design.label("human"), design.label("mouse")]
    assert [text.get_text() for text in first.get_yticklabels()] == ["one", "the other", "released model"]
    assert [text.get_text() for text in first.get_xticklabels()] == ["one", "the other"]
    cells = {text.get_text(): text.get_fontweight() for text in first.texts}
    assert cells == {
        "0.81": "bold",
        "0.62": "normal",
        "0.53": "normal",
        "–": "normal",
        "0.72": "bold",
        "0.55": "normal",
    }
    assert "(kmer_blend)" in explain_laboratories(table, design)[0][1]
