"""How far a download is: a bar on a terminal, lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Progress = Callable[[int, int | None], None]

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def show_progress(stream: TextIO, label: str) -> Iterator[Progress]:
    """A function to call with the bytes there are and the bytes there will be (None if not known).

    Parameters
    ----------
    stream : text stream
        Gets a bar if it is a terminal; otherwise a line every ten seconds.
    label : str
        Name in front.
    """
    if stream.isatty():
        with _bar(stream, label) as progress:
            yield progress
    else:
        yield _lines(stream, label)


@contextmanager
def _bar(stream: TextIO, label: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    # few refreshes, because jobs that run side by side draw on one terminal
    with Bars(
        *columns, TimeRemainingColumn(), console=Console(file=stream), transient=True, refresh_per_second=2
    ) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _lines(stream: TextIO, label: str) -> Progress:
    began = shown = time.monotonic()
    first: int | None = None

    def progress(done: int, total: int | None) -> None:
        nonlocal shown, first
        now = time.monotonic()
        first = done if first is None else min(first, done)
        if now - shown < _SECONDS_BETWEEN_LINES:
            return
        shown = now
        share = f" of {total / 1e6:.1f} MB ({done / total:.0%})" if total else " MB"
        print(
            f"{label}: {done / 1e6:.1f}{share}, {(done - first) / 1e6 / (now - began):.1f} MB/s",
            file=stream,
            flush=True,
        )

    return progress
