"""Two modifications in two species, from raw tables to the report: every analysis that the data allow."""

from __future__ import annotations

import copy

import pandas as pd
import pytest

from language_models import save_tiny
from rnamarks.models.directory import read_config
from rnamarks.tables import read_parquet, read_tsv

pytestmark = pytest.mark.workflow

TASKS = ["human_m6A", "human_Y", "mouse_m6A", "mouse_Y"]


@pytest.fixture(scope="module")
def mixed_config(tiny_config):
    config = copy.deepcopy(tiny_config)
    files = {key: config["species"]["human"][key] for key in ("genome", "annotation")}
    for key in ("stacks", "predictors", "motifs", "optimisation", "modification", "motif", "motif_offset"):
        del config[key]
    psi = [
        {"table": f"resources/{{world}}/{{species}}.{name}.Y.bed.gz", "format": "bed", "name": name}
        for name in ("pseudo_seq", "ceu_seq", "rbs_seq")
    ]
    return config | {
        "run": "mixed",
        "negatives_per_positive": 1,
        "simulation": config["simulation"] | {"world": "mixed", "second_lab": "", "modifications": ["Y"]},
        "species": {"human": files, "mouse": files},
        "modifications": {"m6A": {"sites": tiny_config["species"]["human"]["sites"]}, "Y": {"sites": psi}},
        "baselines": ["prevalence", "kmer_logistic"],
        "models": {
            "multirm": {
                "network": "multirm",
                "hyperparameters": {
                    "embedding": "one_hot",
                    "crop": 21,
                    "dims": 16,
                    "units": 8,
                    "attention": 8,
                    "hidden": 8,
                },
                "training": {
                    "objective": "sum",
                    "batch_size": 64,
                    "steps_per_epoch": 20,
                    "epochs": 2,
                    "learning_rate": 0.01,
                    "head_learning_rate": 0.01,
                },
            },
            "over": {
                "network": "mass",
                "hyperparameters": {"dense": 8},
                "trunk": {"language": "./language"},
                "training": {"objective": "sum", "batch_size": 64, "steps_per_epoch": 10, "epochs": 2},
            },
        },
        "settings": {"together": {"nearest": 4}},
        "trainings": [
            {"model": name, "setting": "together", "schemes": ["paper"], "seeds": [1]} for name in ("multirm", "over")
        ],
        "release": {"model": "multirm", "setting": "together", "scheme": "paper"},
        "student": {"training": {"epochs": 1, "minimum": 100, "maximum": 200}},
        "significance": {"bases": 100},
        "attention": {
            "minimum": 20,
            "maximum_gradients": 5,
            "gradients": {"steps": 2, "maximum_steps": 4},
            "mutated": 2,
            "reach": 2,
        },
        "consensus": {"draws": 0},
        "association": {},
        "mutations": {"maximum": 5},
        "proximity": {},
        "evaluation": config["evaluation"] | {"against": ["own", "all"]},
    }


@pytest.fixture(scope="module")
def mixed(finished, new_project, mixed_config):
    project = new_project("mixed", mixed_config)
    save_tiny(project.folder / "language")
    project.run_well()
    return project


@pytest.fixture(scope="module")
def results(mixed):
    return mixed.folder / "results" / "mixed"


def test_every_task_has_windows_of_its_own(results):
    for name in TASKS:
        species, modification = name.split("_")
        frame, _ = read_parquet(results / "datasets" / f"{name}.split.parquet")
        assert set(frame["task"]) == {name}
        assert set(frame["species"]) == {species}
        assert set(frame["modification"]) == {modification}
        middle = {"m6A": "A", "Y": "U"}[modification]
        assert frame["sequence"].str[25].eq(middle).all()
        assert set(frame["label"]) == {0, 1}


def test_genes_of_a_species_stay_on_one_side_whatever_the_modification(results):
    frames = [read_parquet(results / "datasets" / f"{name}.split.parquet")[0] for name in TASKS]
    frame = pd.concat(frames)
    frame = frame[(frame["guarded"] != "") & (frame["gene"] != "")]
    assert (frame.groupby(["species", "gene"])["guarded"].nunique() == 1).all()
    groups = frame[frame["orthogroup"] != ""]
    assert (groups.groupby("orthogroup")["guarded"].nunique() == 1).all()


def test_the_model_has_a_head_for_each_and_can_do_everything(results):
    config, _ = read_config(results / "model")
    assert config.task_names == TASKS
    assert {(task.species, task.modification) for task in config.tasks} == {
        (species, modification) for species in ("human", "mouse") for modification in ("m6A", "Y")
    }
    assert {file.name for file in (results / "model").iterdir()} >= {
        "weights.safetensors",
        "config.json",
        "card.md",
        "student.safetensors",
        "null.safetensors",
    }
    assert not (results / "predictors").exists()


def test_a_network_stands_on_a_language_model(mixed, results):
    config, _ = read_config(results / "models" / "over" / "together" / "paper" / "1")
    assert config.training["trunk"] == {"sha256": read_config(mixed.folder / "language")[1], "way": "frozen"}
    assert list((mixed.folder / ".checkpoints" / "vectors").glob("*.npy"))
    metrics, _ = read_tsv(results / "evaluation" / "metrics.tsv")
    shown = metrics[(metrics["model"] == "over") & (metrics["metric"] == "auroc") & (metrics["split"] == "test")]
    assert set(shown["task"]) >= set(TASKS)
    summary, _ = read_tsv(results / "evaluation" / "summary.tsv")
    assert set(summary.loc[summary["model"] == "over", "embedding"]) == {"language, frozen"}


def test_metrics_are_against_own_negatives_and_against_all(results):
    metrics, _ = read_tsv(results / "evaluation" / "metrics.tsv")
    shown = metrics[(metrics["metric"] == "auroc") & (metrics["split"] == "test") & (metrics["model"] == "multirm")]
    assert set(shown["against"]) == {"own", "all"}
    assert set(shown["task"]) == set(TASKS)
    assert set(metrics["species"]) == {"human", "mouse"}
    assert set(metrics["modification"]) == {"m6A", "Y"}


def test_every_site_of_each_species_is_scanned_for_each_modification(results):
    for species in ("human", "mouse"):
        for modification in ("m6A", "Y"):
            path = results / "transcriptome" / species / f"{species}_{modification}.released.sites.parquet"
            frame, _ = read_parquet(path)
            assert set(frame["modification"]) == {modification}
            assert frame["p"].between(0, 1, inclusive="right").all()
            assert (frame["end"] == frame["start"] + 1).all()
            assert (frame["genome_end"] == frame["genome_start"] + 1).all()


def test_genes_and_distances_are_told_by_species_and_modification(results):
    capacity, _ = read_tsv(results / "biology" / "capacity.tsv")
    assert {tuple(row) for row in capacity[["transcripts", "task"]].drop_duplicates().to_numpy()} == {
        (name.split("_")[0], name) for name in TASKS
    }
    conserved, _ = read_tsv(results / "biology" / "conservation.tsv")
    assert set(conserved["modification"]) == {"m6A", "Y"}
    proximity, _ = read_tsv(results / "biology" / "proximity.tsv")
    assert set(proximity["species"]) == {"human", "mouse"}
    assert {tuple(sorted(pair)) for pair in proximity[["modification_a", "modification_b"]].to_numpy()} == {
        ("Y", "m6A")
    }


def test_the_report_calls_them_tasks(results):
    page = (results / "report.html").read_text()
    figures, _ = read_tsv(results / "figures.tsv")
    assert len(figures) > 30
    assert "Ψ human" in page
    assert not [caption for caption in figures["caption"] if " mark " in caption or " marks " in caption]
