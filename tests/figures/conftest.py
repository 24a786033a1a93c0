"""A small run with made predictions: configuration, design, tables."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnamarks.configuration import Plan
from rnamarks.evaluation.curves import curve_table
from rnamarks.evaluation.external import COLUMNS as EXTERNAL_COLUMNS
from rnamarks.evaluation.tables import (
    Run,
    build_panels,
    calibration_table,
    metrics_table,
    paired_table,
    reliability_tables,
    similarity_table,
    threshold_tables,
)
from rnamarks.figures.collect import count_windows, join_histories
from rnamarks.figures.design import Design
from rnamarks.figures.dictionary import TABLES
from rnamarks.figures.register import FIGURES, figures_of, read_table
from rnamarks.figures.style import save_figure
from rnamarks.sites.drops import Drops
from rnamarks.tables import write_tsv
from rnamarks.training.curriculum import CURRICULA

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("exact_any", "similar_any", "gene_own", "orthogroup_other")


def make_config(species=("human", "chimp", "mouse"), **changes):
    """A configuration as the schema leaves it."""
    seeds = {"splits": ["paper"], "seeds": [1, 2]}
    config = {
        "run": "small",
        "seed": 1,
        "modification": "m6A",
        "modification_sheet": str(ROOT / "config" / "modifications.tsv"),
        "species_sheet": str(ROOT / "config" / "species.tsv"),
        "tree": str(ROOT / "config" / "species.nwk"),
        "root_species": species[0],
        "motif": "DRACH",
        "motif_offset": 2,
        "window": 101,
        "orthologues": {"table": "orthologues.tsv", "format": "orthogroups"},
        "species": {name: {"windows": {"all": {"labelled": f"{name}.fa"}, "format": "fasta"}} for name in species},
        "baselines": ["prevalence", "kmer_logistic"],
        "models": {"mass": {"network": "mass"}, "deepm6aseq": {"network": "deepm6aseq"}},
        "settings": {
            "two": {"nearest": 2, "curriculum": "tree"},
            "all": {"nearest": len(species), "curriculum": "tree"},
            "turns": {"nearest": len(species), "curriculum": "round_robin"},
        },
        "trainings": [
            {"model": "mass", "setting": "all"} | seeds | {"splits": ["paper", "guarded"]},
            {"model": "mass", "setting": "turns"} | seeds,
            {"model": "mass", "setting": "two"} | seeds,
            {"model": "mass", "setting": "single", "species": list(species[:2])} | seeds,
            {"model": "deepm6aseq", "setting": "single", "species": list(species[:2])} | seeds,
        ],
        "release": {"model": "mass", "setting": "all", "split": "paper"},
        "evaluation": {"bootstrap": 20, "precisions": [0.5, 0.9]},
        "resources": {"device": "cpu"},
        "external": [{"name": "elsewhere", "head": species[0], "labelled": "elsewhere.fa"}],
    }
    return config | changes


def make_tables(plan: Plan, positives: int = 30, ratio: int = 5) -> dict[str, pd.DataFrame]:
    """All tables that figures read, from made predictions."""
    labels = np.r_[np.ones(positives), np.zeros(positives * ratio)].astype(int)
    runs, histories, records = [], [], []
    for run in plan.runs:
        random = np.random.default_rng(zlib.crc32(run.stem.encode()))
        names = plan.species_of(run.setting) if run.trained else plan.order
        gap = 1.0 + 0.4 * len(names) if run.trained else 0.7
        frames = [
            pd.DataFrame(
                {
                    "window": [f"{name}_{part}_{at}" for at in range(len(labels))],
                    "species": name,
                    "part": part,
                    "label": labels,
                    "logit": np.zeros(len(labels))
                    if run.model == "prevalence"
                    else gap * labels + random.normal(size=len(labels)),
                }
            )
            for name in names
            for part in ("valid", "test")
        ]
        runs.append(Run(**run.record(), frame=pd.concat(frames, ignore_index=True)))
        if run.history:
            rows = [
                {"round": 2 * at + step, "stage": at + 1, "head": head, "loss": 0.6, "auroc": 0.7, "auprc": 0.4}
                | {"score": 0.7, "seconds": 1.0, "windows_per_second": 500.0}
                for at, stage in enumerate(CURRICULA[plan.curriculum_of(run.setting)](dict.fromkeys(names, 1)))
                for step in (1, 2)
                for head in stage.heads
            ]
            histories.append(pd.DataFrame(rows))
            records.append(run.record())
    panels = build_panels(runs, parts=("test", "valid"))
    tests = [panel for panel in panels if panel.part == "test"]
    identity = pd.DataFrame(
        [
            (split, name, f"{name}_test_{at}", (at % 60) / 60)
            for split in plan.SPLITS
            for name in plan.order
            for at in range(len(labels))
        ],
        columns=["split", "species", "window", "max_identity"],
    )
    release = plan.config.get("release")
    reference = (release["model"], release["setting"]) if release else None
    leaks = [
        (split, name, label, kind, 180 if kind != "gene_own" else 0, 9, 0.05 if kind != "gene_own" else np.nan)
        for split in plan.SPLITS
        for name in plan.order
        for label in ("all", "1", "0")
        for kind in KINDS
    ]
    drops = Drops()
    for name in plan.order:
        drops.count("windows", name, f"{name}.fa", "duplicate sequence", 3)
        drops.count("windows", name, f"{name}.fa", "note: windows cut to the centre", 2)
        drops.count("windows", name, f"{name}.fa", "kept", 900)
        drops.count("datasets", name, "paper", "test window is an exact copy of a training window", 1)
    windows = [
        pd.DataFrame(
            {
                "species": name,
                "label": [1, 0, 0] * 5,
                "paper": ["train"] * 6 + ["valid"] * 3 + ["test"] * 3 + [""] * 3,
                "guarded": ["train"] * 9 + ["test"] * 6,
            }
        )
        for name in plan.order
    ]
    external = [
        (entry["name"], entry["head"], 41, metric, value, value - 0.05, value + 0.05, 20, 100, 1 / 6, 2, 1, 0)
        for entry in plan.external
        for metric, value in (("auroc", 0.8), ("auprc", 0.5))
    ]
    return {
        "metrics": metrics_table(panels, n=20),
        "paired": paired_table(tests, reference=reference, n=20),
        "curves": curve_table(panels),
        "calibration": calibration_table(tests),
        "reliability": reliability_tables(tests),
        "thresholds": threshold_tables(tests, precisions=(0.5, 0.9)),
        "similarity": similarity_table(tests, identity, edges=(0, 0.5, 1), n=20),
        "external": pd.DataFrame(external, columns=list(EXTERNAL_COLUMNS)),
        "drops": drops.frame(),
        "counts": count_windows(windows),
        "leaks": pd.DataFrame(leaks, columns=["split", "species", "label", "kind", "n", "n_leaky", "share"]),
        "histories": join_histories(records, histories),
    }


@pytest.fixture(scope="session")
def configure():
    """The function that makes configurations."""
    return make_config


@pytest.fixture(scope="session")
def plan() -> Plan:
    return Plan(make_config())


@pytest.fixture(scope="session")
def design(plan) -> Design:
    return Design.from_plan(plan)


@pytest.fixture(scope="session")
def tables(plan) -> dict[str, pd.DataFrame]:
    return make_tables(plan)


BASELINES_ONLY = {"trainings": [], "models": {}, "settings": {}, "release": None, "external": []}
ONE_SPECIES = {
    "settings": {},
    "trainings": [{"model": "mass", "setting": "single", "splits": ["guarded"], "seeds": [1]}],
    "release": None,
    "external": [],
}


STACKED = {
    "settings": {"both": {"nearest": 2, "curriculum": "proportional"}},
    "trainings": [
        {"model": "mass", "setting": "both", "splits": ["paper", "guarded"], "seeds": [1, 2]},
        {"model": "mass", "setting": "single", "splits": ["paper"], "seeds": [1]},
        {"model": "deepm6aseq", "setting": "single", "splits": ["paper"], "seeds": [1]},
    ],
    "stacks": {"stacked": {"members": ["mass", "kmer_logistic"], "setting": "both", "splits": ["paper", "guarded"]}},
    "release": {"model": "stacked", "setting": "both", "split": "paper"},
}
OTHER_RUNS = {
    "baselines only": (("human", "mouse"), BASELINES_ONLY),
    "one species": (("zebrafish",), ONE_SPECIES),
    "stacked": (("human", "mouse"), STACKED),
}


def make_run(name):
    """Design and tables of one of :data:`OTHER_RUNS`."""
    species, changes = OTHER_RUNS[name]
    plan = Plan(make_config(species, **changes))
    return Design.from_plan(plan), make_tables(plan)


@pytest.fixture(scope="session")
def stacked():
    """Design and tables of a run whose release is a stack."""
    return make_run("stacked")


@pytest.fixture(scope="session", params=["full", *OTHER_RUNS])
def any_run(request, design, tables, stacked):
    """Design and tables of several kinds of run."""
    known = {"full": (design, tables), "stacked": stacked}
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
