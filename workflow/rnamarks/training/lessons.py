"""What a teacher is asked and what it answers: the windows that a student learns from, and the logits for them.

Windows are made anew whenever they are asked for, a block at a time, each block a function of (seed, block); only what
the student reads of them is kept.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..files import write_bytes
from ..prediction.score import fits_task, score_tasks
from ..sequences import UNKNOWN
from ..tasks import Task
from .sampler import TaskData, shift_windows
from .settings import DistillationSettings

BLOCK = 8192
"""Windows that the teacher scores between two checkpoints."""
_OWN, _MOVED, _ENDED, _MUTATED, _SHUFFLED = range(5)
_KEPT = 3
"""Nucleotides to either side of the site that shuffling leaves in place, so that motifs survive."""


class Pool:
    """The windows that the teacher is asked about: training windows of every task, and windows made from them.

    Parameters
    ----------
    training : mapping of task to TaskData
    receptive : int
        Width in nt that the student reads; a wider window leaves room to move along the sequence.
    settings : DistillationSettings
    seed : int

    Attributes
    ----------
    origin : numpy.ndarray, shape=(n,)
        Index of the task whose window it is, or was made from.
    own : numpy.ndarray, shape=(n,), dtype=bool
        Whether it is a training window as it was given.
    """

    def __init__(
        self, training: Mapping[str, TaskData], receptive: int, settings: DistillationSettings, seed: int
    ) -> None:
        self.windows = [data.codes for data in training.values()]
        self.receptive, self.settings, self.seed = receptive, settings, seed
        origins, parents, kinds = [], [], []
        for task, data in enumerate(training.values()):
            random = np.random.default_rng([seed, 31, task])
            own = _choose(data.labels, settings.maximum, random)
            made = max(round(settings.copies * len(own)), settings.minimum - len(own))
            parents += [own, random.integers(len(data.labels), size=made)]
            kinds += [np.full(len(own), _OWN), _MOVED + np.arange(made) % (_SHUFFLED - _MOVED + 1)]
            origins.append(np.full(len(own) + made, task))
        self.origin, self.parent, self.kind = (np.concatenate(parts) for parts in (origins, parents, kinds))
        # tasks are mixed, so that every block of the teacher's work takes about as long
        order = np.random.default_rng([seed, 32]).permutation(len(self.origin))
        self.origin, self.parent, self.kind = self.origin[order], self.parent[order], self.kind[order]
        self.own = self.kind == _OWN

    def __len__(self) -> int:
        return len(self.origin)

    @property
    def n_blocks(self) -> int:
        return -(-len(self) // BLOCK)

    def rows(self, block: int) -> slice:
        """Windows of a block."""
        return slice(block * BLOCK, min((block + 1) * BLOCK, len(self)))

    def codes(self, block: int) -> np.ndarray:
        """Windows of a block, shape=(n, window), dtype=uint8; the same at every call."""
        rows = self.rows(block)
        origin, parent, kind = self.origin[rows], self.parent[rows], self.kind[rows]
        codes = np.empty((len(origin), self.windows[0].shape[1]), dtype=np.uint8)
        for task, windows in enumerate(self.windows):
            codes[origin == task] = windows[parent[origin == task]]
        random = np.random.default_rng([self.seed, 33, block])
        for change, make in ((_MOVED, self._move), (_ENDED, _end), (_MUTATED, self._mutate), (_SHUFFLED, _shuffle)):
            codes[kind == change] = make(codes[kind == change], random)
        return codes

    def _move(self, codes: np.ndarray, random: np.random.Generator) -> np.ndarray:
        spare = (codes.shape[1] - self.receptive) // 2
        # windows without spare flanks end where they are moved from, as at the end of a transcript
        reach = spare or self.receptive // 4
        return shift_windows(codes, random.integers(-reach, reach + 1, size=len(codes)))

    def _mutate(self, codes: np.ndarray, random: np.random.Generator) -> np.ndarray:
        redrawn = random.random(codes.shape) < self.settings.mutation_rate
        redrawn[:, codes.shape[1] // 2] = False
        redrawn &= codes != UNKNOWN
        return np.where(redrawn, random.integers(UNKNOWN, size=codes.shape, dtype=np.uint8), codes)


def _choose(labels: np.ndarray, maximum: int, random: np.random.Generator) -> np.ndarray:
    """Up to ``maximum`` rows, ascending; where some are left out, as even a number of both labels as there can be."""
    if len(labels) <= maximum:
        return np.arange(len(labels))
    positives, negatives = (random.permutation(np.flatnonzero(mask)) for mask in (labels, ~labels))
    kept = max(min(len(positives), maximum // 2), maximum - len(negatives))
    return np.sort(np.concatenate([positives[:kept], negatives[: maximum - kept]]))


def _end(codes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """N beyond a random place on one side of the middle."""
    middle = codes.shape[1] // 2
    place = random.integers(1, middle + 1, size=len(codes))[:, None]
    offset = np.arange(codes.shape[1]) - middle
    left = random.random(len(codes))[:, None] < 0.5
    return np.where(np.where(left, -offset, offset) >= place, np.uint8(UNKNOWN), codes)


def _shuffle(codes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The nucleotides of each window in random order, those around the middle left where they are."""
    middle = codes.shape[1] // 2
    beyond = np.flatnonzero(np.abs(np.arange(codes.shape[1]) - middle) > _KEPT)
    codes = codes.copy()
    codes[:, beyond] = random.permuted(codes[:, beyond], axis=1)
    return codes


def ask_teacher(
    model: nn.Module,
    tasks: Sequence[Task],
    pool: Pool,
    folder: str | Path,
    device: torch.device,
    report: Callable[[str], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Ask for the logits of a pool, or read those that are in ``folder`` from an interrupted run.

    Parameters
    ----------
    model : Ensemble or Stack
    tasks : sequence of Task
        All of the model's.
    pool : Pool
    folder : path-like
        Gets a file per block. Its content must come from the same model, pool and device.
    device : torch.device
    report : callable
        Given one line per block that was asked for.

    Returns
    -------
    codes : numpy.ndarray, shape=(n, receptive), dtype=uint8
        What the student reads of each window.
    logits : numpy.ndarray, shape=(n, n_tasks), dtype=float32
        NaN where neither base and motif fit the task nor the window was given as the task's own.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    codes = np.empty((len(pool), pool.receptive), dtype=np.uint8)
    targets = np.empty((len(pool), len(tasks)), dtype=np.float32)
    for block in range(pool.n_blocks):
        rows, path = pool.rows(block), folder / f"logits.{block}.npy"
        windows = pool.codes(block)
        cut = (windows.shape[1] - pool.receptive) // 2
        codes[rows] = windows[:, cut : cut + pool.receptive]
        if path.is_file():
            targets[rows] = np.load(path)
            continue
        asked = np.column_stack([fits_task(windows, task) for task in tasks])
        # a task is judged on its own windows, whatever their motif
        own = np.flatnonzero(pool.own[rows])
        asked[own, pool.origin[rows][own]] = True
        started = time.monotonic()
        logits = score_tasks(model, windows, [task.name for task in tasks], device=device)
        targets[rows] = np.where(asked, logits, np.float32(np.nan))
        # numpy does not say why it could not write into a file
        saved = io.BytesIO()
        np.save(saved, targets[rows])
        with write_bytes(path) as handle:
            handle.write(saved.getbuffer())
        speed = len(windows) / (time.monotonic() - started)
        report(f"teacher: {rows.stop}/{len(pool)} windows, {speed:.0f} windows/s")
    return codes, targets
