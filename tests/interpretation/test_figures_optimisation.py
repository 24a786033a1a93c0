"""Figures and tables of optimised windows and of co-occurrence."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from rnamarks.figures import optimisation as figures
from rnamarks.figures.catalogue.optimisation import FIGURES, TABLES
from rnamarks.figures.columns import KINDS
from rnamarks.figures.style import save_figure
from rnamarks.interpretation.attribution_files import CHECK_COLUMNS, LETTER_COLUMNS
from rnamarks.interpretation.cooccurrence import DISCOVERY_COLUMNS
from rnamarks.interpretation.element_pairs import OPTIMISED_COLUMNS, PAIR_COLUMNS, pair_table
from rnamarks.interpretation.optimisation import MOTIF_COLUMNS, START_COLUMNS, Optimum, motif_table

WINDOW = 41
DESIGN = SimpleNamespace(
    species=("human", "mouse", "zebrafish"),
    colours={"human": "#1B4F9C", "mouse": "#B5471B", "zebrafish": "#3B8A5A"},
    analyses=("optimisation",),
)


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
        frames.append(motif_table(Optimum(pwms, blank, blank, blank, blank, blank, imposed), name, predictor))
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
        frames.append(table.assign(species=name, predictor=predictor))
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


def test_species_stand_in_the_order_of_the_design():
    figure = figures.draw_optimised(motifs(), DESIGN)
    names = [axes.get_ylabel() for axes in figure.axes]
    assert names == ["human", "mouse", "human", "mouse"]


def test_logo_letters_reach_their_heights():
    axes = Figure().subplots()
    heights = np.array([[0.0, 0.5, 1.0, 0.0], [0.3, 0.0, 0.0, 0.0]])
    figures.draw_logo(axes, heights, np.array([0, 1]))
    boxes = {patch.get_facecolor()[:3]: patch.get_path().get_extents() for patch in axes.patches}
    assert len(boxes) == 3
    a, c, g = (
        boxes[tuple(int(figures.LETTER_COLOURS[base][i : i + 2], 16) / 255 for i in (1, 3, 5))] for base in "ACG"
    )
    # the taller letter stands on the shorter one
    assert (c.y0, c.y1) == pytest.approx((0, 0.5))
    assert (g.y0, g.y1) == pytest.approx((0.5, 1.5))
    assert (a.y0, a.y1) == pytest.approx((0, 0.3))
    assert (a.x0, a.x1) == pytest.approx((0.54, 1.46), abs=0.01)


def test_caption_names_what_was_imposed():
    with_motif = figures.explain_optimised(motifs(), DESIGN)[0][1]
    without = figures.explain_optimised(motifs(held=False), DESIGN)[0][1]
    assert "1 positions around the site, were imposed" in with_motif
    assert "imposed" not in without
    assert "3 random starts" in without


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("optimised", MOTIF_COLUMNS),
        ("optimised_starts", START_COLUMNS),
        ("optimised_pairs", ["species", "predictor", "null", *OPTIMISED_COLUMNS]),
        ("cooccurrence", ["species", "predictor", *PAIR_COLUMNS]),
        ("cooccurrence_found", ["species", "predictor", *PAIR_COLUMNS, *DISCOVERY_COLUMNS]),
        ("attributions", LETTER_COLUMNS),
        ("attribution_checks", CHECK_COLUMNS),
    ],
)
def test_dictionary_names_every_column_in_order(name, columns):
    assert [column.name for column in TABLES[name].columns] == columns
    assert all(column.kind in KINDS and column.meaning for column in TABLES[name].columns)
    assert TABLES[name].about.endswith(".")


def test_catalogue_leads_to_functions_and_tables():
    for entry in FIGURES:
        module, stem = entry.functions.split(":")
        assert module == "optimisation"
        assert callable(getattr(figures, f"draw_{stem}"))
        assert callable(getattr(figures, f"explain_{stem}"))
        assert set(entry.tables) <= set(TABLES)
    assert [entry.name for entry in FIGURES if entry.shown(DESIGN)] == ["figure_5", "optimised_spread", "cooccurrence"]
    assert not [entry for entry in FIGURES if entry.shown(SimpleNamespace(analyses=("motifs",)))]
