"""Heads that share weights or read the same letters come out alike, and others do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.interpretation.association import (
    associate_attention,
    associate_rows,
    associate_tasks,
    order_of,
    sample_windows,
    score_rows,
    standardised,
)
from rnamarks.models.checkpoint import Ensemble, ModelConfig, save_model
from rnamarks.models.registry import build_model
from rnamarks.sequences import decode_windows
from rnamarks.tables import read_tsv, write_parquet
from rnamarks.tasks import Task

ROOT = Path(__file__).resolve().parents[2]
TASKS = ["m6A", "m5C", "Cm", "I"]


def pair(table, first, second):
    rows = table[(table["task_a"] == first) & (table["task_b"] == second)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_standardised_rows_give_pearson_correlations():
    values = np.random.default_rng(0).normal(size=(5, 9))
    unit = standardised(values)
    assert unit @ unit.T == pytest.approx(np.corrcoef(values))
    assert not standardised(np.full((2, 7), 0.3)).any()


def test_rows_of_several_networks():
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(3, 4, 40))
    rows[:, 2] = rows[:, 1] + 0.5 * generator.normal(size=(3, 40))
    table = associate_rows(rows, TASKS, permutations=999, seed=2)
    assert list(table.columns) == column_names("association")
    assert len(table) == 6
    alike = pair(table, "m5C", "Cm")
    each = [np.corrcoef(one)[1, 2] for one in rows]
    assert alike["r"] == pytest.approx(np.mean(each))
    assert (alike["low"], alike["high"]) == pytest.approx((min(each), max(each)))
    assert alike["sd"] == pytest.approx(np.std(each, ddof=1))
    assert alike["p"] == pytest.approx(0.001)
    assert alike["q"] == pytest.approx(0.006)
    assert abs(alike["place_a"] - alike["place_b"]) == 1
    # the mean over three networks of forty units scatters by 1 / sqrt(39 · 3)
    assert alike["null_high"] == pytest.approx(1.96 / np.sqrt(39 * 3), abs=0.03)
    assert alike["null_mean"] == pytest.approx(0, abs=0.02)
    assert pair(table, "m6A", "I")["p"] > 0.01
    assert table.equals(associate_rows(rows, TASKS, permutations=999, seed=2))


def test_units_of_two_networks_need_not_agree():
    generator = np.random.default_rng(3)
    rows = generator.normal(size=(1, 2, 30))
    rows[0, 1] = rows[0, 0]
    shuffled = rows[:, :, generator.permutation(30)]
    both = np.concatenate([rows, shuffled])
    assert associate_rows(both, TASKS[:2], permutations=9).iloc[0]["r"] == pytest.approx(1)


def test_p_of_unrelated_rows_is_uniform():
    generator = np.random.default_rng(4)
    p = np.concatenate(
        [
            associate_rows(generator.normal(size=(1, 6, 20)), list("abcdef"), permutations=199, seed=at)["p"]
            for at in range(20)
        ]
    )
    assert 0.42 < p.mean() < 0.58
    assert (p < 0.05).mean() < 0.1


def attention_of(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


def test_attention_beyond_the_place():
    generator = np.random.default_rng(5)
    # all tasks look at the middle; the second and third also at the same moving place
    scores = np.tile(-0.5 * np.abs(np.arange(15) - 7.0), (2, 80, 4, 1))
    places = generator.integers(0, 15, 80)
    for task in (1, 2):
        scores[:, np.arange(80), task, places] += 4
    scores += generator.normal(size=scores.shape) * 0.3
    table = associate_attention(attention_of(scores), TASKS, permutations=199, seed=1)
    shared, other = pair(table, "m5C", "Cm"), pair(table, "m6A", "I")
    assert shared["excess"] > 0.4
    assert shared["p"] == pytest.approx(0.005)
    assert other["r"] > 0.5
    assert abs(other["excess"]) < 0.1
    assert other["p"] > 0.01
    assert shared["n"] == 80


def test_windows_are_exchanged_within_their_modification():
    # tasks agree because each one's windows have their own place; within a task there is nothing left
    generator = np.random.default_rng(6)
    groups = np.repeat(TASKS[:3], 20)
    scores = generator.normal(size=(1, 60, 3, 12)) * 0.2
    for number, name in enumerate(TASKS[:3]):
        scores[0, groups == name, :, 3 * number] += 4
    whole = associate_attention(attention_of(scores), TASKS[:3], permutations=99)
    within = associate_attention(attention_of(scores), TASKS[:3], groups=groups, permutations=99)
    assert set(within["n"]) == {40}
    attention = attention_of(scores)[0]
    r = [np.corrcoef(one[0], one[1])[0, 1] for one in attention]
    assert within.iloc[0]["r"] == pytest.approx(np.mean(r[:40]), abs=1e-5)
    assert whole.iloc[0]["r"] == pytest.approx(np.mean(r), abs=1e-5)
    assert whole.iloc[0]["excess"] > 0.5
    assert abs(within.iloc[0]["excess"]) < 0.05
    assert within.iloc[0]["p"] > 0.02


def test_order_keeps_those_alike_together():
    blocks = np.kron(np.eye(2), np.ones((3, 3)))[[0, 3, 1, 4, 2, 5]][:, [0, 3, 1, 4, 2, 5]]
    order = order_of(blocks)
    assert {frozenset(order[:3].tolist()), frozenset(order[3:].tolist())} == {
        frozenset({0, 2, 4}),
        frozenset({1, 3, 5}),
    }
    assert order_of(np.ones((2, 2))).tolist() == [0, 1]


def test_sampled_windows():
    frames = {
        name: pd.DataFrame({"sequence": decode_windows(np.full((size, 5), code, dtype=np.uint8))})
        for name, size, code in (("a", 30, 0), ("b", 4, 1))
    }
    codes, groups = sample_windows(frames, 10, seed=1)
    assert codes.shape == (14, 5)
    assert [(groups == name).sum() for name in "ab"] == [10, 4]
    assert (codes[groups == "b"] == 1).all()


def test_bad_requests():
    with pytest.raises(InputError, match="two tasks"):
        associate_rows(np.zeros((1, 1, 5)), ["m6A"])
    with pytest.raises(InputError, match="permutations"):
        associate_rows(np.zeros((1, 2, 5)), TASKS[:2], permutations=0)
    with pytest.raises(InputError, match="two windows"):
        associate_attention(np.zeros((1, 1, 2, 5)), TASKS[:2])
    with pytest.raises(ValueError, match="one row per task"):
        associate_rows(np.zeros((1, 3, 5)), TASKS[:2])


def test_script(tmp_path, run_script):
    sizes = {"dims": 6, "units": 4, "attention": 7, "hidden": 3}
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = build_model("multirm", TASKS, 21, sizes)
        states.append(network.state_dict())
    save_model(tmp_path / "model", states, ModelConfig("multirm", [Task(name) for name in TASKS], 21, sizes))
    generator = np.random.default_rng(1)
    for task in TASKS:
        frame = pd.DataFrame({"sequence": decode_windows(generator.integers(0, 4, (12, 21)).astype(np.uint8))})
        write_parquet(frame.assign(paper=["train", "test"] * 6), tmp_path / f"{task}.parquet")
    splits = [tmp_path / f"{task}.parquet" for task in TASKS]
    run_script(
        "associate_tasks",
        tmp_path,
        inputs={"weights": tmp_path / "model" / "weights.safetensors", "splits": splits},
        outputs={"table": tmp_path / "table.tsv"},
        params={"tasks": TASKS, "scheme": "paper", "seed": 1},
    )
    table, _ = read_tsv(tmp_path / "table.tsv")
    assert list(table.columns) == column_names("association")
    assert table.groupby("measure").size().to_dict() == {"score_rows": 6, "attention": 6}
    assert set(table.loc[table["measure"] == "attention", "n"]) == {12}
    assert set(table.loc[table["measure"] == "score_rows", "n"]) == {7}
    assert score_rows(Ensemble([network])).shape == (1, 4, 7)


def test_models_without_attention_or_with_one_task_say_so():
    for name, tasks, reason in (("deepm6aseq", TASKS[:2], "no attention"), ("multirm", TASKS[:1], "one task")):
        table = associate_tasks(Ensemble([build_model(name, tasks, 31)]), tasks, {})
        assert list(table.columns) == column_names("association")
        assert reason in table["reason"].item()
        assert table["q"].isna().all()
