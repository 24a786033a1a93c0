"""Distillation of a fast student from a slow teacher.

The teacher, any released model, is asked for the logits of all tasks on its own training windows and on windows made
from them; labels play no part. A logit counts only where the task would be asked in a scan, that is where its base and
motif fit, so nothing is learned about a methylated adenosine at a U. The teacher's logits and the state of the training
are kept in a checkpoint folder, and every draw is a function of (seed, block) or (seed, step): a job that was killed
goes on where it stopped and ends with the same weights on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from .. import __version__
from ..errors import InputError
from ..evaluation.calibration import Calibration, fit_calibration
from ..models.checkpoint import load_model
from ..models.directory import ModelConfig, read_config
from ..models.student import Student
from ..prediction.fast import agreement, score_fast
from ..prediction.score import pick_device, score_tasks
from .fit import digest_splits, read_split
from .lessons import Pool, ask_teacher
from .sampler import TaskData
from .settings import DistillationSettings, TrainingSettings
from .targets.teacher import TeacherTarget
from .trainer import digest_of, train

CLIP = 1.0
"""Largest norm of the gradient."""


class Distilled(NamedTuple):
    """What :func:`distil_student` gives; the fields between the first and the last describe the student.

    ``calibration``: task to constants for the student's logits. ``agreement``: task to Spearman's correlation with the
    teacher. Both are of the validation windows, which the student was not trained on. ``training``: settings, for the
    record. ``history``: one row per epoch with ``epoch``, ``loss``, ``agreement`` (mean over tasks), ``seconds``,
    ``windows_per_second``.
    """

    student: Student
    calibration: dict[str, dict[str, Any]]
    agreement: dict[str, float]
    training: dict[str, Any]
    history: list[dict[str, Any]]


def distil_student(
    folder: str | Path,
    splits: Mapping[str, str | Path],
    *,
    scheme: str,
    settings: DistillationSettings,
    seed: int,
    checkpoints: str | Path,
    hyperparameters: Mapping[str, Any] | None = None,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> Distilled:
    """Train a student of a released model, or finish a training that was interrupted.

    Parameters
    ----------
    folder : path-like
        Model directory of the teacher: networks or a stack.
    splits : mapping of task to path
        Parquet files of the **splits** border; the training split teaches, the validation split calibrates.
    scheme : str
        The one that the teacher was trained on.
    settings : DistillationSettings
    seed : int
    checkpoints : path-like
        Root under which folders named by a hash of teacher, data and settings are kept.
    hyperparameters : mapping, optional
        Of :class:`~rnamarks.models.settings.student.StudentSettings`. ``receptive`` is what the teacher's network reads
        unless it is given; of a stack, whose baselines read it all, the window.
    device : {"auto", "cpu", "cuda"}
    threads : int
        CPU threads of torch; part of what makes a run repeatable.
    report : callable
        Given one line per block of the teacher and per epoch.

    Raises
    ------
    InputError
        If windows of a task are missing or cannot be calibrated on, or a setting or hyperparameter is wrong.
    """
    torch.set_num_threads(threads)
    where = pick_device(device)
    model, config = load_model(folder)
    tasks = config.heads
    # the student stands for the networks of a combined model, at the bases that its trees are asked about
    windows = {task: task for task in tasks} if not config.combiner else dict.fromkeys(tasks, config.task_names[0])
    teacher = model.networks if config.combiner else model
    missing = [task for task in windows.values() if task not in splits]
    if missing:
        raise InputError("there are no windows of a task of the model", value=missing, remedy="give those of all tasks")
    training = {task: read_split(splits[windows[task]], scheme, "train") for task in tasks}
    validation = {task: read_split(splits[windows[task]], scheme, "valid") for task in tasks}
    # baselines read the whole window
    reads = config.window if config.stack else model.networks.members[0].reads
    torch.manual_seed(seed)
    student = Student(tasks, **{"receptive": reads} | dict(hyperparameters or {}))
    pool = Pool(training, student.receptive, settings, seed)
    record = {"teacher": read_config(folder)[1], "scheme": scheme, "seed": seed, "threads": threads}
    made = {name: getattr(settings, name) for name in ("copies", "minimum", "maximum", "mutation_rate")}
    asked = record | made | {"receptive": student.receptive, "device": where.type, "version": __version__}
    asked["data"] = digest_splits({task: splits[windows[task]] for task in tasks}, scheme, "train")
    lessons = Path(checkpoints) / digest_of(asked)
    codes, targets = ask_teacher(teacher, config.network_tasks, pool, lessons, where, report)
    logits = {task: score_tasks(teacher, data.codes, [task], device=where)[:, 0] for task, data in validation.items()}

    def judge(network: nn.Module) -> dict[str, float]:
        return {
            task: agreement(score_fast(network, data.codes, device=where)[:, column], logits[task])
            for column, (task, data) in enumerate(validation.items())
        }

    target = TeacherTarget(codes, targets, pool.origin, settings, seed, judge)
    with torch.no_grad():
        student.output.bias.copy_(target.mean)
    result = train(
        student,
        target,
        TrainingSettings(
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            schedule="one_cycle",
            gradient_clip=CLIP,
            precision="32-true",
        ),
        seed=seed,
        checkpoints=lessons / f"student.{digest_of(asdict(settings) | student.hyperparameters)}",
        device=device,
        threads=threads,
        report=lambda line: report(f"student: {line}"),
    )
    student.load_state_dict(result.state)
    if config.combiner:
        # trees over the student's logits keep the constants of those over the networks', which these stand for
        calibration = dict(config.calibration)
    else:
        found = {
            task: score_fast(student, data.codes, device=where)[:, column]
            for column, (task, data) in enumerate(validation.items())
        }
        calibration = {
            task: _calibrated(config, task, data, found[task], f"valid, {task}, scheme {scheme}, student")
            for task, data in validation.items()
        }
    agreed = judge(student)
    record |= {"settings": asdict(settings), "windows": {"own": int(pool.own.sum()), "made": int((~pool.own).sum())}}
    history = [{key: value for key, value in row.items() if key not in ("stage", "score")} for row in result.history]
    return Distilled(student.cpu().eval(), calibration, agreed, record, history)


def _calibrated(config: ModelConfig, task: str, data: TaskData, logits: np.ndarray, said: str) -> dict[str, Any]:
    """Constants for the student's logits."""
    known = config.calibration.get(task)
    # of the same population as in exact mode, so that the probabilities of both modes are comparable
    prevalence = Calibration.from_dict(known).prevalence if known else None
    return fit_calibration(data.labels, logits, prevalence=prevalence, fitted_on=said, few="prior").to_dict()
