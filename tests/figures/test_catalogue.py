"""Each figure of each kind of run can be drawn, explained, saved twice alike, and is listed."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.figures.catalogue import FIGURES, SECTIONS, FigureEntry, figures_of, find_figure, tables_of
from rnamarks.figures.collect import index_rows, read_table
from rnamarks.figures.style import save_figure
from rnamarks.tables import write_tsv

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"


def test_figures_show_something_and_are_explained(read_run, drawn):
    design, tables, _ = read_run
    assert list(drawn) == figures_of(design)
    for name, figure in drawn.items():
        entry = find_figure(name)
        shown = [axes for axes in figure.axes if axes.get_visible()]
        assert shown, name
        assert all(axes.patches or axes.lines or axes.collections for axes in shown), name
        letters = {text.get_text() for axes in figure.axes for text in axes.texts}
        captions = entry.explain([tables[table] for table in entry.tables], design)
        assert {panel for panel, _ in captions if panel} <= letters, name
        for _, text in captions:
            assert text.endswith(".")
            assert "nan" not in re.findall(r"[a-z]+", text)
            assert re.search(r"\d", text), f"{name}: no number in {text}"


def test_figures_are_vectors_and_equal_input_gives_equal_bytes(read_run, drawn, tmp_path):
    design, tables, folder = read_run
    for name in drawn:
        first = (folder / find_figure(name).file).read_bytes()
        assert b"<image" not in first, name
        if len(design.tasks) == 1:
            save_figure(
                find_figure(name).draw([tables[at] for at in find_figure(name).tables], design), tmp_path / "x.svg"
            )
            assert (tmp_path / "x.svg").read_bytes() == first, name


def test_index_names_files_tables_and_metrics(read_run):
    design, tables, folder = read_run
    index = index_rows(design, tables, figures_of(design))
    assert list(index.columns) == column_names("figures")
    assert not index.isna().any().any()
    assert not (index == "").any().any()
    assert "evaluation/metrics.tsv" in set(index.loc[index["figure"] == "Table", "file"])
    for name in figures_of(design):
        assert find_figure(name).file in set(index["file"])
    assert not [path for path in index["table"] if not (folder / path).is_file()]


OFFERS = (
    *("release", "external", "student", "null", "all_tasks", "transcriptome", "landscape", "capacity", "conservation"),
    *(
        "ontology",
        "regulation",
        "proximity",
        "motifs",
        "filters",
        "databases",
        "attribution",
        "optimisation",
        "attention",
    ),
    *("consensus", "association", "mutations", "width", "embedding", "objective"),
    *("corpus", "language", "pretrained", "downstream", "pairs", "labels", "values", "families"),
    *("compared", "ranking", "shares", "places", "laboratories"),
)


def test_a_run_that_offers_everything_makes_every_figure(design, mixed):
    shown = set()
    for one in (design, mixed[0]):
        full = replace(one, offers=frozenset(OFFERS))
        shown |= set(figures_of(full))
        assert set(tables_of(full)) == {table for name in figures_of(full) for table in FIGURES[name].tables}
    # a second page of terms is for more than four species
    assert shown == set(FIGURES) - {"figure_s3_terms"}


def test_small_runs_leave_out_what_they_cannot_show(any_run):
    design, _ = any_run
    names = set(figures_of(design))
    if design.best is None:
        assert not names & {"training", "figure_2cd", "differences", "reliability", "thresholds", "external"}
        assert {"window_counts", "drops", "leaks", "figure_2ab", "roc_curves"} <= names
    elif len(design.tasks) == 1:
        assert "figure_2cd" not in names
        assert design.scheme == "guarded"
        assert "histories" in tables_of(design)


def test_captions_count_the_test_windows(design, tables):
    texts = dict(find_figure("figure_2ab").explain([tables["metrics"]], design))
    assert "human 30 : 150" in texts["A"]
    assert "chimp 30 : 150" in texts["B"]
    assert "95 %" in texts["A"]


def test_unknown_figure():
    with pytest.raises(InputError, match="figure_9"):
        find_figure("figure_9")


def test_reading_keeps_text_as_text(tmp_path):
    task = {"task": "human", "species": "human", "modification": "m6A"}
    frame = pd.DataFrame({"scheme": "paper", **task, "split": ["train", ""], "label": 1, "windows": 3})
    write_tsv(frame, tmp_path / "counts.tsv")
    read = read_table("counts", tmp_path / "counts.tsv")
    assert read["split"].tolist() == ["train", ""]
    assert read["windows"].dtype.kind == "i"
    write_tsv(frame.drop(columns="windows"), tmp_path / "short.tsv")
    with pytest.raises(InputError, match="windows"):
        read_table("counts", tmp_path / "short.tsv")


def test_every_figure_has_its_section_in_the_report():
    assert {entry.section for entry in FIGURES.values()} == set(SECTIONS)


def test_the_graph_needs_no_library_of_data_or_plots():
    code = "import sys, rnamarks.figures.catalogue, rnamarks.dictionary.tables\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=WORKFLOW, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert "rnamarks" in loaded
    assert not loaded & {"numpy", "pandas", "pyarrow", "scipy", "matplotlib", "torch", "Bio"}


def test_every_figure_has_its_module():
    for entry in FIGURES.values():
        text = entry.module.read_text()
        stem = entry.functions.partition(":")[2]
        assert f"def draw_{stem}(" in text, entry.name
        assert f"def explain_{stem}(" in text, entry.name


def test_titles_are_in_the_words_of_the_run(design, mixed):
    entry = FigureEntry("one", "All {words}", "One {word} at a time.", "One", "data", "data:counts", ("counts",))
    assert (entry.title_in(design), entry.about_in(design)) == ("All species", "One species at a time.")
    assert (entry.title_in(mixed[0]), entry.about_in(mixed[0])) == ("All tasks", "One task at a time.")
    for one in FIGURES.values():
        assert "{" not in one.title_in(design) + one.about_in(design)
