"""What moves the weights: groups of parameters, the rate at a step, the moving average."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from .settings import TrainingSettings
from .targets.base import Target


def make_optimizer(network: nn.Module, target: Target, settings: TrainingSettings) -> torch.optim.AdamW:
    """AdamW over what is trained of a network and of its target.

    Parameters are grouped by learning rate and weight decay; ``base`` of a group is the rate that :func:`rate_factor`
    multiplies. Heads, and what :attr:`~rnamarks.models.registry.Network.fresh` names besides, have
    ``head_learning_rate``.
    """
    fresh = getattr(network, "fresh", ("heads.",))
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            rate = settings.head_learning_rate if name.startswith(fresh) else settings.learning_rate
            decay = settings.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    groups.setdefault((settings.learning_rate, 0.0), []).extend(target.parameters())
    return torch.optim.AdamW(
        {"params": group, "lr": rate, "base": rate, "weight_decay": decay}
        for (rate, decay), group in groups.items()
        if group
    )


def rate_factor(settings: TrainingSettings, step: int, total: int) -> float:
    """Factor of the learning rate at a step, counted from 0, of so many planned ones."""
    if settings.schedule == "constant":
        return 1.0
    warm = max(1, int(total * settings.warm_up))
    if step < warm:
        return (step + 1) / warm
    done = min(1.0, (step - warm) / max(1, total * settings.decay - warm))
    fall = 0.5 * (1 + math.cos(math.pi * done)) if settings.schedule == "one_cycle" else 1 - done
    return settings.floor + (1 - settings.floor) * fall


def averaged_copy(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of a network that follows it as an exponential moving average, buffers too.

    The decay at step t is at most (1 + t) / (10 + t), so that the first weights do not linger.
    """

    def average(kept: torch.Tensor, new: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        step = float(count)
        return kept + (1 - min(decay, (1 + step) / (10 + step))) * (new - kept)

    return AveragedModel(network, avg_fn=average, use_buffers=True)
