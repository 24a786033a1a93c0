"""Metrics against scikit-learn and against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    hamming_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
)

from rnamarks.errors import InputError
from rnamarks.evaluation import metrics


@pytest.fixture
def drawn():
    generator = np.random.default_rng(3)
    labels = generator.random(4000) < 0.3
    return labels, np.round(generator.normal(size=4000) + labels, 1)


def test_weights_give_the_prevalence(drawn):
    labels, _ = drawn
    weights = metrics.prevalence_weights(labels, 1 / 11)
    assert weights.sum() == pytest.approx(len(labels))
    assert weights[labels].sum() / weights.sum() == pytest.approx(1 / 11)


def test_calibration_error_of_known_bias():
    labels = np.tile([1, 0, 0, 0], 500)
    assert metrics.expected_calibration_error(labels, np.full(2000, 0.25)) == pytest.approx(0)
    assert metrics.expected_calibration_error(labels, np.full(2000, 0.4)) == pytest.approx(0.15)


def test_calibration_noise_is_what_a_perfect_model_shows():
    generator = np.random.default_rng(1)
    probabilities = generator.beta(2, 3, size=3000)
    errors = [
        metrics.expected_calibration_error(generator.random(3000) < probabilities, probabilities) for _ in "x" * 80
    ]
    assert metrics.calibration_noise(probabilities) == pytest.approx(np.mean(errors), rel=0.1)
    assert metrics.calibration_noise(probabilities) > 0.01


def test_bins_have_equal_mass_and_keep_ties_together():
    generator = np.random.default_rng(2)
    values = generator.random(1501)
    assert np.ptp(np.bincount(metrics.equal_mass_bins(values, 15))) <= 1
    tied = np.round(values, 1)
    found = metrics.equal_mass_bins(tied, 15)
    assert all(len(np.unique(found[tied == value])) == 1 for value in np.unique(tied))
    assert (np.diff(found[np.argsort(tied)]) >= 0).all()
    assert metrics.equal_mass_bins(np.ones(7), 15).tolist() == [0] * 7


def test_ratios_of_calls_and_their_edges(drawn):
    labels, scores = drawn
    called = scores > 0.5
    (tn, fp), (fn, tp) = confusion_matrix(labels, called)
    found = metrics.call_ratios(tp, fp, fn, tn)
    expected = {
        "sensitivity": recall_score(labels, called),
        "specificity": recall_score(~labels, ~called),
        "precision": precision_score(labels, called),
        "accuracy": accuracy_score(labels, called),
        "mcc": matthews_corrcoef(labels, called),
        "recall": recall_score(labels, called),
        "f1": f1_score(labels, called),
        "hamming": hamming_loss(labels, called),
    }
    assert found == pytest.approx(expected)
    nothing = metrics.call_ratios(np.zeros(2), np.zeros(2), np.full(2, 3), np.full(2, 4))
    assert np.isnan(nothing["precision"]).all()
    assert nothing["mcc"].tolist() == nothing["f1"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [
        ([1, 1, 1], [0.1, 0.2, 0.3], "label 1"),
        ([0, 0], [0.1, 0.2], "label 0"),
        ([1, 0], [0.1, np.nan], "window 2 of 2 is not finite"),
        ([1, 0], [np.inf, 0.1], "not finite"),
        ([1, 2], [0.1, 0.2], "neither 0 nor 1"),
        ([1, 0, 0], [0.1, 0.2], "one score for each"),
        ([], [], "no window"),
    ],
)
def test_unusable_predictions_are_refused(labels, scores, words):
    with pytest.raises(InputError, match=words):
        metrics.check_predictions(labels, scores)


def test_probabilities_outside_their_range_are_refused():
    with pytest.raises(InputError, match="outside 0 to 1"):
        metrics.check_probabilities([1, 0], [1.2, 0.1])
    with pytest.raises(InputError, match="prevalence"):
        metrics.prevalence_weights(np.array([True, False]), 1.0)
