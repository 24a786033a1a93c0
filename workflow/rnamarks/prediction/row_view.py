"""A scan as rows of the sequence with the calls below them, for pictures of any kind."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack

import numpy as np
import pandas as pd

from ..figures.palette import painted
from ..tasks import Task
from .calls import Calls
from .spool import Spool

FDR = 0.1
SYMBOLS = ("●", "○", "·")
"""Marks of the kinds of :func:`kind_of`."""


def kind_of(q: float) -> int:
    """0 for a q below :data:`FDR`, 1 for a higher one, 2 for a base without q, which is ranked and not called."""
    return 2 if q != q else int(q >= FDR)


class RowView(ABC):
    """Gathers the calls of each row of a sequence, whatever blocks they come in.

    Rows without a call are left out, and told to :meth:`skip`.

    Parameters
    ----------
    spool : Spool
    tasks : sequence of Task
        Tracks, from top to bottom.
    nt : int
        Nucleotides of a row.
    maximum_rows : int, optional
        Rows that are drawn; those beyond are counted.

    Attributes
    ----------
    paints : dict of str to Painted
        How each task is shown.
    beyond : int
        Rows with a call that were not drawn.
    """

    def __init__(self, spool: Spool, tasks: Sequence[Task], nt: int, maximum_rows: float = math.inf) -> None:
        self.spool, self.tasks, self.nt = spool, list(tasks), nt
        self.paints = painted(tasks)
        self.beyond = 0
        self._left = maximum_rows
        self._held: list[pd.DataFrame] = []
        self._place = (-1, -1)
        self._number, self._shown, self._drawn = -1, 0, 0

    @abstractmethod
    def begin(self, number: int) -> None:
        """A sequence with a call begins."""

    @abstractmethod
    def draw(self, number: int, first: int, last: int, calls: pd.DataFrame) -> None:
        """Draw 0-based half-open positions of a sequence and the calls there, columns as in :class:`Calls`; pictures
        count from 1, which they state."""

    @abstractmethod
    def skip(self, first: int, last: int) -> None:
        """These 0-based half-open positions of the sequence have no call."""

    @abstractmethod
    def end(self, without: int) -> None:
        """All is drawn; so many sequences have no call."""

    def tracks(self, calls: pd.DataFrame) -> Iterator[tuple[Task, pd.DataFrame]]:
        """Tasks with a call in a row, and their calls."""
        for task in self.tasks:
            mine = calls[calls["task"] == task.name]
            if len(mine):
                yield task, mine

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""
        table = calls.table.to_pandas()
        row = table["start"].to_numpy() // self.nt
        changes = np.flatnonzero((np.diff(calls.number) != 0) | (np.diff(row) != 0)) + 1
        for part in np.split(np.arange(len(row)), changes):
            place = (int(calls.number[part[0]]), int(row[part[0]]))
            if place != self._place:
                self._flush()
                self._place = place
            self._held.append(table.iloc[part])

    def __enter__(self) -> RowView:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Draw what is still held, and count what has no call; nothing after an error."""
        if kind is not None:
            return
        self._flush()
        self._finish()
        self.end(len(self.spool.names) - self._drawn)

    def _flush(self) -> None:
        if not self._held:
            return
        number, row = self._place
        calls, self._held = pd.concat(self._held), []
        if self._number != number:
            self._finish()
            self._number, self._shown = number, 0
            self._drawn += 1
            if self._left:
                self.begin(number)
        first = row * self.nt
        last = min(first + self.nt, int(self.spool.lengths[number]))
        self._skip(first)
        self._shown = last
        if self._left:
            self._left -= 1
            self.draw(number, first, last, calls)
        else:
            self.beyond += 1

    def _finish(self) -> None:
        if self._number >= 0:
            self._skip(int(self.spool.lengths[self._number]))

    def _skip(self, until: int) -> None:
        if until > self._shown and self._left:
            self.skip(self._shown, until)
        self._shown = until


class Views(ExitStack):
    """Several views of one scan as one.

    Parameters
    ----------
    views : sequence of context managers that are sinks
    """

    def __init__(self, views: Sequence[AbstractContextManager]) -> None:
        super().__init__()
        self._views = [self.enter_context(view) for view in views]

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""
        for view in self._views:
            view.write(calls)
