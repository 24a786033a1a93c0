"""Every value of a model directory is checked before it is used, and a sidecar belongs to its weights."""

from __future__ import annotations

import errno
import json
import os
import time

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from rnamarks.errors import InputError
from rnamarks.files import sha256_of
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.directory import (
    NULL,
    STUDENT,
    WEIGHTS,
    ModelConfig,
    read_config,
    read_sidecar,
    regular_file,
    sidecar_settings,
    write_config,
    write_sidecar,
)
from rnamarks.models.registry import build_model
from rnamarks.tasks import Task

SIZES = {"dims": 4, "units": 3, "attention": 2, "hidden": 2, "crop": 11}
TASKS = [Task("m6A", modification="m6A", base="A", motif="DRACH", motif_offset=2, label="m⁶A"), Task("Y", base="U")]


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    network = build_model("multirm", ["m6A", "Y"], 21, SIZES)
    config = ModelConfig("multirm", TASKS, 21, SIZES)
    config.calibration = {"Y": {"prevalence": 0.1, "slope": 1.0, "intercept": 0.0, "method": "prior", "fitted_on": ""}}
    config.thresholds = {"m6A": [{"target_precision": 0.9, "probability": None, "note": "not reachable"}]}
    save_model(tmp_path / "model", [network.state_dict()], config)
    return tmp_path / "model"


def change(folder, **values):
    """Write other values into config.json, a function being applied to the old one."""
    path = folder / "config.json"
    document = json.loads(path.read_text())
    for key, value in values.items():
        document[key] = value(document[key]) if callable(value) else value
    path.write_text(json.dumps(document))


def refuses(folder, said, read=read_config):
    with pytest.raises(InputError, match=said) as caught:
        read(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    return str(caught.value)


def test_a_configuration_comes_back_as_it_was_written(folder):
    config, digest = read_config(folder)
    assert (config.tasks, config.task_names, config.window) == (TASKS, ["m6A", "Y"], 21)
    assert digest == sha256_of(folder / WEIGHTS)
    before = (folder / "config.json").read_bytes()
    write_config(folder, config)
    assert (folder / "config.json").read_bytes() == before


def test_a_model_stays_whole_where_the_next_cannot_be_described(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr("rnamarks.models.directory.json.dump", full)
    with pytest.raises(OSError, match=r"weights\.safetensors"):
        save_model(folder, [build_model("multirm", ["m6A", "Y"], 21, SIZES).state_dict()], read_config(folder)[0])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_earlier_directories_are_refused_with_a_sentence(folder):
    change(folder, format="rnamarks-model-1")
    said = refuses(folder, r"config\.json: the model directory is of another format")
    assert "this version reads rnamarks-model-3: make the model again" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[]", "it is not a mapping .found 'list'"),
        (b"[" * 200_000, "brackets lie too deep"),
        (b'{"format": "\xff"}', "not UTF-8 text"),
        (b'{\n "format": \n}', r"config\.json:3: not JSON"),
        (b'{"window": NaN}', "not finite .found 'NaN'"),
        (b'{"window": ' + b"9" * 10_000 + b"}", "too many digits|another format"),
        (b" " * ((1 << 24) + 1), "more than 16777216 bytes"),
        (b"", "not JSON"),
    ],
    ids=["list", "brackets", "latin", "json", "nan", "digits", "large", "empty"],
)
def test_files_that_are_no_configuration(folder, text, said):
    (folder / "config.json").write_bytes(text)
    refuses(folder, said)


WEIGHT = {"net": 1.0, "composition": 0.5}
STACK = {"network": "net", "weights": {"m6A": WEIGHT, "Y": WEIGHT}, "baselines": {"composition": {}}}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sha256": None}, "sha256 is not 64 hexadecimal digits"),
        ({"sha256": "0" * 63}, "sha256 is not 64"),
        ({"extra": 1}, r"unknown or missing keys \(found .*extra"),
        ({"model": 3}, "model is not a name"),
        ({"model": "../mass"}, "model is not a name"),
        ({"window": -1}, "window is not a whole number from 1 to 100000"),
        ({"window": 1e9}, "window is not a whole number"),
        ({"window": 10**9}, "window is not a whole number"),
        ({"window": "21"}, "window is not a whole number"),
        ({"window": True}, "window is not a whole number"),
        ({"members": 0}, "members is not a whole number from 1 to 1000"),
        ({"members": 10**6}, "members is not a whole number"),
        ({"tasks": []}, "tasks is not a list of 1 to 1000"),
        ({"tasks": {}}, "tasks is not a list"),
        ({"tasks": lambda tasks: tasks[:1] * 30_000}, r"tasks is not a list of 1 to 1000 \(found 30000\)"),
        ({"tasks": lambda tasks: tasks * 2}, "two tasks have one name"),
        ({"tasks": ["m6A"]}, r"config\.json: a task has unknown or missing entries"),
        ({"tasks": lambda tasks: [tasks[0] | {"motif": "A" * 10**6}]}, "motif of task m6A is malformed"),
        ({"tasks": lambda tasks: [tasks[0] | {"name": "<b>"}]}, "name of task <b> is malformed"),
        ({"tasks": lambda tasks: [tasks[0] | {"motif_offset": -3}]}, "motif_offset of task m6A lies outside"),
        ({"hyperparameters": []}, "hyperparameters is not a mapping"),
        ({"training": "long"}, "training is not a mapping"),
        ({"calibration": {"Am": {}}}, r"calibration is about tasks that the model has not \(found \['Am'\]"),
        ({"calibration": {"Y": []}}, r"calibration\.Y is not a mapping"),
        ({"calibration": {"Y": {"slope": "steep"}}}, r"calibration\.Y\.slope is not a finite number"),
        ({"calibration": {"Y": {"slope": None}}}, r"calibration\.Y\.slope is not a finite number"),
        ({"calibration": {"Y": {"method": 1}}}, r"calibration\.Y\.method is not text"),
        ({"thresholds": {"Y": {}}}, r"thresholds\.Y is not a list"),
        ({"thresholds": {"Y": [{"probability": [0.5]}]}}, r"thresholds\.Y\.probability is not a finite number"),
        ({"stack": {"network": "net"}}, "the stack is not described in full"),
        ({"stack": STACK | {"network": 1}}, r"stack\.network is not a name"),
        ({"stack": STACK | {"weights": []}}, r"stack\.weights is not a mapping"),
        ({"stack": STACK | {"baselines": {"composition": 1}}}, r"stack\.baselines\.composition is not a mapping"),
        ({"stack": STACK | {"weights": {"m6A": WEIGHT}}}, r"stack\.weights has other tasks than the model"),
        ({"stack": STACK | {"weights": {"m6A": WEIGHT, "Y": {"net": 1}}}}, r"stack\.weights\.Y is not about compo"),
        ({"stack": STACK | {"weights": {"m6A": WEIGHT, "Y": WEIGHT | {"net": "1"}}}}, r"Y\.net is not a finite number"),
    ],
)
def test_values_that_cannot_be_are_named(folder, values, said):
    change(folder, **values)
    refuses(folder, said)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"units": 20_000}, "units is not a whole number from 1 to 8192"),
        ({"units": 8000, "dims": 8000}, r"do not fit the network .*\(found .* for "),
        ({"units": -3}, r"config\.json: .*hyperparameters\.units is not a whole number"),
        ({"units": 3.5}, "units is not a whole number"),
        ({"dropout": "x"}, "dropout is not a number"),
        ({"colour": 1}, r"config\.json: .*no setting hyperparameters\.colour"),
    ],
)
def test_sizes_are_compared_with_the_file_before_anything_is_built(folder, sizes, said):
    change(folder, hyperparameters=lambda old: old | sizes)
    started = time.process_time()
    refuses(folder, said, load_model)
    assert time.process_time() - started < 5


def test_a_thousand_tasks_and_a_wide_window_take_no_memory(folder):
    many = [Task(f"t{number}").record() for number in range(1000)]
    change(folder, tasks=many, window=99_999, calibration={}, thresholds={})
    refuses(folder, "do not fit the network", load_model)


def rewrite(folder, arrays):
    save_file(arrays, folder / WEIGHTS)
    change(folder, sha256=sha256_of(folder / WEIGHTS))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(folder, value):
    from safetensors.numpy import load_file

    arrays = load_file(folder / WEIGHTS)
    arrays["0.pool.score.bias"][1] = value
    rewrite(folder, arrays)
    refuses(
        folder, r"weights\.safetensors: the file holds numbers that are not finite .*0\.pool\.score\.bias", load_model
    )


def test_files_that_are_no_weights(folder):
    rewrite(folder, {})
    refuses(folder, "do not fit the network .*found 'missing for", load_model)
    (folder / WEIGHTS).write_bytes(b"\xff" * 100)
    change(folder, sha256=sha256_of(folder / WEIGHTS))
    refuses(folder, r"weights\.safetensors: not a safetensors file", load_model)


def test_only_regular_files_of_the_directory_are_read(folder, tmp_path):
    (tmp_path / "secret").write_text("secret")
    for name in ("config.json", WEIGHTS, "card.md", STUDENT):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(tmp_path / "secret")
        with pytest.raises(InputError, match=f"{name}: not a regular file"):
            regular_file(folder, name)
    refuses(folder, r"config\.json: not a regular file")
    (folder / "pipe").mkdir()
    for name, said in (("pipe", "not a regular file"), ("none", "the file is missing")):
        with pytest.raises(InputError, match=said):
            regular_file(folder, name)
    os.mkfifo(folder / "fifo")
    with pytest.raises(InputError, match="not a regular file"):
        regular_file(folder, "fifo")


ARRAYS = {"exact.m6A": np.linspace(-3, 3, 7, dtype=np.float32), "exact.Y": np.zeros((2, 3)), "n": np.array(4)}


def test_a_sidecar_comes_back_with_its_settings(folder):
    assert sidecar_settings(folder, NULL) is None
    before = (folder / "config.json").read_bytes()
    digest = write_sidecar(folder, NULL, ARRAYS, {"bases": 7, "from": "Ψ"})
    assert (folder / "config.json").read_bytes() == before
    assert sidecar_settings(folder, NULL) == {"bases": 7, "from": "Ψ", "sha256": digest}
    arrays, settings = read_sidecar(folder, NULL)
    assert settings == {"bases": 7, "from": "Ψ", "sha256": digest}
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert np.array_equal(arrays[name], array)
    assert write_sidecar(folder, NULL, ARRAYS, {"bases": 7, "from": "Ψ"}) == digest
    assert write_sidecar(folder, NULL, ARRAYS, {"bases": 8, "from": "Ψ"}) != digest
    assert write_sidecar(folder, NULL, ARRAYS | {"n": np.array(5)}, {"bases": 7, "from": "Ψ"}) != digest


def test_sidecars_that_were_changed_or_are_of_other_weights(folder):
    def read(folder):
        return read_sidecar(folder, NULL)

    refuses(folder, r"null\.safetensors: the file is missing", read)
    write_sidecar(folder, NULL, ARRAYS, {"bases": 700})
    whole = (folder / NULL).read_bytes()
    for at in (len(whole) - 1, whole.index(b"700")):
        data = bytearray(whole)
        data[at] ^= 1
        (folder / NULL).write_bytes(data)
        refuses(folder, r"null\.safetensors: the file is not as it was written", read)
    save_file(ARRAYS, folder / NULL)
    refuses(folder, "the file does not describe itself", read)
    (folder / NULL).write_bytes(whole[:50])
    refuses(folder, "not a safetensors file", read)
    write_sidecar(folder, NULL, ARRAYS | {"n": np.array(np.nan)}, {})
    refuses(folder, "not finite", read)
    write_sidecar(folder, NULL, ARRAYS, {"bases": 700})
    network = build_model("multirm", ["m6A", "Y"], 21, SIZES)
    save_model(folder, [network.state_dict()], read_config(folder)[0])
    refuses(folder, "the file was made for other weights", read)
    refuses(folder, "the file was made for other weights", lambda folder: sidecar_settings(folder, NULL))


def test_a_sidecar_needs_the_weights_it_belongs_to(folder):
    (folder / WEIGHTS).write_bytes(b"other")
    with pytest.raises(InputError, match="the weights are not the ones"):
        write_sidecar(folder, NULL, ARRAYS, {})


def test_reading_a_directory_imports_no_neural_network_library():
    import subprocess
    import sys

    code = "import sys, rnamarks.models.directory; print({'torch', 'pandas', 'scipy', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
