"""Checks of every value of a model directory's ``config.json``, which may come from anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import InputError, about
from ..tasks import Task
from .settings import NETWORKS, Real, Whole

if TYPE_CHECKING:
    from .directory import ModelConfig

LANGUAGE = "language"
"""Name of the models that read whole sequences, see :mod:`rnamarks.models.language`."""
REMEDY = "copy the whole model directory again"
_MOST_TASKS = 1000
_WINDOW, _MEMBERS = Whole(1, 100_000), Whole(1, 1000)
_FINITE = Real(-1e300, 1e300)


def read_json(data: bytes, path: Path) -> dict[str, Any]:
    """The mapping that JSON text holds."""

    def not_finite(text: str) -> NoReturn:
        refuse(path, "it holds a number that is not finite", text)

    try:
        document = json.loads(data.decode("utf-8"), parse_constant=not_finite)
    except UnicodeDecodeError as error:
        raise InputError("the file is not UTF-8 text", path=path, remedy=REMEDY) from error
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", path=path, line=error.lineno, remedy=REMEDY) from error
    except RecursionError as error:
        raise InputError("not JSON: brackets lie too deep in one another", path=path, remedy=REMEDY) from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError("not JSON: a number has too many digits", path=path, remedy=REMEDY) from error
    if not isinstance(document, dict):
        refuse(path, "it is not a mapping", type(document).__name__)
    return document


def refuse(path: Path, what: str, value: object = None) -> NoReturn:
    """Raise :class:`InputError` for a value of ``config.json``."""
    raise InputError(f"the model's configuration cannot be used: {what}", path=path, value=value, remedy=REMEDY)


def read_tasks(records: Any, path: Path) -> list[Task]:
    """Tasks of their records, :class:`InputError` if these are at fault."""
    if not isinstance(records, list) or not 1 <= len(records) <= _MOST_TASKS:
        refuse(
            path, f"tasks is not a list of 1 to {_MOST_TASKS}", len(records) if isinstance(records, list) else records
        )
    with about(path=path):
        tasks = [Task.from_record(record) for record in records]
    if len({task.name for task in tasks}) < len(tasks):
        refuse(path, "two tasks have one name", [task.name for task in tasks])
    return tasks


def check_config(config: ModelConfig, path: Path) -> None:
    """Check types, ranges and finiteness of everything but the tasks; :class:`InputError` for the first fault."""
    if not isinstance(config.model, str) or not re.fullmatch("[A-Za-z0-9_]{1,64}", config.model):
        refuse(path, "model is not a name", config.model)
    for name, kind in (("window", _WINDOW), ("members", _MEMBERS)):
        value = getattr(config, name)
        if config.model == LANGUAGE and (name, value) == ("window", 0):
            continue
        if not isinstance(value, int) or kind.read(value) is None:
            refuse(path, f"{name} is not {kind}", value)
    for name in ("hyperparameters", "calibration", "thresholds", "training", "stack", "combiner"):
        if not isinstance(getattr(config, name), dict):
            refuse(path, f"{name} is not a mapping", getattr(config, name))
    if config.model in NETWORKS:
        try:
            NETWORKS[config.model].from_mapping(config.hyperparameters, "hyperparameters.")
        except InputError as error:
            refuse(path, error.what, error.value)
    for name in ("calibration", "thresholds"):
        unknown = sorted(set(getattr(config, name)) - set(config.task_names))
        if unknown:
            refuse(path, f"{name} is about tasks that the model has not", unknown)
    for task, constants in config.calibration.items():
        _check_row(constants, path, f"calibration.{task}", text=("method", "fitted_on"))
    for task, rows in config.thresholds.items():
        if not isinstance(rows, list):
            refuse(path, f"thresholds.{task} is not a list", rows)
        for row in rows:
            _check_row(row, path, f"thresholds.{task}", text=("note",), missing=True)
    ranking = config.ranks_only
    if not isinstance(ranking, list) or not all(name in config.task_names for name in ranking):
        refuse(path, "ranks_only is no list of the model's tasks", ranking)
    if config.stack:
        _check_stack(config, path)
    if config.combiner:
        if config.stack:
            refuse(path, "a stack has no combiner", sorted(config.combiner))
        # models without trees need nothing of this
        from .combiner import check_record

        try:
            check_record(config.combiner)
        except InputError as error:
            refuse(path, error.what, error.value)
        if len(config.tasks) > 1 or not config.combiner["heads"]:
            refuse(path, "a combiner is about one task, and about logits", config.task_names)


def _check_row(
    row: Any, path: Path, where: str, text: Sequence[str], missing: bool = False, names: set[str] | None = None
) -> None:
    """Refuse what is not a mapping of names to finite numbers, and of those in ``text`` to text."""
    if not isinstance(row, dict) or (names is not None and set(row) != names):
        refuse(path, f"{where} is not {'a mapping' if names is None else 'about ' + ', '.join(sorted(names))}", row)
    for key, value in row.items():
        if key in text:
            if not isinstance(value, str):
                refuse(path, f"{where}.{key} is not text", value)
        elif not (missing and value is None) and (isinstance(value, str) or _FINITE.read(value) is None):
            refuse(path, f"{where}.{key} is not a finite number", value)


def _check_stack(config: ModelConfig, path: Path) -> None:
    stack = config.stack
    if set(stack) != {"network", "weights", "baselines"}:
        refuse(path, "the stack is not described in full", sorted(stack))
    if not isinstance(stack["network"], str):
        refuse(path, "stack.network is not a name", stack["network"])
    for name in ("weights", "baselines"):
        if not isinstance(stack[name], dict):
            refuse(path, f"stack.{name} is not a mapping", stack[name])
    for name, hyperparameters in stack["baselines"].items():
        if not isinstance(hyperparameters, dict):
            refuse(path, f"stack.baselines.{name} is not a mapping", hyperparameters)
    if set(stack["weights"]) != set(config.task_names):
        refuse(path, "stack.weights has other tasks than the model", sorted(stack["weights"]))
    for task, weights in stack["weights"].items():
        _check_row(weights, path, f"stack.weights.{task}", (), names={stack["network"], *stack["baselines"]})
