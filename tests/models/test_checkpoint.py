"""A model directory gives back exactly the model that was written, or says what is wrong with it."""

from __future__ import annotations

import json

import pytest
import torch

from rnamarks.errors import InputError
from rnamarks.models.checkpoint import ModelConfig, load_model, require_head, save_model
from rnamarks.models.register import build_model

SMALL = {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5}


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    members = [build_model("mass", ["human", "mouse"], 21, SMALL) for _ in range(2)]
    config = ModelConfig(model="mass", heads=["human", "mouse"], window=21, hyperparameters=SMALL, motif="DRACH")
    save_model(tmp_path, [member.state_dict() for member in members], config)
    torch.save([member.state_dict() for member in members], tmp_path / "expected.pt")
    return tmp_path


def test_round_trip_averages_the_members(folder):
    model, config = load_model(folder)
    x = torch.randint(0, 5, (4, 21), dtype=torch.uint8)
    expected = []
    for state in torch.load(folder / "expected.pt", weights_only=True):
        member = build_model("mass", config.heads, 21, SMALL)
        member.load_state_dict(state)
        expected.append(member.eval()(x, "mouse"))
    with torch.inference_mode():
        torch.testing.assert_close(model(x, "mouse"), torch.stack(expected).mean(0))
    assert (config.members, config.motif) == (2, "DRACH")


def test_changed_weights_are_refused(folder):
    weights = folder / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(InputError, match="not the ones"):
        load_model(folder)


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors"])
def test_missing_files_are_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=name.split(".")[0]):
        load_model(folder)


def test_weights_that_do_not_fit_the_configuration_are_refused(folder):
    path = folder / "config.json"
    document = json.loads(path.read_text())
    document["hyperparameters"]["dense"] = 6
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="do not fit"):
        load_model(folder)


def test_broken_json_is_named_with_its_line(folder):
    (folder / "config.json").write_text('{\n "format": \n}')
    with pytest.raises(InputError, match=r"config.json:3: not JSON"):
        load_model(folder)


def test_unknown_head_lists_the_heads(folder):
    _, config = load_model(folder)
    with pytest.raises(InputError, match="human, mouse"):
        require_head(config, "yeast")
