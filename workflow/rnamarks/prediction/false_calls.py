"""The share of false calls to be expected among the sites at least as probable as each, for any number of sites."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from .external_sort import RUN_ROWS, sort_tables

_PIECE = 1 << 18


class FalseCalls:
    """Share of false calls to be expected among the sites at least as probable as each.

    With calibrated probabilities p, calling every site at least as probable as one makes, on average over those
    called, 1 - p false calls (the Bayesian false discovery rate of Newton et al. 2004,
    doi:10.1093/biostatistics/5.2.155). Equal probabilities share a value, and it never falls with falling probability.

    Parameters
    ----------
    probabilities : iterable of numpy.ndarray, shape=(n,), dtype=float32
        Those of each chunk of sites.
    folder : path-like
        On whose disk files without names lie: at most 16 bytes per site while this is made, then 4.
    run_rows : int
        Different probabilities that are sorted at once.

    Notes
    -----
    Chunks are merged in falling order of their different probabilities, and what comes out is laid back to each chunk
    in its own falling order, so nothing in memory grows with the sites. The sum of 1 - p is taken site by site in
    float64, whatever the chunks.
    """

    def __init__(self, probabilities: Iterable[np.ndarray], folder: str | Path, run_rows: int = RUN_ROWS) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self._counts: list[int] = []
        written: np.ndarray | None = None
        total, rank = 0.0, 0
        for table in sort_tables(self._distinct(probabilities), ["falling"], folder, run_rows=run_rows):
            if written is None:
                # all chunks were read before the first table came
                self._starts = np.concatenate(([0], np.cumsum(self._counts)))
                written = self._starts[:-1].copy()
            falling, count, chunk = (table[name].to_numpy() for name in ("falling", "count", "chunk"))
            first = np.flatnonzero(np.concatenate(([True], falling[1:] != falling[:-1])))
            edges = np.concatenate(([0], np.cumsum(np.add.reduceat(count, first))))
            sums, total = _add_up(total, 1.0 + falling[first].astype(np.float64), edges)
            group = np.repeat(np.arange(len(first)), np.diff(first, append=len(falling)))
            q = (sums / (rank + edges[1:])).astype(np.float32)[group]
            rank += int(edges[-1])
            order = np.argsort(chunk, kind="stable")
            chunks, begin = np.unique(chunk[order], return_index=True)
            for number, values in zip(chunks, np.split(q[order], begin[1:]), strict=True):
                os.pwrite(self._file.fileno(), values.tobytes(), 4 * int(written[number]))
                written[number] += len(values)

    def q(self, chunk: int, probability: np.ndarray) -> np.ndarray:
        """Values of a chunk's probabilities, given in any order; shape as given, dtype=float32."""
        data = os.pread(self._file.fileno(), 4 * self._counts[chunk], 4 * int(self._starts[chunk]))
        _, place = np.unique(-probability, return_inverse=True)
        return np.frombuffer(data, dtype=np.float32)[place]

    def _distinct(self, probabilities: Iterable[np.ndarray]) -> Iterator[pa.Table]:
        for number, probability in enumerate(probabilities):
            falling, counts = np.unique(-probability, return_counts=True)
            self._counts.append(len(falling))
            if len(falling):
                yield pa.table(
                    {"falling": falling, "count": counts, "chunk": np.full(len(falling), number, dtype=np.int32)}
                )


def _add_up(total: float, values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, float]:
    """Running sums, from ``total`` on, at the end of each value's copies, and the last; value i is added
    ``edges[i + 1] - edges[i]`` times."""
    sums = np.empty(len(values))
    for first in range(0, int(edges[-1]), _PIECE):
        copies = np.diff(np.clip(edges, first, first + _PIECE))
        running = np.cumsum(np.concatenate(([total], np.repeat(values, copies))))
        ended = (edges[1:] > first) & (edges[1:] <= first + _PIECE)
        sums[ended] = running[edges[1:][ended] - first]
        total = float(running[-1])
    return sums, total
