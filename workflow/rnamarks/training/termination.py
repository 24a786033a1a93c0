"""SIGTERM, which a scheduler sends some seconds before it kills a job, as a question that a training asks."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """Note SIGTERM while the block lasts instead of ending by it.

    A second one acts at once, and the first acts when the block ends. In a thread other than the main one, or where the
    signal is ignored, nothing is changed.

    Yields
    ------
    asked : callable
        Whether the signal came.
    """
    came = False
    former = signal.getsignal(signal.SIGTERM)

    def note(number: int, _: object) -> None:
        nonlocal came
        came = True
        signal.signal(number, former)

    if threading.current_thread() is not threading.main_thread() or former in (signal.SIG_IGN, None):
        yield lambda: False
        return
    signal.signal(signal.SIGTERM, note)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGTERM, former)
        if came:
            signal.raise_signal(signal.SIGTERM)
