"""What is checked of networks and trainings when a configuration is read, long before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError
from ..models.settings import NETWORKS, Choice
from ..models.settings.student import StudentSettings
from .settings import DistillationSettings, SiteSettings, TrainingSettings

PRETRAINING: dict[str, Any] = {
    "learning_rate": 1e-4,
    "weight_decay": 0.01,
    "schedule": "one_cycle",
    # 2,000 of 200,000 steps
    "warm_up": 0.01,
    "floor": 0.2,
    "gradient_clip": 1.0,
    "validation_windows": 2000,
}
"""What RiNALMo's pre-training has (Penić et al. 2024) where a configuration says nothing."""


def check_network(name: str, entry: Mapping[str, Any]) -> None:
    """Check ``models.<name>`` of a configuration.

    Parameters
    ----------
    name : str
    entry : mapping
        ``network``, and ``hyperparameters`` and ``training`` where they are given.

    Raises
    ------
    InputError
        If the network or a key is unknown or a value is of another type or out of range; the message names the key, the
        value and what is allowed.
    """
    network = Choice(tuple(NETWORKS)).read(entry.get("network"))
    if network is None:
        raise InputError(
            f"models.{name}.network is not one of {', '.join(NETWORKS)}",
            value=entry.get("network"),
            remedy="change it",
            keys=("models", name, "network"),
        )
    hyperparameters = entry.get("hyperparameters", {})
    _check_trunk(name, hyperparameters, NETWORKS[network].of_trunk if "trunk" in entry else ())
    NETWORKS[network].from_mapping(hyperparameters, f"models.{name}.hyperparameters.")
    SiteSettings.from_mapping(entry.get("training", {}), f"models.{name}.training.")


def _check_trunk(name: str, hyperparameters: Mapping[str, Any], replaced: Sequence[str]) -> None:
    """Raise :class:`InputError` for a hyperparameter of a trunk that is not there, or for the trunk as one."""
    for given in hyperparameters:
        if given == "trunk":
            raise InputError(
                f"there is no setting models.{name}.hyperparameters.trunk",
                remedy=f"name the language model under models.{name}.trunk",
                keys=("models", name, "hyperparameters", given),
            )
        if given in replaced:
            raise InputError(
                f"models.{name}.hyperparameters.{given} is about the trunk that the language model replaces",
                value=hyperparameters[given],
                remedy="leave it out",
                keys=("models", name, "hyperparameters", given),
            )


def check_grid(name: str, entry: Mapping[str, Any], grid: Mapping[str, Sequence[Any]]) -> None:
    """Check each value of a line search's grid in the place that it takes in ``models.<name>``.

    Raises
    ------
    InputError
        As :func:`check_network`, or if an entry of the grid begins with neither ``hyperparameters.`` nor ``training.``.
    """
    for parameter, values in grid.items():
        where, _, key = parameter.partition(".")
        if where not in ("hyperparameters", "training") or not key:
            raise InputError(
                "an entry of line_search.grid has no place",
                value=parameter,
                remedy="begin it with hyperparameters. or training.",
                keys=("line_search", "grid", parameter),
            )
        for at, value in enumerate(values):
            try:
                check_network(name, dict(entry) | {where: dict(entry.get(where, {})) | {key: value}})
            except InputError as error:
                error.keys = ("line_search", "grid", parameter, at)
                raise


def pretraining_settings(given: Mapping[str, Any], where: str = "") -> TrainingSettings:
    """Settings of a pre-training: what is given, then :data:`PRETRAINING`; it never stops before its last epoch.

    Parameters
    ----------
    given : mapping
    where : str
        As of :meth:`TrainingSettings.from_mapping`.

    Raises
    ------
    InputError
        As :func:`check_network`.
    """
    values = PRETRAINING | dict(given)
    values.setdefault("head_learning_rate", values["learning_rate"])
    values.setdefault("patience", values.get("epochs", TrainingSettings.epochs))
    return TrainingSettings.from_mapping(values, where)


def check_student(entry: Mapping[str, Any]) -> None:
    """Check the section ``student`` of a configuration; errors as those of :func:`check_network`."""
    StudentSettings.from_mapping(entry.get("hyperparameters", {}), "student.hyperparameters.")
    DistillationSettings.from_mapping(entry.get("training", {}), "student.training.")
