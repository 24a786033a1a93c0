"""Whether a file is the one that the sheet of sources, or the lock file, means."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from ..files import sha256_of
from .lock import read_lock, record
from .mirrors import LIST, folder_of, read_list
from .sheet import Source

_GZIP_MAGIC = b"\x1f\x8b"
_HTML = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)


class Unfit(Exception):
    """The bytes are all there and are not the right ones."""


class Verification:
    """What a source's file must be, as it is known now.

    Parameters
    ----------
    source : Source
    lock : path-like or None
        The lock file. A source whose checksum stands neither in the sheet nor there is entered when it is verified.
    mirror : path-like or str, optional
        Where the file comes from. That of a folder with a list, see :mod:`rnamarks.sources.mirrors`, is held against
        it if the checksum stands nowhere else.

    Attributes
    ----------
    expected : str
        SHA-256 to meet; ``""`` if none is known.
    against : str
        Where it stands: ``"sheet"``, ``"lock"``, ``"mirror"``, ``"recorded now"`` or ``"nothing"``.
    """

    def __init__(self, source: Source, lock: str | Path | None, mirror: str | Path = "") -> None:
        self._source, self._lock = source, lock
        self._places = {"sheet": "the sheet"}
        self.expected, self.against = source.sha256, "sheet"
        if not self.expected:
            entry = None if lock is None else read_lock(lock).get(source.name)
            self.expected = entry.sha256 if entry else ""
            self.against = "lock" if entry else "nothing" if lock is None else "recorded now"
        if not self.expected and mirror and (folder := folder_of(mirror)):
            self.expected = read_list(folder).get(source.name, {}).get("sha256", "")
            self.against = "mirror" if self.expected else self.against
            self._places["mirror"] = f"the mirror's {folder / LIST}"

    def check(self, path: Path) -> tuple[int, str]:
        """Size and SHA-256 of a whole file; raises :class:`Unfit` if it is not the right one."""
        source, size = self._source, path.stat().st_size
        with open(path, "rb") as handle:
            fault = beginning_fault(source, handle.read(1024))
        if fault:
            raise Unfit(fault)
        if source.bytes and size != source.bytes:
            raise Unfit(f"it has {size} bytes where the sheet says {source.bytes}")
        sha256 = sha256_of(path)
        if self.expected:
            self._compare(sha256, self.expected)
        if source.file.endswith(".gz"):
            try:
                with gzip.open(path, "rb") as unpacked:
                    while unpacked.read(1 << 20):
                        pass
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise Unfit(f"its gzip stream is cut off or corrupt: {error}") from error
        return size, sha256

    def verify(self, path: Path, origin: str) -> tuple[int, str]:
        """As :meth:`check`, and the lock file has it from now on.

        Parameters
        ----------
        path : Path
        origin : str
            Where it came from, for the lock file.
        """
        size, sha256 = self.check(path)
        if self.against in ("mirror", "recorded now") and self._lock is not None:
            # another process may have entered it meanwhile
            self._compare(sha256, record(self._lock, self._source.name, origin, sha256, size).sha256)
        return size, sha256

    def _compare(self, found: str, expected: str) -> None:
        if found != expected:
            place = self._places.get(self.against, f"the lock file {self._lock}")
            raise Unfit(f"its sha256 is {found[:12]}… where {place} says {expected[:12]}…")


def beginning_fault(source: Source, first: bytes) -> str | None:
    """What is wrong with the first bytes of a source's file, or None."""
    if not first:
        return "it is empty"
    if not source.file.lower().endswith((".html", ".htm")) and _HTML.match(first):
        return "it is a web page and not the file"
    if source.file.endswith(".gz") and not first.startswith(_GZIP_MAGIC[: len(first)]):
        return "it is not gzip although its name ends in .gz"
    return None
