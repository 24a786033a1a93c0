"""Figures of landscape and capacity: what is drawn, what the captions say, tables as the catalogue explains them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from rnamarks.biology.capacity import describe_capacity, measure_capacity
from rnamarks.biology.conservation import compare_capacity
from rnamarks.biology.landscape import make_axes, measure_landscape
from rnamarks.dictionary import column_names
from rnamarks.dictionary.tables import TABLES
from rnamarks.figures.catalogue import FIGURES
from rnamarks.figures.collect import read_table
from rnamarks.figures.design import Design
from rnamarks.figures.landscape import compared_tasks
from rnamarks.figures.panels import predictor_looks
from rnamarks.figures.style import save_figure
from rnamarks.prediction.site_files import SITE_SCHEMA
from rnamarks.tables import write_tsv
from rnamarks.tasks import Task, add_task_columns

COLOURS = dict(
    zip(
        ("human", "chimp", "macaque", "mouse", "rat", "pig", "zebrafish"),
        ("#0072B2", "#56B4E9", "#332288", "#D55E00", "#E69F00", "#CC79A7", "#009E73"),
        strict=True,
    )
)
# without those that no run has: rnamarks compare draws them
ENTRIES = {
    name: entry
    for name, entry in FIGURES.items()
    if entry.section in ("landscape", "capacity") and not name.startswith("compared_")
}


def make_tasks(species, modifications=("m6A",)):
    spare = iter(("#888888", "#DDCC77", "#661100"))
    return [
        Task(
            name if len(modifications) == 1 else f"{name}_{modification}",
            species=name,
            modification=modification,
            label=name if len(modifications) == 1 else f"{name} {modification}",
            colour=COLOURS[name] if modification == "m6A" else next(spare),
        )
        for modification in modifications
        for name in species
    ]


def make_design(tasks, offers=("landscape", "capacity")):
    return Design("small", tuple(tasks), (), None, "paper", frozenset(offers), simulated=True)


def make_tables(made, tasks, *, called=True):
    worlds = {task: made.calls(genes=25, seed=at, per_gene=25) for at, task in enumerate(tasks)}
    axes = make_axes([table for table, _ in worlds.values()], bins=12, stop_bin=200)
    parts, capacities, described = [], [], []
    for at, (task, (table, candidates)) in enumerate(worlds.items()):
        if not called:
            candidates = candidates._replace(called=np.zeros_like(candidates.called))
        calls = {"multi": candidates, "single": candidates} | ({"measured": candidates} if not at else {})
        # transcripts of nobody's own species are in the tables and not in the figures
        for name in (task.species, "isolate"):
            parts.append(measure_landscape(table, calls, axes, transcripts=name, task=task.name, resamples=30))
        genes = made.genes(np.random.default_rng(at).random(30), task.species, at)
        options = {"transcripts": task.species, "task": task.name, "predictor": "multi"}
        capacities.append(measure_capacity(genes, **options))
        described.append(describe_capacity(genes, **options))
    species = list(dict.fromkeys(task.species for task in tasks))
    by_modification = []
    for seed, modification in enumerate(dict.fromkeys(task.modification for task in tasks)):
        capacity, orthologues = made.capacity(groups=30 if called else 2, species=species, seed=seed)
        names = {task.species: task.name for task in tasks if task.modification == modification}
        by_modification.append(capacity.assign(modification=modification, task=capacity["species"].map(names)))
    capacity = pd.concat(by_modification, ignore_index=True)
    if not called:
        capacity["high"] = False
    distances = {first: dict.fromkeys(species, 1.0) for first in species}
    options = {"species": species, "distances": distances, "permutations": 30, "resamples": 30}
    found = compare_capacity(capacity, orthologues, **options)
    frames = {
        "landscape": pd.concat([part[0] for part in parts], ignore_index=True),
        "landscape_statistics": pd.concat([part[1] for part in parts], ignore_index=True),
        "capacity": pd.concat(capacities, ignore_index=True),
        "capacity_definitions": pd.concat(described, ignore_index=True),
    }
    return {name: add_task_columns(frame, tasks) for name, frame in frames.items()} | {
        "conservation": found["counts"],
        "conservation_differences": found["differences"],
        "capacity_similarity": found["similarity"],
        "conserved_genes": found["conserved"],
        "conserved_capacity": found["genes"],
    }


RUNS = {
    "seven species": make_tasks(COLOURS),
    "nothing called": make_tasks(("human", "chimp")),
    "one species": make_tasks(("human",)),
    "two modifications": make_tasks(("human", "mouse"), ("m6A", "Y")),
    "one modification each": [*make_tasks(("human",)), Task("Y", species="mouse", modification="Y", colour="#888888")],
}


@pytest.fixture(scope="module", params=RUNS)
def run(request, made, tmp_path_factory):
    """Design and tables, these written and read as rules do."""
    tasks = RUNS[request.param]
    folder = tmp_path_factory.mktemp("run")
    read = {}
    for name, frame in make_tables(made, tasks, called="nothing" not in request.param).items():
        write_tsv(frame, folder / TABLES[name].path)
        read[name] = read_table(name, folder / TABLES[name].path)
    return make_design(tasks), read, folder


def test_tables_are_explained_column_by_column(made):
    for name, frame in make_tables(made, make_tasks(("human", "mouse"), ("m6A", "Y"))).items():
        assert column_names(name) == list(frame.columns), name


def test_predicted_sites_are_explained_as_they_are_written():
    assert column_names("predicted_sites") == SITE_SCHEMA.names


@pytest.mark.slow
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
        names: [name for name, entry in ENTRIES.items() if entry.shown(make_design(make_tasks(COLOURS), names))]
        for names in (analyses, (*analyses, "conservation"))
    }
    assert shown[*analyses, "conservation"] == list(ENTRIES)
    assert shown[analyses] == ["figure_3", "stop_codon", "capacity_definitions"]
    assert not [name for name, entry in ENTRIES.items() if entry.shown(make_design(make_tasks(COLOURS), ()))]


def test_landscape_panels(made):
    tasks = make_tasks(made.seven)
    design, tables = make_design(tasks), make_tables(made, tasks)
    landscape, statistics = tables["landscape"], tables["landscape_statistics"]
    assert compared_tasks(landscape, design) == ["human", "chimp", "macaque"]
    figure = ENTRIES["figure_3"].draw([landscape, statistics], design)
    top, first, second, _ = figure.axes
    # a line per species or predictor, the two ends of the coding sequence, and the even spread
    assert [len(axes.lines) for axes in (top, first, second)] == [7 + 3, 3 + 3, 2 + 3]
    rows = landscape[(landscape["axis"] == "metagene") & (landscape["quantity"] == "density")]
    human = rows[(rows["transcripts"] == "human") & (rows["predictor"] == "multi")]
    assert top.lines[0].get_ydata() == pytest.approx(human["value"].to_numpy())
    captions = dict(ENTRIES["figure_3"].explain([landscape, statistics], design))
    called = int(statistics.set_index(["transcripts", "task", "predictor"]).at[("human", "human", "multi"), "called"])
    assert f"human {called:,} of 625 in 25 genes" in captions["A"]
    assert "trained on" in captions["B"]
    assert "trained on" not in captions["C"]


def test_nothing_called_is_said(made):
    tasks = make_tasks(made.seven[:2])
    design, tables = make_design(tasks), make_tables(made, tasks, called=False)
    figure = ENTRIES["figure_3"].draw([tables["landscape"], tables["landscape_statistics"]], design)
    assert "no site called" in {text.get_text() for text in figure.axes[0].texts}
    empty = ENTRIES["table_1"].draw([tables["conserved_genes"], tables["conserved_capacity"]], design)
    assert "no gene has high capacity in every species" in {text.get_text() for text in empty.axes[0].texts}


def test_conservation_shows_the_table(made):
    tasks = make_tasks(made.seven)
    design, tables = make_design(tasks), make_tables(made, tasks)
    given = [tables[name] for name in ENTRIES["figure_6"].tables]
    axes = ENTRIES["figure_6"].draw(given, design).axes
    assert [text.get_text() for text in axes[0].get_xticklabels()] == ["≥ 2", "≥ 3", "≥ 4", "≥ 5", "≥ 6", "7"]
    assert axes[1].get_yscale() == "log"
    assert axes[2].get_ylabel() == "orthogroups, multi − single"
    captions = dict(ENTRIES["figure_6"].explain(given, design))
    row = tables["conservation"].set_index(["predictor", "n_species"]).loc[("multi", 7)]
    assert f"multi {int(row['observed'])} against {row['null_mean']:.1f} by chance" in captions["A"]


def test_looks_of_predictors():
    looks = predictor_looks(["measured", "multi", "single", "multi"])
    assert list(looks) == ["multi", "single", "measured"]
    assert len({look.colour for look in looks.values()}) == 3
    assert len({look.marker for look in looks.values()}) == 3


def test_modifications_are_told_apart(made):
    tasks = RUNS["two modifications"]
    design, tables = make_design(tasks), make_tables(made, tasks)
    top = ENTRIES["figure_3"].draw([tables["landscape"], tables["landscape_statistics"]], design).axes[0]
    assert {text.get_text() for text in top.get_legend().get_texts()} == {task.label for task in tasks}
    given = [tables[name] for name in ENTRIES["figure_6"].tables]
    figure = ENTRIES["figure_6"].draw(given, design)
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert labels >= {"m6A, multi", "m6A, single", "Y, multi", "Y, single"}
    captions = dict(ENTRIES["figure_6"].explain(given, design))
    row = tables["conservation"].set_index(["modification", "predictor"]).loc[("Y", "single")]
    assert f"Y, single {int(row['observed'])} against" in captions["A"]
    conserved = tables["conserved_genes"]
    caption = ENTRIES["table_1"].explain([conserved, tables["conserved_capacity"]], design)[0][1]
    both = conserved[(conserved["modification"] == "Y") & (conserved["category"] == "both")]
    assert f"Y, both {len(both)}" in caption
