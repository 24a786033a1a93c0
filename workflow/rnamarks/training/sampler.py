"""Batches with as many positives as negatives, each a function of (seed, step) alone.

Because no generator is carried from step to step, training that was killed continues with exactly the batches it would
have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, check_choice
from ..sequences import UNKNOWN
from .settings import SAMPLINGS


@dataclass(frozen=True)
class TaskData:
    """Windows of one task.

    Attributes
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    labels : numpy.ndarray, shape=(n_windows,), dtype=bool
    """

    codes: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if len(self.codes) != len(self.labels):
            raise ValueError(f"{len(self.codes)} windows and {len(self.labels)} labels")


class Passes:
    """Random orders of the windows of some cells, a new one for every pass over a cell.

    Parameters
    ----------
    cells : sequence of numpy.ndarray
        Rows of the windows of each cell.
    key : tuple of int
        Of the random numbers.
    """

    def __init__(self, cells: Sequence[np.ndarray], key: tuple[int, ...]) -> None:
        self.cells, self.key = cells, key
        self._orders: dict[tuple[int, int], np.ndarray] = {}

    def rows(self, cell: int, draws: np.ndarray) -> np.ndarray:
        """Rows of some draws from a cell, counted from 0."""
        passes, places = np.divmod(draws, len(self.cells[cell]))
        rows = np.empty(len(draws), dtype=np.int64)
        for number in np.unique(passes).tolist():
            chosen = passes == number
            rows[chosen] = self.cells[cell][self._order(cell, number)[places[chosen]]]
        return rows

    def _order(self, cell: int, number: int) -> np.ndarray:
        """Order of one pass; kept while draws of it, or of the pass after it, are asked for."""
        if (cell, number) not in self._orders:
            self._orders = {key: order for key, order in self._orders.items() if key[0] != cell or key[1] == number - 1}
            random = np.random.default_rng([*self.key, cell, number])
            self._orders[cell, number] = random.permutation(len(self.cells[cell]))
        return self._orders[cell, number]


class BalancedSampler:
    """Draws 1:1 batches of one task.

    Parameters
    ----------
    data : TaskData
    batch_size : int
        Windows per batch, half of them positive; even.
    seed : int
    sampling : {"replacement", "cycle"}
        ``replacement`` draws each window independently, so the smaller class is oversampled (Xiong et al. 2021).
        ``cycle`` walks each class in a random order that is drawn anew for every pass.
    shift : int
        Windows are moved by up to this many nt to either side, N moving in.
    """

    def __init__(
        self, name: str, data: TaskData, *, batch_size: int, seed: int, sampling: str = "replacement", shift: int = 0
    ) -> None:
        check_choice(sampling, SAMPLINGS, "no such sampling")
        if batch_size < 2 or batch_size % 2:
            raise InputError("the batch size must be even", value=batch_size, remedy="half of a batch is positive")
        self.data, self.half, self.seed, self.sampling, self.shift = data, batch_size // 2, seed, sampling, shift
        # spreads names over 32 bits independently of Python's hash seed
        self.tag = int.from_bytes(name.encode(), "little") % (2**31 - 1)
        self.pools = [np.flatnonzero(data.labels), np.flatnonzero(~data.labels)]
        for pool, kind in zip(self.pools, ("positives", "negatives"), strict=True):
            if not len(pool):
                raise InputError(
                    f"{name} has no {kind} to train on", remedy="give windows of both classes or leave the task out"
                )
        self.passes = Passes(self.pools, (seed, self.tag))

    def batch(self, visit: int) -> tuple[np.ndarray, np.ndarray]:
        """The ``visit``-th batch, counted from 0.

        Returns
        -------
        codes : numpy.ndarray, shape=(batch_size, window), dtype=uint8
        labels : numpy.ndarray, shape=(batch_size,), dtype=float32
        """
        rows = np.concatenate([self._draw(visit, kind) for kind in range(2)])
        codes = self.data.codes[rows]
        if self.shift:
            random = np.random.default_rng([self.seed, self.tag, 2, visit])
            codes = shift_windows(codes, random.integers(-self.shift, self.shift + 1, size=len(codes)))
        return codes, self.data.labels[rows].astype(np.float32)

    def _draw(self, visit: int, kind: int) -> np.ndarray:
        if self.sampling == "cycle":
            return self.passes.rows(kind, np.arange(visit * self.half, (visit + 1) * self.half))
        random = np.random.default_rng([self.seed, self.tag, kind, visit])
        return self.pools[kind][random.integers(len(self.pools[kind]), size=self.half)]


def shift_windows(codes: np.ndarray, shifts: Sequence[int] | np.ndarray) -> np.ndarray:
    """Move each window to the right by its own number of nt (negative: left), N filling the gap.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    shifts : sequence of int, length n_windows
    """
    width = codes.shape[1]
    source = np.arange(width)[None, :] - np.asarray(shifts)[:, None]
    moved = np.take_along_axis(codes, source.clip(0, width - 1), axis=1)
    moved[(source < 0) | (source >= width)] = UNKNOWN
    return moved
