"""Seeds become one ensemble with calibration, thresholds and a card that has no gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from rnamarks.errors import InputError
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.baseline_files import load_baselines, save_baselines
from rnamarks.models.baselines import BASELINES
from rnamarks.models.card import card_tables, write_card
from rnamarks.models.checkpoint import Stack, load_model, save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.registry import build_model
from rnamarks.models.release import pack_release
from rnamarks.tasks import Task

TASKS = [
    Task("human", species="human", modification="m6A", base="A", motif="DRACH", motif_offset=2),
    Task("mouse", species="mouse", modification="m6A", base="A"),
]
SMALL = {"filters": [6, 4], "lstm_units": 3}
RELEASE = {"model": "small", "setting": "species2", "scheme": "paper"}


@pytest.fixture
def trained(tmp_path):
    folders = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = build_model("deepm6aseq", ["human", "mouse"], 21, SMALL)
        config = ModelConfig("deepm6aseq", TASKS, 21, SMALL)
        counts = {name: {"positives": 40, "negatives": 400} for name in config.task_names}
        config.training = {
            "seed": seed,
            "scheme": "paper",
            "settings": {"rounds": 3},
            "best_round": 2,
            "windows": counts,
        }
        folders.append(tmp_path / str(seed))
        save_model(folders[-1], [network.state_dict()], config)
    return folders


@pytest.fixture
def tables():
    """What the evaluation gives of this predictor, and the tables that the card reads."""
    calibration = pd.DataFrame(
        {
            "task": ["human", "mouse", "yak"],
            "prevalence": [0.1, 0.09, 0.5],
            "slope": [1.1, 0.9, 1.0],
            "intercept": [0.25, -0.5, 0.0],
            "method": ["platt", "platt", "prior"],
            "n_positive": [30, 31, 3],
            "n_negative": [300, 299, 4],
            "fitted_on": ["valid, human", "valid, mouse", ""],
            "ece": [0.01, 0.02, 0.03],
        }
    )
    thresholds = pd.DataFrame(
        {
            "task": ["human", "human", "mouse", "yak"],
            "target_precision": [0.12, 0.999, 0.12, 0.12],
            "prevalence": [0.1, 0.1, 0.09, 0.5],
            "probability": [0.4, np.nan, 0.3, 0.2],
            "precision": [0.125, np.nan, 0.13, 0.4],
            "recall": [0.5, np.nan, 0.25, 0.4],
            "note": ["", "not reachable", np.nan, ""],
        }
    )
    keys = {"model": "small", "setting": "species2", "scheme": "paper", "split": "test", "seed": "ensemble"}
    keys |= {"against": "own", "choice": np.nan}
    rows = [
        keys | {"task": task, "metric": metric, "value": value, "low": value - 0.05, "high": value + 0.05}
        for task, auroc in (("human", 0.75), ("mouse", 0.8125))
        for metric, value in (("auroc", auroc), ("auprc", 0.3), ("brier", 0.08), ("ece", 0.01))
    ]
    rows += [rows[0] | other for other in ({"against": "all", "value": 0.1}, {"split": "valid", "value": 0.2})]
    rows.append(rows[0] | {"choice": "validation", "value": 0.3})
    metrics = pd.DataFrame(rows).assign(n_positive=30.0, n_negative=300.0, prevalence=1 / 11)
    leaks = pd.DataFrame(
        {
            "scheme": "paper",
            "task": ["human"],
            "label": "all",
            "kind": "exact_own",
            "n": 30,
            "n_leaky": 3,
            "fraction": 0.1,
        }
    )
    # windows of a file have no gene
    leaks.loc[1] = leaks.loc[0].to_dict() | {"kind": "gene_own", "n": 0, "n_leaky": 0, "fraction": float("nan")}
    return {"metrics": metrics, "calibration": calibration, "thresholds": thresholds, "leaks": leaks}


def pack(trained, tables, folder, **changes):
    values = {"calibration": tables["calibration"], "thresholds": tables["thresholds"], "scheme": "paper"} | changes
    return pack_release(trained, folder, **values)


def card_of(folder, tables, **changes):
    write_card(
        folder, run="test", release=RELEASE, **({"metrics": tables["metrics"], "leaks": tables["leaks"]} | changes)
    )
    return (folder / "card.md").read_text()


def test_release(trained, tables, tmp_path):
    folder = tmp_path / "model"
    dressed = [replace(TASKS[1], label="Mouse m6A", colour="#00FF00"), Task("yak")]
    config = pack(trained, tables, folder, tasks=dressed)
    model, read = load_model(folder)
    assert read == config
    assert read.tasks == [TASKS[0], dressed[0]]
    assert (read.members, read.training["seeds"]) == (2, [1, 2])
    assert Calibration.from_dict(read.calibration["mouse"]).intercept == -0.5
    assert set(read.calibration) == set(read.thresholds) == {"human", "mouse"}
    assert [row["probability"] for row in read.thresholds["human"]] == [0.4, None]
    x = torch.randint(0, 4, (5, 21), dtype=torch.uint8)
    with torch.inference_mode():
        expected = torch.stack([load_model(source)[0](x, "mouse") for source in trained]).mean(0)
        torch.testing.assert_close(model(x, "mouse"), expected)
    card = card_of(folder, tables)
    assert card.startswith("# deepm6aseq: human, Mouse m6A\n")
    assert "| human | human | m6A | A | DRACH |\n| mouse | mouse | m6A | A | any |\n" in card
    assert "| human | 0.999 | 0.100 | – | – | – | not reachable |\n" in card
    assert "| human | 30 : 300 | 0.091 | 0.750 (0.700 to 0.800) | 0.300" in card
    assert "| mouse | 30 : 300 | 0.091 | 0.812 (" in card
    assert "nan" not in card
    assert "None" not in card


def test_the_card_says_what_holds_elsewhere_and_what_only_ranks(trained, tables, tmp_path):
    folder = tmp_path / "model"
    assert pack(trained, tables, folder, ranks_only=["mouse", "yak"]).ranks_only == ["mouse"]
    row = {"trained": "released model", "tested": "lab", "model": "released model", "n_positive": 40, "n_negative": 50}
    row |= {f"{name}{side}": at for at, side in ((0.5, "_low"), (0.9, "_high")) for name in ("control", "difference")}
    row |= {"value": 0.7, "low": 0.6, "high": 0.8, "control": 0.55, "difference": 0.15}
    laboratories = pd.DataFrame(
        [
            row | {"task": "mouse"},
            row | {"task": "human", "tested": "few", "value": np.nan, "control": np.nan, "difference": np.nan},
            row | {"task": "human", "trained": "lab", "model": "kmer_blend", "value": 0.99},
            row | {"task": "yak"},
        ]
    )
    card = card_of(folder, tables, laboratories=laboratories)
    assert card_tables(card)["Tested elsewhere"] == [
        dict(zip(HEADS, cells, strict=True))
        for cells in (
            ("human", "few", "40 : 50", "–", "–", "–"),
            ("mouse", "lab", "40 : 50", "0.700 (0.600 to 0.800)", "0.550 (0.500 to 0.900)", "0.150 (0.500 to 0.900)"),
        )
    ]
    assert "Ranks, does not call: mouse." in card
    assert "Tested elsewhere" not in card_of(folder, tables)


HEADS = ("task", "set", "positives : negatives", "AUROC", "composition", "difference")


def test_models_that_differ_are_not_joined(trained, tables, tmp_path):
    torch.manual_seed(3)
    network = build_model("deepm6aseq", ["human"], 21, SMALL)
    config = ModelConfig("deepm6aseq", TASKS[:1], 21, SMALL, training={"seed": 3})
    save_model(tmp_path / "other", [network.state_dict()], config)
    with pytest.raises(InputError, match="more than the seed"):
        pack([trained[0], tmp_path / "other"], tables, tmp_path / "model")


def test_a_release_without_evaluation_is_refused(trained, tables, tmp_path):
    calibration = tables["calibration"]
    with pytest.raises(InputError, match=r"tasks of the model have no calibration \(found \['mouse'\]\)"):
        pack(trained, tables, tmp_path / "model", calibration=calibration[calibration["task"] != "mouse"])
    pack(trained, tables, tmp_path / "model")
    with pytest.raises(InputError, match="no rows of the model"):
        card_of(tmp_path / "model", tables, metrics=tables["metrics"].assign(scheme="guarded"))


@pytest.fixture
def baselines(tmp_path):
    """Folders of two fitted baselines; one knows a task more than the networks."""
    random = np.random.default_rng(0)
    codes, labels = random.integers(0, 4, size=(60, 21)).astype(np.uint8), np.tile([0, 1], 30)
    folders = []
    for name, tasks in (("kmer_frequency", ["human", "mouse", "yak"]), ("composition", ["mouse", "human"])):
        fitted = {task: BASELINES[name]().fit(codes, random.permutation(labels)) for task in tasks}
        folders.append(tmp_path / name)
        save_baselines(
            folders[-1], name, fitted, [Task(task) for task in tasks], training={"scheme": "paper", "seed": 0}
        )
    return folders


@pytest.fixture
def weights():
    return pd.DataFrame(
        {
            "task": ["human"] * 3 + ["mouse"] * 3,
            "member": ["net", "kmer_frequency", "composition"] * 2,
            "weight": [0.75, 0.5, 0.25, 1.0, 0.0, 0.125],
        }
    )


def test_a_stack_is_released_with_its_baselines(trained, tables, baselines, weights, tmp_path):
    folder = tmp_path / "model"
    config = pack(trained, tables, folder, baselines=baselines, weights=weights)
    model, read = load_model(folder)
    assert isinstance(model, Stack)
    assert read == config
    assert (read.members, read.training["seeds"]) == (2, [1, 2])
    assert read.stack["network"] == "net"
    assert read.stack["weights"]["mouse"] == {"net": 1.0, "kmer_frequency": 0.0, "composition": 0.125}
    assert set(read.calibration) == {"human", "mouse"}
    x = torch.randint(0, 5, (5, 21), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        networks = torch.stack([load_model(source)[0](x, "human") for source in trained]).mean(0).numpy()
        found = model(x, "human").numpy()
    kmers, letters = (load_baselines(source)[0]["human"].logit(x.numpy()) for source in baselines)
    np.testing.assert_allclose(found, 0.75 * networks + 0.5 * kmers + 0.25 * letters, atol=1e-5)
    card = card_of(folder, tables, limits=["Never trust it on Mondays."])
    assert card.startswith("# deepm6aseq + composition + kmer_frequency: human, mouse\n")
    assert "| task | net | composition | kmer_frequency |\n| --- | ---: | ---: | ---: |\n" in card
    assert "| human | 0.750 | 0.250 | 0.500 |\n| mouse | 1.000 | 0.125 | 0.000 |\n" in card
    assert "- Never trust it on Mondays.\n" in card
    assert "nan" not in card


def test_parts_of_a_stack_that_do_not_fit_are_refused(trained, tables, baselines, weights, tmp_path):
    def refused(said, baselines=baselines, weights=weights):
        with pytest.raises(InputError, match=said):
            pack(trained, tables, tmp_path / "model", baselines=baselines, weights=weights)

    refused("not for human, mouse, one network and kmer_frequency, composition", weights=None)
    refused("not for human, mouse, one network and", weights=weights[weights["task"] == "human"])
    refused("not for human, mouse, one network and", weights=weights[weights["member"] != "net"])
    refused(r"not for human, mouse, one network and kmer_frequency \(found", baselines=baselines[:1])
    refused("not for human, mouse, one network and", weights=weights.drop(index=5))
    codes, labels = np.zeros((4, 21), dtype=np.uint8), [0, 1, 0, 1]
    for what, tasks, width, scheme in (
        ("scheme than the networks' paper", ["human", "mouse"], 21, "guarded"),
        ("window than the networks' 21", ["human", "mouse"], 20, "paper"),
        ("tasks than the networks'", ["human"], 21, "paper"),
    ):
        one = BASELINES["composition"]().fit(codes[:, :width], labels)
        records = [Task(task) for task in tasks]
        save_baselines(tmp_path / "odd", "composition", dict.fromkeys(tasks, one), records, training={"scheme": scheme})
        refused(f"odd: the baseline was fitted for another {what}", baselines=[baselines[0], tmp_path / "odd"])
