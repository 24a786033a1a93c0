"""Figures and tables of models of several marks: each is drawn, explained, saved twice alike, and holds its table."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rnamarks.evaluation.mark_panels import WINDOW_COLUMNS, build_mark_panels
from rnamarks.evaluation.marks import (
    METRIC_COLUMNS,
    NOISE_COLUMNS,
    PAIRED_COLUMNS,
    SUMMARY_COLUMNS,
    marks_table,
    measure_marks,
    noise_table,
    paired_marks,
    summary_table,
)
from rnamarks.evaluation.multilabel import (
    CURVE_COLUMNS,
    IMBALANCE_COLUMNS,
    MULTILABEL_COLUMNS,
    imbalance_table,
    mark_curves,
    multilabel_table,
)
from rnamarks.evaluation.sources_apart import COLUMNS as SOURCE_COLUMNS
from rnamarks.figures import marks_comparison, marks_evaluation
from rnamarks.figures.catalogue.marks_evaluation import FIGURES, TABLES
from rnamarks.figures.columns import KINDS
from rnamarks.figures.design import Design, Series
from rnamarks.figures.style import save_figure
from rnamarks.prediction.fast import COLUMNS as MODE_COLUMNS
from rnamarks.tables import read_tsv, write_tsv

from ..evaluation.marks_worlds import MARKS, made_runs

NETWORK = {"network": "multirm", "embedding": "word2vec", "objective": "ohem", "otherwise": "{}"}
SETTINGS = {"multirm_51": NETWORK | {"width": 51}, "multirm_21": NETWORK | {"width": 21}}


def series(model: str, setting: str, kind: str) -> Series:
    return Series(
        model, setting, f"{model} model", model, "", "#884488", "o", "-", kind, "", True, tuple(MARKS), ("paper",)
    )


@pytest.fixture(scope="module")
def design() -> Design:
    return Design(
        run="marks",
        modification="RNA modification",
        species=tuple(MARKS),
        colours=dict(zip(MARKS, ("#88CCEE", "#882255", "#CC6677", "#117733", "#6699CC"), strict=True)),
        series=(
            series("multirm_51", "all", "network"),
            series("multirm_21", "all", "network"),
            series("kmer_logistic", "single", "baseline"),
            series("prevalence", "single", "baseline"),
        ),
        recommended=("multirm_51", "all"),
        split="paper",
        released=True,
        external=False,
        simulated=False,
        heads_are="modification",
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, pd.DataFrame]:
    """As a rule reads them."""
    (panel,) = build_mark_panels(made_runs())
    measured = measure_marks(panel, n=30)
    metrics, paired = marks_table(panel, measured), paired_marks(panel, measured)
    made = {
        "marks_metrics": metrics,
        "marks_summary": summary_table(panel, measured, SETTINGS),
        "marks_paired": paired,
        "marks_noise": noise_table(metrics, paired),
        "marks_multilabel": multilabel_table(panel, n=20),
        "marks_imbalance": imbalance_table(panel, dict.fromkeys(MARKS, 8.5), n=20),
        "marks_curves": mark_curves(panel),
        "marks_sources": pd.DataFrame(
            [("Am", "m6A", "A", 0.8, 0.7, 0.9, 100, 90, 2, 5), ("Um", "Y", "U", *[np.nan] * 3, 4, 90, 0, 5)],
            columns=list(SOURCE_COLUMNS),
        ),
        "marks_modes": pd.DataFrame(
            [(name, 0.8, 0.79, -0.01, -0.02, 0.01, 0.3, 0.97, 50, 50) for name in (*MARKS, "mean")],
            columns=list(MODE_COLUMNS),
        ),
    }
    folder = tmp_path_factory.mktemp("tables")
    read = {}
    for name, table in made.items():
        write_tsv(table, folder / f"{name}.tsv")
        texts = {column.name: str for column in TABLES[name].columns if column.kind == "text"}
        read[name] = read_tsv(folder / f"{name}.tsv", dtype=texts)[0].fillna(dict.fromkeys(texts, ""))
    return read


@pytest.mark.parametrize("entry", FIGURES, ids=lambda entry: entry.name)
def test_figures_are_drawn_explained_and_equal(entry, tables, design, tmp_path: Path):
    wanted = [tables[name] for name in entry.tables]
    if entry.options.get("by") in ("embedding", "objective"):
        tables = dict(tables)
        changed = tables["marks_summary"].copy()
        changed["width"] = 51
        changed.loc[changed["model"] == "multirm_21", entry.options["by"]] = "another"
        wanted[1] = changed
    for name in ("a", "b"):
        figure = entry.draw(wanted, design)
        save_figure(figure, tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<image" not in (tmp_path / "a.svg").read_bytes()
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert all(axes.patches or axes.lines or axes.collections for axes in shown)
    letters = {text.get_text() for axes in figure.axes for text in axes.texts}
    captions = entry.explain(wanted, design)
    assert {panel for panel, _ in captions if panel} <= letters
    for _, text in captions:
        assert text.endswith(".")
        assert re.search(r"\d", text)
        assert "nan" not in re.findall(r"[a-z]+", text)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("marks_heads", WINDOW_COLUMNS),
        ("marks_metrics", METRIC_COLUMNS),
        ("marks_summary", SUMMARY_COLUMNS),
        ("marks_paired", PAIRED_COLUMNS),
        ("marks_noise", NOISE_COLUMNS),
        ("marks_multilabel", MULTILABEL_COLUMNS),
        ("marks_imbalance", IMBALANCE_COLUMNS),
        ("marks_curves", CURVE_COLUMNS),
        ("marks_sources", SOURCE_COLUMNS),
        ("marks_modes", MODE_COLUMNS),
    ],
)
def test_dictionary_names_every_column_in_order(name, columns):
    assert [column.name for column in TABLES[name].columns] == list(columns)
    assert all(column.kind in KINDS and column.meaning for column in TABLES[name].columns)
    assert TABLES[name].about.endswith(".")


def test_catalogue_leads_to_functions_and_tables():
    modules = {"marks_evaluation": marks_evaluation, "marks_comparison": marks_comparison}
    for entry in FIGURES:
        module, stem = entry.functions.split(":")
        assert callable(getattr(modules[module], f"draw_{stem}"))
        assert callable(getattr(modules[module], f"explain_{stem}"))
        assert set(entry.tables) <= set(TABLES)


def test_a_run_shows_what_it_varies(design):
    several = SimpleNamespace(heads_are="modification", varied=("width", "student"), split="paper", on=design.on)
    names = {entry.name for entry in FIGURES if entry.shown(several)}
    assert {"marks_auc", "marks_differences", "marks_widths", "marks_modes"} <= names
    assert not names & {"marks_embeddings", "marks_objectives"}
    assert not [entry for entry in FIGURES if entry.shown(SimpleNamespace(heads_are="species"))]


def test_dots_stand_at_the_table_s_values(tables, design):
    metrics = tables["marks_metrics"]
    figure = marks_evaluation.draw_auc(metrics, tables["marks_summary"], design)
    assert [axes.get_title(loc="left") for axes in figure.axes[:6]] == ["Am", "m6A", "Cm", "Um", "Ψ", "mean of marks"]
    drawn = [float(x) for line in figure.axes[4].lines for x in np.atleast_1d(line.get_xdata())]
    wanted = metrics.query("modification == 'Y' and seed == 'ensemble' and metric in ['auc_b', 'auc_m']")["value"]
    for value in wanted:
        assert min(abs(value - x) for x in drawn) < 1e-9


def test_differences_turn_round_where_the_table_has_them_the_other_way(tables, design):
    paired = tables["marks_paired"]
    lead = design.find(("kmer_logistic", "single"))
    rows = marks_comparison.against_lead(paired, lead, design, metric="auc_b", modification="mean")
    assert set(rows["model_b"]) == {"multirm_51", "multirm_21", "prevalence"}
    better = rows.set_index("model_b")["difference"]
    assert better["multirm_51"] < 0 < better["prevalence"]
    assert (rows["low"] <= rows["difference"]).all()
    assert (rows["difference"] <= rows["high"]).all()
    assert rows["difference"].to_numpy() == pytest.approx((rows["value_a"] - rows["value_b"]).to_numpy())


def test_captions_say_who_is_beaten_and_how_sure(tables, design):
    texts = dict(marks_comparison.explain_mean_differences(tables["marks_paired"], tables["marks_noise"], design))
    assert "better than 2 of the 2 baselines" in texts["A"]
    assert "standard error of one model's AUCb" in texts["A"]
    assert "AUCm" in texts["B"]
    ((_, text),) = marks_evaluation.explain_auc(tables["marks_metrics"], tables["marks_summary"], design)
    assert "50 : 50 (Am, Cm, Um, Ψ), 50 : 54 (m6A)" in text


def test_only_networks_that_differ_in_one_thing_are_compared(tables, design):
    ((_, text),) = marks_comparison.explain_varied(
        tables["marks_metrics"], tables["marks_summary"], tables["marks_paired"], design, "width"
    )
    assert text.index("21 nt") < text.index("51 nt")
    assert "of 1 pairs" in text
    assert "their input length alone, mean of their seeds" in text


def test_a_network_of_other_settings_is_not_taken_for_one_of_the_same(tables, design):
    """Of two networks with one objective the one counts that is like the others in everything else."""
    summary = tables["marks_summary"].assign(width=51, objective="")
    names = ["multirm_51", "multirm_21"]
    summary.loc[summary["model"] == names[0], "objective"] = "sum"
    summary.loc[summary["model"] == names[1], "objective"] = "ohem"
    third = summary[summary["model"] == names[0]].assign(model="wide", otherwise='{"units": 512}')
    summary = pd.concat([third, summary], ignore_index=True)
    design = replace(design, series=(*design.series, replace(design.series[0], model="wide")))
    group, only = marks_comparison._group(summary, design, "objective")
    assert group["model"].tolist() == names
    assert only
    summary.loc[summary["model"] == names[1], "otherwise"] = '{"units": 64}'
    group, only = marks_comparison._group(summary, design, "objective")
    assert set(group["objective"]) == {"sum", "ohem"}
    assert not only
