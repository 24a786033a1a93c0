"""Waiting for other processes for as long as they get on, however slow the machine is."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

PATIENCE = float(os.environ.get("RNAMARKS_TEST_PATIENCE", 600))
"""Seconds without any progress after which a process is taken to hang."""

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
"""Starts a program as two processes that train together."""


def wait_until(ready: Callable[[], bool], process: subprocess.Popen | None = None, interval: float = 0.01) -> None:
    """Wait until ``ready`` says so; fail when the process has ended before, or after ``PATIENCE`` seconds."""
    limit = time.monotonic() + PATIENCE
    while not ready():
        assert process is None or process.poll() is None, "the process ended before what was waited for"
        assert time.monotonic() < limit, f"what was waited for did not come in {PATIENCE:g} s"
        time.sleep(interval)


def run_patiently(
    command: Sequence[str | Path],
    *,
    watched: Sequence[Path] = (),
    patience: float = PATIENCE,
    interval: float = 1.0,
    **options: object,
) -> subprocess.CompletedProcess:
    """Run a program to its end, as :func:`subprocess.run` does with its output captured as text.

    It is killed, with all that it started, when neither its output has grown nor anything below the watched folders
    has changed for ``patience`` seconds: that is a fault, while a busy machine is none.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=err, start_new_session=True, **options)
        try:
            state, since = None, time.monotonic()
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(interval)
                    break
                now = (os.fstat(out.fileno()).st_size, os.fstat(err.fileno()).st_size, *_state(watched))
                if now != state:
                    state, since = now, time.monotonic()
                elif time.monotonic() - since > patience:
                    raise AssertionError(f"no progress for {patience:g} s: {_text(out)[-3000:]}{_text(err)[-3000:]}")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return subprocess.CompletedProcess(command, process.returncode, _text(out), _text(err))


def _state(folders: Sequence[Path]) -> Iterator[float]:
    """Number of files below each folder, and when the last of them was written."""
    for folder in folders:
        times = [0]
        # files and folders come and go meanwhile; rglob fails where a folder is gone
        for inside, below, files in os.walk(folder):
            for name in (*below, *files):
                with contextlib.suppress(OSError):
                    times.append(os.stat(os.path.join(inside, name)).st_mtime_ns)
        yield from (len(times), max(times))


def _text(handle) -> str:
    handle.seek(0)
    return handle.read()
