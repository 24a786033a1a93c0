"""How far a scan is, for the one who waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_SECONDS_BETWEEN_LINES = 10.0

Progress = Callable[[int, int], None]
"""Called with the sites that are done and all sites."""


@contextmanager
def show_sites(stream: TextIO, label: str) -> Iterator[Progress]:
    """A function to call with the sites that are done and all sites: a bar on a terminal, else a line now and then.

    Parameters
    ----------
    stream : text stream
    label : str
        Name in front.
    """
    if not stream.isatty():
        yield _lines(stream, label)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("sites"))
    # few refreshes, because jobs that run side by side draw on one terminal
    with Bars(
        *columns, TimeRemainingColumn(), console=Console(file=stream), transient=True, refresh_per_second=2
    ) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _lines(stream: TextIO, label: str) -> Progress:
    began = shown = time.monotonic()
    first: int | None = None

    def progress(done: int, total: int) -> None:
        nonlocal shown, first
        now = time.monotonic()
        if first is None:
            first = done
            print(f"{label}: {total - done:,} of {total:,} sites to score", file=stream, flush=True)
        if now - shown < _SECONDS_BETWEEN_LINES and done < total:
            return
        shown = now
        speed = (done - first) / max(now - began, 1e-9)
        print(f"{label}: {done:,} of {total:,} sites, {speed:,.0f} sites/s", file=stream, flush=True)

    return progress
