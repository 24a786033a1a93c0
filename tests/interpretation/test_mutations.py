"""Substitutions hit what they should, and attention that matters is told from attention that does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import wilcoxon

from rnamarks.dictionary import column_names
from rnamarks.evaluation.calibration import Calibration
from rnamarks.interpretation.mutations import (
    compare_effects,
    find_regions,
    mutate_task,
    mutation_effects,
    mutation_table,
    substitute,
)
from rnamarks.models.checkpoint import ModelConfig, save_model
from rnamarks.models.registry import build_model
from rnamarks.sequences import UNKNOWN, decode_windows
from rnamarks.tables import read_tsv, write_parquet
from rnamarks.tasks import Task

ROOT = Path(__file__).resolve().parents[2]


def make_codes(n=30, window=21, seed=0):
    return np.random.default_rng(seed).integers(0, 4, (n, window)).astype(np.uint8)


class Counter(torch.nn.Module):
    """Log odds: two per A at the places 3, 4 and 5, in a window of 21 nt."""

    def forward(self, codes, head):
        return 2.0 * (codes[:, 3:6] == 0).sum(dim=1).float() - 1


def attended(codes, weights, task="m6A"):
    return pd.DataFrame(
        {
            "predictor": "multi",
            "task": task,
            "method": "attention",
            "window": [f"w{at}" for at in range(len(codes))],
            "sequence": decode_windows(codes),
            "logit": np.linspace(3, 1, len(codes)),
            "weights": list(weights.astype(np.float32)),
        }
    )[column_names("explained")]


def test_regions():
    codes = make_codes(5)
    codes[0, 4] = UNKNOWN
    weights = np.zeros((5, 21))
    weights[:, 3:6] = 3
    weights[:, 9:12] = 2
    weights[4, 14:17] = 9
    weights[:, 0] = 50
    regions = find_regions(codes, weights, view=(2, 17), seed=1)
    assert np.flatnonzero(regions.inside[1]).tolist() == [3, 4, 5, 9, 11]
    assert np.flatnonzero(regions.inside[0]).tolist() == [3, 5, 9, 11]
    # the highest weight lies where the network does not read
    assert not (regions.inside | regions.outside)[:, [0, 1, 19, 20]].any()
    assert not (regions.inside & regions.outside).any()
    assert not (regions.inside | regions.outside)[:, 10].any()
    assert (regions.elsewhere <= regions.outside).all()
    # only the windows whose partner attends to other places have any; the fifth is one, its neighbour the other
    assert regions.elsewhere.any(axis=1).sum() == 2
    assert np.flatnonzero(regions.elsewhere[4]).tolist() == [9, 11]


def test_one_window_has_no_partner():
    regions = find_regions(make_codes(1), np.random.default_rng(1).random((1, 21)))
    assert not regions.elsewhere.any()
    assert regions.inside.any()


def test_every_mutant_differs_in_one_allowed_place():
    codes = make_codes(8)
    allowed = np.random.default_rng(2).random(codes.shape) < 0.3
    allowed[:, 0] = True
    mutants, places = substitute(codes, allowed, 50, np.random.default_rng(3))
    assert mutants.shape == (8, 50, 21)
    changed = mutants != codes[:, None]
    assert (changed.sum(axis=2) == 1).all()
    assert (changed.argmax(axis=2) == places).all()
    assert np.take_along_axis(allowed, places, axis=1).all()
    assert mutants.max() < UNKNOWN
    # all allowed places and all three other letters are reached
    assert set(places[0]) == set(np.flatnonzero(allowed[0]))
    steps = (mutants.max(axis=1).astype(int) - codes) % 4
    assert set(np.unique(steps)) <= {0, 1, 2, 3}
    with pytest.raises(ValueError, match="no nucleotide"):
        substitute(codes, np.zeros_like(allowed), 5, np.random.default_rng(0))


def test_effects_by_hand():
    codes = np.ones((3, 21), dtype=np.uint8)
    codes[:, 3:6] = 0
    inside = np.zeros(codes.shape, dtype=bool)
    inside[:, 3:6] = True
    inside[2] = False

    def score(windows):
        return Counter()(torch.from_numpy(windows), "m6A").numpy()

    effects = mutation_effects(score, codes, inside, seed=1)
    assert effects["logit"][:2] == pytest.approx(2)
    assert effects["probability"][:2] == pytest.approx(1 / (1 + np.exp(-5)) - 1 / (1 + np.exp(-3)))
    assert np.isnan(effects["logit"][2])
    rare = Calibration(prevalence=0.01)
    calibrated = mutation_effects(score, codes, inside, seed=1, calibration=rare)
    assert calibrated["probability"][0] == pytest.approx(float(rare.probability(5) - rare.probability(3)))


def test_comparison_is_paired():
    generator = np.random.default_rng(4)
    base = generator.exponential(size=60) * 5
    inside, control = base + 0.5 + 0.1 * generator.normal(size=60), base.copy()
    control[7] = np.nan
    found = compare_effects(inside, control, seed=1)
    kept = np.isfinite(control)
    assert found["windows"] == 59
    assert found["difference"] == pytest.approx((inside - control)[kept].mean())
    assert found["low"] < 0.5 < found["high"]
    assert found["high"] - found["low"] < 0.1
    assert found["p"] == pytest.approx(wilcoxon(inside[kept], control[kept]).pvalue)
    assert found["fraction_larger"] == pytest.approx(1, abs=0.02)


def test_few_or_equal_windows():
    assert compare_effects(np.ones(10), np.ones(10))["p"] == 1
    few = compare_effects(np.arange(3.0), np.zeros(3))
    assert np.isnan(few["p"])
    assert few["difference"] == 1
    none = compare_effects(np.full(3, np.nan), np.ones(3))
    assert none["windows"] == 0
    assert np.isnan(none["inside"])


def mutate(table, **further):
    rows = []
    for number, (_, mine) in enumerate(table.groupby("task", sort=False)):
        rows += mutate_task(Counter(), mine, **({"number": number, "seed": 1} | further))
    return mutation_table(rows)


def test_attention_that_matters_and_attention_that_does_not():
    codes = make_codes(60, seed=5)
    codes[:, 3:6] = 0
    right, wrong = np.random.default_rng(6).random((2, 60, 21)) * 0.1
    right[:, 3:6] += 1
    wrong[:, 12:15] += 1
    table = pd.concat([attended(codes, right, "m6A"), attended(codes, wrong, "I")], ignore_index=True)
    found = mutate(table)
    assert list(found.columns) == column_names("mutations", task_columns=False)
    assert len(found) == 8
    rows = found.set_index(["task", "control", "unit"])
    good, bad = rows.loc["m6A", "outside", "logit"], rows.loc["I", "outside", "logit"]
    assert good["control_mean"] == 0
    assert good["low"] > 0
    assert good["q"] < 1e-6
    assert bad["difference"] < 0
    assert found.equals(mutate(table))
    fewer = mutate(table, maximum=10)
    assert set(fewer.loc[fewer["control"] == "outside", "windows"]) == {10}


def test_nothing_explained():
    assert list(mutation_table([]).columns) == column_names("mutations", task_columns=False)


@pytest.mark.parametrize(("name", "method"), [("multirm", "attention"), ("deepm6aseq", "integrated_gradients")])
def test_script(tmp_path, run_script, name, method):
    sizes = {
        "multirm": {"dims": 6, "units": 4, "attention": 5, "hidden": 3, "crop": 15},
        "deepm6aseq": {"filters": [6, 4], "lstm_units": 3},
    }[name]
    torch.manual_seed(1)
    tasks = [Task("m6A", species="human", modification="m6A"), Task("I", species="human", modification="I")]
    network = build_model(name, ["m6A", "I"], 21, sizes)
    calibration = {"m6A": Calibration(prevalence=0.5).to_dict()}
    save_model(tmp_path / "model", [network.state_dict()], ModelConfig(name, tasks, 21, sizes, calibration=calibration))
    codes = make_codes(12)
    weights = np.zeros((12, 21))
    weights[:, 3:18] = np.random.default_rng(1).random((12, 15))
    both = [attended(codes, weights, "m6A").assign(method=which) for which in ("attention", "integrated_gradients")]
    write_parquet(pd.concat(both, ignore_index=True), tmp_path / "a.parquet")
    options = {"maximum": 0, "seed": 1}
    pairs = [["multi", "m6A"], ["multi", "I"]]
    run_script(
        "mutate_windows",
        tmp_path,
        inputs={"weights": [tmp_path / "model" / "weights.safetensors"] * 2, "attended": tmp_path / "a.parquet"},
        outputs={"table": tmp_path / "table.tsv"},
        params={"tasks": [task.record() for task in tasks], "pairs": pairs, **options},
    )
    table, _ = read_tsv(tmp_path / "table.tsv")
    assert list(table.columns) == column_names("mutations")
    assert set(table["method"]) == {method}
    assert set(table["task"]) == {"m6A"}
    assert set(table["windows"]) <= set(range(13))
