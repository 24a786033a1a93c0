"""Training of a fast student on the logits of a slow teacher (Hinton, Vinyals & Dean 2015, arXiv:1503.02531).

The teacher, any released model, is asked for the logits of all heads on its own training windows and on windows made
from them; labels play no part. A logit counts only where the head would be asked in a scan, that is where the base and
the motif fit, so nothing is learned about a methylated adenosine at a U. Logits of the teacher and the state after each
epoch are kept in a checkpoint folder, and every draw is a function of (seed, block) or (seed, epoch): a job that was
killed goes on where it stopped and ends with the same weights on a CPU.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .. import __version__
from ..errors import InputError
from ..evaluation.calibration import Calibration, fit_calibration
from ..files import atomic_path
from ..models.checkpoint import load_model
from ..models.directory import read_config
from ..models.student import Student
from ..prediction.fast import agreement, score_fast
from ..prediction.heads import score_heads
from ..prediction.score import pick_device
from .fit import digest_of, read_part
from .lessons import Pool, ask_teacher
from .trainer import one_cycle


@dataclass(frozen=True)
class DistillationSettings:
    """How to distil.

    Attributes
    ----------
    copies : float
        Windows made from each training window: moved along the sequence, cut off at one side as by the end of a
        transcript, mutated, and shuffled beyond the nearest nucleotides, in equal shares.
    least, most : int
        Each head has at least ``least`` windows, with as many made ones as that takes, and at most ``most`` of its own.
    mutation_rate : float
        Share of nucleotides redrawn in a mutated window; the site's own stays.
    temper : float
        A head's windows are drawn in proportion to the power ``temper`` of their number: 1 draws every window equally
        often, 0 every head.
    logit_weight : float
        Weight of the squared difference of logits, in units of each head's variance, beside the cross-entropy against
        the teacher's probabilities.
    batch_size, epochs : int
        An epoch draws as many windows as there are, own and made.
    learning_rate, weight_decay : float
        Of AdamW; the rate rises over the first tenth of the steps and falls as a cosine to zero.
    """

    copies: float = 1.0
    least: int = 10_000
    most: int = 30_000
    mutation_rate: float = 0.1
    temper: float = 0.5
    logit_weight: float = 1.0
    batch_size: int = 256
    epochs: int = 12
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3

    def __post_init__(self) -> None:
        for name in ("least", "most", "batch_size", "epochs"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1", value=getattr(self, name), remedy="give a larger number")
        if self.copies < 0 or not 0 <= self.mutation_rate <= 1:
            raise InputError(
                "copies must be at least 0 and mutation_rate lie between 0 and 1",
                value=(self.copies, self.mutation_rate),
                remedy="change the settings of the student",
            )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> DistillationSettings:
        """Settings from a configuration; an unknown key is an error that lists the known ones."""
        known = [entry.name for entry in fields(cls)]
        for key in values:
            if key not in known:
                raise InputError("no such setting of distillation", value=key, remedy=f"known are {', '.join(known)}")
        return cls(**values)


class Distilled(NamedTuple):
    """What :func:`distil_student` gives; the fields between the first and the last go into ``config.json``.

    ``calibration``: head to constants for the student's logits. ``agreement``: head to Spearman's correlation with the
    teacher. Both are of the validation windows, which the student was not trained on. ``training``: settings, for the
    record. ``history``: one row per epoch with ``epoch``, ``loss``, ``agreement`` (mean over heads), ``seconds``,
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
    split: str,
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
    splits : mapping of head to path
        Parquet files of the **splits** border; the training part teaches, the validation part calibrates.
    split : {"paper", "guarded"}
        The one that the teacher was trained on.
    settings : DistillationSettings
    seed : int
    checkpoints : path-like
        Root under which folders named by a hash of teacher, data and settings are kept.
    hyperparameters : mapping, optional
        Of :class:`~rnamarks.models.student.Student`. ``receptive`` is what the teacher's network reads unless it is
        given: its ``crop``, or the window; of a stack, whose baselines read it all, the window.
    device : {"auto", "cpu", "cuda"}
    threads : int
        CPU threads of torch; part of what makes a run repeatable.
    report : callable
        Given one line per block of the teacher and per epoch.

    Raises
    ------
    InputError
        If windows of a head are missing or cannot be calibrated on, or a setting or hyperparameter is wrong.
    """
    torch.set_num_threads(threads)
    where = pick_device(device)
    model, config = load_model(folder)
    missing = [head for head in config.heads if head not in splits]
    if missing:
        raise InputError("there are no windows of a head of the model", value=missing, remedy="give those of all heads")
    training = {head: read_part(splits[head], split, "train") for head in config.heads}
    validation = {head: read_part(splits[head], split, "valid") for head in config.heads}
    crop = 0 if config.stack else int(config.hyperparameters.get("crop", 0))
    shape = {"receptive": crop or config.window} | dict(hyperparameters or {})
    torch.manual_seed(seed)
    try:
        student = Student(config.heads, **shape)
    except TypeError as error:
        raise InputError(f"the student cannot be built: {error}", value=shape, remedy="change its sizes") from error
    pool = Pool(training, student.receptive, settings, seed)
    record = {"teacher": read_config(folder)[1], "split": split, "seed": seed, "threads": threads}
    made = {name: getattr(settings, name) for name in ("copies", "least", "most", "mutation_rate")}
    asked = record | made | {"receptive": student.receptive, "device": where.type, "version": __version__}
    lessons = Path(checkpoints) / digest_of(asked, training)
    codes, targets = ask_teacher(model, config, pool, lessons, where, report)
    logits = {head: score_heads(model, data.codes, [head], device=where)[:, 0] for head, data in validation.items()}

    def judge() -> dict[str, float]:
        return {
            head: agreement(score_fast(student, data.codes, device=where)[:, column], logits[head])
            for column, (head, data) in enumerate(validation.items())
        }

    state = lessons / f"student.{digest_of(asdict(settings) | student.hyperparameters, {})}.pt"
    history = _learn(student, codes, targets, pool.origin, settings, seed, state, where, judge, report)
    calibration = {}
    for column, (head, data) in enumerate(validation.items()):
        known = config.calibration.get(head)
        calibration[head] = fit_calibration(
            data.labels,
            score_fast(student, data.codes, device=where)[:, column],
            # of the same population as in exact mode, so that the probabilities of both modes are comparable
            prevalence=Calibration.from_dict(known).prevalence if known else None,
            fitted_on=f"valid, {head}, split {split}, student",
            few="prior",
        ).to_dict()
    agreed = judge()
    record |= {"settings": asdict(settings), "windows": {"own": int(pool.own.sum()), "made": int((~pool.own).sum())}}
    return Distilled(student.cpu().eval(), calibration, agreed, record, history)


def _learn(
    student: Student,
    codes: np.ndarray,
    targets: np.ndarray,
    origin: np.ndarray,
    settings: DistillationSettings,
    seed: int,
    path: Path,
    device: torch.device,
    judge: Callable[[], dict[str, float]],
    report: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Train in place; the state after each epoch is in ``path``, from which an interrupted training goes on."""
    student.to(device)
    known = np.isfinite(targets)
    counts = known.sum(axis=0).clip(min=1)
    mean = np.where(known, targets, 0).sum(axis=0) / counts
    spread = np.sqrt(np.where(known, (targets - mean) ** 2, 0).sum(axis=0) / counts).clip(min=1e-3)
    with torch.no_grad():
        student.output.bias.copy_(torch.from_numpy(mean.astype(np.float32)))
    scale = torch.from_numpy(spread.astype(np.float32)).to(device)
    sizes = np.bincount(origin)
    chances = (sizes[origin] ** (settings.temper - 1.0)).astype(np.float64)
    chances /= chances.sum()
    matrices = [parameter for parameter in student.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in student.parameters() if parameter.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.learning_rate,
    )
    steps = max(1, len(codes) // settings.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: one_cycle(step, steps * settings.epochs))
    history: list[dict[str, Any]] = []
    if path.is_file():
        saved = torch.load(path, weights_only=True, map_location=device)
        student.load_state_dict(saved["student"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        history = json.loads(saved["history"])
    for epoch in range(len(history), settings.epochs):
        started = time.monotonic()
        student.train()
        size = min(settings.batch_size, len(codes))
        drawn = np.random.default_rng([seed, 34, epoch]).choice(len(codes), size=steps * size, p=chances)
        total = 0.0
        for rows in drawn.reshape(steps, size):
            batch, target = (torch.from_numpy(array[rows]).to(device) for array in (codes, targets))
            optimizer.zero_grad(set_to_none=True)
            loss = distillation_loss(student(batch), target, scale, settings.logit_weight)
            loss.backward()
            nn.utils.clip_grad_norm_(student.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        if not np.isfinite(total):
            raise FloatingPointError("distillation diverged: the loss is not finite; lower the learning rate")
        agreed = float(np.mean(list(judge().values())))
        seconds = time.monotonic() - started
        row = {"epoch": epoch + 1, "loss": total / steps, "agreement": agreed, "seconds": seconds}
        history.append(row | {"windows_per_second": len(drawn) / seconds})
        state = {"student": student.state_dict(), "optimizer": optimizer.state_dict()}
        with atomic_path(path) as part:
            torch.save(state | {"schedule": schedule.state_dict(), "history": json.dumps(history)}, part)
        report(
            f"student: epoch {epoch + 1}/{settings.epochs}, loss {total / steps:.4f}, agreement {agreed:.4f}, "
            f"{len(drawn) / seconds:.0f} windows/s"
        )
    return history


def distillation_loss(
    logits: torch.Tensor, targets: torch.Tensor, scale: torch.Tensor, logit_weight: float
) -> torch.Tensor:
    """Mean over heads of the cross-entropy against the teacher's probabilities and the squared error of logits.

    Parameters
    ----------
    logits, targets : torch.Tensor, shape=(batch, n_heads)
        Of student and teacher; a target that is NaN does not count. Each head is averaged over its own entries, so that
        one that seldom fits weighs as much as the others.
    scale : torch.Tensor, shape=(n_heads,)
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
