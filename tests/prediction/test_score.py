"""Scoring in batches and fitting sequences to the window."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.models.registry import build_model
from rnamarks.prediction.score import fit_to_window, fits_task, in_chunks, pick_device, score_windows
from rnamarks.sequences import encode_windows
from rnamarks.tasks import Task


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_sequence_is_centred_in_the_window(length, window):
    codes = np.arange(length, dtype=np.uint8) + 10
    fitted = fit_to_window(codes, window)
    assert len(fitted) == window
    kept = fitted[fitted >= 10]
    assert len(kept) == min(length, window)
    assert (np.diff(kept) == 1).all()
    if length % 2 == window % 2 == 1:
        assert fitted[window // 2] == codes[length // 2]
    assert set(fitted[fitted < 10]) <= {4}


SMALL = {
    "deepm6aseq": {"filters": [6, 4], "lstm_units": 3},
    "mass": {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5},
}


@pytest.mark.parametrize("batch_size", [1, 3, 100])
@pytest.mark.parametrize("network", list(SMALL))
def test_batches_change_nothing(network, batch_size):
    torch.manual_seed(0)
    model = build_model(network, ["a"], 21, SMALL[network])
    codes = np.random.default_rng(0).integers(0, 5, (10, 21)).astype(np.uint8)
    logits = score_windows(model, codes, "a", batch_size=batch_size)
    with torch.inference_mode():
        expected = model.eval()(torch.from_numpy(codes), "a").numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert score_windows(model, codes[:0], "a").shape == (0,)


class Slow(torch.nn.Module):
    """Scores nothing itself, but has a form that gives the first letter."""

    def inference_form(self):
        return First()


class First(torch.nn.Module):
    def forward(self, codes, task):
        return codes[:, 0]


def test_on_a_cpu_the_faster_form_is_called():
    codes = np.random.default_rng(0).integers(0, 5, (10, 21)).astype(np.uint8)
    np.testing.assert_array_equal(score_windows(Slow(), codes, "a", batch_size=3), codes[:, 0])


def test_chunks_keep_everything_in_order():
    assert list(in_chunks(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(in_chunks([], 3)) == []


def test_a_missing_gpu_is_said():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert pick_device("auto").type == "cpu"
    with pytest.raises(InputError, match="use cpu"):
        pick_device("cuda")


def test_devices_that_there_are_not():
    for name in ("gpu", "mps", "cuda:x", "cpu:0", ""):
        with pytest.raises(InputError, match="use auto, cpu or cuda"):
            pick_device(name)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (Task("a", base="A", motif="DRACH", motif_offset=2), [True, False, False, False]),
        (Task("a", base="A"), [True, True, False, False]),
        (Task("a", base="A", motif="N"), [True, True, False, False]),
        (Task("a", motif="RN"), [True, True, True, False]),
        (Task("a"), [True] * 4),
        (Task("a", base="A", motif="DRACHH", motif_offset=2), [False] * 4),
    ],
)
def test_a_window_fits_by_its_middle(task, expected):
    codes = encode_windows(["GGACU", "CGACU", "GGGCU", "GGNCU"])
    assert fits_task(codes, task).tolist() == expected
