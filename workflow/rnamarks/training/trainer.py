"""Training of a multi-head network: batches of one head or of all, curriculum, save-best, and exact resumption.

A *round* is a fixed number of steps followed by a validation; Lightning calls it an epoch. After each round everything
that the next one depends on is written to ``last.ckpt`` in the checkpoint folder, in one atomic step. Batches, shifts
and dropout masks are functions of (seed, step), so a run that was killed at any moment and started again ends with
the same bytes on a CPU as one that was not.
"""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset

from ..errors import InputError
from ..files import atomic_path
from ..prediction.score import score_windows
from .curriculum import CURRICULA, Stage
from .objectives import OBJECTIVES, cross_entropies
from .pooled import PooledSampler, all_logits, pool_heads
from .sampler import BalancedSampler, HeadData
from .settings import TrainingSettings

# stands in a cycle for all heads at once; no head has an empty name
POOLED = ""


@dataclass
class TrainingResult:
    """What training leaves: the best weights, and one history row per round and species.

    Attributes
    ----------
    state : dict of str to torch.Tensor
        State dict of the best round of the last stage.
    history : list of dict
        Keys ``round``, ``stage``, ``head``, ``loss`` (mean cross-entropy of that head's training windows in the round,
        in pooled batches weighted, but not by the objective), ``auroc``, ``auprc`` (on the validation part), ``score``
        (mean validation AUROC over the stage's heads), ``seconds``, ``windows_per_second``.
    best_round : int
    """

    state: dict[str, torch.Tensor]
    history: list[dict[str, Any]]
    best_round: int


def train(
    network: nn.Module,
    training: Mapping[str, HeadData],
    validation: Mapping[str, HeadData],
    settings: TrainingSettings,
    *,
    seed: int,
    checkpoints: str | Path,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> TrainingResult:
    """Train a network, or finish a training that was interrupted.

    Parameters
    ----------
    network : torch.nn.Module
        Built after ``torch.manual_seed(seed)``; trained in place.
    training, validation : mapping of head to HeadData
        The order of ``training`` is the order of the curriculum.
    settings : TrainingSettings
    seed : int
    checkpoints : path-like
        Folder that survives a kill. Its content must come from a training with the same arguments: key its name by
        a hash of them.
    device : {"auto", "cpu", "cuda"}
    threads : int
        CPU threads of torch; part of what makes a run repeatable, since it sets the order of sums.
    report : callable
        Given one line per round.
    """
    if set(training) != set(validation):
        raise ValueError("training and validation have different heads")
    checkpoints = Path(checkpoints)
    checkpoints.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(threads)
    accelerator = "gpu" if device.startswith("cuda") or (device == "auto" and torch.cuda.is_available()) else "cpu"
    precision = settings.precision
    if precision == "auto":
        precision = "bf16-mixed" if accelerator == "gpu" else "32-true"
    module = _Module(network, training, validation, settings, seed, checkpoints, report)
    last = checkpoints / "last.ckpt"
    # parts of an interrupted write are never read
    for stale in checkpoints.glob(".*.part"):
        stale.unlink()
    resume = last if last.is_file() else None
    if resume is not None and torch.load(resume, weights_only=True, map_location="cpu")["progress"]["finished"]:
        module.on_load_checkpoint(torch.load(resume, weights_only=True, map_location="cpu"))
        return module.result()
    for name in ("lightning.pytorch.utilities.rank_zero", "lightning.pytorch.accelerators.cuda"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*GPU available but not used.*")
        warnings.filterwarnings("ignore", message=".*`isinstance\\(treespec, LeafSpec\\)`.*")
        trainer = lightning.Trainer(
            accelerator=accelerator,
            devices=1,
            precision=precision,
            max_epochs=settings.rounds + settings.stage_rounds * (len(module.stages) - 1),
            deterministic=accelerator == "cpu",
            reload_dataloaders_every_n_epochs=1,
            gradient_clip_val=settings.gradient_clip or None,
            callbacks=[_SaveRound(last)],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=checkpoints,
        )
        trainer.fit(module, ckpt_path=resume, weights_only=True)
    return module.result()


class _Round(Dataset):
    """The batches of one round, made when asked for."""

    def __init__(
        self, samplers: Mapping[str, BalancedSampler | PooledSampler], visits: Sequence[tuple[str, int]]
    ) -> None:
        self.samplers, self.visits = samplers, visits

    def __len__(self) -> int:
        return len(self.visits)

    def __getitem__(self, index: int) -> tuple[str | torch.Tensor, ...]:
        head, visit = self.visits[index]
        return head, *map(torch.from_numpy, self.samplers[head].batch(visit))


class _SaveRound(lightning.Callback):
    """Writes the state after each round, atomically; runs after the module's own end of the round."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        pl_module.end_round()
        with atomic_path(self.path) as part:
            trainer.save_checkpoint(part, weights_only=False)


class _Module(lightning.LightningModule):
    def __init__(
        self,
        network: nn.Module,
        training: Mapping[str, HeadData],
        validation: Mapping[str, HeadData],
        settings: TrainingSettings,
        seed: int,
        folder: Path,
        report: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.network = network
        self.averaged = (
            AveragedModel(network, avg_fn=_moving_average(settings.average_decay), use_buffers=True)
            if settings.average_decay
            else None
        )
        self.settings, self.seed, self.folder, self.report = settings, seed, folder, report
        draws = {
            "batch_size": settings.batch_size,
            "seed": seed,
            "sampling": settings.sampling,
            "shift": settings.shift,
        }
        self.samplers: dict[str, BalancedSampler | PooledSampler]
        self.stages: list[Stage]
        if settings.is_pooled:
            pooled = pool_heads(training)
            self.objective = OBJECTIVES[settings.objective](pooled.labels.sum(axis=0), keep=settings.ohem_keep)
            self.samplers = {POOLED: PooledSampler(pooled, draw=settings.draw, others=settings.others, **draws)}
            self.stages = [Stage(tuple(training), (POOLED,))]
            windows = len(pooled.codes)
        else:
            self.samplers = {head: BalancedSampler(head, data, **draws) for head, data in training.items()}
            sizes = {head: len(data.labels) for head, data in training.items()}
            self.stages = CURRICULA[settings.curriculum](sizes)
            windows = sum(sizes.values())
        self.steps = settings.steps_for(windows)
        self.validation = {head: _subset(data, settings.validation_windows, seed) for head, data in validation.items()}
        self.progress: dict[str, Any] = {
            "finished": False,
            "stage": 0,
            "stage_round": 0,
            "stage_step": 0,
            "round": 0,
            "best_score": -math.inf,
            "best_round": -1,
            "visits": dict.fromkeys(self.samplers, 0),
            "history": [],
        }
        self.started = time.monotonic()
        self.losses: dict[str, list[torch.Tensor]] = {}

    @property
    def stage(self) -> Stage:
        return self.stages[self.progress["stage"]]

    @property
    def is_last_stage(self) -> bool:
        return self.progress["stage"] == len(self.stages) - 1

    def train_dataloader(self) -> DataLoader:
        visits = []
        counts = dict(self.progress["visits"])
        for step in range(self.steps):
            head = self.stage.head_at(self.progress["stage_step"] + step)
            visits.append((head, counts[head]))
            counts[head] += 1
        self.next_visits = counts
        return DataLoader(_Round(self.samplers, visits), batch_size=None, shuffle=False)

    def on_train_epoch_start(self) -> None:
        self.started = time.monotonic()
        self.losses = {name: [] for name in self.stage.cycle}
        self.network.train()

    def training_step(self, batch: tuple[str, torch.Tensor, ...], index: int) -> torch.Tensor:
        head, codes, labels, *weights = batch
        # dropout masks become a function of (seed, step); 2**31 - 1 is prime, so steps do not collide between seeds
        torch.manual_seed((self.seed * 1_000_003 + self.global_step * 7919 + 1) % (2**31 - 1))
        smoothing = self.settings.label_smoothing
        targets = labels * (1 - smoothing) + smoothing / 2
        if self.settings.is_pooled:
            logits = all_logits(self.network, self.stage.heads, codes).float()
            entropies = cross_entropies(logits.detach(), targets, *weights)
            self.losses[POOLED].append(torch.stack([entropies.sum(dim=0), weights[0].sum(dim=0)]))
            return self.objective(logits, targets, *weights)
        loss = F.binary_cross_entropy_with_logits(self.network(codes, head).float(), targets)
        self.losses[head].append(loss.detach())
        return loss

    def mean_losses(self) -> dict[str, float]:
        """Mean training loss of the round by head, for the heads that had a step."""
        if not self.settings.is_pooled:
            return {head: float(torch.stack(losses).mean()) for head, losses in self.losses.items() if losses}
        total, weight = torch.stack(self.losses[POOLED]).sum(dim=0)
        return dict(zip(self.stage.heads, (total / weight).tolist(), strict=True))

    def on_train_batch_end(self, *_: object) -> None:
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)

    def configure_optimizers(self) -> dict[str, Any]:
        settings = self.settings
        classifiers = {id(parameter) for parameter in self.network.classifiers.parameters()}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter in self.network.parameters():
            if not parameter.requires_grad:
                continue
            rate = settings.classifier_learning_rate if id(parameter) in classifiers else settings.learning_rate
            decay = settings.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
        if settings.is_pooled:
            groups.setdefault((settings.learning_rate, 0.0), []).extend(self.objective.parameters())
        optimizer = torch.optim.AdamW(
            [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]
        )
        if settings.schedule == "constant":
            return {"optimizer": optimizer}
        total = self.steps * (settings.rounds + settings.stage_rounds * (len(self.stages) - 1))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: one_cycle(step, total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    @property
    def judged(self) -> nn.Module:
        """The weights that are validated and kept."""
        return self.network if self.averaged is None else self.averaged.module

    def end_round(self) -> None:
        """Validate, keep the best, and decide whether the stage or the training ends."""
        progress, settings = self.progress, self.settings
        seconds = time.monotonic() - self.started
        rows, means = [], self.mean_losses()
        for head in self.stage.heads:
            data = self.validation[head]
            logits = score_windows(self.judged, data.codes, head, device=self.device)
            if not np.isfinite(logits).all():
                raise FloatingPointError(f"training diverged: logits of {head} are not finite; lower the learning rate")
            rows.append(
                {
                    "round": progress["round"] + 1,
                    "stage": progress["stage"] + 1,
                    "head": head,
                    "loss": means.get(head, math.nan),
                    "auroc": float(roc_auc_score(data.labels, logits)),
                    "auprc": float(average_precision_score(data.labels, logits)),
                }
            )
        score = float(np.mean([row["auroc"] for row in rows]))
        speed = settings.batch_size * self.steps / seconds
        for row in rows:
            row |= {"score": score, "seconds": seconds, "windows_per_second": speed}
        progress["history"] += rows
        progress["round"] += 1
        progress["stage_round"] += 1
        progress["stage_step"] += self.steps
        progress["visits"] = dict(self.next_visits)
        better = score > progress["best_score"]
        if better:
            progress["best_score"], progress["best_round"] = score, progress["round"]
            with atomic_path(self.folder / "best.safetensors") as part:
                save_file({name: value.contiguous() for name, value in self.judged.state_dict().items()}, part)
        most = settings.rounds if self.is_last_stage else settings.stage_rounds
        waited = progress["round"] - progress["best_round"]
        self.report(
            f"round {progress['round']}/{self.trainer.max_epochs}, stage {progress['stage'] + 1}/{len(self.stages)} "
            f"({'+'.join(self.stage.heads)}): validation AUROC {score:.4f}{' (best)' if better else ''}, "
            f"{speed:.0f} windows/s"
        )
        if progress["stage_round"] >= most or waited >= settings.patience:
            if self.is_last_stage:
                progress["finished"] = True
                self.trainer.should_stop = True
            else:
                self._load_best()
                progress |= {
                    "stage": progress["stage"] + 1,
                    "stage_round": 0,
                    "stage_step": 0,
                    "best_score": -math.inf,
                    "best_round": progress["round"],
                }
        self.network.train()

    def _load_best(self) -> None:
        state = load_file(self.folder / "best.safetensors")
        self.network.load_state_dict(state)
        if self.averaged is not None:
            self.averaged.module.load_state_dict(state)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["progress"] = self.progress

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.progress = checkpoint["progress"]

    def result(self) -> TrainingResult:
        """The best round's weights and the history."""
        state = load_file(self.folder / "best.safetensors")
        return TrainingResult(state, self.progress["history"], self.progress["best_round"])


def one_cycle(step: int, total: int) -> float:
    """Factor of the learning rate: linear over the first tenth of the steps, then a half cosine to zero."""
    warm = max(1, total // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, total - warm))))


def _moving_average(decay: float) -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]:
    def average(kept: torch.Tensor, new: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        step = float(count)
        return kept + (1 - min(decay, (1 + step) / (10 + step))) * (new - kept)

    return average


def _subset(data: HeadData, most: int, seed: int) -> HeadData:
    if not data.labels.any() or data.labels.all():
        raise InputError("the validation part lacks one of the two classes", remedy="give more windows")
    if not most or len(data.labels) <= most:
        return data
    rows = np.sort(np.random.default_rng([seed, 7]).permutation(len(data.labels))[:most])
    subset = HeadData(data.codes[rows], data.labels[rows])
    return subset if subset.labels.any() and not subset.labels.all() else data
