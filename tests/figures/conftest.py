"""A small run with made tables: configuration, design, tables."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnamarks.configuration import Plan
from rnamarks.dictionary import column_names
from rnamarks.dictionary.tables import TABLES
from rnamarks.figures.catalogue import FIGURES, figures_of
from rnamarks.figures.collect import count_windows, join_histories, read_table
from rnamarks.figures.design import Design
from rnamarks.figures.style import save_figure
from rnamarks.keys import SCHEMES, with_defaults
from rnamarks.schema import check_config
from rnamarks.tables import write_tsv
from rnamarks.tasks import Task

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("exact_any", "similar_any", "gene_own", "orthogroup_other")
METRICS = (
    "auroc",
    "auprc",
    "auprc_ratio",
    "auprc_1to1",
    "auprc_1to10",
    "sensitivity",
    "specificity",
    "accuracy",
    "mcc",
)
POSITIVES, NEGATIVES = 30, 150


def make_config(names=("human", "chimp", "mouse"), **changes):
    """A configuration as people write it; what is None is left out."""
    seeds = {"schemes": ["paper"], "seeds": [1, 2]}
    windows = {"windows": {"all": {"labelled": "{species}.fa"}, "format": "fasta"}}
    config = {
        "run": "small",
        "seed": 1,
        "modification": "m6A",
        "modification_sheet": str(ROOT / "config" / "modifications.tsv"),
        "species_sheet": str(ROOT / "config" / "species.tsv"),
        "tree": str(ROOT / "config" / "species.nwk"),
        "root_species": names[0],
        "motif": "DRACH",
        "motif_offset": 2,
        "window": 101,
        "species": dict.fromkeys(names, windows),
        "baselines": ["prevalence", "kmer_logistic"],
        "models": {"mass": {"network": "mass"}, "deepm6aseq": {"network": "deepm6aseq"}},
        "settings": {
            "two": {"nearest": 2, "curriculum": "tree"},
            "all": {"nearest": len(names), "curriculum": "tree"},
            "turns": {"nearest": len(names), "curriculum": "round_robin"},
        },
        "trainings": [
            {"model": "mass", "setting": "all"} | seeds | {"schemes": ["paper", "guarded"]},
            {"model": "mass", "setting": "turns"} | seeds,
            {"model": "mass", "setting": "two"} | seeds,
            {"model": "mass", "setting": "single", "tasks": list(names[:2])} | seeds,
            {"model": "deepm6aseq", "setting": "single", "tasks": list(names[:2])} | seeds,
        ],
        "release": {"model": "mass", "setting": "all", "scheme": "paper"},
        "evaluation": {"bootstrap": 20, "precisions": [0.5, 0.9], "against": ["own"]},
        "external": [{"name": "elsewhere", "task": names[0], "labelled": "elsewhere.fa"}],
    }
    return {name: value for name, value in (config | changes).items() if value is not None}


def make_plan(names=("human", "chimp", "mouse"), **changes) -> Plan:
    """The plan of a changed configuration."""
    return Plan(with_defaults(check_config(make_config(names, **changes))))


def fill(name: str, rows: list[dict], design: Design) -> pd.DataFrame:
    """A table of the dictionary from rows that name its columns; species and modification follow from the task."""
    known = {task.name: task for task in design.tasks}
    for row in rows:
        task = known.get(row.get("task"), Task("none"))
        row.setdefault("species", task.species)
        row.setdefault("modification", task.modification)
    return pd.DataFrame(rows)[column_names(name)]


def _score(*names, low: float, high: float) -> dict[str, float]:
    """``value``, ``low`` and ``high`` that follow from names alone."""
    value = low + (high - low) * (zlib.crc32("/".join(map(str, names)).encode()) % 1000) / 1000
    return {"value": value, "low": value - 0.04, "high": value + 0.04}


def _models(plan: Plan, design: Design) -> list[dict]:
    """``model``, ``setting``, ``scheme``, ``task``, ``seed`` of everything that is measured."""
    found = []
    for series in design.series:
        for scheme in series.schemes:
            seeds = [str(run.seed) for run in plan.runs if run.model == series.model]
            seeds = [*dict.fromkeys(seeds), "mean", "ensemble"]
            found += [
                {"model": series.model, "setting": series.setting, "scheme": scheme, "task": task, "seed": seed}
                for task in series.tasks
                for seed in seeds
            ]
    return found


def _measured(keys: dict, design: Design, metric: str) -> dict[str, float]:
    trained = design.find((keys["model"], keys["setting"])).trained
    if keys["model"] == "prevalence":
        return dict.fromkeys(("value", "low", "high"), 0.5 if metric == "auroc" else 1 / 6)
    floor = (0.62 if trained else 0.52) if metric == "auroc" else (0.4 if trained else 0.2)
    return _score(*keys.values(), metric, low=floor, high=floor + 0.3)


def make_tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """All tables that figures of training and evaluation read."""
    design = Design.from_plan(plan)
    models = _models(plan, design)
    counts = {"n_positive": POSITIVES, "n_negative": NEGATIVES, "prevalence": POSITIVES / (POSITIVES + NEGATIVES)}
    best = [row for row in models if row["seed"] == "ensemble"]
    metrics = [
        {**row, "against": "own", "split": split, "metric": metric, "choice": "", "threshold": np.nan, "chance": 0.5}
        | _measured(row, design, metric)
        | counts
        for row in models
        for split in ("valid", "test")
        for metric in METRICS
    ]
    paired = [
        {"model_a": a["model"], "setting_a": a["setting"], "model_b": b["model"], "setting_b": b["setting"]}
        | {"scheme": a["scheme"], "task": a["task"], "seed": seed, "against": "own", "split": "test", "metric": metric}
        | {"value_a": 0.7, "value_b": 0.6, "difference": 0.1, "low": 0.04, "high": 0.16, "p": 0.002}
        | counts
        for at, a in enumerate(best)
        for b in best[at + 1 :]
        if (a["scheme"], a["task"]) == (b["scheme"], b["task"])
        for metric in ("auroc", "auprc")
        for seed in ("mean", "ensemble")
    ]
    curves = [
        {**row, "against": "own", "curve": curve, "x": x, "y": x**0.5 if curve == "roc" else 1 - 0.7 * x}
        for row in best
        for curve in ("roc", "pr")
        for x in np.linspace(0, 1, 11)
    ]
    calibration = [
        {**row, "split": "test", "slope": 0.9, "intercept": -0.1, "method": "platt", "fitted_on": "validation"}
        | {"ece_raw": 0.3, "ece_prior": 0.08, "ece": 0.03, "ece_noise": 0.02, "brier_raw": 0.2, "brier": 0.1}
        | counts
        for row in best
    ]
    reliability = [
        {**row, "split": "test", "bin": at, "from": at / 5, "to": (at + 1) / 5, "predicted": at / 5 + 0.1}
        | {"observed": at / 5 + 0.08, "low": max(0, at / 5), "high": at / 5 + 0.2, "n": 36, "n_positive": 6}
        for row in best
        for at in range(5)
    ]
    thresholds = [
        {**row, "split": "test", "target_precision": wanted, "prevalence": counts["prevalence"], "logit": 1.0}
        | {"probability": 0.6, "precision_valid": wanted, "recall_valid": 0.5, "note": "", "called": 20}
        | {"precision": wanted, "precision_low": wanted - 0.1, "precision_high": min(1, wanted + 0.08)}
        | {"recall": 0.5, "recall_low": 0.4, "recall_high": 0.6}
        | counts
        for row in best
        for wanted in (0.5, 0.9)
    ]
    similarity = [
        {**row, "split": "test", "metric": metric, "identity_from": low, "identity_to": high, "against": "own"}
        | _measured(row, design, metric)
        | counts
        for row in models
        if row["seed"] == "mean"
        for metric in ("auroc", "auprc", "auprc_1to1")
        for low, high in ((0, 0.5), (0.5, 1))
    ]
    external = [
        {"name": entry["name"], "task": entry["task"], "width": 41, "metric": metric}
        | {"value": value, "low": value - 0.05, "high": value + 0.05, **counts}
        | {"removed_seen_in_training": 2, "removed_within_training": 1, "removed_both_labels": 0}
        for entry in plan.external
        for metric, value in (("auroc", 0.8), ("auprc", 0.5))
    ]
    leaks = [
        {"scheme": scheme, "task": name, "label": label, "kind": kind, "n": 0 if kind == "gene_own" else 180}
        | {"n_leaky": 9, "fraction": np.nan if kind == "gene_own" else 0.05}
        for scheme in SCHEMES
        for name in design.names
        for label in ("all", "1", "0")
        for kind in KINDS
    ]
    drops = [
        {"stage": stage, "subject": name, "source": source or f"{name}.fa", "reason": reason, "rows": rows}
        for name in design.names
        for stage, source, reason, rows in (
            ("windows", "", "duplicate sequence", 3),
            ("windows", "", "note: windows cut to the centre", 2),
            ("windows", "", "kept", 900),
            ("datasets", "paper", "test window is an exact copy of a training window", 1),
        )
    ]
    windows = [
        pd.DataFrame(
            {
                "task": task.name,
                "species": task.species,
                "modification": task.modification,
                "label": [1, 0, 0] * 5,
                "paper": ["train"] * 6 + ["valid"] * 3 + ["test"] * 3 + [""] * 3,
                "guarded": ["train"] * 9 + ["test"] * 6,
            }
        )
        for task in design.tasks
    ]
    histories, records = [], []
    for run in plan.runs:
        if run.history:
            names = plan.tasks_of(run.setting)
            joins = plan.curriculum_of(run.setting) == "tree"
            stages = [names[: at + 1] for at in range(len(names))] if joins else [names]
            rows = [
                {"epoch": 2 * at + step, "stage": at + 1, "task": name, "loss": 0.6, "auroc": 0.7, "auprc": 0.4}
                | {"score": 0.7, "seconds": 1.0, "windows_per_second": 500.0, "threads": 1}
                for at, stage in enumerate(stages)
                for step in (1, 2)
                for name in stage
            ]
            histories.append(pd.DataFrame(rows))
            records.append(run.record())
    return {
        "metrics": fill("metrics", metrics, design),
        "paired": fill("paired", paired, design) if paired else pd.DataFrame(columns=column_names("paired")),
        "curves": fill("curves", curves, design),
        "calibration": fill("calibration", calibration, design),
        "reliability": fill("reliability", reliability, design),
        "thresholds": fill("thresholds", thresholds, design),
        "similarity": fill("similarity", similarity, design),
        "external": fill("external", external, design) if external else pd.DataFrame(columns=column_names("external")),
        "drops": fill("drops", drops, design),
        "counts": count_windows(windows),
        "leaks": fill("leaks", leaks, design),
        "histories": join_histories(records, histories, design.tasks),
    }


@pytest.fixture(scope="session")
def make():
    """The function that makes plans of changed configurations."""
    return make_plan


@pytest.fixture(scope="session")
def plan() -> Plan:
    return make_plan()


@pytest.fixture(scope="session")
def design(plan) -> Design:
    return Design.from_plan(plan)


@pytest.fixture(scope="session")
def tables(plan) -> dict[str, pd.DataFrame]:
    return make_tables(plan)


BASELINES_ONLY = {"trainings": [], "models": {}, "settings": {}, "release": None, "external": []}
ONE_SPECIES = {
    "settings": {},
    "trainings": [{"model": "mass", "setting": "single", "schemes": ["guarded"], "seeds": [1]}],
    "release": None,
    "external": [],
}


STACKED = {
    "settings": {"both": {"nearest": 2, "curriculum": "proportional"}},
    "trainings": [
        {"model": "mass", "setting": "both", "schemes": ["paper", "guarded"], "seeds": [1, 2]},
        {"model": "mass", "setting": "single", "schemes": ["paper"], "seeds": [1]},
        {"model": "deepm6aseq", "setting": "single", "schemes": ["paper"], "seeds": [1]},
    ],
    "stacks": {"stacked": {"members": ["mass", "kmer_logistic"], "setting": "both", "schemes": ["paper", "guarded"]}},
    "release": {"model": "stacked", "setting": "both", "scheme": "paper"},
}
MIXED = {
    "tree": "",
    "species": {"human": {}, "mouse": {}},
    "modifications": {
        name: {"windows": {"all": {"labelled": f"{name}.{{species}}.fa"}, "format": "fasta"}} for name in ("m6A", "Y")
    },
    "settings": {"all": {"nearest": 4, "curriculum": "proportional"}},
    "trainings": [
        {"model": "mass", "setting": "all", "schemes": ["paper", "guarded"], "seeds": [1]},
        {"model": "mass", "setting": "single", "schemes": ["paper"], "seeds": [1]},
    ],
    "external": [],
}
OTHER_RUNS = {
    "baselines only": (("human", "mouse"), BASELINES_ONLY),
    "one species": (("zebrafish",), ONE_SPECIES),
    "stacked": (("human", "mouse"), STACKED),
    "two modifications in two species": (("human", "mouse"), MIXED),
}


def make_run(name):
    """Design and tables of one of :data:`OTHER_RUNS`."""
    names, changes = OTHER_RUNS[name]
    plan = make_plan(names, **changes)
    return Design.from_plan(plan), make_tables(plan)


@pytest.fixture(scope="session")
def stacked():
    """Design and tables of a run whose release is a stack."""
    return make_run("stacked")


@pytest.fixture(scope="session")
def mixed():
    """Design and tables of a run about two modifications in two species."""
    return make_run("two modifications in two species")


@pytest.fixture(scope="session", params=["full", *OTHER_RUNS])
def any_run(request, design, tables, stacked, mixed):
    """Design and tables of several kinds of run."""
    known = {"full": (design, tables), "stacked": stacked, "two modifications in two species": mixed}
    return known[request.param] if request.param in known else make_run(request.param)


@pytest.fixture(scope="session")
def read_run(any_run, tmp_path_factory):
    """Design, tables as a rule reads them, and the run's folder."""
    design, tables = any_run
    folder = tmp_path_factory.mktemp("run")
    read = {}
    for name, table in tables.items():
        write_tsv(table, folder / TABLES[name].path)
        read[name] = read_table(name, folder / TABLES[name].path)
    return design, read, folder


@pytest.fixture(scope="session")
def drawn(read_run):
    """The run's figures, each saved in its folder."""
    design, tables, folder = read_run
    figures = {}
    for name in figures_of(design):
        entry = FIGURES[name]
        figures[name] = entry.draw([tables[table] for table in entry.tables], design)
        save_figure(figures[name], folder / entry.file)
    return figures
