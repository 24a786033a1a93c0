"""Bring a published file to its place, whole and verified, or say why not."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

import requests
import urllib3

from .. import __version__
from ..errors import InputError
from ..files import replace_durably, sha256_of, write_text
from ..locks import exclusive
from ..progress import Progress
from .lock import read_lock, record
from .sheet import Source, url_fault

_CHUNK = 1 << 18
_LONGEST_WAIT = 60.0
_PASSING_STATUS = (408, 425, 429)
_GZIP_MAGIC = b"\x1f\x8b"
_HTML = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)


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
        lock file), or ``"nothing"`` (not known, and no lock file given).
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


class _Unfit(Exception):
    """The bytes are all there and are not the right ones."""


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
        download = _Download(source, destination, part, descriptor, lock, timeout, progress)
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
        timeout: float,
        progress: Progress | None,
    ) -> None:
        self.source, self.destination, self.part, self.lock, self.timeout = source, destination, part, lock, timeout
        self.progress: Progress = progress or (lambda done, total: None)
        self.state_path = part.with_name(part.name + ".json")
        self.body: BinaryIO = os.fdopen(descriptor, "r+b", buffering=0, closefd=False)
        self.expected, self.against = _expected_sha256(source, lock)
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
                except _Unfit as error:
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
                f"set sources: mirror: to a folder or address that holds {self.source.name}/{self.source.file}, "
                f"or put the file at {self.destination} by hand"
            ),
        )

    def take(self, address: str | Path) -> None:
        if isinstance(address, Path):
            self.copy(address)
        else:
            try:
                self.request(address)
            except requests.exceptions.SSLError as error:
                raise _Lasting(f"the certificate was refused: {_innermost(error)}") from error
            except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
                raise _Passing(f"nothing came for {self.timeout:g} s") from error
            except (requests.exceptions.ConnectionError, urllib3.exceptions.HTTPError, ConnectionError) as error:
                raise _Passing(_innermost(error)) from error
            except requests.exceptions.RequestException as error:
                raise _Lasting(_innermost(error)) from error

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
        if offset and (validator or self.expected):
            headers["Range"] = f"bytes={offset}-"
            if validator:
                headers["If-Range"] = validator
        with self.session.get(url, headers=headers, stream=True, timeout=self.timeout) as answer:
            if answer.status_code == 206 and "Range" in headers:
                start, total = _content_range(answer.headers.get("Content-Range", ""))
                now = _state(url, answer, total)
                changed = any(now[key] and state.get(key) and now[key] != state[key] for key in now)
                if start != offset or changed:
                    self.discard()
                    raise _Passing("the server went on with another piece than asked for")
                self.check_offer(total)
                self.resumed = True
                self.receive(answer, total)
            elif answer.status_code == 416 and "Range" in headers:
                if _content_range(answer.headers.get("Content-Range", ""))[1] != offset:
                    self.discard()
                    raise _Passing("the file on the server is shorter than the part")
                self.resumed = True
            elif answer.status_code == 200:
                if answer.headers.get("Content-Encoding", "identity") != "identity" and not self.is_gzip:
                    raise _Lasting("the server packs the file although asked not to")
                length = answer.headers.get("Content-Length", "")
                total = int(length) if length.isdigit() else None
                self.check_offer(total)
                self.receive(answer, total, fresh=_state(url, answer, total))
            elif answer.status_code in _PASSING_STATUS or answer.status_code >= 500:
                raise _Passing(_status(answer), _retry_after(answer.headers.get("Retry-After", "")))
            else:
                raise _Lasting(_status(answer))

    def receive(self, answer: requests.Response, total: int | None, fresh: dict[str, object] | None = None) -> None:
        """Append a body; ``fresh`` is the state of a file that starts over once its first bytes look right."""
        # read1 hands over what has arrived: nothing is lost when the connection breaks before a block is full
        blocks = iter(lambda: answer.raw.read1(_CHUNK, decode_content=False), b"")
        if fresh is not None:
            first = _gather(blocks, 1024)
            self.check_beginning(first)
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
        size, sha256 = self.verify(self.part)
        verified = self.against
        if not self.expected and self.lock is not None:
            entry = record(self.lock, self.source.name, str(address), sha256, size)
            if entry.sha256 != sha256:
                raise _Unfit(_differs(sha256, entry.sha256, f"the lock file {self.lock}"))
        replace_durably(self.part, self.destination)
        self.state_path.unlink(missing_ok=True)
        return FetchReport(
            self.source.name, self.destination, str(address), size, sha256, self.resumed, attempts, verified
        )

    def verify(self, path: Path) -> tuple[int, str]:
        return _verify(self.source, path, self.expected, self.against, self.lock)

    def check_offer(self, total: int | None) -> None:
        if self.source.bytes and total is not None and total != self.source.bytes:
            raise _Lasting(f"it offers {total} bytes where the sheet says {self.source.bytes}")

    def check_beginning(self, first: bytes) -> None:
        fault = _beginning_fault(self.source, first)
        if fault:
            raise _Lasting(fault)

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
    if mirror is None or mirror == "":
        addresses = list(source.urls)
        what = f"the address of {source.name}"
    else:
        root = str(mirror)
        if "://" not in root:
            return [Path(root).expanduser() / source.name / source.file]
        if root.startswith("file://"):
            return [Path(unquote(urlsplit(root).path)) / source.name / source.file]
        addresses = [f"{root.rstrip('/')}/{quote(source.name)}/{quote(source.file)}"]
        what = "the mirror"
    for address in addresses:
        fault = url_fault(address)
        if fault:
            remedy = fault[1] if what != "the mirror" else f"{fault[1]}, or name a folder"
            raise InputError(f"{what} {fault[0]}", value=address, remedy=remedy)
    return list(addresses)


def _expected_sha256(source: Source, lock: str | Path | None) -> tuple[str, str]:
    """The checksum to meet (``""`` if not known) and what a report calls its origin."""
    if source.sha256:
        return source.sha256, "sheet"
    if lock is None:
        return "", "nothing"
    entry = read_lock(lock).get(source.name)
    return (entry.sha256, "lock") if entry else ("", "recorded now")


def _keep(source: Source, destination: Path, lock: str | Path | None) -> FetchReport | None:
    """The report of a file that lies there already, None if there is none."""
    if not destination.exists():
        return None
    expected, against = _expected_sha256(source, lock)
    remedy = "remove the file to have it fetched again"
    try:
        size, sha256 = _verify(source, destination, expected, against, lock)
        if not expected and lock is not None:
            entry = record(lock, source.name, "by hand", sha256, size)
            if entry.sha256 != sha256:
                raise _Unfit(_differs(sha256, entry.sha256, f"the lock file {lock}"))
    except _Unfit as error:
        raise InputError(f"the file in place is not {source.name}: {error}", path=destination, remedy=remedy) from error
    return FetchReport(source.name, destination, None, size, sha256, False, 0, against)


def _verify(source: Source, path: Path, expected: str, against: str, lock: str | Path | None) -> tuple[int, str]:
    """Size and SHA-256 of a whole file; raises :class:`_Unfit` if it is not the right one."""
    size = path.stat().st_size
    with open(path, "rb") as handle:
        fault = _beginning_fault(source, handle.read(1024))
    if fault:
        raise _Unfit(fault)
    if source.bytes and size != source.bytes:
        raise _Unfit(f"it has {size} bytes where the sheet says {source.bytes}")
    sha256 = sha256_of(path)
    if expected and sha256 != expected:
        place = "the sheet" if against == "sheet" else f"the lock file {lock}"
        raise _Unfit(_differs(sha256, expected, place))
    if source.file.endswith(".gz"):
        try:
            with gzip.open(path, "rb") as unpacked:
                while unpacked.read(1 << 20):
                    pass
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise _Unfit(f"its gzip stream is cut off or corrupt: {error}") from error
    return size, sha256


def _beginning_fault(source: Source, first: bytes) -> str | None:
    if not first:
        return "it is empty"
    if not source.file.lower().endswith((".html", ".htm")) and _HTML.match(first):
        return "it is a web page and not the file"
    if source.file.endswith(".gz") and not first.startswith(_GZIP_MAGIC[: len(first)]):
        return "it is not gzip although its name ends in .gz"
    return None


def _differs(found: str, expected: str, place: str) -> str:
    return f"its sha256 is {found[:12]}… where {place} says {expected[:12]}…"


def _gather(blocks: Iterator[bytes], least: int) -> bytes:
    gathered = b""
    for block in blocks:
        gathered += block
        if len(gathered) >= least:
            break
    return gathered


def _state(url: str, answer: requests.Response, total: int | None) -> dict[str, object]:
    etag = answer.headers.get("ETag", "")
    return {
        "url": url,
        # a weak tag must not be used for pieces (RFC 9110, 13.1.5)
        "etag": "" if etag.startswith("W/") else etag,
        "last_modified": answer.headers.get("Last-Modified", ""),
        "total": total,
    }


def _content_range(text: str) -> tuple[int | None, int | None]:
    """First byte and full size in a Content-Range header, None where not given."""
    match = re.fullmatch(r"\s*bytes\s+(?:(\d+)-\d+|\*)/(\d+|\*)\s*", text)
    if not match:
        return None, None
    start, total = match.groups()
    return (None if start is None else int(start)), (None if total == "*" else int(total))


def _retry_after(text: str) -> float:
    if text.strip().isdigit():
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError):
        return 0.0


def _status(answer: requests.Response) -> str:
    return f"status {answer.status_code} {answer.reason or ''}".rstrip()


def _innermost(error: BaseException) -> str:
    """The deepest cause in one line, without the layers that wrapped it."""
    seen = {id(error)}
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((item for item in reversed(error.args) if isinstance(item, BaseException)), None)
        inner = inner or error.__cause__ or error.__context__
        if inner is None or id(inner) in seen:
            break
        seen.add(id(inner))
        error = inner
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
