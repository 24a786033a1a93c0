"""A student gives the same logits window by window and along a sequence, and its files are checked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from rnamarks.errors import InputError
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.directory import STUDENT, ModelConfig, read_config, read_sidecar, sidecar_settings, write_sidecar
from rnamarks.models.registry import build_model
from rnamarks.models.student import Student, add_student, load_student, spread_dilations
from rnamarks.sequences import UNKNOWN
from rnamarks.tasks import Task
from tolerance import assert_same_sums

TASKS = ["Am", "m6A", "Y"]
TINY = {"filters": 8, "channels": 6, "hidden": 5}
TEACHER = {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5}


def lively(receptive=51, **sizes):
    """A student whose blocks do not start as the identity."""
    torch.manual_seed(receptive)
    student = Student(TASKS, receptive=receptive, **(TINY | sizes)).eval()
    with torch.no_grad():
        for block in student.blocks:
            block.mix.normal_(0, 0.3)
            block.bias.normal_(0, 0.3)
    return student


def windows_of(codes, receptive):
    """The window around every position, N beyond the ends, shape (length, receptive)."""
    padded = np.pad(codes, receptive // 2, constant_values=UNKNOWN)
    return np.lib.stride_tricks.sliding_window_view(padded, receptive)


def singly(student, codes):
    windows = torch.from_numpy(windows_of(codes, student.receptive).copy())
    with torch.inference_mode():
        return torch.stack([student(window[None])[0] for window in windows])


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.sampled_from([1, 5, 9, 21, 41, 51]), st.integers(1, 50))
def test_a_scan_is_the_window_at_every_position(codes, receptive, chunk):
    codes = np.array(codes, dtype=np.uint8)
    student = lively(receptive)
    assert_same_sums(student.scan(codes, chunk), singly(student, codes), student)


def test_the_default_sizes_agree_to_the_fifth_digit_in_chunks_and_batches():
    torch.manual_seed(0)
    student = Student(TASKS, receptive=51).eval()
    with torch.no_grad():
        for block in student.blocks:
            block.mix.normal_(0, 0.05)
    codes = np.random.default_rng(0).integers(0, 5, 700).astype(np.uint8)
    along = student.scan(codes)
    windows = torch.from_numpy(windows_of(codes, 51).copy())
    with torch.inference_mode():
        batched = torch.cat([student(part) for part in windows.split(97)])
    assert along.std() > 0.01
    assert_same_sums(along, batched, student)
    assert_same_sums(along, student.scan(torch.from_numpy(codes), chunk=64), student)


def test_every_nucleotide_of_the_window_counts_and_none_beyond_it():
    student = lively(41)
    codes = np.random.default_rng(1).integers(0, 4, 101).astype(np.uint8)
    reference = student.scan(codes)[50]
    felt = []
    for place in range(len(codes)):
        changed = codes.copy()
        changed[place] = (changed[place] + 1) % 4
        felt.append(not torch.equal(student.scan(changed)[50], reference))
    np.testing.assert_array_equal(np.flatnonzero(felt), np.arange(30, 71))


def test_of_wider_windows_the_middle_counts():
    student = lively(21)
    codes = torch.randint(0, 5, (4, 101), dtype=torch.uint8)
    assert_same_sums(student(codes), student(codes[:, 40:61]), student)
    for width in (19, 22):
        with pytest.raises(ValueError, match="no middle 21 nt"):
            student(codes[:, :width])


def test_an_empty_sequence_has_no_logits():
    student = lively(21)
    assert student.scan(np.zeros(0, dtype=np.uint8)).shape == (0, 3)
    assert list(student.scan_chunks(np.zeros(0, dtype=np.uint8))) == []


def test_pieces_cover_a_sequence_once_in_order():
    student = lively(21)
    codes = np.random.default_rng(2).integers(0, 4, 50).astype(np.uint8)
    pieces = list(student.scan_chunks(codes, chunk=16))
    assert [(start, len(logits)) for start, logits in pieces] == [(0, 16), (16, 16), (32, 16), (48, 2)]
    assert_same_sums(torch.cat([logits for _, logits in pieces]), student.scan(codes), student)


def test_only_n_gives_the_same_finite_logits_everywhere():
    logits = lively(51).scan(np.full(80, UNKNOWN, dtype=np.uint8))
    assert torch.isfinite(logits).all()
    assert_same_sums(logits, logits[:1].expand_as(logits), lively(51))


@given(st.integers(4, 300).map(lambda half: 2 * half + 1), st.sampled_from([1, 3, 7, 9]))
def test_dilations_fill_the_window(receptive, width):
    gaps = spread_dilations(receptive, width)
    assert width + 2 * sum(gaps) == receptive
    assert gaps == sorted(gaps)
    assert all(gap > 0 for gap in gaps)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"receptive": 50}, "odd width"),
        ({"width": 8}, "odd width"),
        ({"receptive": None}, "odd width"),
        ({"receptive": -1}, "receptive is not a whole number from 1"),
        ({"dilations": [1, 2]}, "sum to 21"),
        ({"dilations": [0, 21]}, "dilations is not a list"),
        ({"colour": 1}, "no setting colour"),
    ],
)
def test_a_window_that_cannot_be_made_is_refused(sizes, message):
    with pytest.raises(InputError, match=message):
        Student(TASKS, **({"receptive": 51} | sizes))


@pytest.fixture
def folder(tmp_path):
    """A model directory of a small network."""
    torch.manual_seed(0)
    network = build_model("mass", TASKS, 21, TEACHER)
    config = ModelConfig("mass", [Task(task) for task in TASKS], 21, TEACHER)
    save_model(tmp_path / "model", [network.state_dict()], config)
    return tmp_path / "model"


def add(folder, **changes):
    student = lively(21)
    constants = {task: Calibration(0.3, 2.0, 0.5, "platt").to_dict() for task in TASKS}
    values = {"calibration": constants, "agreement": dict.fromkeys(TASKS, 0.9), "training": {"seed": 1}}
    add_student(folder, student, **(values | changes))
    return student


def test_a_student_lives_beside_its_teacher(folder):
    _, before = read_config(folder)
    student = add(folder)
    assert read_config(folder)[1] == before
    codes = np.random.default_rng(3).integers(0, 5, 60).astype(np.uint8)
    loaded, described = load_student(folder)
    assert described == sidecar_settings(folder, STUDENT)
    assert Calibration.from_dict(described["calibration"]["m6A"]).slope == 2.0
    assert (loaded.tasks, loaded.training) == (TASKS, False)
    assert torch.equal(loaded.scan(codes), student.scan(codes))
    model, _ = load_model(folder)
    assert model.networks is model


def test_a_student_of_other_tasks_is_refused(folder):
    with pytest.raises(InputError, match=r"knows Am .*distil it from this model"):
        add_student(folder, Student(["Am"], receptive=21, **TINY), calibration={}, agreement={})


def test_a_model_without_a_student_says_so(folder):
    with pytest.raises(InputError, match=r"no student for fast mode.*exact mode"):
        load_student(folder)


def test_a_changed_student_is_refused(folder):
    add(folder)
    data = bytearray((folder / STUDENT).read_bytes())
    data[-1] ^= 1
    (folder / STUDENT).write_bytes(data)
    with pytest.raises(InputError, match=r"student\.safetensors: the file is not as it was written"):
        load_student(folder)


def test_a_student_of_other_weights_is_refused(folder):
    add(folder)
    states = [build_model("mass", TASKS, 21, TEACHER).state_dict()]
    config, _ = read_config(folder)
    save_model(folder, states, config)
    with pytest.raises(InputError, match="made for other weights"):
        load_student(folder)


def described(folder, **changes):
    """Write the student's arrays again with another description."""
    arrays, settings = read_sidecar(folder, STUDENT)
    del settings["sha256"]
    write_sidecar(folder, STUDENT, arrays, settings | changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channels": 7}, "do not fit the student"),
        ({"hidden": 8000, "channels": 8000}, "do not fit the student"),
        ({"hidden": 20_000}, "hidden is not a whole number from 1 to 8192"),
        ({"colour": 1}, "no setting colour"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(folder, change, said):
    sizes = add(folder).hyperparameters
    described(folder, hyperparameters=sizes | change)
    with pytest.raises(InputError, match=said):
        load_student(folder)


def test_a_description_that_lacks_a_key_is_refused(folder):
    add(folder)
    arrays, _ = read_sidecar(folder, STUDENT)
    write_sidecar(folder, STUDENT, arrays, {})
    with pytest.raises(InputError, match=r"lacks keys .*agreement"):
        load_student(folder)


def test_no_weight_is_stored_twice(folder):
    add(folder)
    tensors = load_file(folder / STUDENT)
    assert set(tensors) == set(dict(lively(21).named_parameters()))
