"""Each figure of each kind of run can be drawn, explained, saved twice alike, and is listed."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest

from rnamarks.configuration import Plan
from rnamarks.errors import InputError
from rnamarks.figures.catalogue import datasets, evaluation, training
from rnamarks.figures.register import (
    FIGURE_COLUMNS,
    FIGURES,
    figures_of,
    find_figure,
    index_rows,
    read_table,
    tables_of,
)
from rnamarks.figures.report import SECTIONS
from rnamarks.figures.style import save_figure
from rnamarks.tables import write_tsv


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
        if len(design.species) == 1:
            save_figure(
                find_figure(name).draw([tables[at] for at in find_figure(name).tables], design), tmp_path / "x.svg"
            )
            assert (tmp_path / "x.svg").read_bytes() == first, name


def test_index_names_files_tables_and_metrics(read_run):
    design, tables, folder = read_run
    index = index_rows(design, tables, figures_of(design))
    assert tuple(index.columns) == FIGURE_COLUMNS
    assert not index.isna().any().any()
    assert not (index == "").any().any()
    assert "evaluation/metrics.tsv" in set(index.loc[index["figure"] == "Table", "file"])
    for name in figures_of(design):
        assert find_figure(name).file in set(index["file"])
    assert not [path for path in index["table"] if not (folder / path).is_file()]


def test_full_run_makes_every_figure(design):
    assert figures_of(design) == [entry.name for stage in (datasets, training, evaluation) for entry in stage.FIGURES]
    assert not design.analyses
    full = replace(design, analyses=(*Plan.ANALYSES, "conservation"))
    marks = replace(full, heads_are="modification", varied=("width", "embedding", "objective", "student"))
    # a second page of terms is for more than four species
    assert {*figures_of(full), *figures_of(marks)} == set(FIGURES) - {"figure_s3_terms"}
    assert {name for name in figures_of(marks) if name not in figures_of(full)} == {
        entry.name for entry in FIGURES.values() if entry.section == "marks"
    }
    assert {*tables_of(full), *tables_of(marks)} == {table for entry in FIGURES.values() for table in entry.tables}


def test_small_runs_leave_out_what_they_cannot_show(any_run):
    design, _ = any_run
    names = set(figures_of(design))
    if design.best is None:
        assert not names & {"training", "figure_2cd", "differences", "reliability", "thresholds", "external"}
        assert {"window_counts", "drops", "leaks", "figure_2ab", "roc_curves"} <= names
    elif len(design.species) == 1:
        assert "figure_2cd" not in names
        assert design.split == "guarded"
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
    frame = pd.DataFrame({"split": "paper", "species": "human", "part": ["train", ""], "label": 1, "windows": 3})
    write_tsv(frame, tmp_path / "counts.tsv")
    read = read_table("counts", tmp_path / "counts.tsv")
    assert read["part"].tolist() == ["train", ""]
    assert read["windows"].dtype.kind == "i"
    write_tsv(frame.drop(columns="windows"), tmp_path / "short.tsv")
    with pytest.raises(InputError, match="windows"):
        read_table("counts", tmp_path / "short.tsv")


def test_every_figure_has_its_section_in_the_report():
    assert {entry.section for entry in FIGURES.values()} <= {anchor for anchor, _ in SECTIONS}
