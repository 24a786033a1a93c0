"""Models by name: where they lie, what --model takes, what is listed of them."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import rnamarks
from rnamarks.errors import InputError
from rnamarks.models import shipped
from rnamarks.models.card import card_tables, licence_of, write_card
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.directory import CARD, ModelConfig, read_config, write_config
from rnamarks.models.registry import build_model
from rnamarks.models.settings.combiner import CombinerSettings
from rnamarks.prediction.engine import score_each
from rnamarks.prediction.modes import load_engine, modes_of
from rnamarks.prediction.significance import read_null
from rnamarks.sites.gene_structure import WIDTHS
from rnamarks.sites.motifs import bases_at_offset
from rnamarks.tasks import Task

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"filters": [6, 4], "lstm_units": 3}
RELEASE = {"model": "small", "setting": "species2", "scheme": "paper"}


@pytest.fixture
def ships(tmp_path, monkeypatch) -> Path:
    """An installation that ships one model, ``m6a``, with a card as the workflow writes it."""
    folder = tmp_path / "shipped" / "m6a"
    tasks = [
        Task(name, species=name, modification="m6A", base="A", motif="DRACH", motif_offset=2) for name in ("a", "b")
    ]
    config = ModelConfig("deepm6aseq", tasks, 21, SMALL)
    counts = {"positives": 40, "negatives": 400}
    config.training = {"seeds": [1], "settings": {"rounds": 3}, "windows": {"a": counts, "b": counts}}
    torch.manual_seed(1)
    save_model(folder, [build_model("deepm6aseq", ["a", "b"], 21, SMALL).state_dict()], config)
    keys = RELEASE | {"split": "test", "seed": "ensemble", "against": "own", "choice": ""}
    metrics = pd.DataFrame(
        [
            keys | {"task": task, "metric": metric, "value": value, "low": value - 0.05, "high": value + 0.05}
            for task, auroc in (("a", 0.75), ("b", 0.8125))
            for metric, value in (("auroc", auroc), ("auprc", 0.3), ("brier", 0.08), ("ece", 0.01))
        ]
    ).assign(n_positive=30, n_negative=300, prevalence=1 / 11)
    sources = pd.DataFrame(
        [
            ("a", "windows", "source:calls#a.txt", "2.0", "https://one.example/calls", "CC-BY-4.0", "One et al. 2020"),
            ("b", "windows", "source:calls#b.txt", "2.0", "https://one.example/calls", "CC-BY-4.0", "One et al. 2020"),
            ("b", "veto", "mine.bed", None, None, None, None),
            ("c", "windows", "source:other", "1.0", "https://one.example/other", "MIT", "Other"),
            ("a", "laboratory", "source:tested", "1.0", "https://one.example/tested", "MIT", "Other"),
        ],
        columns=["subject", "role", "reference", "version", "url", "licence", "citation"],
    )
    leaks = pd.DataFrame(columns=["scheme", "task", "label", "kind", "n", "n_leaky", "fraction"])
    write_card(folder, run="mine", release=RELEASE, metrics=metrics, leaks=leaks, sources=sources, licence="CC-BY-4.0")
    monkeypatch.setattr(shipped, "_FOLDERS", (tmp_path / "nowhere", tmp_path / "shipped"))
    monkeypatch.chdir(tmp_path)
    return folder


def test_what_is_listed_comes_from_the_model_and_its_card(ships):
    lines = shipped.describe_shipped().splitlines()
    size = sum(file.stat().st_size for file in ships.iterdir())
    assert lines[0] == f"m6a: {size / 1e6:.1f} MB; licence: CC-BY-4.0"
    assert lines[1] == "  data: calls (CC-BY-4.0)"
    assert [" ".join(line.split()) for line in lines[3:]] == [
        "a m6A a 40 : 400 30 : 300 0.750 (0.700 to 0.800) 0.300 (0.250 to 0.350)",
        "b m6A b 40 : 400 30 : 300 0.812 (0.762 to 0.863) 0.300 (0.250 to 0.350)",
    ]
    config, _ = read_config(ships)
    config.ranks_only = ["b"]
    write_config(ships, config)
    assert shipped.describe_shipped().splitlines()[-1] == "  ranks, does not call: b"
    (ships / CARD).unlink()
    lines = shipped.describe_shipped().splitlines()
    assert lines[0].endswith("licence: not stated")
    assert lines[3].split() == ["a", "m6A", "a", "–", "–", "–", "–"]


def test_a_card_names_published_files_once_and_no_others(ships):
    text = (ships / CARD).read_text()
    assert licence_of(text) == "CC-BY-4.0"
    assert card_tables(text)["Data"] == [
        {"data": "calls", "version": "2.0", "licence as stated": "CC-BY-4.0", "cite": "One et al. 2020"}
    ]
    assert "mine.bed" not in text


def test_a_card_of_trees_names_what_their_networks_learned_from(ships):
    config, _ = read_config(ships)
    config.tasks, config.combiner = config.tasks[:1], {"heads": ["b"], "settings": asdict(CombinerSettings())}
    config.training["windows"]["b"] = {"positives": 7, "negatives": 70}
    write_config(ships, config)
    keys = RELEASE | {"split": "test", "seed": "ensemble", "against": "own", "choice": "", "task": "a"}
    metrics = pd.DataFrame([keys | {"metric": name, "value": 0.5} for name in ("auroc", "auprc")])
    metrics = metrics.assign(low=0.4, high=0.6, n_positive=30, n_negative=300, prevalence=1 / 11)
    leaks = pd.DataFrame(columns=["scheme", "task", "label", "kind", "n", "n_leaky", "fraction"])
    sources = pd.DataFrame(
        [("a", "sites", "source:own"), ("b", "windows", "source:theirs"), ("c", "windows", "source:other")],
        columns=["subject", "role", "reference"],
    ).assign(version="1.0", url="https://one.example", licence="MIT", citation="One")
    write_card(ships, run="mine", release=RELEASE, metrics=metrics, leaks=leaks, sources=sources)
    tables = card_tables((ships / CARD).read_text())
    assert [row["data"] for row in tables["Data"]] == ["own", "theirs"]
    assert [tuple(row.values()) for row in tables["Trained on"]] == [("a", "40", "400"), ("b (networks)", "7", "70")]


def test_a_name_is_the_shipped_model_and_a_path_a_folder(ships, tmp_path, caplog):
    assert shipped.find_model("m6a") == ships
    assert not caplog.records
    shutil.copytree(ships, tmp_path / "m6a")
    assert shipped.find_model("./m6a") == Path("m6a")
    with caplog.at_level(logging.WARNING):
        assert shipped.find_model("m6a") == ships
    assert caplog.messages == ["m6a is the shipped model; the folder of that name here is ./m6a"]
    assert load_model(shipped.find_model(tmp_path / "m6a"))[1].window == 21


def test_a_model_that_is_neither_is_named_with_the_remedy(ships):
    with pytest.raises(InputError, match=r"no model of that name .* \(found 'm7G'\); .* or one of m6a$"):
        shipped.find_model("m7G")
    assert shipped.find_model("results/none/model") == Path("results/none/model")


@pytest.mark.slow
def test_an_installation_without_models_says_so(tmp_path):
    package = tmp_path / "rnamarks"
    shutil.copytree(ROOT / "workflow" / "rnamarks", package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "my.fa").write_text(">a\nGGACU\n")
    for arguments, code, said in (
        (["models"], 0, "No model comes with this installation; name a model directory, such as results/RUN/model"),
        (["scan", "my.fa"], 2, "there is no such folder (found 'm6a'); name a model directory (--model)"),
    ):
        command = [sys.executable, "-m", "rnamarks.cli", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == code
        assert said in done.stdout + done.stderr
        assert (done.stdout + done.stderr).count("\n") == 1


SHIPPED = [path for path in sorted((ROOT / "resources" / "models").iterdir()) if path.is_dir()]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_what_the_repository_ships_is_whole_and_small(folder):
    """Each scores a base in every mode that it has, calls by its null, and says what it is."""
    assert shipped.model_size(folder) <= shipped.LARGEST
    assert licence_of((folder / CARD).read_text())
    generator = np.random.default_rng(1)
    for mode in modes_of(folder):
        engine, config, calibration = load_engine(folder, mode, device="cpu")
        assert set(calibration) == set(config.task_names)
        for task in config.tasks:
            assert set(read_null(folder, [task.name], mode)[0]) == {task.name}
            letters = generator.integers(0, 4, (2, engine.width), dtype=np.uint8)
            motif, offset = task.place
            fitting = ["ACGU".index(bases_at_offset(motif, at)[0]) for at in range(len(motif))]
            letters[:, engine.width // 2 - offset :][:, : len(motif)] = fitting
            places = np.full((2, WIDTHS[engine.reads]), 40, dtype=np.float32)
            found = score_each(engine, {task.name: letters}, {task.name: places} if engine.reads else None)
            assert np.isfinite(found[task.name]).all()


def test_the_default_model_scans_and_scores_windows():
    """What a newcomer does first."""
    if shipped.DEFAULT not in shipped.shipped_models():
        pytest.skip("the default model is not shipped")
    model = rnamarks.load(shipped.DEFAULT)
    # DRACH in the middle, and an A outside of it
    windows = ["C" * 48 + "GGACU" + "A" * 48, "C" * 50 + "A" + "C" * 50]
    assert model.predict(windows)["probability"].notna().tolist() == [True, False]
    table = model.scan(windows, alpha=None)
    assert table["start"].tolist() == [50]
    assert table["probability"].between(0, 1).all()
    assert table["p"].between(0, 1).all()
