"""A scan on the terminal: the sequence in rows, and under each row one track per task; positions count from 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

import pandas as pd
from rich.console import Console
from rich.text import Text

from ..tasks import Task
from .row_view import FDR, SYMBOLS, RowView, kind_of
from .spool import Spool

PLAIN_SYMBOLS = ("#", "o", ".")
NARROWEST = 20


class TerminalView(RowView):
    """Draws called bases as circles under the sequence.

    A full circle is a q below :data:`FDR`, an open one a higher q, a dot a base without q, which is ranked and not
    called. Rows of the sequence without any are counted and left out.

    Parameters
    ----------
    stream : text stream
        Coloured where it is a terminal.
    spool : Spool
    tasks : sequence of Task
        Tracks, from top to bottom.
    width : int, optional
        Letters of the whole picture; default that of the terminal.
    """

    def __init__(self, stream: TextIO, spool: Spool, tasks: Sequence[Task], *, width: int | None = None) -> None:
        self._console = Console(file=stream, width=width, highlight=False, soft_wrap=True)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            "".join(SYMBOLS).encode(encoding)
            self._symbols = SYMBOLS
        except (LookupError, UnicodeEncodeError):
            self._symbols = PLAIN_SYMBOLS
        self._margin = max([len(str(spool.lengths.max())), *(len(task.label) for task in tasks)]) + 1
        # tens are easier to count
        super().__init__(spool, tasks, max(NARROWEST, (self._console.width - self._margin) // 10 * 10))
        self._legend()

    def begin(self, number: int) -> None:
        self._console.print()
        self._console.print(Text(f"{self.spool.names[number]}  {self.spool.lengths[number]:,} nt", style="bold"))

    def draw(self, number: int, first: int, last: int, calls: pd.DataFrame) -> None:
        self._console.print(Text(f"{first + 1:>{self._margin - 1}} {self.spool.letters(number, first, last)}"))
        tracks = {task.name: [" "] * (last - first) for task in self.tasks}
        for name, start, q in zip(calls["task"], calls["start"], calls["q"], strict=True):
            tracks[name][start - first] = self._symbols[kind_of(q)]
        for task in self.tasks:
            text = "".join(tracks[task.name]).rstrip()
            style = self.paints[task.name].colour if text else "dim"
            self._console.print(Text(f"{task.label:>{self._margin - 1}} ", style=style).append(text))

    def skip(self, first: int, last: int) -> None:
        self._console.print(Text(f"{first + 1:,} to {last:,}: no call", style="dim"))

    def end(self, without: int) -> None:
        if without:
            noun = "sequence" if without == 1 else "sequences"
            self._console.print(Text(f"\n{without:,} {noun} without a call", style="dim"))

    def _legend(self) -> None:
        full, opened, dot = self._symbols
        kinds = f"{full} q < {FDR:g}   {opened} q higher   {dot} ranked by p, not called"
        self._console.print(Text(f"positions count from 1   {kinds}"))
        text = Text()
        for task in self.tasks:
            text.append(task.label, style=f"bold {self.paints[task.name].colour}")
            text.append(f" {task.place[0]}", style="dim")
            text.append("  ")
        self._console.print(text, soft_wrap=False)
