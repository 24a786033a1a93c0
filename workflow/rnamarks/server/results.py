"""Scans of a server and their results on disk, which outlive the server until they expire."""

from __future__ import annotations

import json
import logging
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..figures.palette import Painted, painted
from ..files import write_text
from ..tasks import Task
from .requests import Request

TABLE, BEDRMOD, ATTENTION = "calls.tsv", "calls.bedrmod", "attention.tsv"
SVG, PICTURE = "calls.svg", "picture.html"
SEQUENCES, TRANSCRIPTS, RECORD = "sequences.fa", "transcripts.parquet", "record.json"
ENDED = ("done", "refused", "broken", "stopped")
ATTEMPTS = 2
"""A scan during which servers died so often is not begun again."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")

logger = logging.getLogger(__name__)


@dataclass
class Job:
    """One scan.

    Attributes
    ----------
    token : str
        Cannot be guessed.
    folder : Path
        Holds the sequences and, once done, :data:`TABLE`, :data:`PICTURE`, :data:`SVG` and what else was asked for.
    owner : str
        The address that asked.
    model : dict
        ``name``, ``sha256`` and ``version`` of what scans.
    tasks : list of Task
        What is asked about.
    state : {"waiting", "running", "done", "refused", "broken", "stopped"}
        ``refused``: the sequences or options are at fault, and ``fault`` is the reason. ``broken``: the server is.
        ``stopped``: somebody gave it up.
    asked, begun, ended : float
        Seconds since 1970; 0 before.
    attempts : int
        How often the scan was begun.
    done, total : int
        Tests that are made, and all; 0 of 0 before they are counted.
    size : int
        Bytes on disk.
    notes : list of str
        Warnings of the scan.
    summary : list of dict
        Rows of what :meth:`rnamarks.prediction.scanner.Scanner.run` gives; None for NaN.
    over : threading.Event
        Set when it has ended, or this server has.
    given_up : threading.Event
        Set when somebody gave it up.
    """

    token: str
    folder: Path
    request: Request
    owner: str
    model: dict[str, str]
    tasks: list[Task]
    state: str = "waiting"
    asked: float = field(default_factory=time.time)
    begun: float = 0
    ended: float = 0
    attempts: int = 0
    done: int = 0
    total: int = 0
    size: int = 0
    notes: list[str] = field(default_factory=list)
    summary: list[dict[str, Any]] = field(default_factory=list)
    fault: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    given_up: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in ENDED

    @property
    def paints(self) -> dict[str, Painted]:
        """Label and colours of each task."""
        return painted(self.tasks)

    def file(self, name: str) -> Path | None:
        """A file of a scan that is done; None where there is none of that name."""
        path = self.folder / name
        return path if self.state == "done" and path.is_file() else None

    def scanned(self) -> Path:
        """What was scanned: FASTA, or transcripts with places on a genome."""
        table = self.folder / TRANSCRIPTS
        return table if table.is_file() else self.folder / SEQUENCES

    def save(self) -> None:
        """Write the record, and count the bytes."""
        plain = ("owner", "model", "state", "asked", "begun", "ended", "attempts", "total", "notes", "summary", "fault")
        record = {name: getattr(self, name) for name in plain}
        record |= {"request": self.request.record(), "tasks": [task.record() for task in self.tasks]}
        with write_text(self.folder / RECORD) as handle:
            json.dump(record, handle)
        self.size = bytes_in(self.folder)


class Results:
    """The scans of a folder.

    Parameters
    ----------
    folder : Path
        A folder of its own; what it holds that is no scan is left alone.
    keep : float
        Seconds after its end that a result is kept.
    most : int
        Bytes that results may have together.
    """

    def __init__(self, folder: Path, *, keep: float, most: int) -> None:
        self._folder, self.keep, self.most = folder, keep, most
        folder.mkdir(parents=True, exist_ok=True)
        self._jobs: dict[str, Job] = {job.token: job for job in sorted(self._read(), key=lambda job: job.asked)}
        self._lock = threading.RLock()

    def __iter__(self) -> Iterator[Job]:
        with self._lock:
            return iter(list(self._jobs.values()))

    def find(self, token: str) -> Job | None:
        """The scan of that name, if it is still kept."""
        return self._jobs.get(token)

    def add(self, sequences: bytes, request: Request, owner: str, model: dict[str, str], tasks: list[Task]) -> Job:
        """A new scan, which waits; :class:`OSError` leaves nothing."""
        token = secrets.token_urlsafe(16)
        job = Job(token, self._folder / token, request, owner, model, tasks)
        try:
            job.folder.mkdir(mode=0o700)
            (job.folder / SEQUENCES).write_bytes(sequences)
            job.save()
        except OSError:
            shutil.rmtree(job.folder, ignore_errors=True)
            raise
        with self._lock:
            self._jobs[token] = job
        return job

    def remove(self, job: Job) -> None:
        """Forget a scan and its files."""
        with self._lock:
            self._jobs.pop(job.token, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def clean(self) -> None:
        """Remove what has expired, and while there are too many bytes the oldest result of whoever has most of them."""
        with self._lock:
            now = time.time()
            for job in list(self):
                if job.is_over and now - job.ended > self.keep:
                    self.remove(job)
            while self.size > self.most:
                owned: dict[str, int] = {}
                for job in self:
                    if job.is_over:
                        owned[job.owner] = owned.get(job.owner, 0) + job.size
                if not owned:
                    return
                largest = max(owned, key=owned.get)
                self.remove(next(job for job in self if job.is_over and job.owner == largest))

    @property
    def size(self) -> int:
        """Bytes of all scans."""
        return sum(job.size for job in self)

    def _read(self) -> Iterator[Job]:
        """Scans of servers before; one that did not end waits again, without what it had written."""
        for folder in self._folder.iterdir():
            if not _TOKEN.fullmatch(folder.name) or folder.is_symlink():
                continue
            if not (folder / RECORD).is_file():
                # a server was killed before it was there
                shutil.rmtree(folder, ignore_errors=True)
                continue
            try:
                record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
                request, tasks = Request.from_record(record.pop("request")), map(Task.from_record, record.pop("tasks"))
                job = Job(folder.name, folder, request, tasks=list(tasks), **record)
            except (OSError, ValueError, KeyError, TypeError) as error:
                logger.warning("%s is left alone, its record cannot be read: %s", folder, error)
                continue
            if job.is_over:
                job.over.set()
            else:
                job.state, job.begun = "waiting", 0
                for path in folder.iterdir():
                    if path.name not in (RECORD, SEQUENCES):
                        path.unlink()
                if job.attempts >= ATTEMPTS:
                    logger.error("scan %s was not ended by %d servers; it is given up", job.token, job.attempts)
                    job.state, job.ended = "broken", time.time()
                    job.over.set()
                    job.save()
            job.size = bytes_in(folder)
            yield job


def bytes_in(folder: Path) -> int:
    """Bytes of the files of a folder, those that come and go included."""
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
