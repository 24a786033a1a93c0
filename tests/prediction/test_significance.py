"""p from a null distribution, and the file of the null."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.checkpoint import save_model
from rnamarks.models.directory import CONFIG, NULL, ModelConfig
from rnamarks.models.registry import build_model
from rnamarks.models.student import Student, add_student
from rnamarks.prediction.significance import EASE, Null, read_null, write_null
from rnamarks.tasks import Task

SMALL = {"filters": [4, 4], "lstm_units": 2}


def step(null: np.ndarray, x: np.ndarray) -> np.ndarray:
    return (1 + (null[None] >= np.asarray(x)[:, None]).sum(axis=1)) / (1 + len(null))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 80), st.integers(0, 10_000), st.booleans())
def test_p_is_the_mean_of_the_formula_just_below_the_logit(n, seed, ties):
    rng = np.random.default_rng(seed)
    null = rng.normal(3, 2, size=n)
    null = np.round(null) if ties else null
    if len(np.unique(null)) < 2:
        return
    one = Null(rng.permutation(null))
    reach = EASE * null.std()
    x = np.concatenate([rng.normal(3, 3, size=50), null, null + reach / 2])
    along = (x[:, None] - reach * (np.arange(200) + 0.5) / 200).ravel()
    np.testing.assert_allclose(one.p(x), step(null, along).reshape(-1, 200).mean(axis=1), atol=0.006)
    assert (one.p(x) >= step(null, x) - 1e-12).all()
    assert (one.p(x) <= step(null, x - reach) + 1e-12).all()
    assert (np.diff(one.p(np.sort(x))) <= 1e-12).all()
    np.testing.assert_allclose(one.p(np.array([-1e9, 1e9])), [1, 1 / (1 + n)])


def test_rounding_of_a_logit_moves_p_by_rounding_only():
    rng = np.random.default_rng(0)
    for spread in (0.2, 5):
        one = Null(rng.normal(scale=spread, size=20_000))
        x = rng.normal(scale=spread, size=50_000)
        assert np.abs(one.p(x) - one.p(x + 1e-6)).max() < 1e-5
        exact = 1 + 20_000 - np.searchsorted(np.sort(one._logits), x)
        assert (one.p(x) * 20_001 / exact).max() < 1.2


def test_a_null_of_ten_thousand_reaches_one_in_ten_thousand():
    one = Null(np.random.default_rng(0).normal(size=9_999))
    assert one.p(np.array([20.0]))[0] <= 1e-4


def test_p_of_unmodified_bases_is_uniform():
    rng = np.random.default_rng(1)
    p = Null(rng.normal(size=10_000)).p(rng.normal(size=20_000))
    for alpha in (0.01, 0.05, 0.5):
        assert (p < alpha).mean() == pytest.approx(alpha, abs=0.012)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_model_with_nothing_to_say_calls_nothing(value):
    """A stack whose weights are 0 gives every base one logit."""
    one = Null(np.full(10_000, value))
    np.testing.assert_array_equal(one.p(np.full(3, value)), 1.0)
    assert one.p(np.array([value + 1]))[0] == 1 / 10_001


@pytest.mark.parametrize("logits", [[], [1.0], [1.0, np.nan], [1.0, np.inf]])
def test_what_is_no_null(logits):
    with pytest.raises(InputError, match="null distribution needs"):
        Null(np.array(logits))


@pytest.fixture
def folder(tmp_path):
    network = build_model("deepm6aseq", ["m6A", "I"], 21, SMALL)
    tasks = [Task(name, modification=name, base="A") for name in ("m6A", "I")]
    save_model(tmp_path, [network.state_dict()], ModelConfig("deepm6aseq", tasks, 21, SMALL))
    return tmp_path


def test_files_of_the_null(folder):
    rng = np.random.default_rng(0)
    assert read_null(folder, ["m6A"], "exact") == ({}, "")
    write_null(folder, {"exact": {"m6A": rng.normal(size=50)}}, source="some")
    before = (folder / CONFIG).read_bytes()
    null, source = read_null(folder, ["m6A", "I"], "exact")
    assert ({name: one.size for name, one in null.items()}, source) == ({"m6A": 50}, "some")
    assert read_null(folder, ["I"], "exact") == ({}, "")
    with pytest.raises(InputError, match="no such task"):
        write_null(folder, {"exact": {"Y": rng.normal(size=5)}}, source="")
    assert (folder / CONFIG).read_bytes() == before


def test_a_null_of_another_student(folder):
    logits = {"m6A": np.arange(50.0), "I": np.arange(50.0)}
    constants = dict.fromkeys(logits, Calibration(0.1).to_dict())

    def distil(seed):
        torch.manual_seed(seed)
        student = Student(["m6A", "I"], receptive=21, width=5, filters=4, channels=4, hidden=4)
        add_student(folder, student, calibration=constants, agreement=dict.fromkeys(logits, 0.0))

    distil(0)
    write_null(folder, {"exact": logits, "fast": logits}, source="some")
    assert set(read_null(folder, logits, "fast")[0]) == set(logits)
    distil(1)
    with pytest.raises(InputError, match="made with another student"):
        read_null(folder, logits, "fast")
    assert set(read_null(folder, logits, "exact")[0]) == set(logits)


def test_damaged_files_of_the_null(folder):
    write_null(folder, {"exact": {"m6A": np.arange(50.0)}}, source="some")
    whole = (folder / NULL).read_bytes()
    (folder / NULL).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InputError, match=r"null.safetensors"):
        read_null(folder, ["m6A"], "exact")
