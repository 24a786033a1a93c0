"""A scan on the terminal: the sequence in rows, and under each row one track per modification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

import pandas as pd
from rich.console import Console
from rich.text import Text

from .row_view import FDR, RowView
from .scan import Mark
from .scan_files import colours_of
from .spool import Spool

SYMBOLS = ("●", "○")
PLAIN_SYMBOLS = ("#", "o")
NARROWEST = 20


class TerminalView(RowView):
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
        self._colours = colours_of(marks)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            "".join(SYMBOLS).encode(encoding)
            self._symbols = SYMBOLS
        except (LookupError, UnicodeEncodeError):
            self._symbols = PLAIN_SYMBOLS
        self._margin = max([len(str(spool.lengths.max())), *(len(mark.modification) for mark in marks)]) + 1
        # tens are easier to count
        super().__init__(spool, marks, max(NARROWEST, (self._console.width - self._margin) // 10 * 10))
        self._legend()

    def begin(self, number: int) -> None:
        self._console.print()
        self._console.print(Text(f"{self.spool.names[number]}  {self.spool.lengths[number]:,} nt", style="bold"))

    def draw(self, number: int, first: int, last: int, calls: pd.DataFrame) -> None:
        self._console.print(Text(f"{first + 1:>{self._margin - 1}} {self.spool.letters(number, first, last)}"))
        tracks = {mark.modification: [" "] * (last - first) for mark in self.marks}
        for name, position, q in zip(calls["modification"], calls["position"], calls["q"], strict=True):
            tracks[name][position - 1 - first] = self._symbols[0 if q < FDR else 1]
        for name, track in tracks.items():
            text = "".join(track).rstrip()
            line = Text(f"{name:>{self._margin - 1}} ", style=self._colours[name] if text else "dim")
            self._console.print(line.append(text))

    def skip(self, first: int, last: int) -> None:
        self._console.print(Text(f"{first + 1:,} to {last:,}: no call", style="dim"))

    def end(self, without: int) -> None:
        if without:
            self._console.print(Text(f"\n{without:,} sequences without a call", style="dim"))

    def _legend(self) -> None:
        full, opened = self._symbols
        text = Text(f"{full} q < {FDR:g}   {opened} called, q higher   ")
        for mark in self.marks:
            text.append(mark.modification, style=f"bold {self._colours[mark.modification]}")
            text.append(f" {mark.base}" if set(mark.motif) == {"N"} else f" {mark.motif}", style="dim")
            text.append("  ")
        self._console.print(text, soft_wrap=False)
