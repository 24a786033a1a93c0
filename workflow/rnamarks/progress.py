"""How far a long piece of work is: a bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

_SECONDS_BETWEEN_LINES = 10.0

Progress = Callable[[int, int | None], None]
"""Called with what is done and with all there is, None where that is not known."""


@contextmanager
def show_sites(stream: TextIO, label: str, what: str = "sites") -> Iterator[Progress]:
    """A function to call with the sites that are done and all sites.

    Parameters
    ----------
    stream : text stream
        Gets a bar if it is a terminal; otherwise a line at the start, every ten seconds and at the end.
    label : str
        Name in front.
    what : str
        What is counted, if not sites.
    """
    if stream.isatty():
        from rich.progress import MofNCompleteColumn, TextColumn

        with _bar(stream, label, [MofNCompleteColumn(), TextColumn(what)]) as progress:
            yield progress
        return

    def line(done: int, total: int | None, speed: float | None) -> str:
        fast = "" if speed is None else f", {speed:,.0f} {what}/s"
        return f"{label}: {done:,} of {total:,} {what}{fast}"

    yield _lines(stream, line, ends=True)


@contextmanager
def show_bytes(stream: TextIO, label: str) -> Iterator[Progress]:
    """A function to call with the bytes there are and the bytes there will be.

    Parameters
    ----------
    stream : text stream
        Gets a bar if it is a terminal; otherwise a line every ten seconds.
    label : str
        Name in front.
    """
    if stream.isatty():
        from rich.progress import DownloadColumn, TransferSpeedColumn

        with _bar(stream, label, [DownloadColumn(), TransferSpeedColumn()]) as progress:
            yield progress
        return

    def line(done: int, total: int | None, speed: float | None) -> str:
        share = f" of {total / 1e6:.1f} MB ({done / total:.0%})" if total else " MB"
        fast = "" if speed is None else f", {speed / 1e6:.1f} MB/s"
        return f"{label}: {done / 1e6:.1f}{share}{fast}"

    yield _lines(stream, line)


@contextmanager
def _bar(stream: TextIO, label: str, numbers: Sequence[ProgressColumn]) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), *numbers, TimeRemainingColumn())
    # few refreshes, because jobs that run side by side draw on one terminal
    with Bars(*columns, console=Console(file=stream), transient=True, refresh_per_second=2) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _lines(stream: TextIO, line: Callable[[int, int | None, float | None], str], *, ends: bool = False) -> Progress:
    """Prints what ``line`` makes of what is done, of all there is and of the speed since the first call, per second.

    With ``ends`` the first call, which has no speed yet, and the last one are printed, too.
    """
    began = shown = time.monotonic()
    first: int | None = None

    def progress(done: int, total: int | None) -> None:
        nonlocal shown, first
        now = time.monotonic()
        speed = None if first is None else (done - first) / max(now - began, 1e-9)
        at_end = ends and (first is None or done == total)
        # a download that the server begins anew falls back to 0
        first = done if first is None else min(first, done)
        if now - shown < _SECONDS_BETWEEN_LINES and not at_end:
            return
        shown = now
        print(line(done, total, speed), file=stream, flush=True)

    return progress
