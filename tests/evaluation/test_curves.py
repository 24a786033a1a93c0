"""Thinned curves keep their area, their ends and their order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from rnamarks.dictionary import column_names
from rnamarks.evaluation.curves import curve_points, curve_table, simplify_curve
from rnamarks.evaluation.panels import build_panels
from rnamarks.evaluation.seeds import Run


def scored(n, share, gap, seed=0):
    random = np.random.default_rng(seed)
    labels = random.random(n) < share
    return labels, random.normal(size=n) + gap * labels


@pytest.mark.parametrize("gap", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("share", [0.5, 0.09])
@pytest.mark.parametrize("n", [400, 20_000])
def test_area_survives_thinning(n, share, gap):
    labels, scores = scored(n, share, gap)
    roc, precision = (curve_points(labels, scores, curve) for curve in ("roc", "pr"))
    assert np.trapezoid(roc[:, 1], roc[:, 0]) == pytest.approx(roc_auc_score(labels, scores), abs=5e-4)
    # the step function that average precision integrates and the line between its corners differ where sites are few
    assert np.trapezoid(precision[:, 1], precision[:, 0]) == pytest.approx(
        average_precision_score(labels, scores), abs=1e-3 if n > 1000 else 1.5e-2
    )
    whole = curve_points(labels, scores, "pr", maximum=10**9)
    assert np.trapezoid(precision[:, 1], precision[:, 0]) == pytest.approx(
        np.trapezoid(whole[:, 1], whole[:, 0]), abs=1e-3
    )


@pytest.mark.parametrize("curve", ["roc", "pr"])
def test_curve_is_short_ordered_and_complete(curve):
    points = curve_points(*scored(20_000, 0.2, 1.0), curve)
    assert len(points) == 200
    assert (np.diff(points[:, 0]) >= 0).all()
    assert points[0, 0] == 0
    assert points[-1, 0] == 1
    assert ((points >= 0) & (points <= 1)).all()


def test_perfect_and_constant_scores():
    labels = np.array([True, True, False, False])
    assert curve_points(labels, labels.astype(float), "roc").tolist()[1] == [0, 1]
    assert curve_points(labels, np.zeros(4), "roc").tolist() == [[0, 0], [1, 1]]
    assert curve_points(labels, np.zeros(4), "pr").tolist() == [[0, 0.5], [1, 0.5]]
    with pytest.raises(ValueError, match="lift"):
        curve_points(labels, np.zeros(4), "lift")


def test_simplifying_keeps_the_corner():
    x = np.linspace(0, 1, 101)
    kept = simplify_curve(x, np.minimum(1, 4 * x), maximum=3)
    assert kept.tolist() == [0, 25, 100]
    steps = np.repeat(np.arange(1000), 2)
    assert len(simplify_curve(steps[:-1], steps[1:], maximum=50)) == 50
    plateau = simplify_curve(np.arange(10_000), np.r_[np.zeros(5000), np.ones(5000)], maximum=4)
    assert plateau.tolist() == [0, 4999, 5000, 9999]
    assert simplify_curve(x, x, maximum=101).tolist() == list(range(101))
    with pytest.raises(ValueError, match="two points"):
        simplify_curve(x, x, maximum=1)


def test_table_has_the_ensembles_of_the_test_split():
    labels, _ = scored(300, 0.3, 0)
    runs = []
    for seed in (1, 2):
        splits = [
            pd.DataFrame(
                {
                    "window": [f"w{i}" for i in range(300)],
                    "task": "human",
                    "split": split,
                    "label": labels.astype(int),
                    "logit": labels + np.random.default_rng(seed).normal(size=300),
                }
            )
            for split in ("valid", "test")
        ]
        runs.append(Run("mass", "single", "paper", seed, pd.concat(splits)))
    table = curve_table(build_panels(runs, splits=("test", "valid")))
    assert list(table.columns) == column_names("curves", task_columns=False)
    assert set(table["seed"]) == {"ensemble"}
    assert set(table["curve"]) == {"roc", "pr"}
    assert curve_table([]).empty
