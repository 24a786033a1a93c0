"""Training of a network on a target: stages, validation, save-best, and exact resumption.

An *epoch* is a fixed number of steps followed by a validation. After each, every :data:`SAVE_SECONDS` within one, and
before it ends by SIGTERM or because another process has gone, everything that the next step depends on is written to
``last.ckpt`` in the checkpoint folder, in one atomic step.
Batches, shifts and dropout masks are functions of (seed, step), so a run that was killed at any moment and started
again ends with the same bytes on a CPU as one that was not.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..errors import InputError
from ..files import atomic_path, write_bytes
from ..models.torch_files import load_checked
from ..prediction.score import pick_device
from .allocation import bound_kernel_caches
from .curriculum import Stage
from .optimisation import averaged_copy, make_optimizer, rate_factor
from .precision import is_mixed, repeatable
from .processes import Processes
from .settings import TrainingSettings
from .targets.base import Target
from .termination import noted

SAVE_SECONDS = 120.0
"""Longest time between two states, in seconds."""
BEST = "best.safetensors"


@dataclass
class TrainingResult:
    """What training leaves.

    Attributes
    ----------
    state : dict of str to torch.Tensor
        State dict of the best epoch of the last stage; of the last epoch where the target keeps that.
    history : list of dict
        Of each epoch the target's rows, led by ``epoch`` and ``stage``, both counted from 1, and followed by ``score``,
        ``seconds`` and what :meth:`Target.pace` says.
    best_epoch : int
    """

    state: dict[str, torch.Tensor]
    history: list[dict[str, Any]]
    best_epoch: int


def digest_of(record: Mapping[str, Any]) -> str:
    """A hash of everything that decides the weights. It names the checkpoint folder."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()[:16]


def train(
    network: nn.Module,
    target: Target,
    settings: TrainingSettings,
    *,
    seed: int,
    checkpoints: str | Path,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
    processes: Processes | None = None,
) -> TrainingResult:
    """Train a network, or finish a training that was interrupted.

    Parameters
    ----------
    network : torch.nn.Module
        Built after ``torch.manual_seed(seed)``; trained in place.
    target : Target
    settings : TrainingSettings
        Lengths, rates and precision; what concerns batches is the target's.
    seed : int
    checkpoints : path-like
        Folder that survives a kill. Its content must come from a training with the same arguments: name it by
        :func:`digest_of` of them.
    device : {"auto", "cpu", "cuda"}
    threads : int
        CPU threads of torch; part of what makes a run repeatable, since it sets the order of sums.
    report : callable
        Given one line per epoch, and in long ones a line per state.
    processes : Processes, optional
        That train together, see :func:`rnamarks.training.processes.join`; their folder of checkpoints is one.

    Raises
    ------
    InputError
        If the loss or a logit is not finite, or the state of an interrupted training is damaged.
    """
    folder = Path(checkpoints)
    folder.mkdir(parents=True, exist_ok=True)
    processes = processes or Processes()
    report = report if processes.rank == 0 else _silent
    # parts of an interrupted write are never read
    for stale in folder.glob(".*.part") if processes.rank == 0 else ():
        stale.unlink()
    torch.set_num_threads(threads)
    bound_kernel_caches()
    training = _Training(network, target, settings, seed, folder, pick_device(device), report, processes)
    with repeatable(training.device), noted() as asked_to_end:
        while not training.progress["finished"] and not training.is_ended:
            training.run_epoch(asked_to_end)
    progress = training.progress
    return TrainingResult(_read_best(folder), progress["history"], progress["best_epoch"])


class _Training:
    """A training and its state, which is read from the folder where there is one."""

    def __init__(
        self,
        network: nn.Module,
        target: Target,
        settings: TrainingSettings,
        seed: int,
        folder: Path,
        device: torch.device,
        report: Callable[[str], None],
        processes: Processes,
    ) -> None:
        self.settings, self.seed, self.folder, self.device, self.report = settings, seed, folder, device, report
        self.processes = processes
        self.network, self.target = network.to(device), target.to(device)
        self.averaged = averaged_copy(network, settings.average_decay) if settings.average_decay else None
        self.optimizer = make_optimizer(network, target, settings)
        self.epochs = settings.epochs + target.stage_epochs * (len(target.stages) - 1)
        self.progress: dict[str, Any] = {
            "finished": False,
            "stage": 0,
            "stage_epoch": 0,
            "stage_step": 0,
            "epoch": 0,
            "epoch_step": 0,
            "epoch_seconds": 0.0,
            "step": 0,
            "best_score": -math.inf,
            "best_epoch": -1,
            "visits": {},
            "history": [],
        }
        self.is_ended = False
        self.recorded: dict[str, list[torch.Tensor]] = {}
        self._parts: dict[str, Any] = {"network": self.network, "target": self.target, "optimizer": self.optimizer}
        if self.averaged is not None:
            self._parts["averaged"] = self.averaged
        if (folder / "last.ckpt").is_file():
            saved = _read_state(folder / "last.ckpt", device)
            for name, part in self._parts.items():
                part.load_state_dict(saved[name])
            self.progress = saved["progress"]
            self.recorded = {key: list(steps) for key, steps in saved["recorded"].items()}
        if processes.tell(self.progress["step"]) != self.progress["step"]:
            raise InputError(
                "processes of one training found different states",
                path=folder,
                value=self.progress["step"],
                remedy="give a folder for checkpoints that all of them see",
            )
        self.is_mixed = not self.progress["finished"] and is_mixed(settings.precision, device, report)

    @property
    def stage(self) -> Stage:
        return self.target.stages[self.progress["stage"]]

    @property
    def judged(self) -> nn.Module:
        """The weights that are validated and kept."""
        return self.network if self.averaged is None else self.averaged.module

    def run_epoch(self, asked_to_end: Callable[[], bool]) -> None:
        """Finish the epoch that the state lies in, or write it and end where that is asked for."""
        progress, steps = self.progress, self.target.steps_per_epoch
        self.network.train()
        self.target.begin_epoch(self.network, progress["epoch"])
        started = saved = time.monotonic()
        earlier = progress["epoch_seconds"]
        while progress["epoch_step"] < steps:
            key = self.stage.key_at(progress["stage_step"])
            visit = progress["visits"].get(key, 0)
            try:
                self._step(key, visit)
            except InputError:
                # weights are those after the last step until all processes have summed what this one gives
                self._save()
                raise
            progress["visits"][key] = visit + 1
            for name in ("epoch_step", "stage_step", "step"):
                progress[name] += 1
            now = time.monotonic()
            progress["epoch_seconds"] = earlier + now - started
            # the first process alone ends by it: others would leave it in the middle of a step
            if asked_to_end() and self.processes.rank == 0:
                self._save()
                self.is_ended = True
                self.report(f"ended by SIGTERM after step {progress['step']}; the same command goes on from there")
                return
            if now - saved >= SAVE_SECONDS:
                self._save()
                saved = now
                left = (steps - progress["epoch_step"]) * progress["epoch_seconds"] / progress["epoch_step"]
                self.report(
                    f"epoch {progress['epoch'] + 1}/{self.epochs}, step {progress['epoch_step']} of {steps}: "
                    f"{self._pace()[1]}, {left / 60:.0f} min to its end"
                )
        self._end_epoch()
        self._save()

    def _step(self, key: str, visit: int) -> None:
        batch = self.target.batch(key, visit)
        step = self.progress["step"]
        # dropout masks become a function of (seed, step, process); 2**31 - 1 is prime, so steps of seeds do not collide
        own = self.processes.rank * 15_485_863
        torch.manual_seed((self.seed * 1_000_003 + step * 7919 + own + 1) % (2**31 - 1))
        factor = rate_factor(self.settings, step, self.target.steps_per_epoch * self.epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = group["base"] * factor
        self.optimizer.zero_grad(set_to_none=True)
        found = []
        for part in self.target.share(batch, self.processes.rank, self.processes.count):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_mixed):
                loss, told = self.target.loss(
                    self.network, key, *(torch.from_numpy(one).to(self.device) for one in part)
                )
            weight = self.target.weight(part, batch)
            (loss if weight == 1.0 else loss * weight).backward()
            found.append(told)
        recorded = found[0] if len(found) == 1 else torch.stack(found).sum(dim=0)
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        self.processes.add_up([recorded, *(one.grad for one in parameters if one.grad is not None)])
        if self.settings.gradient_clip:
            nn.utils.clip_grad_norm_(parameters, self.settings.gradient_clip)
        self.optimizer.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)
        self.recorded.setdefault(key, []).append(recorded)

    def _end_epoch(self) -> None:
        """Validate, keep the best, and decide whether the stage or the training ends."""
        progress, settings = self.progress, self.settings
        recorded = {key: torch.stack(steps) for key, steps in self.recorded.items()}
        if not all(torch.isfinite(steps).all() for steps in recorded.values()):
            raise InputError("training diverged: the loss is not finite", remedy="lower the learning rate")
        is_first = self.processes.rank == 0
        score, rows = self.processes.tell(
            self.target.validate(self.judged, self.stage, recorded, self.device) if is_first else None
        )
        speeds, pace = self._pace()
        leads = {"epoch": progress["epoch"] + 1, "stage": progress["stage"] + 1}
        ends = {"score": score, "seconds": progress["epoch_seconds"]} | speeds
        progress["history"] += [leads | row | ends for row in rows]
        progress |= {"epoch_step": 0, "epoch_seconds": 0.0}
        for name in ("epoch", "stage_epoch"):
            progress[name] += 1
        self.recorded = {}
        better = self.target.keeps_last or score > progress["best_score"]
        if better:
            progress["best_score"], progress["best_epoch"] = score, progress["epoch"]
            if is_first:
                with atomic_path(self.folder / BEST) as part:
                    save_file({name: value.contiguous() for name, value in self.judged.state_dict().items()}, part)
            # the others may read it
            self.processes.tell(None)
        best = " (best)" if better and not self.target.keeps_last else ""
        tasks = f" ({'+'.join(self.stage.tasks)})" if self.stage.tasks else ""
        shown = "".join(f", {name} {rows[0][name]:.4g}" for name in self.target.shown)
        self.report(
            f"epoch {progress['epoch']}/{self.epochs}, stage {progress['stage'] + 1}/{len(self.target.stages)}{tasks}: "
            f"{self.target.score_name} {score:.4f}{best}{shown}, {pace}"
        )
        is_last = progress["stage"] == len(self.target.stages) - 1
        most = settings.epochs if is_last else self.target.stage_epochs
        if progress["stage_epoch"] < most and progress["epoch"] - progress["best_epoch"] < settings.patience:
            return
        progress["finished"] = is_last
        if not is_last:
            state = _read_best(self.folder)
            self.network.load_state_dict(state)
            self.judged.load_state_dict(state)
            progress |= {
                "stage": progress["stage"] + 1,
                "stage_epoch": 0,
                "stage_step": 0,
                "best_score": -math.inf,
                "best_epoch": progress["epoch"],
            }

    def _pace(self) -> tuple[dict[str, float], str]:
        recorded = {key: torch.stack(steps) for key, steps in self.recorded.items()}
        seconds = max(self.progress["epoch_seconds"], 1e-9)
        return self.target.pace(self.network, recorded, seconds, self.device, self.processes.count)

    def _save(self) -> None:
        if self.processes.rank:
            return
        state = {name: part.state_dict() for name, part in self._parts.items()}
        recorded = {key: torch.stack(steps) for key, steps in self.recorded.items()}
        # torch does not say why it could not write into a file
        saved = io.BytesIO()
        torch.save(state | {"progress": self.progress, "recorded": recorded}, saved)
        with write_bytes(self.folder / "last.ckpt") as handle:
            handle.write(saved.getbuffer())


def _read_state(path: Path, device: torch.device) -> dict[str, Any]:
    """A state; code in it is not run."""
    try:
        return load_checked(path, device)
    except (RuntimeError, EOFError, OSError, BadZipFile, pickle.UnpicklingError) as error:
        # the end of a file that is cut off is sought before its beginning, which is an invalid argument
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise InputError(
            "the state of an interrupted training is damaged", path=path, remedy="remove it, and training begins anew"
        ) from error


def _read_best(folder: Path) -> dict[str, torch.Tensor]:
    """Weights of the best epoch so far."""
    path = folder / BEST
    try:
        return load_file(path)
    except (FileNotFoundError, SafetensorError) as error:
        raise InputError(
            "the weights of a training's best epoch are missing or damaged",
            path=path,
            remedy="remove its folder, and training begins anew",
        ) from error


def _silent(line: str) -> None:
    """Say nothing."""
