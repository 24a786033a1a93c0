"""Batches over all tasks at once, each window with a label and a weight for every task.

As in :mod:`rnamarks.training.sampler`, a batch is a function of (seed, visit) alone. What is drawn next follows a fixed
schedule of *cells* (all windows, or the positives or negatives of one task), so the fractions of tasks and labels are
exact and not left to chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, check_choice
from ..sequences import distinct
from .sampler import Passes, TaskData, shift_windows
from .settings import DRAWS, SAMPLINGS

TEMPER = 0.5

# draws of the smallest task per turn of the tempered schedule: holds the shares to within a thirty-second of its own
_STEPS = 16
_REPLACEMENT, _SHIFT, _ORDER = range(3)


@dataclass(frozen=True)
class PooledData:
    """Windows of several tasks, each sequence once.

    Attributes
    ----------
    tasks : tuple of str
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    labels : numpy.ndarray, shape=(n_windows, n_tasks), dtype=bool
        Whether the window is positive for the task.
    own : numpy.ndarray, shape=(n_windows, n_tasks), dtype=bool
        Whether the window is among the task's own, with either label.
    """

    tasks: tuple[str, ...]
    codes: np.ndarray
    labels: np.ndarray
    own: np.ndarray


def pool_tasks(data: Mapping[str, TaskData]) -> PooledData:
    """Join the windows of several tasks; the same sequence in several of them, or twice in one, becomes one row.

    A row is positive for a task that has the sequence as positive anywhere, even where it has it as negative, too. Rows
    are in the order in which their sequences first appear.

    Raises
    ------
    InputError
        If tasks have windows of different widths.
    """
    widths = {part.codes.shape[1] for part in data.values()}
    if len(widths) != 1:
        raise InputError(
            "tasks that are trained in one batch need windows of one width",
            value=sorted(widths),
            remedy="cut all windows to the narrowest width, or train each task on its own",
        )
    codes = np.concatenate([part.codes for part in data.values()])
    first, rows = distinct(codes)
    labels = np.zeros((len(first), len(data)), dtype=bool)
    own = np.zeros_like(labels)
    start = 0
    for column, part in enumerate(data.values()):
        mine = rows[start : start + len(part.labels)]
        own[mine, column] = True
        labels[mine[part.labels], column] = True
        start += len(part.labels)
    return PooledData(tuple(data), codes[first], labels, own)


class PooledSampler:
    """Draws batches from the windows of all tasks.

    Parameters
    ----------
    data : PooledData
    batch_size : int
        Windows per batch.
    seed : int
    draw : {"uniform", "balanced", "tempered"}
        ``uniform``: every window equally often (Song et al. 2021). ``balanced``: each task, and each label within it,
        equally often. ``tempered``: tasks in proportion to the square root of their number of windows, each label
        equally often.
    others : float
        Weight of a label that a window has only because it is not among the positives of another task's file. 1 takes
        it for a negative there (Song et al. 2021); 0 shows each task its own positives and negatives alone. A window
        has weight 1 for every task whose own it is.
    sampling, shift
        See :class:`rnamarks.training.sampler.BalancedSampler`; ``cycle`` walks each cell in a random order.

    Raises
    ------
    InputError
        If a task lacks positives or negatives, or there is no such draw or sampling.
    """

    def __init__(
        self,
        data: PooledData,
        *,
        batch_size: int,
        seed: int,
        draw: str = "uniform",
        others: float = 1.0,
        sampling: str = "replacement",
        shift: int = 0,
    ) -> None:
        for what, value, known in (("draw", draw, DRAWS), ("sampling", sampling, SAMPLINGS)):
            check_choice(value, known, f"no such {what}")
        if batch_size < 1:
            raise InputError("a batch needs at least one window", value=batch_size, remedy="give a larger batch size")
        self.data, self.batch_size, self.seed, self.sampling, self.shift = data, batch_size, seed, sampling, shift
        self.others = np.float32(others)
        cells = []
        for column, task in enumerate(data.tasks):
            mine, positive = data.own[:, column], data.labels[:, column]
            for chosen, kind in ((positive, "positives"), (mine & ~positive, "negatives")):
                cells.append(np.flatnonzero(chosen))
                if not len(cells[-1]):
                    raise InputError(
                        f"{task} has no {kind} to train on", remedy="give windows of both labels or leave it out"
                    )
        if draw == "uniform":
            cells, turn = [np.arange(len(data.codes))], np.zeros(1, dtype=np.int64)
        elif draw == "balanced":
            turn = np.arange(len(cells))
        else:
            sizes = data.own.sum(axis=0)
            counts = np.rint(_STEPS * (sizes / sizes.min()) ** TEMPER).astype(np.int64).repeat(2)
            turn = _spread(counts)
        self.cells = cells
        self.turn = turn
        self.counts = np.bincount(turn, minlength=len(cells))
        # how many earlier steps of the turn draw from the same cell
        self.ranks = np.array([(turn[:step] == cell).sum() for step, cell in enumerate(turn)])
        self.sizes = np.array([len(cell) for cell in cells])
        self.passes = Passes(cells, (seed, _ORDER))

    def batch(self, visit: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The ``visit``-th batch, counted from 0.

        Returns
        -------
        codes : numpy.ndarray, shape=(batch_size, window), dtype=uint8
        labels : numpy.ndarray, shape=(batch_size, n_tasks), dtype=float32
        weights : numpy.ndarray, shape=(batch_size, n_tasks), dtype=float32
        """
        rows = self._draw(visit)
        codes = self.data.codes[rows]
        if self.shift:
            random = np.random.default_rng([self.seed, _SHIFT, visit])
            codes = shift_windows(codes, random.integers(-self.shift, self.shift + 1, size=len(codes)))
        weights = np.where(self.data.own[rows], np.float32(1), self.others)
        return codes, self.data.labels[rows].astype(np.float32), weights

    def _draw(self, visit: int) -> np.ndarray:
        turns, steps = np.divmod(np.arange(visit * self.batch_size, (visit + 1) * self.batch_size), len(self.turn))
        cells = self.turn[steps]
        rows = np.empty(self.batch_size, dtype=np.int64)
        if self.sampling == "replacement":
            drawn = np.random.default_rng([self.seed, _REPLACEMENT, visit]).integers(self.sizes[cells])
            for cell in np.unique(cells):
                rows[cells == cell] = self.cells[cell][drawn[cells == cell]]
            return rows
        draws = turns * self.counts[cells] + self.ranks[steps]
        for cell in np.unique(cells).tolist():
            rows[cells == cell] = self.passes.rows(cell, draws[cells == cell])
        return rows


def _spread(counts: np.ndarray) -> np.ndarray:
    """Cells in a sequence in which cell i occurs ``counts[i]`` times, evenly spread."""
    cells = np.arange(len(counts)).repeat(counts)
    places = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    return cells[np.argsort(places, kind="stable")]
