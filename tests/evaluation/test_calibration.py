"""Calibration on data whose true probabilities are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit, logit

from rnamarks.errors import InputError
from rnamarks.evaluation.calibration import Calibration, fit_calibration, reliability_table, wilson
from rnamarks.evaluation.metrics import expected_calibration_error


def two_normals(n, prevalence, seed, distance=2.0):
    """Labels, and the exact log odds at 1:1 of unit normals ``distance`` apart."""
    generator = np.random.default_rng(seed)
    labels = generator.random(n) < prevalence
    x = generator.normal(size=n) + distance * labels
    return labels, distance * x - distance**2 / 2


def test_undoing_the_prior_recovers_the_truth():
    labels, logits = two_normals(200_000, 1 / 11, 0)
    before, after = Calibration(0.5), Calibration(1 / 11)
    assert after.probability(0.0) == pytest.approx(1 / 11)
    assert np.log(10) == pytest.approx(-after.logit(0.0))
    assert expected_calibration_error(labels, after.probability(logits)) < 0.003
    assert expected_calibration_error(labels, before.probability(logits)) > 0.08


def test_fit_finds_slope_and_intercept():
    labels, logits = two_normals(100_000, 0.2, 1)
    exact = fit_calibration(labels, logits)
    assert exact.method == "platt"
    assert (exact.slope, exact.intercept) == pytest.approx((1, 0), abs=0.04)
    bold = fit_calibration(labels, 3 * logits + 1)
    assert bold.slope == pytest.approx(1 / 3, rel=0.03)
    assert np.allclose(bold.probability(3 * logits + 1), exact.probability(logits), atol=1e-3)
    new_labels, new_logits = two_normals(100_000, 0.2, 2)
    assert expected_calibration_error(new_labels, bold.probability(3 * new_logits + 1)) < 0.006


def test_another_prevalence():
    labels, logits = two_normals(100_000, 0.5, 3)
    found = fit_calibration(labels, 0.5 * logits)
    rare_labels, rare_logits = two_normals(200_000, 0.05, 4)
    moved = found.probability(0.5 * rare_logits, prevalence=0.05)
    assert expected_calibration_error(rare_labels, moved) < 0.004
    assert moved.mean() == pytest.approx(0.05, abs=0.003)
    weighted = fit_calibration(labels, 0.5 * logits, prevalence=0.05)
    assert weighted.prevalence == 0.05
    assert np.allclose(weighted.probability(0.5 * rare_logits), moved, atol=0.02)
    assert np.allclose(found.probability(logits, prevalence=0.5), found.probability(logits), atol=1e-3)


def test_ranks_are_kept():
    labels, logits = two_normals(2000, 0.3, 5)
    probabilities = fit_calibration(labels, logits).probability(logits)
    assert np.array_equal(np.argsort(probabilities, kind="stable"), np.argsort(logits, kind="stable"))


def test_separable_data_stay_finite():
    labels = np.repeat([0, 1], 50)
    found = fit_calibration(labels, np.where(labels, 5.0, -5.0))
    assert np.isfinite(found.slope)
    assert found.probability(5.0) == pytest.approx(51 / 52, abs=1e-3)


@pytest.mark.parametrize("score", [0.0, -1.0])
def test_scores_that_do_not_rise_with_the_label_give_the_prevalence(score):
    labels = np.repeat([0, 1], [300, 100])
    found = fit_calibration(labels, score * labels)
    assert found.method == "flat"
    assert np.allclose(found.probability([-5.0, 5.0]), 0.25)


def test_too_few_windows_are_refused_or_stated():
    labels, logits = np.repeat([0, 1], [200, 19]), np.linspace(-1, 1, 219)
    with pytest.raises(InputError, match="19 positives and 200 negatives are too few"):
        fit_calibration(labels, logits)
    found = fit_calibration(labels, logits, few="prior")
    assert (found.method, found.slope, found.intercept, found.n_positive) == ("prior", 1, 0, 19)
    assert found.prevalence == pytest.approx(19 / 219)
    with pytest.raises(InputError, match="label 0"):
        fit_calibration(np.zeros(10), np.arange(10.0), few="prior")
    with pytest.raises(InputError, match="use error or prior"):
        fit_calibration(labels, logits, few="ignore")


def test_dict_round_trip_and_its_errors():
    labels, logits = two_normals(1000, 0.2, 6)
    found = fit_calibration(labels, logits, fitted_on="valid, human")
    values = json.loads(json.dumps(found.to_dict()))
    assert Calibration.from_dict(values) == found
    with pytest.raises(InputError, match="unknown or missing keys"):
        Calibration.from_dict({**values, "temperature": 1})
    with pytest.raises(InputError, match="slope"):
        Calibration.from_dict({**values, "slope": float("nan")})
    with pytest.raises(InputError, match="no calibration of that name"):
        Calibration.from_dict({**values, "method": "isotonic"})
    with pytest.raises(InputError, match="prevalence"):
        found.probability(0.0, prevalence=0.0)


def test_reliability_table_counts_everything_once():
    generator = np.random.default_rng(7)
    probabilities = generator.beta(1, 4, size=5000)
    labels = generator.random(5000) < probabilities
    table = reliability_table(labels, probabilities, bins=10)
    assert table["n"].tolist() == [500] * 10
    assert table["n_positive"].sum() == labels.sum()
    assert (table["from"].to_numpy()[1:] >= table["to"].to_numpy()[:-1]).all()
    assert ((table["low"] <= table["predicted"]) & (table["predicted"] <= table["high"])).sum() >= 8
    assert np.average(table["observed"], weights=table["n"]) == pytest.approx(labels.mean())


def test_wilson_against_its_formula():
    z, hits, n = 1.959963984540054, 7, 40
    centre = (hits + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(hits * (n - hits) / n + z**2 / 4)
    assert wilson(hits, n) == pytest.approx((centre - half, centre + half))
    assert np.isnan(wilson(0, 0)).all()
    low, high = wilson(np.array([0, 7, 40]), np.array([40, 40, 40]))
    assert (low[0], high[2]) == (0, 1)
    assert (low[1], high[1]) == tuple(wilson(hits, n))


def test_logit_and_probability_agree():
    found = Calibration(0.1, 0.7, 0.2)
    assert found.logit(1.5) == pytest.approx(0.7 * (1.5 + logit(0.1)) + 0.2)
    assert found.probability(1.5) == pytest.approx(expit(found.logit(1.5)))
