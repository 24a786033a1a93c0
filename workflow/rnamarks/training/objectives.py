"""Losses of pooled batches: what is done about modifications that differ a hundredfold in size.

An objective is a module called as ``objective(logits, labels, weights)``, each of shape (batch, tasks), labels 0 to 1,
and gives one number to minimise. The loss of a window and a task is the binary cross-entropy times the weight, so that
a weight of 0 hides a window from a task. Song et al. 2021 (Table 2) compare hard examples, uncertainty weighting, both
and the focal loss, and keep both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..registry import Register

BETA = 0.99999
ALPHA = 0.75
GAMMA = 2.0


def cross_entropies(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted binary cross-entropies in nats; all arguments and the result have shape (batch, tasks)."""
    return weights * F.binary_cross_entropy_with_logits(logits, labels, reduction="none")


def hardest(losses: torch.Tensor, keep: float) -> torch.Tensor:
    """Indices of the windows with the largest loss summed over tasks: a fraction ``keep`` of them, one at least.

    Parameters
    ----------
    losses : torch.Tensor, shape=(batch, tasks)
    keep : float
        Above 0, up to 1.
    """
    count = max(1, round(keep * len(losses)))
    return losses.detach().sum(dim=1).topk(count).indices


def effective_number_weights(positives: Sequence[int] | np.ndarray, beta: float = BETA) -> np.ndarray:
    """Weights of classes, inverse to their effective number of samples (Cui et al. 2019, CVPR, Eq. 2).

    Parameters
    ----------
    positives : sequence of int, length n_tasks
        Samples of each class, 1 or more.
    beta : float
        0 gives equal weights, 1 in the limit weights inverse to the number.

    Returns
    -------
    numpy.ndarray, shape=(n_tasks,), dtype=float64
        (1 - beta) / (1 - beta ** n), scaled to sum to n_tasks.
    """
    counts = np.asarray(positives, dtype=np.float64)
    if not (counts >= 1).all():
        raise ValueError(f"every task needs a positive window, but the numbers are {counts.tolist()}")
    inverse = (1 - beta) / -np.expm1(counts * np.log(beta)) if beta else np.ones_like(counts)
    return inverse * len(counts) / inverse.sum()


class Objective(nn.Module):
    """What all objectives are built from, whether or not they use it.

    Parameters
    ----------
    positives : sequence of int, length n_tasks
        Positive training windows of each task, in the order of the columns.
    keep : float
        Fraction of a batch that online hard example mining keeps.
    """

    def __init__(self, positives: Sequence[int] | np.ndarray, *, keep: float = 0.7) -> None:
        super().__init__()
        self.tasks, self.keep = len(positives), keep


OBJECTIVES: Register[type[Objective]] = Register("objective")


@OBJECTIVES.add("sum")
class Sum(Objective):
    """Cross-entropy summed over tasks, mean over the batch."""

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """The loss, a scalar."""
        return cross_entropies(logits, labels, weights).sum(dim=1).mean()


@OBJECTIVES.add("effective_number")
class EffectiveNumber(Objective):
    """The sum with each task's loss times its :func:`effective_number_weights` (Cui et al. 2019, CVPR)."""

    def __init__(self, positives: Sequence[int] | np.ndarray, *, keep: float = 0.7) -> None:
        super().__init__(positives, keep=keep)
        scales = torch.from_numpy(effective_number_weights(positives)).float()
        self.register_buffer("scales", scales)

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """The loss, a scalar."""
        return (self.scales * cross_entropies(logits, labels, weights)).sum(dim=1).mean()


@OBJECTIVES.add("focal")
class Focal(Objective):
    """Focal loss (Lin et al. 2017, ICCV, Eq. 5) with alpha 0.75 and gamma 2, summed over tasks, mean over the batch.

    A positive counts alpha (1 - p)^gamma, a negative (1 - alpha) p^gamma times its cross-entropy.
    """

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """The loss, a scalar."""
        positive = -ALPHA * torch.sigmoid(-logits) ** GAMMA * F.logsigmoid(logits)
        negative = -(1 - ALPHA) * torch.sigmoid(logits) ** GAMMA * F.logsigmoid(-logits)
        return (weights * (labels * positive + (1 - labels) * negative)).sum(dim=1).mean()


@OBJECTIVES.add("ohem")
class HardExamples(Objective):
    """Online hard example mining (Shrivastava et al. 2016, CVPR): the sum, over the :func:`hardest` windows alone."""

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """The loss, a scalar: mean over the windows that are kept."""
        losses = cross_entropies(logits, labels, weights)
        return losses[hardest(losses, self.keep)].sum(dim=1).mean()


@OBJECTIVES.add("uncertainty")
class Uncertainty(Objective):
    """Uncertainty weighting (Kendall et al. 2018, CVPR): sum over tasks of exp(-s) L + s, L the task's mean loss.

    s, a task's log-variance, begins at 0 and is trained with the network; Song et al. 2021 write it so, Kendall et
    al. (Eq. 10) with s / 2. A task's fraction of the gradient of the shared layers thus tends to one over its loss.

    Attributes
    ----------
    log_variances : torch.nn.Parameter, shape=(n_tasks,)
    """

    def __init__(self, positives: Sequence[int] | np.ndarray, *, keep: float = 0.7) -> None:
        super().__init__(positives, keep=keep)
        self.log_variances = nn.Parameter(torch.zeros(self.tasks))

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """The loss, a scalar; it may be negative."""
        return self._weigh(cross_entropies(logits, labels, weights))

    def _weigh(self, losses: torch.Tensor) -> torch.Tensor:
        return (torch.exp(-self.log_variances) * losses.mean(dim=0) + self.log_variances).sum()


@OBJECTIVES.add("uncertainty_ohem")
class UncertaintyHardExamples(Uncertainty):
    """Both: uncertainty weighting over the windows that online hard example mining keeps (the model of Song et al.).

    Windows are chosen by their loss before the log-variances weigh it.
    """

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """The loss, a scalar; it may be negative."""
        losses = cross_entropies(logits, labels, weights)
        return self._weigh(losses[hardest(losses, self.keep)])
