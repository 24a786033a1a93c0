"""Batches with as many positives as negatives, each a function of (seed, step) alone.

Because no generator is carried from step to step, training that was killed continues with exactly the batches it would
have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..sequences import UNKNOWN

SAMPLING = ("replacement", "cycle")


@dataclass(frozen=True)
class HeadData:
    """Windows of one head.

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

    @property
    def prevalence(self) -> float:
        """Share of positives."""
        return float(self.labels.mean())


class BalancedSampler:
    """Draws 1:1 batches of one head.

    Parameters
    ----------
    data : HeadData
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
        self, name: str, data: HeadData, *, batch_size: int, seed: int, sampling: str = "replacement", shift: int = 0
    ) -> None:
        if sampling not in SAMPLING:
            raise InputError("no such sampling", value=sampling, remedy=f"choose one of {', '.join(SAMPLING)}")
        if batch_size < 2 or batch_size % 2:
            raise InputError("the batch size must be even", value=batch_size, remedy="half of a batch is positive")
        self.data, self.half, self.seed, self.sampling, self.shift = data, batch_size // 2, seed, sampling, shift
        # spreads names over 32 bits independently of Python's hash seed
        self.tag = int.from_bytes(name.encode(), "little") % (2**31 - 1)
        self._orders: dict[tuple[int, int], np.ndarray] = {}
        self.pools = [np.flatnonzero(data.labels), np.flatnonzero(~data.labels)]
        for pool, kind in zip(self.pools, ("positives", "negatives"), strict=True):
            if not len(pool):
                raise InputError(
                    f"{name} has no {kind} to train on", remedy="give windows of both classes or leave the species out"
                )

    def batch(self, visit: int) -> tuple[np.ndarray, np.ndarray]:
        """The ``visit``-th batch, counted from 0.

        Returns
        -------
        codes : numpy.ndarray, shape=(batch_size, window), dtype=uint8
        labels : numpy.ndarray, shape=(batch_size,), dtype=float32
        """
        rows = np.concatenate([self._draw(visit, pool, kind) for kind, pool in enumerate(self.pools)])
        codes = self.data.codes[rows]
        if self.shift:
            random = np.random.default_rng([self.seed, self.tag, 2, visit])
            codes = shift_windows(codes, random.integers(-self.shift, self.shift + 1, size=len(codes)))
        return codes, self.data.labels[rows].astype(np.float32)

    def _draw(self, visit: int, pool: np.ndarray, kind: int) -> np.ndarray:
        if self.sampling == "replacement":
            random = np.random.default_rng([self.seed, self.tag, kind, visit])
            return pool[random.integers(len(pool), size=self.half)]
        drawn = np.arange(visit * self.half, (visit + 1) * self.half)
        passes, places = np.divmod(drawn, len(pool))
        rows = np.empty(self.half, dtype=np.int64)
        for number in np.unique(passes):
            order = self._order(kind, int(number), len(pool))
            chosen = passes == number
            rows[chosen] = pool[order[places[chosen]]]
        return rows

    def _order(self, kind: int, number: int, size: int) -> np.ndarray:
        """Random order of one pass; kept while batches of it, or of the pass after it, are asked for."""
        if (kind, number) not in self._orders:
            self._orders = {key: order for key, order in self._orders.items() if key[0] != kind or key[1] == number - 1}
            random = np.random.default_rng([self.seed, self.tag, kind, number])
            self._orders[kind, number] = random.permutation(size)
        return self._orders[kind, number]


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
