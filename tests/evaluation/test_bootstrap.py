"""The bootstrap engine against explicit resampling, and the coverage of its intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    log_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from rnamarks.evaluation.bootstrap import (
    Ranking,
    bootstrap_metrics,
    interval,
    over_seeds,
    paired_draws,
    resample_counts,
    resample_genes,
    resampled_metrics,
    two_sided_p,
)
from rnamarks.evaluation.metrics import prevalence_weights


@pytest.mark.parametrize("decimals", [0, 1, 12])
@pytest.mark.parametrize("strata", [1, 2])
def test_resamples_equal_scikit_learn_on_the_resampled_arrays(decimals, strata):
    generator = np.random.default_rng(5)
    labels = generator.random(700) < 0.2
    scores = np.round(generator.normal(size=700) + labels, decimals)
    counts = next(resample_counts(~labels & (strata == 2), 6, generator))
    areas, (precisions,) = Ranking(labels, scores).weighted(counts)
    for row, area, precision in zip(counts.astype(int), areas, precisions, strict=True):
        drawn = np.repeat(np.arange(700), row)
        assert len(drawn) == 700
        assert strata == 1 or labels[drawn].sum() == labels.sum()
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


def test_every_value_is_the_plain_metric():
    generator = np.random.default_rng(6)
    labels = generator.random(900) < 0.4
    logits = generator.normal(size=900) + labels - 0.5
    probabilities = 1 / (1 + np.exp(-logits))
    values, draws = resampled_metrics(
        labels,
        logits,
        n=50,
        probabilities=probabilities,
        prevalences={"1to10": 1 / 11},
        called={"": logits[None] > 0, "high": logits[None] >= 1},
    )
    expected = {
        "auroc": roc_auc_score(labels, logits),
        "auprc": average_precision_score(labels, logits),
        "auprc_1to10": average_precision_score(labels, logits, sample_weight=prevalence_weights(labels, 1 / 11)),
        "brier": brier_score_loss(labels, probabilities),
        "log_loss": log_loss(labels, probabilities),
        "mcc": matthews_corrcoef(labels, logits > 0),
    }
    for rule, calls in (("", logits > 0), ("@high", logits >= 1)):
        expected |= {
            f"sensitivity{rule}": recall_score(labels, calls),
            f"specificity{rule}": recall_score(~labels, ~calls),
            f"precision{rule}": precision_score(labels, calls),
            f"accuracy{rule}": accuracy_score(labels, calls),
            f"mcc{rule}": matthews_corrcoef(labels, calls),
        }
    assert {name: value[0] for name, value in values.items()} == pytest.approx(expected)
    for name, value in values.items():
        low, high = interval(draws[name][0])
        assert low < value[0] < high


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


def test_given_resamples_are_used():
    labels = np.tile([True, False], 100)
    scores = np.random.default_rng(8).normal(size=200)
    drawn = resample_counts(~labels, 30, np.random.default_rng(4))
    _, draws = resampled_metrics(labels, scores, resamples=drawn)
    _, expected = resampled_metrics(labels, scores, n=30, seed=4)
    assert np.array_equal(draws["auroc"], expected["auroc"])


def compare(labels, a, b, n, seed=0, metric="auroc"):
    """Difference and its resamples."""
    values, draws = resampled_metrics(labels, np.stack([a, b]), n=n, seed=seed)
    return values[metric][0] - values[metric][1], paired_draws(draws[metric], slice(0, 1), slice(1, 2))


def test_paired_difference_is_antisymmetric_and_narrower_than_two_intervals():
    generator = np.random.default_rng(10)
    labels = generator.random(1500) < 0.5
    common = generator.normal(size=1500) + labels
    a, b = common + 0.3 * generator.normal(size=(2, 1500))
    a += 0.4 * labels
    (forward, drawn), (backward, turned) = compare(labels, a, b, 400), compare(labels, b, a, 400)
    assert forward == pytest.approx(roc_auc_score(labels, a) - roc_auc_score(labels, b))
    assert forward == pytest.approx(-backward)
    np.testing.assert_allclose(drawn, -turned, atol=1e-9)
    low, high = interval(drawn)
    assert low > 0
    assert two_sided_p(drawn) == pytest.approx(2 / 401)
    alone = [bootstrap_metrics(labels, scores, n=400).set_index("metric").loc["auroc"] for scores in (a, b)]
    assert high - low < 0.6 * np.hypot(*(row["high"] - row["low"] for row in alone))


def test_equal_models_do_not_differ():
    labels = np.tile([True, False], 50)
    scores = np.random.default_rng(11).normal(size=100)
    difference, drawn = compare(labels, scores, scores, 100)
    assert (difference, *interval(drawn), two_sided_p(drawn)) == (0, 0, 0, 1)


def test_p_values_of_models_without_a_difference_are_not_small():
    generator = np.random.default_rng(12)
    labels = np.repeat([True, False], 100)
    found = []
    for index in range(100):
        a, b = generator.normal(size=(2, 200)) + labels
        found.append(two_sided_p(compare(labels, a, b, 200, seed=index)[1]))
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


def test_genes_are_drawn_whole():
    """Where windows of a gene share scores and labels, drawing windows one by one makes intervals too narrow."""
    generator = np.random.default_rng(2)
    gene = np.repeat(np.arange(40), 25)
    labels = generator.random(1000) < generator.choice([0.1, 0.6], 40)[gene]
    scores = (labels + 2 * generator.normal(size=40)[gene])[None]
    blocks = list(resample_genes(np.char.add("g", gene.astype(str)), 300, np.random.default_rng(1)))
    counts = np.concatenate(blocks)
    assert counts.shape == (300, 1000)
    assert (counts.reshape(300, 40, 25) == counts.reshape(300, 40, 25)[:, :, :1]).all()
    assert (counts.reshape(300, 40, 25)[:, :, 0].sum(axis=1) == 40).all()
    whole = resampled_metrics(labels, scores, resamples=blocks)[1]["auroc"][0]
    answer = [roc_auc_score(labels, scores[0], sample_weight=row) for row in counts[:20]]
    np.testing.assert_allclose(whole[:20], answer)
    single = resampled_metrics(labels, scores, n=300, seed=1)[1]["auroc"][0]
    assert whole.std() > 1.2 * single.std()
