"""Fitted baselines as files: a model directory of their own, or part of a stack's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, about
from ..tasks import Task
from .array_files import read_arrays
from .baselines import BASELINES, Baseline
from .directory import ModelConfig, check_weights, read_config, write_weights


def save_baselines(
    folder: str | Path,
    name: str,
    fitted: Mapping[str, Baseline],
    tasks: Sequence[Task],
    *,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write fitted baselines as a model directory, in the networks' format.

    Parameters
    ----------
    folder : path-like
    name : str
        In :data:`BASELINES`.
    fitted : mapping of task to Baseline
        All of one kind, width and hyperparameters; for a joint one, all of one fit.
    tasks : sequence of Task
        Those of ``fitted``, in their order.
    training : mapping, optional
        For the record.
    """
    first = fitted[tasks[0].name]
    write_weights(
        folder,
        _named({task.name: fitted[task.name] for task in tasks}),
        ModelConfig(name, list(tasks), first.width, first.hyperparameters(), training=dict(training or {})),
    )


def load_baselines(folder: str | Path) -> tuple[dict[str, Baseline], ModelConfig]:
    """Fitted baselines by task, as :func:`save_baselines` wrote them; the weights' hash is checked first."""
    config, digest = read_config(folder)
    path = check_weights(folder, digest)
    return _rebuild(config.model, config.hyperparameters, config.task_names, read_arrays(path), path), config


def stack_arrays(baselines: Mapping[str, Mapping[str, Baseline]]) -> dict[str, np.ndarray]:
    """The arrays of a stack's baselines, given by name and task; each is called ``<baseline>.<task>.<array>``.

    What the tasks of a joint baseline share is there once, under an empty task: ``<baseline>..<array>``.
    """
    return {f"{name}.{key}": array for name, fitted in baselines.items() for key, array in _named(fitted).items()}


def rebuild_stack(config: ModelConfig, arrays: Mapping[str, np.ndarray], path: Path) -> dict[str, dict[str, Baseline]]:
    """The baselines of a stack, by name and task, from what :func:`stack_arrays` gave.

    Parameters
    ----------
    config : ModelConfig
        ``stack`` in it names the baselines.
    arrays : mapping of str to numpy.ndarray
    path : path-like
        The file that the arrays come from, for messages.

    Raises
    ------
    InputError
        If the arrays do not fit the configuration, or a baseline needs a package that is not installed.
    """
    known = config.stack["baselines"]
    found: dict[str, dict[str, np.ndarray]] = {name: {} for name in known}
    for key, array in arrays.items():
        name, _, rest = key.partition(".")
        if name not in found:
            raise InputError("an array belongs to no baseline", path=path, value=key, remedy="pack the model again")
        found[name][rest] = array
    return {
        name: _rebuild(name, hyperparameters, config.task_names, found[name], path)
        for name, hyperparameters in known.items()
    }


def _named(fitted: Mapping[str, Baseline]) -> dict[str, np.ndarray]:
    named: dict[str, np.ndarray] = {}
    for task, baseline in fitted.items():
        for key, array in baseline.to_arrays().items():
            name = f".{key}" if key in baseline.shared else f"{task}.{key}"
            if not np.array_equal(named.setdefault(name, array), array):
                raise ValueError(f"the tasks of a joint baseline differ in {key!r}: they come from several fits")
    return named


def _rebuild(
    name: str, hyperparameters: Mapping[str, Any], tasks: list[str], arrays: Mapping[str, np.ndarray], path: Path
) -> dict[str, Baseline]:
    found: dict[str, dict[str, np.ndarray]] = {task: {} for task in ("", *tasks)}
    for key, array in arrays.items():
        task, _, inner = key.rpartition(".")
        if task not in found:
            raise InputError("an array belongs to no task", path=path, value=key, remedy="save the model again")
        found[task][inner] = array
    shared = found.pop("")
    kind = BASELINES[name]
    with about(name, path=path):
        return {task: kind.from_arrays(shared | part, hyperparameters) for task, part in found.items()}
