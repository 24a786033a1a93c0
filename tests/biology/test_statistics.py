"""Tests with their effects: against definitions, against scipy, and their rate of false alarms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rnamarks.biology.statistics import (
    FEWEST,
    adjusted_rank_sum,
    benjamini_hochberg,
    cliffs_delta,
    correlate,
    hodges_lehmann,
    matched_rank_sum,
    partial_correlation,
    rank_sum,
    rank_terms,
)
from rnamarks.errors import InputError

NOTHING = pd.DataFrame(index=range(90))


@pytest.fixture(params=[0, 1, 2])
def tied(request):
    random = np.random.default_rng(request.param)
    return random.integers(0, 7, 50).astype(float), random.integers(1, 9, 40).astype(float)


def test_delta_is_its_definition_and_its_interval_holds_it(tied):
    first, second = tied
    delta, low, high = cliffs_delta(first, second)
    assert delta == pytest.approx(np.sign(np.subtract.outer(first, second)).mean())
    assert -1 <= low < delta < high <= 1
    mirrored = cliffs_delta(second, first)
    assert mirrored == pytest.approx((-delta, -high, -low))


def test_delta_of_groups_apart_is_one_and_few_values_give_nothing():
    delta, low, high = cliffs_delta(np.arange(10.0) + 100, np.arange(10.0))
    assert (delta, high) == (1.0, 1.0)
    assert low == pytest.approx(2 * 0.025 ** (1 / 10) - 1)
    assert cliffs_delta(np.arange(10.0), np.arange(10.0) + 100) == pytest.approx((-1.0, -1.0, -low))
    assert np.isnan(cliffs_delta(np.array([1.0]), np.arange(5.0))).all()


def test_delta_interval_covers_the_truth():
    truth = 2 * stats.norm.cdf(0.6 / np.sqrt(2)) - 1
    random = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        _, low, high = cliffs_delta(random.normal(0.6, 1, 40), random.normal(0, 1, 60))
        covered += low <= truth <= high
    assert 0.90 <= covered / 200 <= 0.99


def test_hodges_lehmann_counts_pairs_it_never_lists(tied):
    first, second = tied
    shift, low, high = hodges_lehmann(first, second)
    assert shift == np.median(np.subtract.outer(first, second))
    assert low <= shift <= high
    moved = hodges_lehmann(first + 3, second)
    assert moved == pytest.approx((shift + 3, low + 3, high + 3))
    assert np.isnan(hodges_lehmann(first, np.empty(0))).all()


def test_hodges_lehmann_interval_agrees_with_the_rank_sum_test():
    random = np.random.default_rng(5)
    first, second = random.normal(0.5, 1, 60), random.normal(0, 1, 80)
    _, low, high = hodges_lehmann(first, second)
    p = [stats.mannwhitneyu(first - edge, second, method="asymptotic").pvalue for edge in (low, high)]
    assert p == pytest.approx([0.05, 0.05], abs=0.005)


def test_rank_sum_is_scipys(tied):
    first, second = tied
    result = rank_sum(first, second)
    u, p = stats.mannwhitneyu(first, second)
    assert (result.statistic, result.p) == (u, p)
    assert result.effect == pytest.approx(2 * u / (50 * 40) - 1)
    assert (result.n, result.n_first, result.n_second) == (90, 50, 40)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_correlation_is_scipys(method):
    random = np.random.default_rng(6)
    x = random.normal(size=70)
    y = np.round(x + random.normal(size=70))
    result = correlate(x, y, method)
    expected = getattr(stats, f"{method}r")(x, y)
    assert (result.effect, result.p) == pytest.approx((expected.statistic, expected.pvalue))
    if method == "pearson":
        assert (result.low, result.high) == pytest.approx(tuple(expected.confidence_interval()))
    with pytest.raises(InputError, match="choose pearson or spearman"):
        correlate(x, y, "kendall")


def test_regression_without_covariates_is_delta(tied):
    first, second = tied
    value, group = np.r_[first, second], np.arange(90) < 50
    assert adjusted_rank_sum(value, group, NOTHING).effect == pytest.approx(cliffs_delta(first, second)[0])


def test_partial_correlation_without_covariates_is_the_correlation():
    random = np.random.default_rng(7)
    x, y = random.normal(size=(2, 90))
    for ranks, method in ((True, "spearman"), (False, "pearson")):
        assert partial_correlation(x, y, NOTHING, ranks=ranks).effect == pytest.approx(correlate(x, y, method).effect)


def test_partial_correlation_is_that_of_residuals():
    random = np.random.default_rng(8)
    held = pd.DataFrame(random.normal(size=(120, 2)), columns=["a", "b"])
    x = held["a"].to_numpy() + random.normal(size=120)
    y = held["a"].to_numpy() + held["b"].to_numpy() + random.normal(size=120)
    design = np.column_stack([np.ones(120), rank_terms(held)])
    left = [v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (x, y)]
    result = partial_correlation(x, y, held, ranks=False)
    assert result.effect == pytest.approx(np.corrcoef(left)[0, 1])
    assert result.low < result.effect < result.high


def test_terms_leave_out_constants_and_copies():
    random = np.random.default_rng(9)
    a = random.normal(size=50)
    assert rank_terms(pd.DataFrame({"a": a, "one": 1.0})).shape == (50, 2)
    assert rank_terms(pd.DataFrame({"a": a, "again": np.exp(a)})).shape == (50, 2)
    assert rank_terms(pd.DataFrame({"flag": a > 0})).shape == (50, 1)
    assert rank_terms(pd.DataFrame(index=range(50))).shape == (50, 0)


def test_too_few_and_constant_values_are_said_not_guessed():
    few, held = np.arange(FEWEST - 1.0), pd.DataFrame({"a": np.arange(10.0)})
    group = np.arange(10) < 5
    for result in (
        rank_sum(few, np.arange(20.0)),
        correlate(np.ones(20), np.arange(20.0)),
        correlate(few, few),
        adjusted_rank_sum(np.ones(10), group, held),
        adjusted_rank_sum(np.arange(10.0), np.arange(10) < 2, held),
        matched_rank_sum(np.arange(10.0), np.zeros(10, dtype=bool), held),
        partial_correlation(np.arange(10.0), np.random.default_rng(0).normal(size=10), held),
    ):
        assert np.isnan([result.p, result.effect, result.low, result.high]).all()


def test_matching_uses_cells_with_both_groups_alone():
    length = pd.DataFrame({"length": np.r_[np.zeros(20), np.ones(20)]})
    group = np.r_[np.ones(10), np.zeros(10), np.ones(20)] > 0
    value = np.random.default_rng(1).normal(size=40)
    result = matched_rank_sum(value, group, length)
    assert (result.n, result.n_first, result.n_second) == (20, 10, 10)
    assert result.effect == pytest.approx(cliffs_delta(value[:10], value[10:20])[0])


def test_benjamini_hochberg_is_scipys_and_leaves_gaps():
    p = np.random.default_rng(2).random(30) ** 2
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))
    holes = np.insert(p, [0, 7, 30], np.nan)
    q = benjamini_hochberg(holes)
    assert np.isnan(q[[0, 8, 32]]).all()
    assert q[np.isfinite(q)] == pytest.approx(benjamini_hochberg(p))
    assert benjamini_hochberg(np.empty(0)).size == 0


def make_genes(seed, n=200, effect=0.0, confounded=False):
    """Capacity and a value; length acts on both if confounded, capacity on the value by the effect."""
    random = np.random.default_rng([seed, 31])
    length = random.lognormal(7.5, 0.8, n)
    held = pd.DataFrame(
        {"length": length, "sites": random.poisson(length / 60) + 1, "gc": random.normal(0.48, 0.06, n)}
    )
    pull = -stats.zscore(np.log(length)) if confounded else 0.0
    capacity = random.normal(size=n) + pull
    return capacity, effect * capacity + random.normal(size=n) + pull, held


def all_tests(capacity, value, held, groups=None):
    high = capacity > capacity.mean()
    return {
        "rank_sum": rank_sum(value[high], value[~high]),
        "rank_regression": adjusted_rank_sum(value, high, held),
        "clusters": adjusted_rank_sum(value, high, held[[]], groups=np.arange(len(value)) // 4),
        "matched": matched_rank_sum(value, high, held),
        "pearson": correlate(capacity, value),
        "spearman": correlate(capacity, value, "spearman"),
        "partial_spearman": partial_correlation(capacity, value, held),
        "partial_pearson": partial_correlation(capacity, value, held, ranks=False),
    }


@pytest.mark.slow
def test_without_effect_each_test_rejects_two_to_eight_percent():
    p = pd.DataFrame([{k: r.p for k, r in all_tests(*make_genes(seed)).items()} for seed in range(200)])
    rates = (p < 0.05).mean()
    assert not p.isna().any().any()
    assert rates.between(0.02, 0.08).all(), rates.to_dict()


def test_what_a_covariate_brings_about_is_seen_raw_and_not_when_held_fixed():
    p = pd.DataFrame(
        [{k: r.p for k, r in all_tests(*make_genes(seed, confounded=True)).items()} for seed in range(100, 150)]
    )
    rates = (p < 0.05).mean()
    assert (rates[["rank_sum", "pearson", "spearman"]] > 0.9).all(), rates.to_dict()
    assert (rates[["rank_regression", "matched", "partial_spearman", "partial_pearson"]] <= 0.16).all(), rates.to_dict()


def test_effect_is_found_by_every_test_with_its_sign():
    for confounded in (False, True):
        for name, result in all_tests(*make_genes(3, n=400, effect=-0.8, confounded=confounded)).items():
            if name in ("rank_sum", "pearson", "spearman", "clusters") and confounded:
                continue
            assert result.high < 0, (name, confounded)
            assert result.p < 0.001


def test_clusters_widen_the_interval_where_values_hang_together():
    random = np.random.default_rng(12)
    gene = np.repeat(np.arange(40), 10)
    value = np.repeat(random.normal(size=40), 10) + 0.1 * random.normal(size=400)
    group = np.repeat(random.random(40) < 0.5, 10)
    wide, narrow = (adjusted_rank_sum(value, group, NOTHING.reindex(range(400)), groups=g) for g in (gene, None))
    assert wide.effect == pytest.approx(narrow.effect)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
