"""Trainings on windows that no file holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnamarks.training.fit import fit_network
from rnamarks.training.sampler import TaskData
from rnamarks.training.settings import SiteSettings
from rnamarks.training.targets.site import SiteTarget
from rnamarks.training.trainer import TrainingResult


def fit_sites(
    network: str,
    hyperparameters: Mapping[str, Any],
    training: Mapping[str, TaskData],
    validation: Mapping[str, TaskData],
    settings: SiteSettings,
    *,
    seed: int,
    **options: Any,
) -> TrainingResult:
    """:func:`fit_network` on the windows of some tasks."""
    window = next(iter(training.values())).codes.shape[1]
    target = SiteTarget(training, validation, settings, seed)
    arguments = network, hyperparameters, list(training), window, target, settings
    return fit_network(*arguments, data={}, seed=seed, **options)
