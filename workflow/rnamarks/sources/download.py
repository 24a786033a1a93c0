"""Bring a published file to its place, whole and verified, or say why not."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import requests
import urllib3

from .. import __version__
from ..errors import InputError
from ..files import replace_durably, write_text
from ..locks import exclusive
from ..progress import Progress
from .answers import content_range, innermost, retry_after, state_of, status_of
from .mirrors import place_of
from .sheet import Source, url_fault
from .verification import Unfit, Verification, beginning_fault

_CHUNK = 1 << 18
_LONGEST_WAIT = 60.0
_PASSING_STATUS = (408, 425, 429)


@dataclass(frozen=True)
class FetchReport:
    """What :func:`fetch` did.

    Attributes
    ----------
    name : str
        The source.
    path : Path
        Where the file is.
    url : str or None
        Where it came from; None if it was in place already.
    bytes : int
    sha256 : str
        Of the file as it lies there.
    resumed : bool
        Whether a part from an earlier attempt was used.
    attempts : int
        Requests made, or files of a mirror opened, over all addresses.
    verified : str
        What the checksum was compared with: ``"sheet"``, ``"lock"``, ``"recorded now"`` (not known before, now in the
        lock file), ``"mirror"`` (the list of the mirror, now in the lock file), or ``"nothing"`` (not known, and no
        lock file given).
    """

    name: str
    path: Path
    url: str | None
    bytes: int
    sha256: str
    resumed: bool
    attempts: int
    verified: str


class _Passing(Exception):
    """A fault that may be gone at the next attempt."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class _Lasting(Exception):
    """A fault that another attempt at the same address would meet again."""


def fetch(
    source: Source,
    destination: str | Path,
    *,
    mirror: str | Path | None = None,
    lock: str | Path | None = None,
    retries: int = 4,
    timeout: float = 60.0,
    backoff: float = 1.0,
    progress: Progress | None = None,
) -> FetchReport:
    """Fetch one source; the final name appears only when the file is whole and verified.

    The bytes gather in ``<destination>.part``, with the server's validators in ``<destination>.part.json``; both stay
    after a failure or a kill, and the next call goes on from there if the server still has the same file. Processes
    that fetch to the same destination wait for each other. A file that lies at the destination already is verified in
    the same way and kept, without any connection.

    Verified are: the size in the sheet, the SHA-256 in the sheet or else in the lock file, the whole gzip stream of a
    ``.gz`` file, and that the file is not a web page.

    Parameters
    ----------
    source : Source
    destination : path-like
    mirror : path-like or str, optional
        A folder, a ``file://`` or an ``http(s)://`` root that replaces all hosts: the file is
        ``<mirror>/<source.name>/<source.file>``.
    lock : path-like, optional
        The lock file. A source whose checksum stands neither in the sheet nor there is entered.
    retries : int
        Attempts at one address after the first that bring nothing new: on resets, time-outs, statuses 408, 425, 429
        and 5xx, and bodies that end early.
    timeout : float
        Seconds to wait for a connection, and for the next bytes.
    backoff : float
        Seconds before the second attempt, doubled each time; a longer ``Retry-After`` is honoured. Never more than 60.
    progress : callable, optional
        Called with the bytes there are and the bytes there will be (None if not known).

    Returns
    -------
    FetchReport

    Raises
    ------
    InputError
        If no address gave the file (each is listed with its reason), if the file in place is not the right one, if
        an address cannot be fetched from, or if the file is made by hand and there is neither it nor a mirror.
    """
    destination = Path(destination)
    addresses = _addresses(source, mirror)
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(destination.name + ".part")
    kept = _keep(source, destination, lock)
    if kept:
        return kept
    if source.by_hand and not mirror:
        raise InputError(
            f"{source.name} cannot be fetched: {source.note}",
            value=source.url,
            remedy=f"make {destination}, or name a mirror that holds {source.name}/{source.file}",
        )
    with exclusive(part) as descriptor:
        download = _Download(source, destination, part, descriptor, lock, mirror, timeout, progress)
        try:
            # another process may have finished while this one waited
            return _keep(source, destination, lock) or download.run(addresses, retries, backoff)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise InputError(
                    f"no space is left for {source.name}",
                    path=part,
                    remedy="free some space; the download then goes on",
                ) from error
            raise
        finally:
            download.close()


class _Download:
    """One destination while its part is held."""

    def __init__(
        self,
        source: Source,
        destination: Path,
        part: Path,
        descriptor: int,
        lock: str | Path | None,
        mirror: str | Path | None,
        timeout: float,
        progress: Progress | None,
    ) -> None:
        self.source, self.destination, self.part, self.timeout = source, destination, part, timeout
        self.progress: Progress = progress or (lambda done, total: None)
        self.state_path = part.with_name(part.name + ".json")
        self.body: BinaryIO = os.fdopen(descriptor, "r+b", buffering=0, closefd=False)
        self.wanted, self.mirror = Verification(source, lock, mirror or ""), mirror
        self.resumed = False
        self.session = requests.Session()
        self.session.headers["User-Agent"] = f"rnamarks/{__version__}"
        # the file's own bytes: no packing on the way
        self.session.headers["Accept-Encoding"] = "identity"
        # some servers hang up after an answer, a redirect for instance, without saying so
        self.session.headers["Connection"] = "close"

    def run(self, addresses: list[str | Path], retries: int, backoff: float) -> FetchReport:
        reasons: list[str] = []
        attempts = 0
        for address in addresses:
            failures, furthest, joined_again = 0, self.size(), False
            while True:
                attempts += 1
                try:
                    self.take(address)
                    return self.finish(address, attempts)
                except Unfit as error:
                    self.discard()
                    # pieces of two attempts may have been joined wrongly: once more from the start
                    if not self.resumed or joined_again:
                        reasons.append(f"{address} ({error})")
                        break
                    self.resumed, joined_again = False, True
                except _Lasting as error:
                    reasons.append(f"{address} ({error})")
                    break
                except _Passing as error:
                    if self.size() > furthest:
                        failures, furthest = 0, self.size()
                    failures += 1
                    if failures > retries:
                        reasons.append(f"{address} ({error}; {failures} attempts in a row)")
                        break
                    time.sleep(min(max(backoff * 2 ** (failures - 1), error.wait), _LONGEST_WAIT))
        raise InputError(
            f"could not fetch {self.source.name}: {'; '.join(reasons)}",
            remedy=(
                f"fill the mirror with `rnamarks fetch CONFIG --to {self.mirror}` where there is internet, "
                if self.mirror
                else f"set sources: mirror: to a folder or address that holds {self.source.name}/{self.source.file}, "
            )
            + f"or put the file at {self.destination} by hand",
        )

    def take(self, address: str | Path) -> None:
        if isinstance(address, Path):
            self.copy(address)
        else:
            try:
                self.request(address)
            except requests.exceptions.SSLError as error:
                raise _Lasting(f"the certificate was refused: {innermost(error)}") from error
            except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
                raise _Passing(f"nothing came for {self.timeout:g} s") from error
            except (requests.exceptions.ConnectionError, urllib3.exceptions.HTTPError, ConnectionError) as error:
                raise _Passing(innermost(error)) from error
            except requests.exceptions.RequestException as error:
                raise _Lasting(innermost(error)) from error

    def copy(self, origin: Path) -> None:
        try:
            with open(origin, "rb") as handle:
                total = os.fstat(handle.fileno()).st_size
                self.check_offer(total)
                self.restart({})
                for block in iter(lambda: handle.read(_CHUNK), b""):
                    self.append(block, total)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
            raise _Lasting(error.strerror or str(error)) from error

    def request(self, url: str) -> None:
        state = self.read_state()
        offset = self.size() if state.get("url") == url else 0
        validator = state.get("etag") or state.get("last_modified")
        headers = {}
        # without a validator only a known checksum can tell whether the rest belongs to the part
        if offset and (validator or self.wanted.expected):
            headers["Range"] = f"bytes={offset}-"
            if validator:
                headers["If-Range"] = validator
        with self.session.get(url, headers=headers, stream=True, timeout=self.timeout) as answer:
            if answer.status_code == 206 and "Range" in headers:
                start, total = content_range(answer)
                now = state_of(url, answer, total)
                changed = any(now[key] and state.get(key) and now[key] != state[key] for key in now)
                if start != offset or changed:
                    self.discard()
                    raise _Passing("the server went on with another piece than asked for")
                self.check_offer(total)
                self.resumed = True
                self.receive(answer, total)
            elif answer.status_code == 416 and "Range" in headers:
                if content_range(answer)[1] != offset:
                    self.discard()
                    raise _Passing("the file on the server is shorter than the part")
                self.resumed = True
            elif answer.status_code == 200:
                if answer.headers.get("Content-Encoding", "identity") != "identity" and not self.is_gzip:
                    raise _Lasting("the server packs the file although asked not to")
                length = answer.headers.get("Content-Length", "")
                total = int(length) if length.isdigit() else None
                self.check_offer(total)
                self.receive(answer, total, fresh=state_of(url, answer, total))
            elif answer.status_code in _PASSING_STATUS or answer.status_code >= 500:
                raise _Passing(status_of(answer), retry_after(answer))
            else:
                raise _Lasting(status_of(answer))

    def receive(self, answer: requests.Response, total: int | None, fresh: dict[str, object] | None = None) -> None:
        """Append a body; ``fresh`` is the state of a file that starts over once its first bytes look right."""
        # read1 hands over what has arrived: nothing is lost when the connection breaks before a block is full
        blocks = iter(lambda: answer.raw.read1(_CHUNK, decode_content=False), b"")
        if fresh is not None:
            first = _gather(blocks, 1024)
            if fault := beginning_fault(self.source, first):
                raise _Lasting(fault)
            self.restart(fresh)
            self.append(first, total)
        for block in blocks:
            self.append(block, total)
        if total is not None and self.size() != total:
            raise _Passing(f"the body ended after {self.size()} of {total} bytes")

    def append(self, block: bytes, total: int | None) -> None:
        self.body.seek(0, os.SEEK_END)
        view = memoryview(block)
        while view:
            view = view[self.body.write(view) :]
        self.progress(self.size(), total)

    def restart(self, state: dict[str, object]) -> None:
        self.resumed = False
        self.discard()
        if state:
            with write_text(self.state_path) as handle:
                json.dump(state, handle)

    def discard(self) -> None:
        self.state_path.unlink(missing_ok=True)
        self.body.truncate(0)

    def finish(self, address: str | Path, attempts: int) -> FetchReport:
        size, sha256 = self.wanted.verify(self.part, str(address))
        replace_durably(self.part, self.destination)
        self.state_path.unlink(missing_ok=True)
        return FetchReport(
            self.source.name, self.destination, str(address), size, sha256, self.resumed, attempts, self.wanted.against
        )

    def check_offer(self, total: int | None) -> None:
        if self.source.bytes and total is not None and total != self.source.bytes:
            raise _Lasting(f"it offers {total} bytes where the sheet says {self.source.bytes}")

    @property
    def is_gzip(self) -> bool:
        return self.source.file.endswith(".gz")

    def size(self) -> int:
        return os.fstat(self.body.fileno()).st_size

    def read_state(self) -> dict:
        try:
            return json.loads(self.state_path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}

    def close(self) -> None:
        self.session.close()
        if self.size() == 0:
            self.part.unlink(missing_ok=True)
            self.state_path.unlink(missing_ok=True)


def _addresses(source: Source, mirror: str | Path | None) -> list[str | Path]:
    if not mirror:
        addresses = list(source.urls)
        what = f"the address of {source.name}"
    elif isinstance(place := place_of(mirror, source), Path):
        return [place]
    else:
        addresses = [place]
        what = "the mirror"
    for address in addresses:
        fault = url_fault(address)
        if fault:
            remedy = fault[1] if what != "the mirror" else f"{fault[1]}, or name a folder"
            raise InputError(f"{what} {fault[0]}", value=address, remedy=remedy)
    return list(addresses)


def _keep(source: Source, destination: Path, lock: str | Path | None) -> FetchReport | None:
    """The report of a file that lies there already, None if there is none."""
    if not destination.exists():
        return None
    # a folder that `rnamarks fetch` filled before has its list
    wanted = Verification(source, lock, destination.parent.parent)
    remedy = "remove the file to have it fetched again"
    try:
        size, sha256 = wanted.verify(destination, "by hand")
    except Unfit as error:
        raise InputError(f"the file in place is not {source.name}: {error}", path=destination, remedy=remedy) from error
    return FetchReport(source.name, destination, None, size, sha256, False, 0, wanted.against)


def _gather(blocks: Iterator[bytes], least: int) -> bytes:
    gathered = b""
    for block in blocks:
        gathered += block
        if len(gathered) >= least:
            break
    return gathered
