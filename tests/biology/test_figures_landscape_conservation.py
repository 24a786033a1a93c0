"""Figures of landscape and capacity: what is drawn, what the captions say, tables as the catalogue explains them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from rnamarks.biology.capacity import COLUMNS as CAPACITY_COLUMNS
from rnamarks.biology.capacity import describe_capacity, measure_capacity
from rnamarks.biology.conservation import compare_species, count_conserved, join_orthologues, list_conserved
from rnamarks.biology.landscape import make_axes, measure_landscape
from rnamarks.figures.catalogue import capacity as capacity_catalogue
from rnamarks.figures.catalogue import landscape as landscape_catalogue
from rnamarks.figures.columns import KINDS
from rnamarks.figures.design import Design
from rnamarks.figures.landscape import compared_species, predictor_looks
from rnamarks.figures.style import save_figure
from rnamarks.tables import read_tsv, write_tsv

COLOURS = dict(
    zip(
        ("human", "chimp", "macaque", "mouse", "rat", "pig", "zebrafish"),
        ("#0072B2", "#56B4E9", "#332288", "#D55E00", "#E69F00", "#CC79A7", "#009E73"),
        strict=True,
    )
)
TABLES = landscape_catalogue.TABLES | capacity_catalogue.TABLES
ENTRIES = {entry.name: entry for entry in (*landscape_catalogue.FIGURES, *capacity_catalogue.FIGURES)}


def make_design(species, analyses=("landscape", "capacity")):
    return Design(
        run="small",
        modification="m6A",
        species=tuple(species),
        colours={name: COLOURS[name] for name in species},
        series=(),
        recommended=None,
        split="paper",
        released=False,
        external=False,
        simulated=True,
        analyses=analyses,
    )


def make_tables(made, species, *, called=True):
    worlds = {name: made.calls(genes=25, seed=at, per_gene=25) for at, name in enumerate(species)}
    axes = make_axes([table for table, _ in worlds.values()], bins=12, stop_bin=200)
    parts = []
    for at, (name, (table, candidates)) in enumerate(worlds.items()):
        if not called:
            candidates = candidates._replace(called=np.zeros_like(candidates.called))
        calls = {"multi": candidates, "single": candidates} | ({"measured": candidates} if not at else {})
        parts.append(measure_landscape(table, calls, axes, species=name, resamples=30))
    capacity, orthologues = made.capacity(groups=30 if called else 2, species=species)
    if not called:
        capacity["high"] = False
    members = join_orthologues(capacity, orthologues, species=species)
    counts, differences = count_conserved(members, permutations=30, resamples=30)
    apart = pd.DataFrame(1.0, index=list(species), columns=list(species))
    conserved, genes = list_conserved(members)
    genes_of = [made.genes(np.random.default_rng(at).random(30), name, at) for at, name in enumerate(species)]
    described = [
        describe_capacity(genes, species=name, predictor="multi") for name, genes in zip(species, genes_of, strict=True)
    ]
    return {
        "landscape": pd.concat([part[0] for part in parts], ignore_index=True),
        "landscape_statistics": pd.concat([part[1] for part in parts], ignore_index=True),
        "capacity": measure_capacity(genes_of[0], species=species[0], predictor="multi"),
        "capacity_definitions": pd.concat(described, ignore_index=True),
        "conservation": counts,
        "conservation_differences": differences,
        "capacity_similarity": compare_species(members, apart),
        "conserved_genes": conserved,
        "conserved_capacity": genes,
    }


@pytest.fixture(scope="module", params=["seven species", "nothing called", "one species"])
def run(request, made, tmp_path_factory):
    """Design and tables, these written and read as rules do."""
    count = {"seven": 7, "nothing": 2, "one": 1}[request.param.split()[0]]
    species = made.seven[:count]
    tables = make_tables(made, species, called="nothing" not in request.param)
    folder = tmp_path_factory.mktemp("run")
    read = {}
    for name, frame in tables.items():
        write_tsv(frame, folder / TABLES[name].path)
        columns = TABLES[name].columns
        texts = {column.name: str for column in columns if column.kind == "text"}
        frame, _ = read_tsv(folder / TABLES[name].path, [column.name for column in columns], dtype=texts)
        read[name] = frame.fillna(dict.fromkeys(texts, ""))
    return make_design(species), read, folder


def test_tables_are_explained_column_by_column(made):
    for name, frame in make_tables(made, made.seven[:2]).items():
        assert [column.name for column in TABLES[name].columns] == list(frame.columns), name
        assert {column.kind for column in TABLES[name].columns} <= set(KINDS)
    assert [column.name for column in TABLES["capacity"].columns] == list(CAPACITY_COLUMNS)


def test_every_figure_is_drawn_with_the_panels_that_its_captions_speak_of(run):
    design, tables, folder = run
    for name, entry in ENTRIES.items():
        given = [tables[table] for table in entry.tables]
        figure = entry.draw(given, design)
        save_figure(figure, folder / f"{name}.svg")
        assert (folder / f"{name}.svg").stat().st_size > 1000
        captions = entry.explain(given, design)
        assert len({panel for panel, _ in captions}) == len(captions)
        written = {text.get_text() for axes in figure.axes for text in axes.texts}
        assert {panel for panel, _ in captions} - {""} <= written
        for panel, text in captions:
            assert text.endswith("."), (name, panel)
            assert re.search(r"\d", text), (name, panel)
            assert not re.search(r"\bnan\b|None", text), (name, panel, text)


def test_when_figures_are_shown():
    analyses = ("landscape", "capacity")
    shown = {
        names: [name for name, entry in ENTRIES.items() if entry.shown(make_design(list(COLOURS), analyses=names))]
        for names in (analyses, (*analyses, "conservation"))
    }
    assert shown[*analyses, "conservation"] == list(ENTRIES)
    assert shown[analyses] == ["figure_3", "stop_codon", "capacity_definitions"]
    assert not [name for name, entry in ENTRIES.items() if entry.shown(make_design(list(COLOURS), analyses=()))]


def test_landscape_panels(made):
    design, tables = make_design(made.seven), make_tables(made, made.seven)
    landscape, statistics = tables["landscape"], tables["landscape_statistics"]
    assert compared_species(landscape, design) == ["human", "chimp", "macaque"]
    figure = ENTRIES["figure_3"].draw([landscape, statistics], design)
    top, first, second, _ = figure.axes
    # a line per species or predictor, the two ends of the coding sequence, and the even spread
    assert [len(axes.lines) for axes in (top, first, second)] == [7 + 3, 3 + 3, 2 + 3]
    rows = landscape[(landscape["axis"] == "metagene") & (landscape["quantity"] == "density")]
    human = rows[(rows["species"] == "human") & (rows["predictor"] == "multi")]
    assert top.lines[0].get_ydata() == pytest.approx(human["value"].to_numpy())
    captions = dict(ENTRIES["figure_3"].explain([landscape, statistics], design))
    called = int(statistics.set_index(["species", "predictor"]).at[("human", "multi"), "called"])
    assert f"human {called:,} of 625 in 25 genes" in captions["A"]
    assert "trained on" in captions["B"]
    assert "trained on" not in captions["C"]


def test_nothing_called_is_said(made):
    design, tables = make_design(made.seven[:2]), make_tables(made, made.seven[:2], called=False)
    figure = ENTRIES["figure_3"].draw([tables["landscape"], tables["landscape_statistics"]], design)
    assert "no site called" in {text.get_text() for text in figure.axes[0].texts}
    empty = ENTRIES["table_1"].draw([tables["conserved_genes"], tables["conserved_capacity"]], design)
    assert "no gene has high capacity in every species" in {text.get_text() for text in empty.axes[0].texts}


def test_conservation_shows_the_table(made):
    design, tables = make_design(made.seven), make_tables(made, made.seven)
    given = [tables[name] for name in ENTRIES["figure_6"].tables]
    axes = ENTRIES["figure_6"].draw(given, design).axes
    assert [text.get_text() for text in axes[0].get_xticklabels()] == ["≥ 2", "≥ 3", "≥ 4", "≥ 5", "≥ 6", "7"]
    assert axes[1].get_yscale() == "log"
    assert axes[2].get_ylabel() == "orthogroups, multi − single"
    captions = dict(ENTRIES["figure_6"].explain(given, design))
    row = tables["conservation"].set_index(["predictor", "counting", "species"]).loc[("multi", "at least", 7)]
    assert f"multi {int(row['observed'])} against {row['null_mean']:.1f} by chance" in captions["A"]


def test_looks_of_predictors():
    looks = predictor_looks(["measured", "multi", "single", "multi"])
    assert list(looks) == ["multi", "single", "measured"]
    assert len({look.colour for look in looks.values()}) == 3
    assert len({look.marker for look in looks.values()}) == 3
