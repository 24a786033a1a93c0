"""DeepM6ASeq's architecture."""

from __future__ import annotations

import torch

from rnamarks.models.registry import build_model


def test_published_shapes():
    model = build_model("deepm6aseq", ["human"], 101)
    convolutions = [layer for layer in model.trunk.convolutions if isinstance(layer, torch.nn.Conv1d)]
    assert [tuple(layer.weight.shape) for layer in convolutions] == [(256, 4, 10), (128, 256, 5)]
    assert model.trunk.recurrent.hidden_size == 32
    assert tuple(model.heads["human"][0].weight.shape) == (1, 64)


def test_any_length_and_any_batch():
    torch.manual_seed(0)
    model = build_model("deepm6aseq", ["human"], 101, {"filters": [8, 4], "lstm_units": 3}).eval()
    x = torch.randint(0, 5, (5, 41), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(model(x, "human"), torch.cat([model(row[None], "human") for row in x]))
