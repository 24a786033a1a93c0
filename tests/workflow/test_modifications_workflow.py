"""Several modifications in one species, from simulated site tables to a model that scans."""

from __future__ import annotations

import copy
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from rnamarks.prediction.bedrmod_check import check_bedrmod
from rnamarks.prediction.significance import read_null

KEPT = ("m6A", "m5C", "Y")

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def config(repository):
    """The demo's configuration, made small."""
    values = yaml.safe_load((repository / "config" / "demo_marks.yaml").read_text(encoding="utf-8"))
    values = copy.deepcopy(values) | {"run": "tiny"}
    values["simulation"]["sizes"] = {"genes": 240, "chromosomes": 2, "site_factor": 0.4}
    values["modifications"] = {name: values["modifications"][name] for name in KEPT}
    values["baselines"] = ["naive_bayes_trinucleotide", "xgboost_multiclass"]
    quick = {"steps_per_epoch": 30, "epochs": 2}
    for name in list(values["models"]):
        values["models"][name]["training"] |= quick
    values["settings"]["together"]["nearest"] = len(KEPT)
    values["trainings"] = [
        {"model": "multirm", "setting": "together", "schemes": ["guarded"], "seeds": [1, 2]},
        {"model": "summed", "setting": "together", "schemes": ["guarded"], "seeds": [1]},
    ]
    values["stacks"] = {
        "stacked": {
            "members": ["multirm", "naive_bayes_trinucleotide"],
            "setting": "together",
            "schemes": ["guarded"],
        }
    }
    values["release"] = {"model": "stacked", "setting": "together", "scheme": "guarded"}
    values["evaluation"]["bootstrap"] = 50
    return values | {
        "student": {
            "training": {"epochs": 2, "minimum": 500, "maximum": 1000},
            "hyperparameters": {"filters": 16, "channels": 16, "hidden": 16},
        },
        "significance": {"bases": 300},
        "attention": {
            "minimum": 60,
            "maximum": 0,
            "maximum_gradients": 10,
            "gradients": {"steps": 2, "maximum_steps": 4},
            "mutated": 2,
        },
        "association": {},
        "mutations": {"maximum": 10},
        "proximity": {},
    }


@pytest.fixture(scope="module")
def finished(new_project, config):
    project = new_project("modifications", config)
    project.run_well()
    return project


def test_every_figure_is_in_the_report(finished):
    index = pd.read_csv(finished.results / "figures.tsv", sep="\t")
    files = set(index["file"])
    for name in ("auc", "objectives", "consensus", "association", "modes"):
        assert f"figures/{name}.svg" in files
    captions = index.loc[index["figure"] != "Table", "caption"]
    assert not captions.str.contains(r"\beach species\b|\bmarks?\b").any()
    assert 'id="figure-auc"' in (finished.results / "report.html").read_text(encoding="utf-8")


def test_nothing_is_left_to_do(finished):
    done = finished.run(options=["-n"])
    assert "Nothing to be done" in done.stdout + done.stderr


def test_no_reported_site_is_a_negative(finished):
    sites = pd.read_parquet(finished.folder / "resources" / "demo_marks" / "truth" / "sites.parquet")
    windows = pd.read_parquet(finished.results / "datasets" / "m6A.windows.parquet")
    reported = sites[(sites["modification"] == "m6A") & (sites["support"] > 0)]
    places = ["chrom", "genome_start", "strand"]
    negatives = windows[windows["label"] == 0]
    assert len(reported) > 100
    assert negatives.merge(reported, on=places).empty
    assert (windows.groupby("label").size() > 50).all()
    assert set(windows["sequence"].str[20]) == {"A"}


def test_a_gene_lies_in_one_split_whatever_the_modification(finished):
    frames = [pd.read_parquet(finished.results / "datasets" / f"{name}.split.parquet") for name in KEPT]
    together = pd.concat(frames)
    together = together[(together["gene"] != "") & (together["guarded"] != "")]
    assert (together.groupby("gene")["guarded"].nunique() == 1).all()


def test_the_null_is_of_new_bases_and_allows_small_p(finished):
    for mode in ("exact", "fast"):
        null, _ = read_null(finished.results / "model", KEPT, mode)
        assert {entry.size for entry in null.values()} == {300}


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_the_scanner_scans(finished, mode, tmp_path):
    fasta = tmp_path / "s.fa"
    fasta.write_text(">one\n" + "ACGUGGACUUAGC" * 30 + "\n>two\nacgtggactaaagtc\n")
    options = ["--mode", mode, "--all", "--out", tmp_path / "s.tsv", "--bedrmod", tmp_path / "s.bedrmod"]
    command = [sys.executable, "-m", "rnamarks.cli", "scan", fasta, "--model", finished.results / "model", *options]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "s.tsv", sep="\t")
    wanted = ["sequence", "start", "end", "strand", "task", "modification", "base", "probability", "p", "q"]
    assert list(table.columns[:10]) == wanted
    assert (table["end"] == table["start"] + 1).all()
    assert set(table["modification"]) == set(KEPT)
    assert table["p"].between(1 / 301, 1).all()
    assert check_bedrmod(tmp_path / "s.bedrmod").n_faults == 0
