"""Whether the nucleotide in the middle of a window is modified: binary cross-entropy, judged by AUROC."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ...errors import InputError
from ...evaluation.bootstrap import Ranking
from ...models.registry import Network
from ...prediction.score import score_windows
from ..curriculum import CURRICULA, Stage
from ..objectives import OBJECTIVES, cross_entropies
from ..pooled import PooledSampler, pool_tasks
from ..sampler import BalancedSampler, TaskData
from ..settings import SiteSettings
from .base import TOGETHER, Target


class SiteTarget(Target):
    """Batches of one task or of all, and the area under the ROC curve as the score.

    Rows of the history have ``task``, ``loss`` (mean cross-entropy of that task's training windows in the epoch, in
    pooled batches weighted, but not by the objective), ``auroc`` and ``auprc`` (on the validation split). The score is
    the mean AUROC over the stage's tasks.

    Parameters
    ----------
    training, validation : mapping of task to TaskData
        The order of ``training`` is the order of the curriculum.
    settings : SiteSettings
    seed : int

    Raises
    ------
    InputError
        If a split of a task lacks a label, or pooled windows have several widths.
    """

    score_name = "validation AUROC"

    def __init__(
        self, training: Mapping[str, TaskData], validation: Mapping[str, TaskData], settings: SiteSettings, seed: int
    ) -> None:
        super().__init__()
        if set(training) != set(validation):
            raise ValueError("training and validation have different tasks")
        self.smoothing, self.is_pooled, self.batch_size = (
            settings.label_smoothing,
            settings.is_pooled,
            settings.batch_size,
        )
        draws: dict[str, Any] = {name: getattr(settings, name) for name in ("batch_size", "sampling", "shift")}
        draws["seed"] = seed
        self.samplers: dict[str, BalancedSampler | PooledSampler]
        if self.is_pooled:
            pooled = pool_tasks(training)
            self.objective = OBJECTIVES[settings.objective](pooled.labels.sum(axis=0), keep=settings.ohem_keep)
            self.samplers = {TOGETHER: PooledSampler(pooled, draw=settings.draw, others=settings.others, **draws)}
            self.stages = [Stage(tuple(training), (TOGETHER,))]
            windows = len(pooled.codes)
        else:
            self.samplers = {task: BalancedSampler(task, data, **draws) for task, data in training.items()}
            sizes = {task: len(data.labels) for task, data in training.items()}
            self.stages = CURRICULA[settings.curriculum](sizes)
            windows = sum(sizes.values())
        self.training, self.shifts = training, bool(settings.shift)
        self.stage_epochs = settings.stage_epochs
        self.steps_per_epoch = settings.steps_for(windows)
        self.validation = {task: _subset(data, settings.validation_windows, seed) for task, data in validation.items()}

    def prepare(self, network: Network, seed: int) -> None:
        """See :meth:`Target.prepare`."""
        network.prepare(pool_tasks(self.training).codes, seed)

    def repeated(self) -> np.ndarray:
        """See :meth:`Target.repeated`: training windows unless they are shifted, and validation windows."""
        parts = [*self.validation.values(), *(() if self.shifts else self.training.values())]
        return np.concatenate([part.codes for part in parts])

    def batch(self, key: str, visit: int) -> tuple[np.ndarray, ...]:
        """See :meth:`Target.batch`: codes, labels, and in pooled batches weights."""
        return self.samplers[key].batch(visit)

    def loss(self, network: nn.Module, key: str, *batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See :meth:`Target.loss`."""
        codes, labels, *weights = batch
        labels = labels * (1 - self.smoothing) + self.smoothing / 2
        if self.is_pooled:
            logits = network.forward_all(codes).float()
            entropies = cross_entropies(logits.detach(), labels, *weights)
            recorded = torch.stack([entropies.sum(dim=0), weights[0].sum(dim=0)])
            return self.objective(logits, labels, *weights), recorded
        loss = F.binary_cross_entropy_with_logits(network(codes, key).float(), labels)
        return loss, loss.detach()

    def validate(
        self, network: nn.Module, stage: Stage, recorded: Mapping[str, torch.Tensor], device: torch.device
    ) -> tuple[float, list[dict[str, Any]]]:
        """See :meth:`Target.validate`."""
        if self.is_pooled:
            total, weight = recorded[TOGETHER].sum(dim=0)
            losses = dict(zip(stage.tasks, (total / weight).tolist(), strict=True))
        else:
            losses = {task: float(steps.mean()) for task, steps in recorded.items()}
        rows = []
        for task in stage.tasks:
            data = self.validation[task]
            logits = score_windows(network, data.codes, task, device=device)
            if not np.isfinite(logits).all():
                raise InputError(
                    f"training diverged: logits of {task} are not finite", remedy="lower the learning rate"
                )
            auroc, (auprc,) = Ranking(data.labels, logits.astype(np.float64)).weighted(np.ones((1, len(logits))))
            rows.append(
                {"task": task, "loss": losses.get(task, math.nan), "auroc": float(auroc[0]), "auprc": float(auprc[0])}
            )
        return float(np.mean([row["auroc"] for row in rows])), rows


def _subset(data: TaskData, most: int, seed: int) -> TaskData:
    if not data.labels.any() or data.labels.all():
        raise InputError("the validation split lacks one of the two classes", remedy="give more windows")
    if not most or len(data.labels) <= most:
        return data
    rows = np.sort(np.random.default_rng([seed, 7]).permutation(len(data.labels))[:most])
    subset = TaskData(data.codes[rows], data.labels[rows])
    return subset if subset.labels.any() and not subset.labels.all() else data
