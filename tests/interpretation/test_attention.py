"""K-mers become nucleotides, windows of most weight do not touch, and networks are explained task by task."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.interpretation.attended import profile_table
from rnamarks.interpretation.attention import attend, attend_nucleotides, attentive, view_of
from rnamarks.interpretation.explanation import TaskWindows, best_true_positives, explain_task
from rnamarks.models.checkpoint import Ensemble, ModelConfig, save_model
from rnamarks.models.registry import build_model
from rnamarks.prediction.attended import covered_by, spread_kmers, top_windows
from rnamarks.sequences import decode_windows
from rnamarks.tables import read_parquet, read_tsv, write_parquet
from rnamarks.tasks import Task

TASKS = ["m6A", "m5C", "I"]
SIZES = {"dims": 8, "units": 6, "attention": 5, "hidden": 4}


@pytest.fixture(scope="module")
def model():
    networks = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        networks.append(build_model("multirm", TASKS, 31, SIZES | {"crop": 21}))
        with torch.no_grad():
            # an untrained network is near even; this one calls all but I
            for task in TASKS:
                networks[-1].heads[task][3].bias.fill_(-9 if task == "I" else 2)
    return Ensemble(networks).eval()


@pytest.fixture(scope="module")
def frame():
    codes = np.random.default_rng(0).integers(0, 4, (60, 31)).astype(np.uint8)
    return pd.DataFrame(
        {
            "window": [f"w{at}" for at in range(60)],
            "sequence": decode_windows(codes),
            "label": (np.arange(60) < 40).astype(int),
            "paper": np.where(np.arange(60) % 4, "train", "test"),
        }
    )


def test_a_word_gives_its_weight_to_all_its_nucleotides():
    assert spread_kmers(np.array([1.0, 2.0, 4.0])).tolist() == [1, 3, 7, 6, 4]
    assert spread_kmers(np.array([1.0, 2.0, 4.0]), mean=True).tolist() == [1, 1.5, 7 / 3, 3, 4]
    assert spread_kmers(np.ones((2, 3, 7)), 1).shape == (2, 3, 7)
    # an even spread stays even only if the edges' fewer k-mers are counted
    assert np.allclose(spread_kmers(np.full(9, 0.2), 3, mean=True), 0.2)
    with pytest.raises(InputError):
        spread_kmers(np.zeros((2, 0)))


@settings(deadline=None, max_examples=40)
@given(arrays.arrays(np.float64, (3, 12), elements=st.floats(0, 1)), st.integers(1, 5))
def test_spreading_keeps_the_sum(weights, width):
    assert spread_kmers(weights, width).sum(axis=1) == pytest.approx(width * weights.sum(axis=1))


def test_top_windows_by_hand():
    weights = np.array([[0, 0, 5, 5, 5, 4, 4, 4, 0, 0, 3, 3, 3.0]])
    starts, sums = top_windows(weights, width=3, count=3, margin=1)
    # 4 4 4 at 5 touches the first window's neighbour at 5, so the next best begins at 6
    assert starts.tolist() == [[2, 10, 6]]
    assert sums.tolist() == [[15, 9, 8]]
    starts, _ = top_windows(weights, width=3, count=3, margin=0)
    assert starts.tolist() == [[2, 5, 10]]


def test_ties_go_to_the_5_prime_end_and_room_ends():
    starts, sums = top_windows(np.full((2, 7), 0.1), width=3, count=3, margin=1)
    assert starts.tolist() == [[0, 4, -1]] * 2
    assert np.isnan(sums[:, 2]).all()
    assert np.isfinite(sums[:, :2]).all()


@settings(deadline=None, max_examples=60)
@given(
    arrays.arrays(np.float64, (4, 20), elements=st.floats(-1, 1)),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(0, 2),
)
def test_top_windows_never_touch_and_fall(weights, width, count, margin):
    starts, sums = top_windows(weights, width=width, count=count, margin=margin)
    for line, row, values in zip(weights, starts, sums, strict=True):
        kept = row[row >= 0]
        assert (np.diff(np.sort(kept)) >= width + margin).all()
        assert (np.diff(values[: len(kept)]) <= 1e-12).all()
        assert values[: len(kept)] == pytest.approx([line[start : start + width].sum() for start in kept], abs=1e-12)
    best = np.lib.stride_tricks.sliding_window_view(weights, width, axis=1).sum(axis=-1).max(axis=1)
    assert sums[:, 0] == pytest.approx(best, abs=1e-12)
    covered = covered_by(starts, width, 20)
    assert covered.sum(axis=1).tolist() == [width * int((row >= 0).sum()) for row in starts]


@pytest.mark.parametrize("wrong", [{"width": 0}, {"width": 8}, {"count": 0}, {"margin": -1}])
def test_impossible_windows_are_refused(wrong):
    with pytest.raises(InputError):
        top_windows(np.zeros((1, 7)), **wrong)
    with pytest.raises(InputError, match="finite"):
        top_windows(np.array([[0, np.nan, 1, 1.0]]))


@pytest.mark.slow
def test_attention_lies_where_the_network_reads(model, frame):
    codes = np.random.default_rng(1).integers(0, 5, (7, 31)).astype(np.uint8)
    kmers = attend(model.members[0], codes)
    assert kmers.shape == (7, 3, 19)
    assert kmers.sum(axis=2) == pytest.approx(1, abs=1e-5)
    assert attend(model.members[0], codes, batch_size=2) == pytest.approx(kmers, abs=1e-6)
    assert attend(model.members[0], codes[:0]).shape == (0, 3, 19)
    assert view_of(model.members[0], 31) == (5, 21)
    letters = attend_nucleotides(model, codes, 1)
    assert letters.shape == (7, 31)
    assert not letters[:, :5].any()
    assert not letters[:, 26:].any()
    assert (letters[:, 5:26] > 0).all()
    both = np.mean([spread_kmers(attend(member, codes)[:, 1]) for member in model.members], axis=0)
    assert letters[:, 5:26] == pytest.approx(both, abs=1e-6)


def test_networks_without_attention_are_refused():
    network = build_model("deepm6aseq", ["human"], 31)
    with pytest.raises(InputError, match="no attention"):
        attentive(Ensemble([network]))


def test_best_true_positives():
    logits = np.array([3.0, -1, 2, 5, 0, 1, 2])
    assert best_true_positives(logits, fraction=1).tolist() == [3, 0, 2, 6, 5]
    assert best_true_positives(logits, fraction=0.4).tolist() == [3, 0]
    assert best_true_positives(logits, fraction=0.1, minimum=3).tolist() == [3, 0, 2]
    assert best_true_positives(logits, fraction=0, minimum=2).tolist() == [3, 0]
    assert best_true_positives(logits, fraction=0.1, minimum=99).tolist() == [3, 0, 2, 6, 5]
    assert best_true_positives(-np.ones(4)).size == 0
    with pytest.raises(InputError):
        best_true_positives(logits, fraction=1.1)


def test_explained_windows(model, frame):
    given = TaskWindows(model, TASKS, "m5C", frame, "multi", seed=3)
    one = explain_task(given, minimum=5, maximum=30, maximum_gradients=2, mean=False, gradients={"steps": 4})
    table = one.attended
    assert list(table.columns) == column_names("explained")
    assert set(table["window"]) <= set(frame.loc[frame["label"] == 1, "window"])
    assert (table["logit"] > 0).all()
    assert table.groupby("method")["window"].size().to_dict() == {"attention": 5, "integrated_gradients": 2}
    assert one.summary["windows"] == 2
    for _, rows in table.groupby("method"):
        assert rows["logit"].is_monotonic_decreasing
    profile = profile_table(table)
    attention = profile[profile["method"] == "attention"]
    assert attention["offset"].tolist() == list(range(-10, 11))
    assert attention["mean"].sum() == pytest.approx(3, abs=1e-4)
    assert attention["relative"].max() == 1
    assert ((profile["low"] <= profile["mean"]) | profile["low"].isna()).all()


def test_nothing_called_gives_empty_tables(model, frame):
    others = frame.assign(label=0)
    assert explain_task(TaskWindows(model, TASKS, "m6A", others)).attended.empty
    assert explain_task(TaskWindows(model, TASKS, "I", frame)).attended.empty
    empty = pd.DataFrame(columns=column_names("explained"))
    assert profile_table(empty).empty


def test_bad_requests(model, frame):
    with pytest.raises(InputError, match="no such task"):
        TaskWindows(model, TASKS, "m7G", frame)
    with pytest.raises(InputError, match="label"):
        TaskWindows(model, TASKS, "I", frame.drop(columns="label"))


@pytest.mark.parametrize("name", ["multirm", "deepm6aseq"])
def test_script_writes_the_tables_of_the_dictionary(name, model, frame, tmp_path, run_script):
    sizes = {"multirm": SIZES | {"crop": 21}, "deepm6aseq": {"filters": [6, 4], "lstm_units": 3}}[name]
    torch.manual_seed(1)
    networks = list(model.members) if name == "multirm" else [build_model(name, TASKS, 31, sizes)]
    tasks = [Task(task, species="human", modification=task) for task in TASKS]
    save_model(tmp_path / "model", [one.state_dict() for one in networks], ModelConfig(name, tasks, 31, sizes))
    for task in TASKS:
        write_parquet(frame, tmp_path / f"{task}.parquet")
    outputs = {
        "attended": tmp_path / "a.parquet",
        "attention": tmp_path / "attention.tsv",
        "explained": tmp_path / "attribution.tsv",
        "profile": tmp_path / "attribution_profile.tsv",
    }
    run_script(
        "attend_windows",
        tmp_path,
        inputs={
            "weights": [tmp_path / "model" / "weights.safetensors"] * 3,
            "splits": [tmp_path / f"{task}.parquet" for task in TASKS],
        },
        outputs=outputs,
        params={
            "tasks": [task.record() for task in tasks],
            "pairs": [["multi", task, "paper"] for task in TASKS],
            "fraction": 0.1,
            "minimum": 8,
            "maximum": 0,
            "mean": False,
            "gradients": {"steps": 2, "maximum_steps": 2},
            "maximum_gradients": 3,
            "mutated": 2,
            "reach": 2,
            "seed": 1,
        },
    )
    attended, _ = read_parquet(outputs["attended"])
    assert list(attended.columns) == column_names("explained")
    assert set(attended["window"]) <= set(frame.loc[frame["paper"] == "train", "window"])
    # a network that does not attend is explained by gradients alone
    wanted = {"integrated_gradients"} | ({"attention"} if name == "multirm" else set())
    assert set(attended["method"]) == wanted
    for table in ("attention", "attribution_profile"):
        assert list(read_tsv(tmp_path / f"{table}.tsv")[0].columns) == column_names(table)
    summary = read_tsv(outputs["explained"])[0]
    assert list(summary.columns) == column_names("attribution")
    assert summary["task"].tolist() == TASKS
