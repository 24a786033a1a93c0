"""The rows of a scan as HTML: the sequence in lines, and under each line a track per task with a row. Positions count
from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TextIO

import pandas as pd

from ..prediction.row_view import FDR, RowView, colours_of
from ..prediction.spool import Spool
from ..tasks import Task

NT = 100
MAXIMUM_ROWS = 300


class PageView(RowView):
    """Writes a fragment of HTML.

    A call is an element of class ``call``, and ``full`` where its q is below :data:`~rnamarks.prediction.row_view.FDR`;
    its title holds the row of the table. ``data-top`` lists the 1-based middles of the three nt that the networks
    looked at.

    Parameters
    ----------
    handle : text stream
    spool : Spool
    tasks : sequence of Task
    maximum_rows : int
        Rows that are drawn; the others are counted.
    """

    def __init__(
        self, handle: TextIO, spool: Spool, tasks: Sequence[Task], *, nt: int = NT, maximum_rows: int = MAXIMUM_ROWS
    ) -> None:
        super().__init__(spool, tasks, nt)
        self._handle, self._maximum, self._rows, self._open = handle, maximum_rows, 0, False
        self._colours = colours_of(tasks)

    def begin(self, number: int) -> None:
        if self._rows >= self._maximum:
            return
        self._close_section()
        self._open = True
        name, length = escape(self.spool.names[number]), self.spool.lengths[number]
        self._put(f'<section class="sequence"><h3>{name} <small>{length:,} nt</small></h3>')

    def draw(self, number: int, first: int, last: int, calls: pd.DataFrame) -> None:
        self._rows += 1
        if self._rows > self._maximum:
            return
        letters = "".join(f"<i>{letter}</i>" for letter in self.spool.letters(number, first, last))
        self._put(f'<div class="row" data-first="{first}"><b>{first + 1}</b><span>{letters}</span></div>')
        for task in self.tasks:
            mine = calls[calls["task"] == task.name]
            if len(mine):
                dots = "".join(map(self._call, mine.itertuples(), [first] * len(mine)))
                colour, label = self._colours[task.name], escape(task.label)
                self._put(f'<div class="track" style="color:{colour}"><b>{label}</b><span>{dots}</span></div>')

    def skip(self, first: int, last: int) -> None:
        if self._rows < self._maximum:
            self._put(f'<p class="quiet">{first + 1:,} to {last:,}: no call</p>')

    def end(self, without: int) -> None:
        self._close_section()
        if self._rows > self._maximum:
            self._put(
                f'<p class="note">The picture ends here: {self._rows - self._maximum:,} more rows with calls are in '
                "the table alone.</p>"
            )
        if without:
            self._put(f'<p class="quiet">{without:,} sequences without a call</p>')

    def _call(self, row, first: int) -> str:
        sure = row.q < FDR
        probability = "not calibrated" if pd.isna(row.probability) else f"{row.probability:.3g}"
        p, q = ("not known" if pd.isna(value) else f"{value:.2g}" for value in (row.p, row.q))
        top = ",".join(str(int(place) + 1) for place in getattr(row, "top", "").split(",") if place)
        title = f"{row.task} at {row.start + 1} ({row.base}): probability {probability}, p {p}, q {q}"
        if top:
            title += f"; looked at {top.replace(',', ', ')}"
        title = escape(title)
        return (
            f'<button class="call{" full" if sure else ""}" style="left:{row.start - first}ch" title="{title}" '
            f'aria-label="{title}" data-position="{row.start + 1}" data-top="{top}">'
            f"{'●' if sure else '○'}</button>"
        )

    def _close_section(self) -> None:
        if self._open:
            self._put("</section>")
        self._open = False

    def _put(self, text: str) -> None:
        self._handle.write(text + "\n")
