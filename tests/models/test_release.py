"""Seeds become one ensemble with calibration, thresholds and a card that has no gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from rnamarks.errors import InputError
from rnamarks.evaluation.tables import (
    Run,
    build_panels,
    calibration_table,
    metrics_table,
    threshold_tables,
)
from rnamarks.models.baseline_files import load_baselines, save_baselines
from rnamarks.models.baselines import BASELINES
from rnamarks.models.checkpoint import ModelConfig, Stack, load_model, save_model
from rnamarks.models.register import build_model
from rnamarks.models.release import pack_release, write_card

SMALL = {"filters": [6, 4], "lstm_units": 3}
RELEASE = {"model": "small", "setting": "species2", "split": "paper"}


@pytest.fixture
def trained(tmp_path):
    folders = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = build_model("deepm6aseq", ["human", "mouse"], 21, SMALL)
        config = ModelConfig(model="deepm6aseq", heads=["human", "mouse"], window=21, hyperparameters=SMALL)
        counts = {name: {"positives": 40, "negatives": 400} for name in config.heads}
        config.training = {
            "seed": seed,
            "split": "paper",
            "settings": {"rounds": 3},
            "best_round": 2,
            "windows": counts,
        }
        folders.append(tmp_path / str(seed))
        save_model(folders[-1], [network.state_dict()], config)
    return folders


@pytest.fixture
def tables():
    random = np.random.default_rng(0)
    frames = []
    for species in ("human", "mouse"):
        for part in ("valid", "test"):
            labels = np.arange(330) % 11 == 0
            windows = [f"{species}:{part}:{i}" for i in range(330)]
            frames.append(
                pd.DataFrame({"window": windows, "species": species, "part": part, "label": labels.astype(int)})
            )
    base = pd.concat(frames, ignore_index=True)
    runs = [
        Run("small", "species2", "paper", seed, base.assign(logit=random.normal(size=len(base)) + base["label"]))
        for seed in (1, 2)
    ]
    panels = build_panels(runs)
    leaks = pd.DataFrame(
        {
            "split": "paper",
            "species": ["human"],
            "label": "all",
            "kind": "exact_own",
            "n": 30,
            "n_leaky": 3,
            "share": 0.1,
        }
    )
    # windows of a file have no gene
    leaks.loc[1] = leaks.loc[0].to_dict() | {"kind": "gene_own", "n": 0, "n_leaky": 0, "share": float("nan")}
    return {
        "metrics": metrics_table(panels, n=50),
        "calibration": calibration_table(panels),
        "thresholds": threshold_tables(panels, precisions=[0.12, 0.999]),
        "leaks": leaks,
    }


def test_release(trained, tables, tmp_path):
    folder = tmp_path / "model"
    config = pack_release(
        trained, folder, calibration=tables["calibration"], thresholds=tables["thresholds"], release=RELEASE
    )
    model, read = load_model(folder)
    assert (read.members, read.training["seeds"]) == (2, [1, 2])
    assert set(read.calibration) == {"human", "mouse"}
    x = torch.randint(0, 4, (5, 21), dtype=torch.uint8)
    with torch.inference_mode():
        expected = torch.stack([load_model(source)[0](x, "mouse") for source in trained]).mean(0)
        torch.testing.assert_close(model(x, "mouse"), expected)
    write_card(
        folder,
        config,
        run="test",
        release=RELEASE,
        metrics=tables["metrics"],
        thresholds=tables["thresholds"],
        leaks=tables["leaks"],
    )
    card = (folder / "card.md").read_text()
    assert "not reachable" in card
    assert "nan" not in card
    auroc = tables["metrics"].query("metric == 'auroc' and seed == 'ensemble' and species == 'mouse'")["value"].iloc[0]
    assert f"{auroc:.3f}" in card


def test_models_that_differ_are_not_joined(trained, tables, tmp_path):
    torch.manual_seed(3)
    network = build_model("deepm6aseq", ["human"], 21, SMALL)
    config = ModelConfig(model="deepm6aseq", heads=["human"], window=21, hyperparameters=SMALL, training={"seed": 3})
    save_model(tmp_path / "other", [network.state_dict()], config)
    with pytest.raises(InputError, match="more than the seed"):
        pack_release(
            [trained[0], tmp_path / "other"],
            tmp_path / "model",
            calibration=tables["calibration"],
            thresholds=tables["thresholds"],
            release=RELEASE,
        )


def test_a_release_without_evaluation_is_refused(trained, tables, tmp_path):
    with pytest.raises(InputError, match="no rows of the model"):
        pack_release(
            trained,
            tmp_path / "model",
            calibration=tables["calibration"],
            thresholds=tables["thresholds"],
            release=RELEASE | {"split": "guarded"},
        )


@pytest.fixture
def baselines(tmp_path):
    """Folders of two fitted baselines; one knows a species more than the networks."""
    random = np.random.default_rng(0)
    codes, labels = random.integers(0, 4, size=(60, 21)).astype(np.uint8), np.tile([0, 1], 30)
    folders = []
    for name, heads in (("kmer_frequency", ["human", "mouse", "yak"]), ("composition", ["mouse", "human"])):
        fitted = {head: BASELINES[name]().fit(codes, random.permutation(labels)) for head in heads}
        folders.append(tmp_path / name)
        save_baselines(folders[-1], name, fitted, training={"split": "paper", "seed": 0})
    return folders


@pytest.fixture
def weights():
    return pd.DataFrame(
        {
            "species": ["human"] * 3 + ["mouse"] * 3,
            "member": ["net", "kmer_frequency", "composition"] * 2,
            "weight": [0.75, 0.5, 0.25, 1.0, 0.0, 0.125],
        }
    )


def test_a_stack_is_released_with_its_baselines(trained, tables, baselines, weights, tmp_path):
    folder = tmp_path / "model"
    evaluation = {"calibration": tables["calibration"], "thresholds": tables["thresholds"]}
    config = pack_release(trained, folder, **evaluation, release=RELEASE, baselines=baselines, weights=weights)
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
    others = {name: tables[name] for name in ("metrics", "thresholds", "leaks")}
    write_card(folder, config, run="test", release=RELEASE, limits=["Never trust it on Mondays."], **others)
    card = (folder / "card.md").read_text()
    assert card.startswith("# deepm6aseq + kmer_frequency + composition: m6A in human, mouse")
    assert "| species | net | kmer_frequency | composition |\n| --- | ---: | ---: | ---: |\n" in card
    assert "| human | 0.750 | 0.500 | 0.250 |\n| mouse | 1.000 | 0.000 | 0.125 |\n" in card
    assert "- Never trust it on Mondays.\n" in card
    assert "nan" not in card


def test_the_card_of_a_model_of_modifications_names_them(trained, tables, tmp_path):
    folder = tmp_path / "model"
    evaluation = {name: tables[name] for name in ("calibration", "thresholds")}
    config = pack_release(trained, folder, **evaluation, release=RELEASE)
    entries = {
        "human": {"modification": "m6A", "base": "A", "motif": "DRACH", "motif_offset": 2},
        "mouse": {"modification": "Y", "base": "U", "motif": "N", "motif_offset": 0},
    }
    config = replace(config, modification="", motif="", modifications=entries)
    others = {name: tables[name] for name in ("metrics", "thresholds", "leaks")}
    write_card(folder, config, run="test", release=RELEASE, **others)
    card = (folder / "card.md").read_text()
    assert card.startswith("# deepm6aseq: human, mouse\n")
    assert "| m6A | A | DRACH |\n| Y | U | any |\n" in card
    assert "| species |" not in card


def test_parts_of_a_stack_that_do_not_fit_are_refused(trained, tables, baselines, weights, tmp_path):
    def refused(said, baselines=baselines, weights=weights):
        with pytest.raises(InputError, match=said):
            pack_release(
                trained,
                tmp_path / "model",
                calibration=tables["calibration"],
                thresholds=tables["thresholds"],
                release=RELEASE,
                baselines=baselines,
                weights=weights,
            )

    refused("not for human, mouse, one network and kmer_frequency, composition", weights=None)
    refused("not for human, mouse, one network and", weights=weights[weights["species"] == "human"])
    refused("not for human, mouse, one network and", weights=weights[weights["member"] != "net"])
    refused(r"not for human, mouse, one network and kmer_frequency \(found", baselines=baselines[:1])
    refused("not for human, mouse, one network and", weights=weights.drop(index=5))
    codes, labels = np.zeros((4, 21), dtype=np.uint8), [0, 1, 0, 1]
    for what, heads, width, split in (
        ("split than the networks' paper", ["human", "mouse"], 21, "guarded"),
        ("window than the networks' 21", ["human", "mouse"], 20, "paper"),
        ("heads than the networks'", ["human"], 21, "paper"),
    ):
        one = BASELINES["composition"]().fit(codes[:, :width], labels)
        save_baselines(tmp_path / "odd", "composition", dict.fromkeys(heads, one), training={"split": split})
        refused(f"odd: the baseline was fitted for another {what}", baselines=[baselines[0], tmp_path / "odd"])
