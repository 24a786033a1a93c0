"""Metrics against scikit-learn and against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score

from rnamarks.errors import InputError
from rnamarks.evaluation import metrics


@pytest.fixture
def drawn():
    generator = np.random.default_rng(3)
    labels = generator.random(4000) < 0.3
    return labels, np.round(generator.normal(size=4000) + labels, 1)


def test_ranking_metrics_by_hand():
    labels, scores = [1, 0, 1, 0], [4.0, 3.0, 2.0, 1.0]
    assert metrics.auroc(labels, scores) == pytest.approx(0.75)
    assert metrics.auprc(labels, scores) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert metrics.auroc(labels, [1.0] * 4) == 0.5


def test_weights_equal_copies(drawn):
    labels, scores = drawn
    weights = metrics.prevalence_weights(labels, 1 / 11)
    assert weights.sum() == pytest.approx(len(labels))
    assert weights[labels].sum() / weights.sum() == pytest.approx(1 / 11)
    assert metrics.auroc(labels, scores, weights) == pytest.approx(metrics.auroc(labels, scores))
    copies = np.where(labels, 1, 3)
    repeated = np.repeat(labels, copies), np.repeat(scores, copies)
    assert metrics.auprc(labels, scores, copies) == pytest.approx(average_precision_score(*repeated))


def test_permuted_labels_carry_nothing():
    generator = np.random.default_rng(0)
    labels = generator.permutation(np.repeat([0, 1], 20000))
    assert metrics.auroc(labels, generator.normal(size=40000)) == pytest.approx(0.5, abs=0.01)


def test_probability_scores_by_hand():
    labels, probabilities = [1, 0], [0.8, 0.4]
    assert metrics.brier(labels, probabilities) == pytest.approx((0.04 + 0.16) / 2)
    assert metrics.log_loss(labels, probabilities) == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert metrics.log_loss([1, 1], [0.5, 0.5]) == pytest.approx(np.log(2))
    assert np.isfinite(metrics.log_loss([1, 0], [0.0, 1.0]))


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


def test_threshold_metrics(drawn):
    labels, scores = drawn
    found = metrics.threshold_metrics(labels, scores, 0.5)
    called = scores > 0.5
    assert found["mcc"] == pytest.approx(matthews_corrcoef(labels, called))
    assert found["true_positives"] + found["false_negatives"] == labels.sum()
    assert found["sensitivity"] == pytest.approx((called & labels).sum() / labels.sum())
    assert found["specificity"] == pytest.approx((~called & ~labels).sum() / (~labels).sum())
    assert found["precision"] == pytest.approx((called & labels).sum() / called.sum())
    nothing = metrics.threshold_metrics(labels, scores, 1e9)
    assert np.isnan(nothing["precision"])
    assert nothing["mcc"] == 0


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
        metrics.auroc(labels, scores)


def test_probabilities_outside_their_range_are_refused():
    with pytest.raises(InputError, match="outside 0 to 1"):
        metrics.brier([1, 0], [1.2, 0.1])
    with pytest.raises(InputError, match="prevalence"):
        metrics.prevalence_weights(np.array([True, False]), 1.0)


def test_definitions_are_scikit_learns(drawn):
    labels, scores = drawn
    assert metrics.auroc(labels, scores) == roc_auc_score(labels, scores)
    assert metrics.auprc(labels, scores) == average_precision_score(labels, scores)
