"""The calls of a scan as HTML: the sequence in rows, and under each row a track per modification that is called."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TextIO

import pandas as pd

from ..prediction.row_view import FDR, RowView
from ..prediction.scan import Mark
from ..prediction.scan_files import colours_of
from ..prediction.spool import Spool

NT = 100
MOST_ROWS = 300


class PageView(RowView):
    """Writes a fragment of HTML.

    A call is an element of class ``call``, and ``full`` where its q is below :data:`~rnamarks.prediction.row_view.FDR`;
    its title says what the table says of it. ``data-top`` lists the 1-based middles of the three nt that the networks
    looked at.

    Parameters
    ----------
    handle : text stream
    spool : Spool
    marks : sequence of Mark
    most_rows : int
        Rows that are drawn; the others are counted.
    """

    def __init__(
        self, handle: TextIO, spool: Spool, marks: Sequence[Mark], *, nt: int = NT, most_rows: int = MOST_ROWS
    ) -> None:
        super().__init__(spool, marks, nt)
        self._handle, self._most, self._rows, self._open = handle, most_rows, 0, False
        self._colours = colours_of(marks)

    def begin(self, number: int) -> None:
        if self._rows >= self._most:
            return
        self._close_section()
        self._open = True
        name, length = escape(self.spool.names[number]), self.spool.lengths[number]
        self._put(f'<section class="sequence"><h3>{name} <small>{length:,} nt</small></h3>')

    def draw(self, number: int, first: int, last: int, calls: pd.DataFrame) -> None:
        self._rows += 1
        if self._rows > self._most:
            return
        letters = "".join(f"<i>{letter}</i>" for letter in self.spool.letters(number, first, last))
        self._put(f'<div class="row" data-first="{first}"><b>{first + 1}</b><span>{letters}</span></div>')
        for mark in self.marks:
            mine = calls[calls["modification"] == mark.modification]
            if len(mine):
                dots = "".join(map(self._call, mine.itertuples(), [first] * len(mine)))
                colour = self._colours[mark.modification]
                self._put(
                    f'<div class="track" style="color:{colour}"><b>{mark.modification}</b><span>{dots}</span></div>'
                )

    def skip(self, first: int, last: int) -> None:
        if self._rows < self._most:
            self._put(f'<p class="quiet">{first + 1:,} to {last:,}: no call</p>')

    def end(self, without: int) -> None:
        self._close_section()
        if self._rows > self._most:
            self._put(
                f'<p class="note">The picture ends here: {self._rows - self._most:,} more rows with calls are in the '
                "table alone.</p>"
            )
        if without:
            self._put(f'<p class="quiet">{without:,} sequences without a call</p>')

    def _call(self, row, first: int) -> str:
        sure = row.q < FDR
        probability = "not calibrated" if pd.isna(row.probability) else f"{row.probability:.3g}"
        title = f"{row.modification} at {row.position} ({row.base}): probability {probability}, "
        title += f"p {row.p:.2g}, q {row.q:.2g}"
        if row.top:
            title += f"; looked at {row.top.replace(',', ', ')}"
        return (
            f'<button class="call{" full" if sure else ""}" style="left:{row.position - 1 - first}ch" title="{title}" '
            f'aria-label="{title}" data-position="{row.position}" data-top="{row.top}">{"●" if sure else "○"}</button>'
        )

    def _close_section(self) -> None:
        if self._open:
            self._put("</section>")
        self._open = False

    def _put(self, text: str) -> None:
        self._handle.write(text + "\n")
