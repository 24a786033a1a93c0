"""Saved figures are alike, whatever the process had set, and never half-written."""

from __future__ import annotations

import matplotlib
import pytest

from rnamarks.figures.style import new_figure, save_figure, styled


@styled
def draw():
    figure = new_figure(2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1])
    axes.set_xlabel("length, nt")
    return figure


def test_bytes_do_not_depend_on_the_process(tmp_path):
    save_figure(draw(), tmp_path / "a.svg")
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": "other", "lines.linewidth": 9}):
        save_figure(draw(), tmp_path / "b.svg")
    first = (tmp_path / "a.svg").read_text()
    assert first == (tmp_path / "b.svg").read_text()
    assert "<dc:date>" not in first
    assert "Matplotlib v" not in first.split("<defs>")[-1]


def test_settings_outside_stay(tmp_path):
    before = matplotlib.rcParams["font.size"]
    save_figure(draw(), tmp_path / "a.svg")
    assert matplotlib.rcParams["font.size"] == before


def test_a_failed_save_leaves_nothing(tmp_path):
    figure = draw()
    figure.savefig = lambda *_, **__: (_ for _ in ()).throw(RuntimeError("no space"))
    with pytest.raises(RuntimeError):
        save_figure(figure, tmp_path / "a.svg")
    assert list(tmp_path.iterdir()) == []
