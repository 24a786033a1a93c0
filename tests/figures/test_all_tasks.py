"""Figures of tasks against all windows, and over all tasks: each is drawn, explained, saved twice alike."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.dictionary.tables import TABLES
from rnamarks.evaluation.curves import curve_table
from rnamarks.evaluation.multilabel import imbalance_table, multilabel_table
from rnamarks.evaluation.panels import build_panels
from rnamarks.evaluation.pools import build_pools
from rnamarks.evaluation.tables import (
    calibration_table,
    metrics_table,
    noise_table,
    paired_table,
    reliability_tables,
    similarity_table,
    summary_table,
    threshold_tables,
)
from rnamarks.figures import against_all, task_means
from rnamarks.figures.catalogue import FIGURES
from rnamarks.figures.collect import read_table
from rnamarks.figures.design import Design, Series
from rnamarks.figures.style import save_figure
from rnamarks.tables import write_tsv
from rnamarks.tasks import add_task_columns

from ..evaluation.made import BASES, TASKS, made_runs, own_windows

pytestmark = pytest.mark.slow

NETWORK = {"network": "multirm", "embedding": "word2vec", "objective": "ohem", "otherwise": "{}"}
SETTINGS = {"multirm_51": NETWORK | {"width": 51}, "multirm_21": NETWORK | {"width": 21}}
OFFERS = frozenset({"all_tasks", "student", "width", "embedding", "objective"})
ENTRIES = [entry for entry in FIGURES.values() if entry.functions.split(":")[0] in ("against_all", "task_means")]


def series(model: str, setting: str, kind: str) -> Series:
    return Series(model, setting, f"{model} model", model, "#884488", "o", "-", kind, tuple(BASES), ("paper",))


@pytest.fixture(scope="module")
def design() -> Design:
    colours = ("#88CCEE", "#882255", "#CC6677", "#117733", "#6699CC")
    return Design(
        run="modifications",
        tasks=tuple(
            replace(task, colour=colour, label="Ψ" if task.name == "Y" else task.name)
            for task, colour in zip(TASKS, colours, strict=True)
        ),
        series=(
            series("multirm_51", "all", "network"),
            series("multirm_21", "all", "network"),
            series("kmer_logistic", "single", "baseline"),
            series("prevalence", "single", "baseline"),
        ),
        recommended=("multirm_51", "all"),
        scheme="paper",
        offers=OFFERS,
    )


@pytest.fixture(scope="module")
def made() -> dict[str, pd.DataFrame]:
    """As the scripts write them."""
    runs = made_runs()
    (pool,) = build_pools(runs, TASKS)
    panels = build_panels([own_windows(run) for run in runs], [pool])
    tests = [panel for panel in panels if panel.against == "own"]
    metrics, paired = metrics_table(panels, n=30), paired_table(panels, n=30)
    identity = runs[0].frame[["window", "own"]].assign(scheme="paper", max_identity=0.7)
    identity = identity.assign(task=identity["own"].str.split(",")).explode("task")
    keyed = {
        "metrics": metrics,
        "paired": paired,
        "noise": noise_table(metrics, paired),
        "curves": curve_table(panels),
        "calibration": calibration_table(tests),
        "reliability": reliability_tables(tests),
        "thresholds": threshold_tables(tests),
        "similarity": similarity_table(tests, identity, n=5),
        "imbalance": imbalance_table(pool, dict.fromkeys(BASES, 8.5), n=20),
    }
    return {name: add_task_columns(table, TASKS) for name, table in keyed.items()} | {
        "summary": summary_table(panels, SETTINGS, n=30),
        "multilabel": multilabel_table(pool, n=20),
        "sources_apart": pd.DataFrame(
            [("Am", "m6A", "A", 0.8, 0.7, 0.9, 100, 90, 2, 5), ("Um", "Y", "U", *[np.nan] * 3, 4, 90, 0, 5)],
            columns=column_names("sources_apart"),
        ),
        "modes": add_task_columns(
            pd.DataFrame(
                [(name, 0.8, 0.79, -0.01, -0.02, 0.01, 0.3, 0.97, 50, 50) for name in (*BASES, "mean")],
                columns=column_names("modes", task_columns=False),
            ),
            TASKS,
        ),
    }


@pytest.fixture(scope="module")
def tables(made, tmp_path_factory) -> dict[str, pd.DataFrame]:
    """As a rule reads them."""
    folder = tmp_path_factory.mktemp("tables")
    for name, table in made.items():
        write_tsv(table, folder / f"{name}.tsv")
    return {name: read_table(name, folder / f"{name}.tsv") for name in made}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_figures_are_drawn_explained_and_equal(entry, tables, design, tmp_path: Path):
    wanted = [tables[name] for name in entry.tables]
    if entry.options.get("by") in ("embedding", "objective"):
        changed = tables["summary"].copy()
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


def test_dictionary_names_every_column_in_order(made):
    for name, table in made.items():
        assert column_names(name) == list(table.columns), name


def test_catalogue_leads_to_functions_and_tables():
    modules = {"against_all": against_all, "task_means": task_means}
    for entry in ENTRIES:
        module, stem = entry.functions.split(":")
        assert callable(getattr(modules[module], f"draw_{stem}"))
        assert callable(getattr(modules[module], f"explain_{stem}"))
        assert set(entry.tables) <= set(TABLES)


def test_a_run_shows_what_it_offers(design):
    names = {entry.name for entry in ENTRIES if entry.shown(replace(design, offers=frozenset({"all_tasks", "width"})))}
    assert {"auc", "mean_differences", "widths", "multilabel"} <= names
    assert not names & {"embeddings", "objectives", "modes"}
    assert not [entry.name for entry in ENTRIES if entry.shown(replace(design, offers=frozenset()))]


def test_dots_stand_at_the_table_s_values(tables, design):
    metrics = tables["metrics"]
    figure = against_all.draw_auc(metrics, tables["summary"], design)
    titles = [axes.get_title(loc="left") for axes in figure.axes[:6]]
    assert titles == ["Am", "m6A", "Cm", "Um", "Ψ", "mean of modifications"]
    drawn = [float(x) for line in figure.axes[4].lines for x in np.atleast_1d(line.get_xdata())]
    wanted = metrics.query("task == 'Y' and seed == 'ensemble' and metric == 'auroc' and split == 'test'")["value"]
    assert len(wanted) == 8
    for value in wanted:
        assert min(abs(value - x) for x in drawn) < 1e-9


def test_differences_turn_round_where_the_table_has_them_the_other_way(tables, design):
    lead = design.find(("kmer_logistic", "single"))
    others = [series for series in design.series if series != lead]
    found = task_means._mean_differences(tables["paired"], lead, others, design, "all")
    assert set(found) == {("multirm_51", "all"), ("multirm_21", "all"), ("prevalence", "single")}
    assert found["multirm_51", "all"]["difference"] < 0 < found["prevalence", "single"]["difference"]
    assert all(row["low"] <= row["difference"] <= row["high"] for row in found.values())
    means = tables["summary"].query("metric == 'auroc' and against == 'all' and seed == 'ensemble'")
    means = means.set_index("model")["mean"]
    expected = means["kmer_logistic"] - means["prevalence"]
    assert found["prevalence", "single"]["difference"] == pytest.approx(expected)


def test_captions_say_who_is_beaten_and_how_sure(tables, design):
    texts = dict(task_means.explain_mean_differences(tables["paired"], tables["noise"], design))
    assert "better than 2 of the 2 baselines" in texts["A"]
    assert "standard error of one model's AUCb" in texts["A"]
    assert "AUCm" in texts["B"]
    ((_, text),) = against_all.explain_auc(tables["metrics"], tables["summary"], design)
    assert "50 : 50 (Am, Cm, Um, Ψ), m6A 50 : 54" in text


def test_only_networks_that_differ_in_one_thing_are_compared(tables, design):
    ((_, text),) = task_means.explain_varied(tables["metrics"], tables["summary"], tables["paired"], design, "width")
    assert text.index("21 nt") < text.index("51 nt")
    assert "of 1 pairs" in text
    assert "their input length alone, mean of their seeds" in text


def test_a_network_of_other_settings_is_not_taken_for_one_of_the_same(tables, design):
    """Of two networks with one objective the one counts that is like the others in everything else."""
    summary = tables["summary"].assign(width=51, objective="")
    names = ["multirm_51", "multirm_21"]
    summary.loc[summary["model"] == names[0], "objective"] = "sum"
    summary.loc[summary["model"] == names[1], "objective"] = "ohem"
    third = summary[summary["model"] == names[0]].assign(model="wide", otherwise='{"units": 512}')
    summary = pd.concat([third, summary], ignore_index=True)
    design = replace(design, series=(*design.series, replace(design.series[0], model="wide")))
    group, only = task_means._group(summary, design, "objective")
    assert group["model"].tolist() == names
    assert only
    summary.loc[summary["model"] == names[1], "otherwise"] = '{"units": 64}'
    group, only = task_means._group(summary, design, "objective")
    assert set(group["objective"]) == {"sum", "ohem"}
    assert not only
