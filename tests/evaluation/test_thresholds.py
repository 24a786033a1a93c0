"""Thresholds at stated precision."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.evaluation.calibration import fit_calibration, wilson
from rnamarks.evaluation.thresholds import threshold_at_precision, threshold_table


def drawn(n, prevalence, seed, wrong=0.0):
    generator = np.random.default_rng(seed)
    labels = generator.random(n) < prevalence
    logits = np.round(2 * generator.normal(size=n) + 4 * labels - 2, 2)
    return labels ^ (generator.random(n) < wrong), logits


@pytest.mark.parametrize("target", [0.5, 0.7, 0.9])
def test_threshold_is_the_best_of_all(target):
    labels, logits = drawn(600, 0.3, 1)
    best = (0.0, None)
    for threshold in np.unique(logits):
        called = logits >= threshold
        precision, recall = labels[called].mean(), labels[called].sum() / labels.sum()
        if precision >= target and called.sum() >= 10 and recall > best[0]:
            best = (recall, precision)
    threshold, precision, recall = threshold_at_precision(labels, logits, target)
    assert (recall, precision) == pytest.approx(best)
    assert precision >= target
    assert labels[logits >= threshold].sum() / labels.sum() == pytest.approx(recall)


def test_few_lucky_windows_make_no_threshold():
    labels = np.array([1] * 5 + [0, 1] * 50)
    logits = np.concatenate([np.full(5, 9.0), np.zeros(100)])
    assert threshold_at_precision(labels, logits, 0.9) is None
    assert threshold_at_precision(labels, logits, 0.9, fewest=5) == (9.0, 1.0, 5 / 55)


def test_table_of_reachable_and_unreachable_targets():
    valid, test = drawn(4000, 0.2, 2, wrong=0.2), drawn(4000, 0.2, 3, wrong=0.2)
    calibration = fit_calibration(*valid)
    table = threshold_table(valid, test, calibration, precisions=(0.5, 0.999)).set_index("target_precision")
    assert list(table.reset_index().columns) == column_names("thresholds", first="target_precision")
    row = table.loc[0.5]
    assert row["note"] == ""
    assert row["probability"] == pytest.approx(float(calibration.probability(row["logit"])))
    called = test[1] >= row["logit"]
    assert row["called"] == called.sum()
    assert row["precision"] == pytest.approx(test[0][called].mean())
    assert row["recall"] == pytest.approx(test[0][called].sum() / test[0].sum())
    assert row["precision"] == pytest.approx(0.5, abs=0.06)
    assert [row["precision_low"], row["precision_high"]] == wilson(test[0][called].sum(), called.sum()).tolist()
    lost = table.loc[0.999]
    assert lost["note"].startswith("not reachable; best 0.")
    assert lost[["logit", "probability", "recall", "precision"]].isna().all()
    assert (table["prevalence"] == valid[0].mean()).all()


def test_broken_promises_are_noted():
    valid = drawn(4000, 0.3, 4)
    labels, logits = drawn(4000, 0.3, 5)
    shuffled = np.random.default_rng(6).permutation(labels)
    table = threshold_table(valid, (shuffled, logits), fit_calibration(*valid), precisions=(0.9,))
    assert table["note"].tolist() == ["test precision is below the target"]
    silent = threshold_table(valid, (labels, logits - 100), fit_calibration(*valid), precisions=(0.9,))
    assert silent["note"].tolist() == ["calls nothing in the test split"]
    assert silent["precision"].isna().all()


def test_targets_that_are_no_precision():
    with pytest.raises(InputError, match="precision"):
        threshold_at_precision([1, 0], [1.0, 0.0], 0.0)
