"""A scan on the terminal: the sequence in rows, and under each row one track per modification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

import numpy as np
import pandas as pd
from rich.console import Console
from rich.text import Text

from .scan import Calls, Mark
from .scan_files import colours_of
from .spool import Spool

FDR = 0.1
SYMBOLS = ("●", "○")
PLAIN_SYMBOLS = ("#", "o")
NARROWEST = 20


class TerminalView:
    """Draws called bases as marks under the sequence.

    A full mark stands for q below :data:`FDR`, an open one for a call without that. Rows of the sequence without a call
    are counted and left out.

    Parameters
    ----------
    stream : text stream
        Coloured where it is a terminal.
    spool : Spool
    marks : sequence of Mark
        Tracks, from top to bottom.
    width : int, optional
        Letters of the whole picture; default that of the terminal.
    """

    def __init__(self, stream: TextIO, spool: Spool, marks: Sequence[Mark], *, width: int | None = None) -> None:
        self._console = Console(file=stream, width=width, highlight=False, soft_wrap=True)
        self._spool, self._marks = spool, list(marks)
        self._colours = colours_of(marks)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            "".join(SYMBOLS).encode(encoding)
            self._symbols = SYMBOLS
        except (LookupError, UnicodeEncodeError):
            self._symbols = PLAIN_SYMBOLS
        self._margin = max([len(str(spool.lengths.max())), *(len(mark.modification) for mark in marks)]) + 1
        # tens are easier to count
        self.nt = max(NARROWEST, (self._console.width - self._margin) // 10 * 10)
        self._held: list[pd.DataFrame] = []
        self._place = (-1, -1)
        self._number, self._shown, self._drawn = -1, 0, 0
        self._legend()

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""
        row = (calls.table["position"].to_numpy() - 1) // self.nt
        changes = np.flatnonzero((np.diff(calls.number) != 0) | (np.diff(row) != 0)) + 1
        for part in np.split(np.arange(len(row)), changes):
            place = (int(calls.number[part[0]]), int(row[part[0]]))
            if place != self._place:
                self._draw()
                self._place = place
            self._held.append(calls.table.iloc[part])

    def close(self) -> None:
        """Draw what is still held, and say what has no call."""
        self._draw()
        self._end()
        without = len(self._spool.names) - self._drawn
        if without:
            self._console.print(Text(f"\n{without:,} sequences without a call", style="dim"))

    def _legend(self) -> None:
        full, opened = self._symbols
        text = Text(f"{full} q < {FDR:g}   {opened} called, q higher   ")
        for mark in self._marks:
            text.append(mark.modification, style=f"bold {self._colours[mark.modification]}")
            text.append(f" {mark.base}" if set(mark.motif) == {"N"} else f" {mark.motif}", style="dim")
            text.append("  ")
        self._console.print(text, soft_wrap=False)

    def _begin(self, number: int) -> None:
        self._number, self._shown = number, 0
        self._drawn += 1
        self._console.print()
        self._console.print(Text(f"{self._spool.names[number]}  {self._spool.lengths[number]:,} nt", style="bold"))

    def _end(self) -> None:
        if self._number >= 0:
            self._skip(int(self._spool.lengths[self._number]))

    def _skip(self, until: int) -> None:
        if until > self._shown:
            self._console.print(Text(f"{self._shown + 1:,} to {until:,}: no call", style="dim"))
        self._shown = until

    def _draw(self) -> None:
        """Draw the row of the sequence that is held."""
        if not self._held:
            return
        number, row = self._place
        frame, self._held = pd.concat(self._held), []
        if self._number != number:
            self._end()
            self._begin(number)
        first = row * self.nt
        last = min(first + self.nt, int(self._spool.lengths[number]))
        self._skip(first)
        self._shown = last
        self._console.print(Text(f"{first + 1:>{self._margin - 1}} {self._spool.letters(number, first, last)}"))
        tracks = {mark.modification: [" "] * (last - first) for mark in self._marks}
        for name, position, q in zip(frame["modification"], frame["position"], frame["q"], strict=True):
            tracks[name][position - 1 - first] = self._symbols[0 if q < FDR else 1]
        for name, track in tracks.items():
            text = "".join(track).rstrip()
            line = Text(f"{name:>{self._margin - 1}} ", style=self._colours[name] if text else "dim")
            self._console.print(line.append(text))
