"""Seeds become one ensemble with calibration, thresholds and a card that has no gaps."""

from __future__ import annotations

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
from rnamarks.models.checkpoint import ModelConfig, load_model, save_model
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
