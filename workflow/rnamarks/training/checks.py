"""What is checked of networks and trainings when a configuration is read, long before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError
from ..models.settings import NETWORKS, Choice
from ..models.settings.student import StudentSettings
from .settings import DistillationSettings, TrainingSettings


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
    NETWORKS[network].from_mapping(entry.get("hyperparameters", {}), f"models.{name}.hyperparameters.")
    TrainingSettings.from_mapping(entry.get("training", {}), f"models.{name}.training.")


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


def check_student(entry: Mapping[str, Any]) -> None:
    """Check the section ``student`` of a configuration; errors as those of :func:`check_network`."""
    StudentSettings.from_mapping(entry.get("hyperparameters", {}), "student.hyperparameters.")
    DistillationSettings.from_mapping(entry.get("training", {}), "student.training.")
