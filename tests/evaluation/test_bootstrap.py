"""The bootstrap engine against explicit resampling, and the coverage of its intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, matthews_corrcoef, roc_auc_score

from rnamarks.errors import InputError
from rnamarks.evaluation.bootstrap import (
    Ranking,
    bootstrap_metrics,
    interval,
    over_seeds,
    paired_bootstrap,
    resample_counts,
    resampled_metrics,
    two_sided_p,
)
from rnamarks.evaluation.metrics import prevalence_weights, threshold_metrics


@pytest.mark.parametrize("decimals", [0, 1, 12])
@pytest.mark.parametrize("stratified", [True, False])
def test_resamples_equal_scikit_learn_on_the_resampled_arrays(decimals, stratified):
    generator = np.random.default_rng(5)
    labels = generator.random(700) < 0.2
    scores = np.round(generator.normal(size=700) + labels, decimals)
    counts = next(resample_counts(labels, 6, generator, stratified=stratified))
    areas, (precisions,) = Ranking(labels, scores).weighted(counts)
    for row, area, precision in zip(counts.astype(int), areas, precisions, strict=True):
        drawn = np.repeat(np.arange(700), row)
        assert len(drawn) == 700
        assert not stratified or labels[drawn].sum() == labels.sum()
        assert area == pytest.approx(roc_auc_score(labels[drawn], scores[drawn]), abs=1e-12)
        assert precision == pytest.approx(average_precision_score(labels[drawn], scores[drawn]), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.int64, 12, elements=st.integers(0, 3)),
    arrays(np.int64, 12, elements=st.integers(0, 1)),
    arrays(np.int64, 12, elements=st.integers(0, 4)),
)
def test_ties_and_zero_weights(scores, labels, weights):
    labels[:2], weights[:2] = [0, 1], 1
    area, (precision,) = Ranking(labels.astype(bool), scores.astype(float)).weighted(weights[None].astype(float))
    assert area[0] == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights))
    assert precision[0] == pytest.approx(average_precision_score(labels, scores, sample_weight=weights))


@pytest.mark.parametrize("decimals", [0, 12])
def test_windows_that_are_not_ranked_have_no_say(decimals):
    generator = np.random.default_rng(7)
    labels, scores = generator.random(300) < 0.3, np.round(generator.normal(size=300), decimals)
    among = np.sort(generator.choice(300, 120, replace=False))
    counts = generator.integers(0, 3, size=(5, 300)).astype(float)
    areas, precisions = Ranking(labels, scores, among).weighted(counts, [1.0, 20.0])
    expected_areas, expected = Ranking(labels[among], scores[among]).weighted(counts[:, among], [1.0, 20.0])
    np.testing.assert_allclose(areas, expected_areas, rtol=1e-12)
    np.testing.assert_allclose(precisions, expected, rtol=1e-12)


def test_every_value_is_the_plain_metric():
    generator = np.random.default_rng(6)
    labels = generator.random(900) < 0.4
    logits = generator.normal(size=900) + labels - 0.5
    probabilities = 1 / (1 + np.exp(-logits))
    table = bootstrap_metrics(
        labels, logits, n=50, probabilities=probabilities, prevalences={"1to10": 1 / 11}, threshold=0.0
    ).set_index("metric")
    expected = {
        "auroc": roc_auc_score(labels, logits),
        "auprc": average_precision_score(labels, logits),
        "auprc_1to10": average_precision_score(labels, logits, sample_weight=prevalence_weights(labels, 1 / 11)),
        "brier": brier_score_loss(labels, probabilities),
        "log_loss": log_loss(labels, probabilities),
        "mcc": matthews_corrcoef(labels, logits > 0),
    }
    expected |= {
        name: threshold_metrics(labels, logits, 0.0)[name]
        for name in ("sensitivity", "specificity", "precision", "accuracy")
    }
    assert table["value"].to_dict() == pytest.approx(expected)
    assert (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()


def test_intervals_hold_the_truth_about_95_times_in_100():
    generator = np.random.default_rng(7)
    truth = norm.cdf(1 / np.sqrt(2))
    held = 0
    for index in range(250):
        labels = np.repeat([True, False], [60, 120])
        scores = generator.normal(size=180) + labels
        _, draws = resampled_metrics(labels, scores, n=300, seed=index)
        low, high = interval(draws["auroc"][0])
        held += low <= truth <= high
    assert 0.91 <= held / 250 <= 0.985


def test_same_seed_same_interval_and_another_seed_another():
    labels = np.tile([True, False], 100)
    scores = np.random.default_rng(8).normal(size=200)
    first, again, other = (bootstrap_metrics(labels, scores, n=100, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_clusters_widen_the_interval_of_windows_that_are_alike():
    generator = np.random.default_rng(9)
    groups = np.repeat(np.arange(60), 20)
    labels = np.repeat(np.tile([True, False], 30), 20)
    scores = np.repeat(generator.normal(size=60), 20) + labels
    windows = bootstrap_metrics(labels, scores, n=400).set_index("metric").loc["auroc"]
    genes = bootstrap_metrics(labels, scores, n=400, groups=groups).set_index("metric").loc["auroc"]
    assert genes["value"] == windows["value"]
    assert genes["high"] - genes["low"] > 3 * (windows["high"] - windows["low"])
    # one window per group is resampling of cases
    alone, _ = resampled_metrics(labels, scores, n=1, groups=np.arange(1200))
    assert alone["auroc"][0] == windows["value"]


def test_whole_clusters_are_drawn():
    groups = np.array(["a", "b", "b", "c", "c", "c"])
    labels = np.array([1, 0, 1, 0, 1, 0], dtype=bool)
    for counts in resample_counts(labels, 50, np.random.default_rng(0), groups=groups):
        assert (counts[:, 1] == counts[:, 2]).all()
        assert (counts[:, 3:] == counts[:, 3:4]).all()
        assert (counts[:, 0] + counts[:, 1] + counts[:, 3] == 3).all()


def test_too_few_clusters_are_refused():
    labels = np.repeat([True, False], 10)
    scores = np.arange(20.0)
    with pytest.raises(InputError, match="one group"):
        bootstrap_metrics(labels, scores, groups=np.zeros(20))
    with pytest.raises(InputError, match="lacks positives or negatives"):
        bootstrap_metrics(labels, scores, groups=labels)


def test_paired_difference_is_antisymmetric_and_narrower_than_two_intervals():
    generator = np.random.default_rng(10)
    labels = generator.random(1500) < 0.5
    common = generator.normal(size=1500) + labels
    a, b = common + 0.3 * generator.normal(size=(2, 1500))
    a += 0.4 * labels
    forward = paired_bootstrap(labels, a, b, n=400).set_index("metric").loc["auroc"]
    backward = paired_bootstrap(labels, b, a, n=400).set_index("metric").loc["auroc"]
    assert forward["difference"] == pytest.approx(roc_auc_score(labels, a) - roc_auc_score(labels, b))
    assert forward["difference"] == pytest.approx(-backward["difference"])
    assert (forward["low"], forward["high"]) == pytest.approx((-backward["high"], -backward["low"]), abs=1e-9)
    assert forward["low"] > 0
    assert forward["p"] == pytest.approx(2 / 401)
    alone = [bootstrap_metrics(labels, scores, n=400).set_index("metric").loc["auroc"] for scores in (a, b)]
    widths = np.hypot(*(row["high"] - row["low"] for row in alone))
    assert forward["high"] - forward["low"] < 0.6 * widths


def test_equal_models_do_not_differ():
    labels = np.tile([True, False], 50)
    scores = np.random.default_rng(11).normal(size=100)
    row = paired_bootstrap(labels, scores, scores, n=100).iloc[0]
    assert (row["difference"], row["low"], row["high"], row["p"]) == (0, 0, 0, 1)


def test_p_values_of_models_without_a_difference_are_not_small():
    generator = np.random.default_rng(12)
    labels = np.repeat([True, False], 100)
    found = []
    for index in range(100):
        a, b = generator.normal(size=(2, 200)) + labels
        found.append(paired_bootstrap(labels, a, b, n=200, seed=index, metrics=["auroc"])["p"].iloc[0])
    assert np.mean(np.array(found) < 0.05) < 0.13


def test_seeds_add_their_variance():
    generator = np.random.default_rng(13)
    windows = generator.normal(0, 1, size=20000)
    seeds = np.array([-2.0, 0.5, 1.5])
    draws = windows + seeds[:, None]
    combined = over_seeds(draws)
    assert combined.mean() == pytest.approx(0, abs=0.05)
    assert combined.var() == pytest.approx(1 + seeds.var(ddof=1) / 3, rel=0.05)
    assert np.array_equal(over_seeds(draws[:1]), draws[0])


def test_p_value_counts():
    assert two_sided_p(np.ones(99)) == pytest.approx(2 / 100)
    assert two_sided_p(np.array([-1.0, 1.0] * 50)) == 1
    assert np.isnan(two_sided_p(np.array([np.nan])))
    assert np.isnan(interval(np.array([]))).all()
