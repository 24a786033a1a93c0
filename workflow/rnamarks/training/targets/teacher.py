"""The logits of a slow teacher (Hinton, Vinyals & Dean 2015, arXiv:1503.02531), judged by the agreement with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..curriculum import Stage
from ..settings import DistillationSettings
from .base import TOGETHER, Target


class TeacherTarget(Target):
    """Batches of a teacher's windows, and the mean agreement over tasks as the score.

    Rows of the history have ``loss`` (mean over the steps of the epoch) and ``agreement``.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n, width), dtype=uint8
    logits : numpy.ndarray, shape=(n, n_tasks), dtype=float32
        Of the teacher; NaN does not count.
    origin : numpy.ndarray, shape=(n,)
        Index of the task that a window belongs to.
    settings : DistillationSettings
    seed : int
    judge : callable
        From the student to the agreement with the teacher, task to number.

    Attributes
    ----------
    mean, scale : torch.Tensor, shape=(n_tasks,)
        Mean and standard deviation of the teacher's logits.
    """

    score_name = "agreement"
    keeps_last = True

    def __init__(
        self,
        codes: np.ndarray,
        logits: np.ndarray,
        origin: np.ndarray,
        settings: DistillationSettings,
        seed: int,
        judge: Callable[[nn.Module], Mapping[str, float]],
    ) -> None:
        super().__init__()
        self.codes, self.logits, self.seed, self.judge = codes, logits, seed, judge
        self.logit_weight = settings.logit_weight
        self.stages = [Stage((), (TOGETHER,))]
        self.steps_per_epoch = max(1, len(codes) // settings.batch_size)
        self.batch_size = min(settings.batch_size, len(codes))
        known = np.isfinite(logits)
        counts = known.sum(axis=0).clip(min=1)
        mean = np.where(known, logits, 0).sum(axis=0) / counts
        spread = np.sqrt(np.where(known, (logits - mean) ** 2, 0).sum(axis=0) / counts).clip(min=1e-3)
        self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
        self.register_buffer("scale", torch.from_numpy(spread.astype(np.float32)))
        sizes = np.bincount(origin)
        chances = (sizes[origin] ** (settings.temper - 1.0)).astype(np.float64)
        self.chances = chances / chances.sum()
        self._drawn: tuple[int, np.ndarray] = (-1, np.empty(0))

    def batch(self, key: str, visit: int) -> tuple[np.ndarray, ...]:
        """See :meth:`Target.batch`: codes and logits."""
        epoch, step = divmod(visit, self.steps_per_epoch)
        if self._drawn[0] != epoch:
            shape = (self.steps_per_epoch, self.batch_size)
            random = np.random.default_rng([self.seed, 34, epoch])
            self._drawn = epoch, random.choice(len(self.codes), size=shape, p=self.chances)
        rows = self._drawn[1][step]
        return self.codes[rows], self.logits[rows]

    def loss(self, network: nn.Module, key: str, *batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See :meth:`Target.loss`."""
        codes, logits = batch
        loss = distillation_loss(network(codes), logits, self.scale, self.logit_weight)
        return loss, loss.detach()

    def validate(
        self, network: nn.Module, stage: Stage, recorded: Mapping[str, torch.Tensor], device: torch.device
    ) -> tuple[float, list[dict[str, Any]]]:
        """See :meth:`Target.validate`."""
        agreed = float(np.mean(list(self.judge(network).values())))
        return agreed, [{"loss": float(recorded[TOGETHER].double().mean()), "agreement": agreed}]


def distillation_loss(
    logits: torch.Tensor, targets: torch.Tensor, scale: torch.Tensor, logit_weight: float
) -> torch.Tensor:
    """Mean over tasks of the cross-entropy against the teacher's probabilities and the squared error of logits.

    Parameters
    ----------
    logits, targets : torch.Tensor, shape=(batch, n_tasks)
        Of student and teacher; a target that is NaN does not count. Each task is averaged over its own entries, so that
        one that seldom fits weighs as much as the others.
    scale : torch.Tensor, shape=(n_tasks,)
        Standard deviation of the teacher's logits; the squared error is in its units.
    logit_weight : float
    """
    known = torch.isfinite(targets)
    targets = torch.where(known, targets, 0.0)
    cross = F.binary_cross_entropy_with_logits(logits, targets.sigmoid(), reduction="none")
    error = cross + logit_weight * ((logits - targets) / scale) ** 2
    counts = known.sum(dim=0)
    each = torch.where(known, error, 0.0).sum(dim=0) / counts.clamp(min=1)
    return each.sum() / (counts > 0).sum().clamp(min=1)
