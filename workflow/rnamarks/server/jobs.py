"""Scans that people ask a server for: one at a time, in the order they come, kept until newer ones replace them."""

from __future__ import annotations

import logging
import queue
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..errors import FULL, InputError
from ..files import write_text
from ..prediction.scan import ScanOptions
from ..prediction.scanner import Outputs, Scanner
from .page_view import PageView

TABLE, BEDRMOD, ATTENTION, PICTURE = "calls.tsv", "calls.bedrmod", "attention.tsv", "picture.html"
SEQUENCES = "sequences.fa"

logger = logging.getLogger(__name__)


class Busy(Exception):
    """No scan can be taken now; the text says why."""


class Stopped(Exception):
    """The server ends."""


@dataclass(frozen=True)
class Request:
    """What a scan is asked for.

    Attributes
    ----------
    options : ScanOptions
        With ``weights`` the table of attention is written, too.
    mode : str
        ``exact`` or ``fast``.
    tasks : tuple of str
        Empty for all.
    bedrmod : bool
        Whether bedRMod is written.
    """

    options: ScanOptions
    mode: str
    tasks: tuple[str, ...] = ()
    bedrmod: bool = False


@dataclass
class Job:
    """One scan.

    Attributes
    ----------
    token : str
        Cannot be guessed.
    folder : Path
        Holds the sequences and, once done, :data:`TABLE`, :data:`PICTURE` and what else was asked for.
    state : {"waiting", "running", "done", "refused", "broken"}
        ``refused``: the sequences or options are at fault, and ``fault`` is the reason. ``broken``: the server is.
    done, total : int
        Tests that are made, and all; 0 of 0 before they are counted.
    notes : list of str
        Warnings of the scan.
    summary : pandas.DataFrame or None
        See :meth:`rnamarks.prediction.scanner.Scanner.run`.
    """

    token: str
    folder: Path
    request: Request
    state: str = "waiting"
    done: int = 0
    total: int = 0
    notes: list[str] = field(default_factory=list)
    summary: pd.DataFrame | None = None
    fault: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def file(self, name: str) -> Path | None:
        """A file of a scan that is done; None where there is none of that name."""
        path = self.folder / name
        return path if self.state == "done" and path.is_file() else None


class Jobs:
    """Runs scans on a thread of its own.

    Parameters
    ----------
    scanners : mapping of str to Scanner
        By mode.
    folder : Path
        For sequences and results.
    maximum : int
        Nucleotides that one scan may have.
    waiting : int
        Scans that may wait.
    kept : int
        Scans whose results are kept; the oldest that has ended goes first.
    """

    def __init__(
        self, scanners: Mapping[str, Scanner], folder: Path, *, maximum: int, waiting: int = 20, kept: int = 100
    ) -> None:
        self._scanners, self._folder, self._maximum, self._kept = scanners, folder, maximum, kept
        self._queue: queue.Queue[Job] = queue.Queue(waiting)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="scans", daemon=True)
        self._thread.start()

    def close(self, seconds: float = 60.0) -> None:
        """Give up the scan that runs, which may take as long as one of its blocks."""
        self._stopping = True
        self._thread.join(seconds)

    def submit(self, sequences: bytes, request: Request) -> Job:
        """Put a scan in the queue.

        Parameters
        ----------
        sequences : bytes
            FASTA, plain or gzipped.
        request : Request

        Raises
        ------
        InputError
            If the model has no such mode.
        Busy
        """
        if request.mode not in self._scanners:
            raise InputError(
                "the model has no such mode", value=request.mode, remedy=f"use {' or '.join(self._scanners)}"
            )
        token = secrets.token_urlsafe(16)
        job = Job(token, self._folder / token, request)
        try:
            job.folder.mkdir()
            (job.folder / SEQUENCES).write_bytes(sequences)
        except OSError as error:
            shutil.rmtree(job.folder, ignore_errors=True)
            if error.errno not in FULL:
                raise
            raise Busy("the server's disk is full") from error
        with self._lock:
            try:
                self._queue.put_nowait(job)
            except queue.Full:
                shutil.rmtree(job.folder)
                raise Busy(f"{self._queue.maxsize} scans are waiting already") from None
            self._jobs[token] = job
            ended = [known for known, other in self._jobs.items() if other.ended.is_set()]
            for known in ended[: max(0, len(self._jobs) - self._kept)]:
                shutil.rmtree(self._jobs.pop(known).folder)
        return job

    def find(self, token: str) -> Job | None:
        """The scan of that name, if it is still kept."""
        return self._jobs.get(token)

    def ahead(self, job: Job) -> int:
        """Scans that come before a waiting one."""
        with self._lock:
            others = list(self._jobs.values())
        return sum(not other.ended.is_set() for other in others[: others.index(job)]) if job in others else 0

    def _work(self) -> None:
        while not self._stopping:
            try:
                job = self._queue.get(timeout=0.5)
            except queue.Empty:
                continue
            job.state = "running"
            try:
                self._scan(job)
                job.state = "done"
            except InputError as error:
                job.fault, job.state = str(error).replace(str(job.folder / SEQUENCES), "your sequences"), "refused"
            except Stopped:
                job.state = "broken"
            except Exception:
                # the server outlives a fault of its own; the log has it
                logger.exception("scan %s", job.token)
                job.state = "broken"
            finally:
                (job.folder / SEQUENCES).unlink()
                job.ended.set()

    def _scan(self, job: Job) -> None:
        def progress(done: int, total: int | None) -> None:
            if self._stopping:
                raise Stopped
            job.done, job.total = done, total or 0

        request = job.request
        with write_text(job.folder / PICTURE) as picture:
            outputs = Outputs(
                table=job.folder / TABLE,
                bedrmod=job.folder / BEDRMOD if request.bedrmod else None,
                attention=job.folder / ATTENTION if request.options.weights else None,
                view=lambda spool, tasks: PageView(picture, spool, tasks),
                assembly="sequences given",
            )
            job.summary = self._scanners[request.mode].run(
                job.folder / SEQUENCES,
                request.options,
                outputs,
                tasks=request.tasks,
                maximum=self._maximum,
                progress=progress,
                warn=job.notes.append,
            )
