"""Scans that people ask a server for: one at a time, and every address in its turn."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..errors import FULL, InputError
from ..files import write_text
from ..prediction.bases import choose_tasks
from ..prediction.calls import Calls
from ..prediction.row_view import Views
from ..prediction.scanner import Outputs, Scanner
from .page_view import PageView
from .places import Places
from .requests import Request
from .results import ATTENTION, BEDRMOD, PICTURE, SEQUENCES, SVG, TABLE, TRANSCRIPTS, Job, Results, bytes_in
from .svg_view import SvgView

_BETWEEN_CLEANINGS = 60.0
_REMEMBERED = 1000

logger = logging.getLogger(__name__)


class Busy(Exception):
    """No scan can be taken now; the text says why."""


class Stopped(Exception):
    """The server ends, or somebody gave the scan up."""


@dataclass(frozen=True)
class Limits:
    """What people may ask of a server.

    Attributes
    ----------
    nt, tests : int
        Nucleotides, and bases times tasks, of one scan.
    waiting : int
        Scans that may wait.
    each : int
        Scans of one address that may wait.
    size : int
        Bytes of one scan's files.
    kept : int
        Bytes of all scans.
    seconds : float
        For which results are kept.
    """

    nt: int = 100_000
    tests: int = 500_000
    waiting: int = 20
    each: int = 5
    size: int = 200_000_000
    kept: int = 2_000_000_000
    seconds: float = 7 * 86_400


class Jobs:
    """Runs scans on a thread of its own.

    Parameters
    ----------
    scanners : mapping of str to Scanner
        By mode.
    folder : Path
        For sequences and results; scans there that did not end are begun again.
    model : str
        What the model is called.
    limits : Limits
    places : Places, optional
        Where transcripts lie on a genome.
    """

    def __init__(
        self,
        scanners: Mapping[str, Scanner],
        folder: Path,
        *,
        model: str = "",
        limits: Limits | None = None,
        places: Places | None = None,
    ) -> None:
        self._scanners, self.limits, self._places = scanners, limits or Limits(), places
        self.model = {
            "name": model,
            "sha256": getattr(next(iter(scanners.values())), "digest", ""),
            "version": __version__,
        }
        self.results = Results(folder, keep=self.limits.seconds, most=self.limits.kept)
        self._queues: dict[str, deque[Job]] = {}
        self._served: dict[str, float] = {}
        self._changed = threading.Condition()
        self._running: Job | None = None
        self._pace: dict[str, float] = {}
        self._stopping = False
        for job in self.results:
            if not job.is_over:
                self._queues.setdefault(job.owner, deque()).append(job)
        self.results.clean()
        self._thread = threading.Thread(target=self._work, name="scans", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End: the scan that runs is put back, and with those that wait begun again by the next server."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()
        for job in self.results:
            job.over.set()

    def submit(self, sequences: bytes, request: Request, owner: str = "") -> Job:
        """Put a scan in the queue.

        Parameters
        ----------
        sequences : bytes
            FASTA, plain or gzipped.
        request : Request
        owner : str
            The address that asks. Addresses take turns.

        Raises
        ------
        InputError
            If the model has no such mode or task.
        Busy
        """
        if request.mode not in self._scanners:
            raise InputError(
                "the model has no such mode", value=request.mode, remedy=f"use {' or '.join(self._scanners)}"
            )
        scanner = self._scanners[request.mode]
        tasks = choose_tasks(scanner.tasks, request.tasks)
        with self._changed:
            waiting = sum(map(len, self._queues.values()))
            if waiting >= self.limits.waiting:
                raise Busy(f"{waiting} scans are waiting already")
            if len(self._queues.get(owner, ())) >= self.limits.each:
                raise Busy(f"{self.limits.each} scans from your address are waiting already")
            try:
                job = self.results.add(sequences, request, owner, self.model, tasks)
            except OSError as error:
                if error.errno not in FULL:
                    raise
                raise Busy("the server's disk is full") from error
            self._queues.setdefault(owner, deque()).append(job)
            self._changed.notify()
        return job

    def find(self, token: str) -> Job | None:
        """The scan of that name, if it is still kept."""
        return self.results.find(token)

    def give_up(self, job: Job) -> None:
        """End a scan that waits or runs; forget one that has ended."""
        with self._changed:
            if job.is_over:
                self.results.remove(job)
                return
            job.given_up.set()
            queue = self._queues.get(job.owner, ())
            if job in queue:
                queue.remove(job)
                self._end(job, "stopped")

    def ahead(self, job: Job) -> list[Job]:
        """Scans that come before a waiting one if nobody else asks, in their order."""
        with self._changed:
            order = [self._running] if self._running else []
            queues = [list(self._queues[owner]) for owner in self._turns()]
        order += [
            queue[place] for place in range(max(map(len, queues), default=0)) for queue in queues if place < len(queue)
        ]
        return order[: order.index(job)] if job in order else []

    def seconds_left(self, job: Job) -> float | None:
        """Until a scan will have ended, from how fast those before were; None if that is not known."""
        parts = [self._seconds(other) for other in (*(self.ahead(job) if job.state == "waiting" else ()), job)]
        return None if None in parts else sum(parts)

    def _seconds(self, job: Job) -> float | None:
        running = self._running
        if running is not None and running.done:
            spent = time.time() - running.begun
            if job is running:
                return spent * (job.total - job.done) / job.done
            # the first scan of a mode is told by itself
            mine = spent * running.total / running.done / max(1.0, self._work_of(running))
            pace = self._pace.get(job.request.mode, mine if running.request.mode == job.request.mode else None)
        else:
            pace = self._pace.get(job.request.mode)
        if pace is None:
            return None
        spent = time.time() - job.begun if job.state == "running" else 0
        return max(0.0, pace * self._work_of(job) - spent)

    @staticmethod
    def _work_of(job: Job) -> float:
        """About how much a scan has to do: bytes of the sequences times tasks."""
        try:
            return (job.folder / SEQUENCES).stat().st_size * len(job.tasks)
        except FileNotFoundError:
            return 0.0

    def _work(self) -> None:
        cleaned = time.monotonic()
        while True:
            with self._changed:
                while not self._stopping and not any(self._queues.values()):
                    self._changed.wait(_BETWEEN_CLEANINGS)
                    if time.monotonic() - cleaned >= _BETWEEN_CLEANINGS:
                        break
                if self._stopping:
                    return
                job = self._running = self._next()
            if job is not None:
                self._run(job)
                self._running = None
            self.results.clean()
            cleaned = time.monotonic()

    def _turns(self) -> list[str]:
        """Addresses with scans that wait; the one that was served longest ago, or never, comes first."""
        return sorted(
            (owner for owner, queue in self._queues.items() if queue), key=lambda one: self._served.get(one, 0)
        )

    def _next(self) -> Job | None:
        """The first scan of the address whose turn it is."""
        turns = self._turns()
        if not turns:
            return None
        self._served[turns[0]] = time.monotonic()
        while len(self._served) > _REMEMBERED:
            del self._served[min(self._served, key=self._served.get)]
        self._queues = {owner: self._queues[owner] for owner in turns}
        return self._queues[turns[0]].popleft()

    def _run(self, job: Job) -> None:
        job.attempts += 1
        job.begun, job.state = time.time(), "running"
        try:
            job.save()
            self._scan(job)
            if job.total:
                self._pace[job.request.mode] = (time.time() - job.begun) / max(1.0, self._work_of(job))
            self._end(job, "done")
        except InputError as error:
            job.fault = str(error)
            # paths of this machine are nothing to those who ask
            known_as = {str(job.folder / name): "your sequences" for name in (SEQUENCES, TRANSCRIPTS)}
            if error.path is not None:
                known_as.setdefault(str(error.path), Path(error.path).name)
            for path, name in known_as.items():
                job.fault = job.fault.replace(path, name)
            self._end(job, "refused")
        except Stopped:
            if job.given_up.is_set():
                self._end(job, "stopped")
            else:
                # the next server begins it again, and that this one ended is not its fault
                job.attempts -= 1
                job.state = "waiting"
                job.save()
        except Exception:
            # the server outlives a fault of its own; the log has it
            logger.exception("scan %s", job.token)
            self._end(job, "broken")

    def _end(self, job: Job, state: str) -> None:
        if state != "done":
            # those of a scan that is done are there to explain its calls
            for path in job.folder.iterdir():
                path.unlink(missing_ok=True)
        job.ended, job.state = time.time(), state
        try:
            job.save()
        except OSError:
            logger.exception("scan %s", job.token)
        job.over.set()

    def _scan(self, job: Job) -> None:
        def pause() -> None:
            if self._stopping or job.given_up.is_set():
                raise Stopped

        def progress(done: int, total: int | None) -> None:
            job.done, job.total = done, total or 0

        request, source = job.request, job.folder / SEQUENCES
        scanner = self._scanners[request.mode]
        genome = {}
        if self._places is not None:
            source, genome = self._places.place(job.folder, self.limits.nt, job.notes.append)
        with write_text(job.folder / PICTURE) as page, write_text(job.folder / SVG) as picture:
            outputs = Outputs(
                table=job.folder / TABLE,
                bedrmod=job.folder / BEDRMOD if request.bedrmod else None,
                attention=job.folder / ATTENTION if request.options.weights else None,
                view=lambda spool, tasks: Views(
                    [
                        PageView(page, spool, tasks),
                        SvgView(picture, spool, tasks),
                        _Scale(job.folder, self.limits.size, pause),
                    ]
                ),
                **({"assembly": "sequences given"} | genome),
            )
            summary = scanner.run(
                source,
                request.options,
                outputs,
                tasks=request.tasks,
                maximum=self.limits.nt,
                maximum_tests=self.limits.tests,
                progress=progress,
                pause=pause,
                warn=job.notes.append,
            )
        job.summary = summary.astype(object).where(summary.notna(), None).to_dict("records")


class _Scale(AbstractContextManager):
    """Weighs what a scan has written so far, and ends it where that is too much."""

    def __init__(self, folder: Path, most: int, pause: Callable[[], None]) -> None:
        self._folder, self._most, self._pause = folder, most, pause

    def __exit__(self, *_: object) -> None:
        """All is written."""

    def write(self, calls: Calls) -> None:
        """Look at the folder after each block."""
        self._pause()
        if bytes_in(self._folder) > self._most:
            raise InputError(
                f"the files of this scan would have more than {self._most // 1_000_000:,} MB",
                remedy="list fewer bases (p, q), or leave the attention out",
            )
