"""Figures of gene ontology and gene regulation: what is drawn, what captions say, tables as the catalogue has them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from rnamarks.biology.ontology import shared_terms
from rnamarks.biology.regulation import Tables, head_of, relate_genes, relate_peaks, relate_structure
from rnamarks.biology.statistics import benjamini_hochberg
from rnamarks.dictionary import column_names
from rnamarks.dictionary.tables import TABLES
from rnamarks.figures.captions import say_p
from rnamarks.figures.catalogue import FIGURES
from rnamarks.figures.collect import read_table
from rnamarks.figures.design import Design
from rnamarks.figures.ontology import RECURRING, SHOWN, explain_shared, explain_terms, recurring, shown_tasks
from rnamarks.figures.regulation import explain_controlled, explain_regulation
from rnamarks.figures.style import save_figure
from rnamarks.tables import write_tsv
from rnamarks.tasks import Task, add_task_columns

SEVEN = ("human", "chimp", "macaque", "mouse", "rat", "pig", "zebrafish")
ENTRIES = {name: entry for name, entry in FIGURES.items() if entry.section in ("ontology", "regulation")}


def make_tasks(species=SEVEN, modifications=("m6A",)):
    colours = ("#0072B2", "#56B4E9", "#332288", "#D55E00", "#E69F00", "#CC79A7", "#009E73")
    return [
        Task(
            name if len(modifications) == 1 else f"{name}_{modification}",
            species=name,
            modification=modification,
            label=name if len(modifications) == 1 else f"{name} {modification}",
            colour=colour,
        )
        for modification in modifications
        for name, colour in zip(species, colours, strict=False)
    ]


def make_design(species=SEVEN, offers=("ontology", "regulation"), modifications=("m6A",)):
    tasks = tuple(make_tasks(species, modifications))
    return Design("small", tasks, (), None, "paper", frozenset(offers), simulated=True)


def make_terms(tasks=None, predictors=("multi", "single"), n=18, sure=True):
    tasks = tasks or make_tasks()
    parts, mapping = [], []
    for at, (task, predictor) in enumerate((one, name) for name in predictors for one in tasks):
        keys = {"transcripts": task.species, "task": task.name, "predictor": predictor}
        random = np.random.default_rng([at, 4])
        p = random.random(n) if not sure else np.r_[10.0 ** -random.integers(1, 9, 4), random.random(n - 4)]
        q = benjamini_hochberg(p)
        fold = np.exp(random.normal(0.3, 0.4, n))
        frame = pd.DataFrame({"term": [f"GO:{number:07d}" for number in range(n)], "p": p, "q": q, "fold": fold})
        frame["name"] = [f"binding of quite a long thing with the number {number}" for number in range(n)]
        frame = frame.assign(**keys, namespace="molecular_function", depth=2, study=random.integers(0, 12, n))
        frame = frame.assign(study_size=40, population=60, population_size=400, raw=p < 0.05, significant=q < 0.05)
        for effect, value in (("fold", fold), ("odds", fold)):
            frame[f"{effect}_low"], frame[f"{effect}_high"] = value / 1.7, value * 1.7
        parts.append(frame.assign(odds_ratio=fold, genes="A, B")[column_names("terms", task_columns=False)])
        row = (*keys.values(), "molecular_function", 400, 380, 0.05, 300, 0.1, 40, "tested", 400, n)
        mapping.append((*row, int((p < 0.05).sum()), int((q < 0.05).sum()), "gene_name", "kept: 9"))
    terms = add_task_columns(pd.concat(parts, ignore_index=True), tasks)
    return {
        "terms": terms,
        "terms_shared": shared_terms(terms),
        "terms_mapping": add_task_columns(
            pd.DataFrame(mapping, columns=column_names("terms_mapping", task_columns=False)), tasks
        ),
    }


def make_regulation(n=160, effect=-1.0, tasks=None):
    tasks, tables = tasks or make_tasks(("human",)), Tables()
    for task in tasks:
        relate_made(tables, (task.species, task.name, "multi"), n, effect)
    names = {"tests": "regulation"}
    return {
        names.get(name, f"regulation_{name}"): add_task_columns(frame, tasks) for name, frame in tables.frames().items()
    }


def relate_made(tables, keys, n, effect):
    random = np.random.default_rng(n)
    length = random.lognormal(7, 0.6, n)
    genes = pd.DataFrame({"length": length, "sites": random.poisson(length / 50) + 1, "gc": random.random(n)})
    genes["capacity"] = random.random(n)
    for kind, name in (("expression",) * 2, ("half_life",) * 2, ("translation",) * 2, ("translation", "te")):
        head = head_of({"kind": kind, "name": name}, *keys)
        relate_genes(tables, head, genes, effect * 4 * genes["capacity"] + random.normal(size=n), unit=f"log2 {name}")
        tables.matches.append(
            {**head, "item": "genes", "wanted": n, "matched": n, "fraction": 1.0, "used": n, "warning": "", "notes": ""}
        )
    sites = genes.assign(probability=random.random(n), gene=np.arange(n) // 5)
    relate_structure(tables, head_of({"kind": "structure"}, *keys), sites, random.choice(["SS", "DS", "poised"], n))
    peaks = genes.assign(potential=0.001 * random.gamma(2, 1, n), gene=np.arange(n) // 5)
    peaks["value"] = 500 * peaks["potential"] + random.normal(size=n)
    relate_peaks(tables, head_of({"kind": "peaks", "name": "h3k36me3"}, *keys), peaks, unit="log2 signal")


def as_read(tables, folder):
    read = {}
    for name, frame in tables.items():
        write_tsv(frame, folder / TABLES[name].path)
        read[name] = read_table(name, folder / TABLES[name].path)
    return read


@pytest.fixture(params=["full", "few values", "nothing", "modifications"])
def run(request, tmp_path):
    species = SEVEN if request.param == "full" else ("human", "mouse")
    modifications = ("m6A", "Y") if request.param == "modifications" else ("m6A",)
    tasks = make_tasks(species, modifications)
    tables = make_terms(tasks, sure=request.param != "few values")
    tables |= make_regulation(5 if request.param == "few values" else 160, tasks=tasks[:: len(species)])
    if request.param == "nothing":
        tables = {name: frame.iloc[:0] for name, frame in tables.items()}
    return make_design(species, modifications=modifications), as_read(tables, tmp_path), tmp_path


@pytest.mark.slow
def test_every_figure_is_drawn_and_explained(run):
    design, tables, folder = run
    for name, entry in ENTRIES.items():
        if not entry.shown(design):
            continue
        chosen = [tables[table] for table in entry.tables]
        save_figure(entry.draw(chosen, design), folder / f"{name}.svg")
        assert (folder / f"{name}.svg").stat().st_size > 1000
        for panel, text in entry.explain(chosen, design):
            assert re.fullmatch(r"[A-Z]{0,2}", panel)
            assert text.endswith("."), text
            assert re.search(r"[0-9]", text), text
            assert not re.search(r"\bnan\b|  ", text), text


def test_figures_are_shown_where_there_is_something_to_show():
    assert not [name for name, entry in ENTRIES.items() if entry.shown(make_design(offers=("transcriptome",)))]
    few = {name for name, entry in ENTRIES.items() if entry.shown(make_design(("human",)))}
    assert few == {"figure_7", "figure_8", "figure_8_controlled", "figure_s1_regulation"}


def test_catalogue_explains_every_column():
    made = make_terms() | make_regulation()
    for name, table in made.items():
        assert column_names(name) == list(table.columns), name
    for entry in ENTRIES.values():
        assert set(entry.tables) <= set(TABLES)


def test_panels_follow_the_species_of_the_design():
    mapping = make_terms()["terms_mapping"]
    design = make_design()
    assert shown_tasks(mapping, design, "first") == list(SEVEN[:4])
    assert shown_tasks(mapping, design, "further") == list(SEVEN[4:])
    captions = explain_terms(make_terms()["terms"], mapping, design, "further")
    assert [panel for panel, _ in captions] == ["A", "B", "C"]
    assert "rat by multi, against the 400 tested genes" in captions[0][1]


def test_only_some_terms_are_listed_the_recurring_ones_first():
    made = make_terms(n=40)
    listed = recurring(made["terms_shared"], "molecular_function")
    assert len(listed) <= RECURRING
    assert listed["raw"].iloc[0] == made["terms_shared"].query("predictor == 'multi'")["raw"].max()
    axes = ENTRIES["figure_7"].draw([made["terms"], made["terms_mapping"]], make_design()).axes
    assert all(len(one.get_yticks()) <= SHOWN for one in axes)
    assert "no independent evidence" in explain_shared(made["terms_shared"], made["terms"], make_design())[0][1]


@pytest.mark.parametrize(("effect", "word"), [(-1.0, "slower"), (1.0, "faster"), (0.0, "neither faster nor slower")])
def test_caption_of_translation_says_what_the_data_say(effect, word):
    made = make_regulation(effect=effect)
    names = ("regulation", "regulation_quantiles", "regulation_bins", "regulation_trends")
    texts = dict(explain_regulation(*(made[name] for name in names), make_design()))
    assert f"In these data it is {word}" in texts["C"]
    assert "The paper contradicts itself" in texts["C"]
    assert "Figure 8C of the paper" in texts["C"]
    assert "Figure 8E of the paper" in texts["F"]


def test_caption_counts_effects_that_stay():
    made = make_regulation(effect=-1.0)
    text = explain_controlled(made["regulation"], make_design())[0][1]
    kept, lines = map(int, re.search(r"([0-9]+) of ([0-9]+) raw effects", text).groups())
    assert lines == 6
    assert 4 <= kept <= 6


def test_raw_and_controlled_effects_stand_side_by_side():
    made = make_regulation()
    left, right = ENTRIES["figure_8_controlled"].draw([made["regulation"]], make_design()).axes
    assert [text.get_text().replace("\n", " ") for text in left.get_yticklabels()] == [
        "expression",
        "half life",
        "translation",
        "te",
        "structure, SS − DS",
        "structure, SS − poised",
    ]
    assert [text.get_text().replace("\n", " ") for text in right.get_yticklabels()][-2:] == [
        "h3k36me3, Pearson",
        "h3k36me3, Spearman",
    ]
    rows = made["regulation"].query("name == 'expression' and measure == 'cliffs_delta'")
    drawn = [line.get_xdata() for line in left.lines if len(line.get_xdata()) == 2]
    for row in rows.to_dict("records"):
        assert any(np.allclose(ends, [row["low"], row["high"]]) for ends in drawn)


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "P < 10⁻³⁰⁰"), (2.78e-27, "P = 2.78 × 10⁻²⁷"), (0.0421, "P = 0.042"), (np.nan, "not tested")]
)
def test_p_values_are_said_as_people_write_them(p, text):
    assert say_p(p) == text


def test_modifications_have_panels_of_their_own():
    tasks = make_tasks(("human", "mouse"), ("m6A", "Y"))
    design, made = make_design(("human", "mouse"), modifications=("m6A", "Y")), make_terms(tasks)
    figure = ENTRIES["figure_s4_terms"].draw([made["terms_shared"], made["terms"]], design)
    titles = [axes.get_title(loc="left") for axes in figure.axes[:4]]
    assert titles == ["m6A, multi", "Y, multi", "m6A, single", "Y, single"]
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == ["human Y", "mouse Y"]
    related = make_regulation(tasks=tasks[::2])
    names = ("regulation", "regulation_quantiles", "regulation_bins", "regulation_trends")
    figure = ENTRIES["figure_8"].draw([related[name] for name in names], design)
    titles = {axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes}
    assert titles >= {"human m6A, expression", "human Y, expression", "human Y, chromatin peaks: h3k36me3"}
    texts = dict(explain_regulation(*(related[name] for name in names), design))
    assert "low; human Y, multi; Figure 8A of the paper)" in "".join(texts.values())


def test_letters_of_panels_go_on_after_z():
    tasks = [Task(f"task{number}", species="human", modification="m6A") for number in range(9)]
    related = make_regulation(20, tasks=tasks)
    names = ("regulation", "regulation_quantiles", "regulation_bins", "regulation_trends")
    texts = explain_regulation(*(related[name] for name in names), make_design())
    letters = [panel for panel, _ in texts]
    assert letters[24:28] == ["Y", "Z", "AA", "AB"]
    assert (len(letters), letters[-1]) == (9 * 6, "BB")
    figure = ENTRIES["figure_8"].draw([related[name] for name in names], make_design())
    assert set(letters) <= {text.get_text() for axes in figure.axes for text in axes.texts}
