"""What every script of the workflow starts with: its output goes to the rule's log, with what it was given and made."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from . import __version__
from .errors import InputError, explain
from .started import started_with

_SECONDS_BETWEEN_REPORTS = 60.0
_LISTED = 20
"""Input files that a log lists before it says how many more there are."""
_COUNTED = 1 << 27
"""Bytes from which on a text is not read once more to count its lines."""


@contextmanager
def logged(job: Any) -> Iterator[TextIO]:
    """Send standard output and standard error of the block, also those of programs it starts, to the job's log file.

    The log begins with the version, the job, its seed and its input files, and ends with the rows and bytes of its
    output files, the time and the memory. Where standard error is no terminal, a line there says each minute how long
    the block is at work and what it logged last.

    An :class:`InputError` becomes one line in the log and one on the terminal, and the process ends with the error's
    exit code (2); so does what :func:`~rnamarks.errors.explain` knows, a full disk for instance, with its traceback in
    the log. Any other exception leaves its traceback in the log and one line on the terminal, and the process ends with
    code 1. Nothing else is changed: no handlers, no hooks, no warning filters; both streams are back after the block.

    One of several processes that the job's own has started adds to the log, which that one begins and ends.

    >>> with logged(snakemake) as terminal:
    ...     import numpy
    ...     print("into the log")
    ...     print("for the user to see", file=terminal)

    Parameters
    ----------
    job : object
        With the attributes of what Snakemake gives a script: ``rule``, ``wildcards``, ``input``, ``output``, ``params``
        and ``log``, whose first file is written anew; its folder is made.

    Yields
    ------
    terminal : text stream
        Standard error as it was before the block, for progress that a user should see.

    Raises
    ------
    SystemExit
        With code 2 after an InputError and its like and code 1 after any other exception, which is its ``__cause__``.
    """
    log_path = Path(job.log[0])
    began, part = time.monotonic(), started_with(os.environ) is not None
    stdout, stderr = sys.stdout, sys.stderr
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        # O_APPEND lets this process and those it starts write to one file without overwriting each other
        descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (0 if part else os.O_TRUNC), 0o666)
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
            if part:
                yield terminal
            else:
                with _reported_each_minute(job, log_path, saved[1]):
                    _say_what_is_given(job)
                    yield terminal
                    _say_what_is_made(job, began)
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


def name_of(job: Any) -> str:
    """A job as people tell it from others: its rule and its wildcards."""
    return " ".join([job.rule, *(f"{key}={value}" for key, value in job.wildcards.items())])


def _say_what_is_given(job: Any) -> None:
    seed = job.params.get("seed", job.wildcards.get("seed", "none"))
    print(
        f"rnamarks {__version__}, Python {sys.version.split()[0]}", f"rule: {name_of(job)}", f"seed: {seed}", sep="\n"
    )
    files = list(job.input)
    for path in files[:_LISTED]:
        print(f"input: {path}, {os.path.getsize(path):,} bytes")
    if len(files) > _LISTED or not files:
        print(f"input: {len(files) - _LISTED} more files" if files else "input: none")


def _say_what_is_made(job: Any, began: float) -> None:
    for path in job.output:
        print(f"output: {path}, {_count(str(path))}{os.path.getsize(path):,} bytes")
    print(f"took {time.monotonic() - began:.1f} s and {_peak_memory():,} MB at most")


def _count(path: str) -> str:
    """Rows of a Parquet table, lines of one of text."""
    # what has written the table has it loaded; not every environment has it
    if path.endswith(".parquet") and (parquet := sys.modules.get("pyarrow.parquet")):
        return f"{parquet.read_metadata(path).num_rows:,} rows, "
    if path.endswith((".tsv", ".tsv.gz")) and os.path.getsize(path) < _COUNTED:
        from .files import open_text

        with open_text(path, errors="replace") as handle:
            return f"{sum(1 for _ in handle):,} lines, "
    return ""


def _peak_memory() -> int:
    """Megabytes that this process, or one that it waited for, had at most."""
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

    most = max(getrusage(who).ru_maxrss for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
    return round(most / (1e6 if sys.platform == "darwin" else 1e3))


@contextmanager
def _reported_each_minute(job: Any, log_path: Path, descriptor: int) -> Iterator[None]:
    """While the block lasts, say now and then that it does, where no terminal shows it."""
    over, began = threading.Event(), time.monotonic()

    def tell() -> None:
        while not over.wait(_SECONDS_BETWEEN_REPORTS):
            minutes = (time.monotonic() - began) / 60
            line = f"{name_of(job)}: at work for {minutes:.0f} min, {_peak_memory():,} MB; {_last_line(log_path)}\n"
            # not by a stream, whose lock a process that is forked just then would keep
            with suppress(OSError):
                os.write(descriptor, line.encode(errors="backslashreplace"))

    if os.isatty(descriptor):
        yield
        return
    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _last_line(path: Path) -> str:
    with suppress(OSError), open(path, "rb") as handle:
        handle.seek(max(0, handle.seek(0, os.SEEK_END) - 2000))
        if lines := handle.read().decode(errors="replace").split("\n")[-2:-1]:
            return lines[0][-200:]
    return ""


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
