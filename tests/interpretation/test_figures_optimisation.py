"""Figures and tables of optimised windows and of co-occurrence."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from rnamarks.dictionary.tables import TABLES
from rnamarks.figures import optimisation as figures
from rnamarks.figures.catalogue import FIGURES
from rnamarks.figures.design import Design
from rnamarks.figures.style import save_figure
from rnamarks.interpretation.cooccurrence import pair_table
from rnamarks.interpretation.optimisation import Optimum, motif_table
from rnamarks.tasks import Task

WINDOW = 41
COLOURS = {"human": "#1B4F9C", "mouse": "#B5471B", "zebrafish": "#3B8A5A"}
TASKS = tuple(Task(name, species=name, modification="m6A", colour=colour) for name, colour in COLOURS.items())
DESIGN = Design("run", TASKS, (), None, "paper", frozenset(("optimisation",)))

ENTRIES = [entry for entry in FIGURES.values() if entry.section == "optimisation"]


def motifs(species=("mouse", "human"), held: bool = True) -> pd.DataFrame:
    frames = []
    for seed, (predictor, name) in enumerate((p, s) for p in ("multi", "single") for s in species):
        random = np.random.default_rng(seed)
        pwms = random.dirichlet(np.full(4, 50.0), size=(3, WINDOW)).transpose(0, 2, 1)
        pwms[:, :, 12] = [0.02, 0.02, 0.94, 0.02]
        imposed = np.zeros(WINDOW, dtype=bool)
        if held:
            imposed[20] = True
            pwms[:, :, 20] = [1.0, 0.0, 0.0, 0.0]
        blank = np.zeros(3)
        frames.append(motif_table(Optimum(pwms, blank, blank, blank, blank, blank, imposed), predictor, name))
    return pd.concat(frames, ignore_index=True)


def pairs() -> pd.DataFrame:
    frames = []
    for seed, (predictor, name) in enumerate((p, s) for p in ("measured", "multi") for s in ("human", "mouse")):
        random = np.random.default_rng(seed)
        table = pair_table(
            random.random((300, 3)) < 0.4,
            random.random(300) < 0.5,
            [(0, 1), (1, 2)],
            ["up_u", "down", "site"],
            permutations=99,
        )
        frames.append(table.assign(task=name, predictor=predictor))
    return pd.concat(frames, ignore_index=True)


CASES = [
    ("optimised", motifs()),
    ("optimised", motifs(("zebrafish",), held=False)),
    ("optimised_spread", motifs()),
    ("optimised_spread", motifs(("human",))),
    ("cooccurrence", pairs()),
]


@pytest.mark.parametrize(("stem", "table"), CASES)
def test_figures_are_drawn_explained_and_equal(stem, table, tmp_path):
    draw, explain = getattr(figures, f"draw_{stem}"), getattr(figures, f"explain_{stem}")
    for name in ("a", "b"):
        figure = draw(table, DESIGN)
        assert isinstance(figure, Figure)
        save_figure(figure, tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<image" not in (tmp_path / "a.svg").read_bytes()
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert all(axes.patches or axes.lines or axes.collections for axes in shown)
    letters = {text.get_text() for axes in figure.axes for text in axes.texts}
    captions = explain(table, DESIGN)
    assert {panel for panel, _ in captions if panel} <= letters
    for _, text in captions:
        assert text.endswith(".")
        assert re.search(r"\d", text)
        assert "nan" not in re.findall(r"[a-z]+", text)


def test_tasks_are_in_the_order_of_the_design():
    figure = figures.draw_optimised(motifs(), DESIGN)
    names = [axes.get_ylabel() for axes in figure.axes]
    assert names == ["human", "mouse", "human", "mouse"]


def test_caption_names_what_was_imposed():
    with_motif = figures.explain_optimised(motifs(), DESIGN)[0][1]
    without = figures.explain_optimised(motifs(held=False), DESIGN)[0][1]
    assert "1 positions around the site, were imposed" in with_motif
    assert "imposed" not in without
    assert "3 random starts" in without


def test_catalogue_leads_to_functions_and_tables():
    for entry in ENTRIES:
        module, stem = entry.functions.split(":")
        assert module == "optimisation"
        assert callable(getattr(figures, f"draw_{stem}"))
        assert callable(getattr(figures, f"explain_{stem}"))
        assert set(entry.tables) <= set(TABLES)
    assert [entry.name for entry in ENTRIES if entry.shown(DESIGN)] == ["figure_5", "optimised_spread", "cooccurrence"]
    assert not [entry for entry in ENTRIES if entry.shown(replace(DESIGN, offers=frozenset(("motifs",))))]
