"""The predictions table holds the held-out windows of each task, scored by its own classifier."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from rnamarks.models.registry import build_model
from rnamarks.prediction.held_out import predict_held_out
from rnamarks.prediction.score import score_windows
from rnamarks.sequences import decode_windows, encode_windows
from rnamarks.tables import write_parquet


def test_held_out_windows_of_each_task(tmp_path):
    torch.manual_seed(0)
    model = build_model("deepm6aseq", ["human", "mouse"], 21, {"filters": [6, 4], "lstm_units": 3})
    paths = {}
    for seed, name in enumerate(["human", "mouse"]):
        sequences = decode_windows(np.random.default_rng(seed).integers(0, 4, (8, 21)).astype(np.uint8))
        frame = pd.DataFrame({"window": [f"{name}:{i}" for i in range(8)], "sequence": sequences})
        frame["label"] = [1, 0] * 4
        frame["paper"] = ["train", "train", "valid", "valid", "test", "test", "", "test"]
        paths[name] = tmp_path / f"{name}.parquet"
        write_parquet(frame, paths[name])
    table = predict_held_out(model, paths, "paper")
    assert table.groupby("task")["split"].apply(list).to_dict() == {
        name: ["valid", "valid", "test", "test", "test"] for name in paths
    }
    mouse = pd.read_parquet(paths["mouse"]).set_index("window")
    rows = table[table["task"] == "mouse"]
    expected = score_windows(model, encode_windows(mouse.loc[rows["window"], "sequence"]), "mouse")
    np.testing.assert_allclose(rows["logit"], expected, atol=1e-5)
    assert (rows["label"].to_numpy() == mouse.loc[rows["window"], "label"].to_numpy()).all()
