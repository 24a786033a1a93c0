"""What every script of the workflow starts with: its output goes to the rule's log."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from .errors import InputError, explain


@contextmanager
def logged(log_path: str | Path) -> Iterator[TextIO]:
    """Send standard output and standard error of the block, also those of programs it starts, to a log file.

    An :class:`InputError` becomes one line in the log and one on the terminal, and the process ends with the error's
    exit code (2); so does what :func:`~rnamarks.errors.explain` knows, a full disk for instance, with its traceback in
    the log. Any other exception leaves its traceback in the log and one line on the terminal, and the process ends with
    code 1. Nothing else is changed: no handlers, no hooks, no warning filters; both streams are back after the block.

    >>> with logged(snakemake.log[0]) as terminal:
    ...     import numpy
    ...     print("into the log")
    ...     print("for the user to see", file=terminal)

    Parameters
    ----------
    log_path : path-like
        Written anew; its folder is made.

    Yields
    ------
    terminal : text stream
        Standard error as it was before the block, for progress that a user should see.

    Raises
    ------
    SystemExit
        With code 2 after an InputError and its like and code 1 after any other exception, which is its ``__cause__``.
    """
    log_path = Path(log_path)
    stdout, stderr = sys.stdout, sys.stderr
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        # O_APPEND lets this process and those it starts write to one file without overwriting each other
        descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
    except OSError as error:
        _say(f"error: {explain(error) or error}", stderr)
        raise SystemExit(InputError.exit_code) from error
    stdout.flush()
    stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    log = open(descriptor, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    terminal = _outside_of(stderr, saved[1])
    try:
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        sys.stdout = sys.stderr = log
        try:
            yield terminal
        except Exception as error:
            known = explain(error)
            if known is not error:
                # the disk that is full may be the log's
                with suppress(OSError):
                    traceback.print_exc(file=log)
            if known is not None:
                _say(f"error: {known}", log, terminal)
                raise SystemExit(known.exit_code) from error
            _say(f"error: {type(error).__name__}: {error} (the traceback is in {log_path})", terminal)
            raise SystemExit(1) from error
    finally:
        with suppress(OSError):
            terminal.flush()
        sys.stdout, sys.stderr = stdout, stderr
        for target, source in enumerate(saved, start=1):
            os.dup2(source, target)
        if terminal is not stderr:
            terminal.close()
        for source in saved:
            os.close(source)
        with suppress(OSError):
            log.close()


def _outside_of(stderr: TextIO, saved: int) -> TextIO:
    """A stream that reaches where ``stderr`` led, which file descriptor 2 no longer does inside the block."""
    try:
        if stderr.fileno() != 2:
            return stderr
    except (AttributeError, io.UnsupportedOperation):
        return stderr
    return open(os.dup(saved), "w", encoding="utf-8", errors="backslashreplace", buffering=1)


def _say(line: str, *streams: TextIO) -> None:
    for stream in streams:
        with suppress(OSError):
            print(" ".join(line.splitlines()), file=stream, flush=True)
