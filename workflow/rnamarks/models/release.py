"""The released model: its seeds as one ensemble, with the baselines of a stack where it is one, with calibration and
thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import InputError
from ..evaluation.calibration import Calibration
from ..tasks import Task
from .baseline_files import load_baselines, stack_arrays
from .baselines import Baseline
from .combiner import COMBINER, read_combiner
from .directory import ModelConfig, read_members, write_model
from .stack import weight_table

THRESHOLD_COLUMNS = ("target_precision", "probability", "precision", "recall", "prevalence")


def pack_release(
    folders: Sequence[str | Path],
    folder: str | Path,
    *,
    calibration: pd.DataFrame,
    thresholds: pd.DataFrame,
    scheme: str,
    tasks: Sequence[Task] = (),
    baselines: Sequence[str | Path] = (),
    weights: pd.DataFrame | None = None,
    ranks_only: Sequence[str] = (),
    combiner: str | Path | None = None,
) -> ModelConfig:
    """Join the trainings of several seeds into one model directory, and with them the baselines of a stack.

    Parameters
    ----------
    folders : sequence of path-like
        Model directories that differ in nothing but the seed.
    folder : path-like
        Where to write.
    calibration, thresholds : pandas.DataFrame
        Of this predictor, made from its own predictions: what :func:`rnamarks.evaluation.calibrate.calibrate` gives.
        Rows of tasks that the model has not are left out.
    scheme : str
        That the trainings are of.
    tasks : sequence of Task
        With the labels and colours that the release keeps, which the trainings do not depend on; others are ignored.
    baselines : sequence of path-like
        Of a stack: model directories of its fitted baselines.
    weights : pandas.DataFrame, optional
        Of a stack: what :func:`rnamarks.models.stack.fit_weights` gave.
    ranks_only : sequence of str
        Tasks that rank nucleotides and call none; those that the model has not are ignored.
    combiner : path-like, optional
        Trees over the networks' logits: what :func:`rnamarks.models.combiner.write_combiner` wrote.

    Raises
    ------
    InputError
        If the parts do not belong together: trainings that differ in more than the seed, baselines of another scheme
        or window, weights of other members or tasks; or if a task has no calibration.
    """
    members, configs = [], []
    for source in folders:
        states, config = read_members(source)
        members += states
        configs.append(config)
    first = configs[0]
    for config in configs[1:]:
        if (config.tasks, config.window, config.hyperparameters) != (first.tasks, first.window, first.hyperparameters):
            raise InputError("the models to release differ in more than the seed", value=[str(f) for f in folders])
    if combiner is not None:
        # the trees are about the one task that was calibrated, whatever the networks were trained on
        known = {task.name: task for task in tasks}
        first.tasks = [known[name] for name in dict.fromkeys(calibration["task"])]
    first.tasks = [_dressed(task, tasks) for task in first.tasks]
    names = [entry.name for entry in fields(Calibration)]
    first.calibration = {
        row["task"]: Calibration(**{name: row[name] for name in names}).to_dict()
        for row in calibration[calibration["task"].isin(first.task_names)].to_dict("records")
    }
    lacking = sorted(set(first.task_names) - set(first.calibration))
    if lacking:
        raise InputError("tasks of the model have no calibration", value=lacking, remedy="calibrate the predictor")
    chosen = thresholds[thresholds["task"].isin(first.task_names)]
    first.thresholds = {
        task: [
            {"note": row["note"] or ""} | {name: row[name] for name in THRESHOLD_COLUMNS}
            for row in part.astype(object).where(part.notna(), None).to_dict("records")
        ]
        for task, part in chosen.groupby("task")
    }
    first.training["seeds"] = [config.training["seed"] for config in configs]
    first.training.pop("seed", None)
    first.training.pop("best_epoch", None)
    first.ranks_only = [name for name in first.task_names if name in ranks_only]
    fitted: dict[str, dict[str, Baseline]] = {}
    if baselines:
        fitted = _fitted(baselines, first, scheme)
        first.stack = _describe_stack(first, fitted, weights)
    more = stack_arrays(fitted)
    if combiner is not None:
        trees = read_combiner(combiner)
        first.combiner = trees.record()
        (task,) = first.task_names
        first.training["windows"] = {**first.training["windows"], task: trees.windows}
        more = {f"{COMBINER}.{task}.{name}": array for name, array in trees.to_arrays().items()}
    write_model(folder, members, first, more)
    return first


def _dressed(task: Task, known: Sequence[Task]) -> Task:
    """The task with the label and colour of the known one of its name."""
    for one in known:
        if one.name == task.name:
            return replace(task, label=one.label, colour=one.colour)
    return task


def _fitted(folders: Sequence[str | Path], config: ModelConfig, scheme: str) -> dict[str, dict[str, Baseline]]:
    """Baselines by name and task; they must belong to the networks that ``config`` describes."""
    fitted = {}
    for source in folders:
        found, own = load_baselines(source)
        for what, value, wanted in (
            ("scheme", own.training.get("scheme"), scheme),
            ("window", own.window, config.window),
            ("tasks", sorted(set(config.task_names) & set(found)), sorted(config.task_names)),
        ):
            if value != wanted:
                raise InputError(
                    f"the baseline was fitted for another {what} than the networks' {wanted}",
                    path=source,
                    value=value,
                    remedy="fit it in the same run",
                )
        fitted[own.model] = {task: found[task] for task in config.task_names}
    return fitted


def _describe_stack(
    config: ModelConfig, fitted: Mapping[str, Mapping[str, Baseline]], weights: pd.DataFrame | None
) -> dict[str, Any]:
    """:attr:`ModelConfig.stack`; the weights must be for the tasks, one network and these baselines."""
    table = weight_table(weights) if weights is not None else {}
    members = {frozenset(table.get(task, ())) for task in config.task_names}
    network = set.intersection(*map(set, members)) - set(fitted)
    if len(members) > 1 or len(network) != 1 or not members.pop() > set(fitted):
        raise InputError(
            f"the weights of the stack are not for {', '.join(config.task_names)}, one network and {', '.join(fitted)}",
            value=sorted({name for entry in table.values() for name in entry}),
            remedy="fit them on the same members",
        )
    return {
        "network": network.pop(),
        "weights": {task: table[task] for task in config.task_names},
        "baselines": {name: next(iter(found.values())).hyperparameters() for name, found in fitted.items()},
    }
