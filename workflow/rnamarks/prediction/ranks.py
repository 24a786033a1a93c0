"""The order of all tests of a task: q-values, and the fraction of false calls to be expected."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

import numpy as np

from .significance import Null

_BLOCK = 1 << 18


class Ranks:
    """All tests of one task in the order of their logits, in files without names.

    p falls and the probability rises with the logit, so one order serves both:

    - q of Benjamini & Hochberg (1995): the smallest false discovery rate at which a test is called.
    - The fraction of false calls: calling every test at least as probable as one makes, on average over those called,
      1 - probability false calls (the Bayesian false discovery rate of Newton et al. 2004,
      doi:10.1093/biostatistics/5.2.155).

    Parameters
    ----------
    logits : iterable of numpy.ndarray, shape=(n,), dtype=float32
    null : Null or None
        Without one q is NaN.
    probability : callable or None
        From logits to calibrated probabilities; without one the fraction is NaN.
    folder : path-like
        On whose disk the files lie: 12 bytes per test.

    Attributes
    ----------
    tests : int

    Notes
    -----
    The files are mapped, and what was read of them is let go of at once: only while the logits are sorted are 4 bytes
    per test in memory.
    """

    def __init__(
        self,
        logits: Iterable[np.ndarray],
        null: Null | None,
        probability: Callable[[np.ndarray], np.ndarray] | None,
        folder: str | Path,
    ) -> None:
        with tempfile.TemporaryFile(dir=folder) as file:
            for part in logits:
                file.write(np.ascontiguousarray(part, dtype=np.float32).tobytes())
            self.tests = file.tell() // 4
            file.flush()
            self._logits = self._mapped(file)
        self._logits.sort()
        _release(self._logits)
        self._q = None if null is None or not self.tests else self._falling(null, folder)
        self._fraction = None if probability is None or not self.tests else self._rising(probability, folder)

    def q(self, logits: np.ndarray) -> np.ndarray:
        """q of logits that are among those given; dtype=float32."""
        return self._look_up(self._q, logits)

    def false_fraction(self, logits: np.ndarray) -> np.ndarray:
        """Fraction of false calls among the tests at least as probable; dtype=float32."""
        return self._look_up(self._fraction, logits)

    def below(self, q: float) -> int:
        """How many of the tests have a q below this."""
        if self._q is None:
            return 0
        blocks = range(0, self.tests, _BLOCK)
        return sum(int(np.count_nonzero(self._q[start : start + _BLOCK] < q)) for start in blocks)

    def _look_up(self, values: np.ndarray | None, logits: np.ndarray) -> np.ndarray:
        if values is None:
            return np.full(len(logits), np.nan, dtype=np.float32)
        found = values[np.searchsorted(self._logits, logits, side="left")]
        _release(self._logits, values)
        return found

    def _falling(self, null: Null, folder: str | Path) -> np.ndarray:
        """q of each test, from the lowest logit, which has the largest p, upwards."""
        found = self._empty(folder)
        lowest = np.float64(1)
        for start in range(0, self.tests, _BLOCK):
            part = self._logits[start : start + _BLOCK]
            p = null.p(part).astype(np.float32)
            adjusted = p * (self.tests / np.arange(self.tests - start, self.tests - start - len(part), -1.0))
            falling = np.minimum(np.minimum.accumulate(adjusted), lowest)
            found[start : start + len(part)] = falling
            lowest = falling[-1]
            _release(self._logits, found)
        return found

    def _rising(self, probability: Callable[[np.ndarray], np.ndarray], folder: str | Path) -> np.ndarray:
        """Fraction of each test, summed from the most probable one on; equal probabilities have one value."""
        found = self._empty(folder)
        total = 0.0
        for end in range(self.tests, 0, -_BLOCK):
            start = max(0, end - _BLOCK)
            wrong = 1.0 - probability(self._logits[start:end]).astype(np.float32).astype(np.float64)
            running = np.cumsum(np.concatenate(([total], wrong[::-1])))[1:]
            found[start:end] = (running / np.arange(self.tests - end + 1, self.tests - start + 1))[::-1]
            total = float(running[-1])
            _release(self._logits, found)
        before, value = np.float32(np.nan), np.float32(np.nan)
        for start in range(0, self.tests, _BLOCK):
            part = probability(self._logits[start : start + _BLOCK]).astype(np.float32)
            fresh = np.concatenate(([part[0] != before], part[1:] != part[:-1]))
            # the first of equally probable tests has the sum over all of them
            first = np.maximum.accumulate(np.where(fresh, np.arange(len(part)), -1))
            values = np.where(first < 0, value, found[start + np.maximum(first, 0)])
            found[start : start + len(part)] = values
            before, value = part[-1], values[-1]
            _release(self._logits, found)
        return found

    def _empty(self, folder: str | Path) -> np.ndarray:
        with tempfile.TemporaryFile(dir=folder) as file:
            # the system kills a process that writes to a mapped file and finds the disk full
            _reserve(file, 4 * self.tests)
            return self._mapped(file)

    def _mapped(self, file) -> np.ndarray:
        if not self.tests:
            return np.zeros(0, dtype=np.float32)
        return np.memmap(file, dtype=np.float32, mode="r+", shape=(self.tests,))


def _reserve(file: IO[bytes], size: int) -> None:
    """Take room on the disk for a file of this size; macOS cannot be asked for it and is given zeros."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    for start in range(0, size, 4 * _BLOCK):
        file.write(bytes(min(4 * _BLOCK, size - start)))
    file.flush()


def _release(*arrays: np.ndarray) -> None:
    """Let go of the memory of mapped files; their contents stay."""
    for array in arrays:
        if isinstance(array, np.memmap):
            array._mmap.madvise(mmap.MADV_DONTNEED)
