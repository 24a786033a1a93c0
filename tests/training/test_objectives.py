"""Objectives: by hand, at their limits, and with log-variances that find their place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.training.objectives import OBJECTIVES, cross_entropies, effective_number_weights, hardest

POSITIVES = (65178, 1036, 3137)
COUNTS = st.lists(st.integers(1, 10**6), min_size=1, max_size=12)


@pytest.fixture
def batch():
    """Logits, labels and weights of ten windows and three tasks."""
    random = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(10, 3, generator=random)
    labels = (torch.rand(10, 3, generator=random) < 0.3).float()
    weights = (torch.rand(10, 3, generator=random) < 0.7).float()
    return logits, labels, weights


def by_hand(batch):
    logits, labels, weights = (part.numpy().astype(np.float64) for part in batch)
    probability = 1 / (1 + np.exp(-logits))
    return -weights * (labels * np.log(probability) + (1 - labels) * np.log(1 - probability)), probability


def test_the_sum_by_hand(batch):
    losses, _ = by_hand(batch)
    assert OBJECTIVES["sum"](POSITIVES)(*batch).item() == pytest.approx(losses.sum(axis=1).mean(), rel=1e-6)


def test_effective_number_by_hand(batch):
    losses, _ = by_hand(batch)
    weights = np.array([(1 - 0.99999) / (1 - 0.99999**n) for n in POSITIVES])
    weights *= 3 / weights.sum()
    assert effective_number_weights(POSITIVES) == pytest.approx(weights, rel=1e-6)
    expected = (losses * weights).sum(axis=1).mean()
    assert OBJECTIVES["effective_number"](POSITIVES)(*batch).item() == pytest.approx(expected, rel=1e-6)


@given(COUNTS)
def test_effective_numbers_sum_to_the_tasks_and_never_favour_the_larger(counts):
    weights = effective_number_weights(counts)
    assert weights.sum() == pytest.approx(len(counts))
    order = np.argsort(counts, kind="stable")
    assert (np.diff(weights[order]) <= 1e-12).all()


def test_effective_numbers_lie_between_equal_and_inverse():
    assert effective_number_weights(POSITIVES, beta=0.0) == pytest.approx([1, 1, 1])
    inverse = 1 / np.array(POSITIVES)
    assert effective_number_weights(POSITIVES, beta=1 - 1e-12) == pytest.approx(3 * inverse / inverse.sum(), rel=1e-3)
    with pytest.raises(ValueError, match="every task needs a positive window"):
        effective_number_weights([3, 0])


def test_focal_by_hand(batch):
    _, labels, weights = (part.numpy() for part in batch)
    _, p = by_hand(batch)
    losses = -labels * 0.75 * (1 - p) ** 2 * np.log(p) - (1 - labels) * 0.25 * p**2 * np.log(1 - p)
    assert OBJECTIVES["focal"](POSITIVES)(*batch).item() == pytest.approx(
        (weights * losses).sum(axis=1).mean(), rel=1e-6
    )


def test_hard_examples_by_hand(batch):
    losses, _ = by_hand(batch)
    kept = np.sort(losses.sum(axis=1))[-7:]
    assert OBJECTIVES["ohem"](POSITIVES)(*batch).item() == pytest.approx(kept.mean(), rel=1e-6)
    assert OBJECTIVES["ohem"](POSITIVES, keep=1.0)(*batch).item() == pytest.approx(
        OBJECTIVES["sum"](POSITIVES)(*batch).item(), rel=1e-6
    )


def test_windows_that_are_not_hard_get_no_gradient(batch):
    logits, labels, weights = batch
    logits = logits.clone().requires_grad_()
    OBJECTIVES["ohem"](POSITIVES, keep=0.3)(logits, labels, weights).backward()
    moved = set(np.flatnonzero(logits.grad.abs().sum(dim=1).numpy() > 0).tolist())
    assert moved == set(hardest(cross_entropies(*batch), 0.3).tolist())
    assert len(moved) == 3


def test_one_window_is_kept_of_the_smallest_batch():
    assert hardest(torch.ones(1, 2), 0.1).tolist() == [0]


def test_uncertainty_by_hand(batch):
    losses, _ = by_hand(batch)
    objective = OBJECTIVES["uncertainty"](POSITIVES)
    assert objective(*batch).item() == pytest.approx(losses.mean(axis=0).sum(), rel=1e-6)
    with torch.no_grad():
        objective.log_variances.copy_(torch.tensor([0.5, -1.0, 2.0]))
    s = np.array([0.5, -1.0, 2.0])
    assert objective(*batch).item() == pytest.approx((np.exp(-s) * losses.mean(axis=0) + s).sum(), rel=1e-5)


def test_uncertainty_of_hard_examples_by_hand(batch):
    losses, _ = by_hand(batch)
    kept = losses[np.argsort(losses.sum(axis=1))[-7:]]
    objective = OBJECTIVES["uncertainty_ohem"](POSITIVES)
    with torch.no_grad():
        objective.log_variances.fill_(1.0)
    expected = (np.exp(-1) * kept.mean(axis=0) + 1).sum()
    assert objective(*batch).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["uncertainty", "uncertainty_ohem"])
def test_log_variances_settle_at_the_log_of_their_loss(name, batch):
    objective = OBJECTIVES[name](POSITIVES, keep=1.0)
    optimizer = torch.optim.Adam(objective.parameters(), lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        objective(*batch).backward()
        optimizer.step()
    expected = np.log(by_hand(batch)[0].mean(axis=0))
    assert objective.log_variances.detach().numpy() == pytest.approx(expected, abs=1e-2)


@pytest.mark.parametrize("name", OBJECTIVES.names())
def test_what_is_hidden_from_a_task_changes_nothing(name, batch):
    logits, labels, weights = batch
    objective = OBJECTIVES[name](POSITIVES)
    hidden = weights == 0
    assert hidden.any()
    changed = torch.where(hidden, -5 * logits, logits)
    flipped = torch.where(hidden, 1 - labels, labels)
    assert torch.equal(objective(logits, labels, weights), objective(changed, flipped, weights))


@pytest.mark.parametrize("name", OBJECTIVES.names())
def test_far_out_logits_give_finite_losses_and_gradients(name):
    logits = torch.tensor([[300.0, -300.0, 0.0], [-300.0, 300.0, 0.0]]).requires_grad_()
    labels = torch.tensor([[1.0, 0.0, 0.5], [1.0, 0.0, 1.0]])
    loss = OBJECTIVES[name](POSITIVES)(logits, labels, torch.ones(2, 3))
    loss.backward()
    assert loss.ndim == 0
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_an_unknown_objective_lists_the_known_ones():
    with pytest.raises(InputError, match="effective_number, focal, ohem, sum, uncertainty, uncertainty_ohem"):
        OBJECTIVES["hinge"]
