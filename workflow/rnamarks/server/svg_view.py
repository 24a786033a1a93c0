"""Pictures of a scan and of single calls as SVG, without a plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, TextIO

import numpy as np
import pandas as pd

from ..figures.palette import FAINT, INK, QUIET
from ..prediction.row_view import FDR, RowView, kind_of
from ..prediction.spool import Spool
from ..sequences import LETTERS
from ..tasks import Task
from .page_view import MAXIMUM_ROWS, describe

NT = 60
_MONO = "DejaVu Sans Mono, monospace"
_STEP, _MARGIN, _LINE, _EDGE = 13, 86, 17, 12
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
    'role="img" font-family="DejaVu Sans, Arial, sans-serif" font-size="11" fill="{ink}">'
    '<rect width="100%" height="100%" fill="#FFFFFF"/>'
)


class SvgView(RowView):
    """Writes one picture of all rows with a call, as :class:`rnamarks.server.page_view.PageView` shows them.

    Parameters
    ----------
    handle : text stream
    spool : Spool
    tasks : sequence of Task
    """

    def __init__(self, handle: TextIO, spool: Spool, tasks: Sequence[Task]) -> None:
        super().__init__(spool, tasks, NT, MAXIMUM_ROWS)
        self._handle, self._y, self._parts = handle, _EDGE, []

    def begin(self, number: int) -> None:
        name = escape(self.spool.names[number])
        self._move(1.6)
        self._write(_EDGE, f"{name} ({self.spool.lengths[number]:,} nt)", 'font-weight="bold"')

    def draw(self, number: int, first: int, last: int, calls: pd.DataFrame) -> None:
        letters = self.spool.letters(number, first, last)
        places = " ".join(str(_middle(at)) for at in range(len(letters)))
        self._move(1.4)
        self._write(_MARGIN - 10, first + 1, f'text-anchor="end" fill="{QUIET}"')
        self._write(places, letters, f'text-anchor="middle" font-family="{_MONO}"')
        for task, mine in self.tracks(calls):
            ink = self.paints[task.name].ink
            self._move()
            self._write(_MARGIN - 10, escape(task.label), f'text-anchor="end" fill="{ink}"')
            self._parts.append(f'<g fill="{ink}" stroke="{ink}" stroke-width="1.4">')
            self._parts += [self._mark(row, first) for row in mine.itertuples()]
            self._parts.append("</g>\n")

    def skip(self, first: int, last: int) -> None:
        self._note(f"{first + 1:,} to {last:,}: no call")

    def end(self, without: int) -> None:
        if self.beyond:
            self._note(f"{self.beyond:,} more rows with calls")
        if without:
            self._note(f"{without:,} sequences without a call")
        self._note(
            f"● q &lt; {FDR:g}, ○ q higher, · no q: ranked, not called. Predicted from sequence; positions count from 1"
        )
        width, height = _MARGIN + NT * _STEP + _EDGE, round(self._y + _EDGE)
        self._handle.write(_HEAD.format(width=width, height=height, ink=INK))
        self._handle.writelines(self._parts)
        self._handle.write("</svg>\n")

    def _move(self, lines: float = 1) -> None:
        self._y += lines * _LINE

    def _write(self, x: float | str, text: str | int, look: str) -> None:
        self._parts.append(f'<text x="{x}" y="{self._y:.1f}" {look}>{text}</text>\n')

    def _note(self, text: str) -> None:
        self._move(1.4)
        self._write(_EDGE, text, f'fill="{QUIET}"')

    def _mark(self, row: Any, first: int) -> str:
        x, y, kind = _middle(row.start - first), self._y - 4, kind_of(row.q)
        look = ('r="3.6"', 'r="3.6" fill="none"', 'r="0.8"')[kind]
        return f'<circle cx="{x}" cy="{y:.1f}" {look}><title>{escape(describe(row))}</title></circle>'


def draw_contributions(codes: np.ndarray, contributions: np.ndarray, first: int, site: int, colour: str) -> str:
    """What each nucleotide around a base adds to its log odds, as bars.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n,), dtype=uint8
    contributions : numpy.ndarray, shape=(n,)
        Nats.
    first : int
        1-based position of the first on its sequence.
    site : int
        1-based position of the base.
    colour : str
        ``#RRGGBB`` of what raises the odds.

    Returns
    -------
    str
        SVG.
    """
    step, half, left = 15, 62, 52
    largest = max(float(np.abs(contributions).max(initial=0)), 1e-6)
    # the note below needs its room
    width, height = max(left + step * len(codes), 420) + _EDGE, 2 * half + 64
    zero = half + 10
    parts = [_HEAD.format(width=width, height=height, ink=INK)]
    parts.append(f'<line x1="{left}" x2="{width - _EDGE}" y1="{zero}" y2="{zero}" stroke="{QUIET}"/>')
    for value, y in ((largest, 14), (0, zero + 4), (-largest, zero + half + 4)):
        parts.append(f'<text x="{left - 6}" y="{y}" text-anchor="end" fill="{QUIET}">{value:+.2g}</text>')
    letters = LETTERS[codes].tobytes().decode("ascii")
    for at, (letter, value) in enumerate(zip(letters, contributions, strict=True)):
        x, tall, position = left + step * at, abs(float(value)) / largest * half, first + at
        middle, y = x + step / 2, zero - tall if value > 0 else zero
        bold = 'font-weight="bold"' if position == site else ""
        if position == site:
            parts.append(f'<rect x="{x}" y="6" width="{step}" height="{2 * half + 28}" fill="{FAINT}"/>')
        parts += [
            f'<rect x="{x + 2}" y="{y:.1f}" width="{step - 4}" height="{tall:.1f}" ',
            f'fill="{colour if value > 0 else QUIET}"><title>{letter} at {position}: {value:+.3g}</title></rect>',
            f'<text x="{middle}" y="{zero + half + 20}" text-anchor="middle" font-family="{_MONO}" {bold}>',
            f"{letter}</text>",
        ]
        if position % 10 == 0 or position == site:
            y = zero + half + 36
            parts.append(f'<text x="{middle}" y="{y}" text-anchor="middle" fill="{QUIET}">{position}</text>')
    note = "up: makes the call more probable, down: less; natural-log odds"
    parts.append(f'<text x="{left}" y="{height - 4}" fill="{QUIET}">{note}</text>')
    return "".join([*parts, "</svg>"])


def _middle(at: int) -> float:
    return _MARGIN + _STEP * (at + 0.5)
