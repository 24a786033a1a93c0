"""The rows of a scan as HTML: the sequence in lines, and under each line a track per task with a row. Positions count
from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, TextIO
from urllib.parse import urlencode

import pandas as pd

from ..prediction.row_view import SYMBOLS, RowView, kind_of
from ..prediction.spool import Spool
from ..tasks import Task

NT = 40
MAXIMUM_ROWS = 500


class PageView(RowView):
    """Writes a fragment of HTML.

    A call is a link of class ``call``, with the mark of its kind, see :func:`rnamarks.prediction.row_view.kind_of`;
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
        super().__init__(spool, tasks, nt, maximum_rows)
        self._handle, self._open = handle, False

    def begin(self, number: int) -> None:
        self._close_section()
        self._open = True
        name, length = escape(self.spool.names[number]), self.spool.lengths[number]
        self._put(f'<section class="sequence"><h3>{name} <small>{length:,} nt</small></h3>')

    def draw(self, number: int, first: int, last: int, calls: pd.DataFrame) -> None:
        letters = "".join(f"<i>{letter}</i>" for letter in self.spool.letters(number, first, last))
        self._put(f'<div class="row" data-first="{first}"><b>{first + 1}</b><span>{letters}</span></div>')
        for task, mine in self.tracks(calls):
            marks = "".join(self._mark(row, first) for row in mine.itertuples())
            paint = self.paints[task.name]
            label = escape(paint.label)
            self._put(f'<div class="track" style="color:{paint.ink}"><b>{label}</b><span>{marks}</span></div>')

    def skip(self, first: int, last: int) -> None:
        self._put(f'<p class="quiet">{first + 1:,} to {last:,}: no call</p>')

    def end(self, without: int) -> None:
        self._close_section()
        if self.beyond:
            self._put(
                f'<p class="note">The picture ends here: {self.beyond:,} more rows with calls are in '
                "the table alone.</p>"
            )
        if without:
            self._put(f'<p class="quiet">{without:,} {"sequence" if without == 1 else "sequences"} without a call</p>')

    def _mark(self, row: Any, first: int) -> str:
        top = ",".join(str(int(place) + 1) for place in getattr(row, "top", "").split(",") if place)
        title = escape(describe(row))
        address = escape(urlencode({"task": row.task, "sequence": row.sequence, "start": row.start}))
        return (
            f'<a class="call" style="--at:{row.start - first}" href="call?{address}" '
            f'title="{title}" aria-label="{title}" data-position="{row.start + 1}" data-top="{top}">'
            f"{SYMBOLS[kind_of(row.q)]}</a>"
        )

    def _close_section(self) -> None:
        if self._open:
            self._put("</section>")
        self._open = False

    def _put(self, text: str) -> None:
        self._handle.write(text + "\n")


def describe(row: Any) -> str:
    """A call in words; its position counts from 1."""
    probability = "not calibrated" if pd.isna(row.probability) else f"{row.probability:.3g}"
    p, q = ("not known" if pd.isna(value) else f"{value:.2g}" for value in (row.p, row.q))
    return f"{row.task} at {row.start + 1} ({row.base}): probability {probability}, p {p}, q {q}"
