"""The lock file: checksums of files whose publisher gives none, written down when each is first seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import InputError
from ..files import open_text, write_text
from ..locks import exclusive

COLUMNS = ("name", "url", "sha256", "bytes", "date")


@dataclass(frozen=True)
class LockEntry:
    """One line of the lock file.

    Attributes
    ----------
    name : str
        The source.
    url : str
        Where these bytes came from, ``"by hand"`` if they were already in place.
    sha256 : str
        64 lower-case hexadecimal digits.
    bytes : int
    date : str
        Day of recording, UTC, ``YYYY-MM-DD``.
    """

    name: str
    url: str
    sha256: str
    bytes: int
    date: str


def read_lock(path: str | Path) -> dict[str, LockEntry]:
    """Entries by the name of their source; none if the file does not exist yet.

    Raises
    ------
    InputError
        If a line is malformed or a name comes twice.
    """
    entries: dict[str, LockEntry] = {}
    if not Path(path).is_file():
        return entries
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            fields = line.rstrip("\n").split("\t")
            if not line.strip() or line.startswith("#") or tuple(fields) == COLUMNS:
                continue
            if len(fields) != len(COLUMNS) or not re.fullmatch(r"[0-9a-f]{64}\t[1-9][0-9]*", "\t".join(fields[2:4])):
                raise InputError(
                    "the line is not one that a download wrote",
                    path=path,
                    line=number,
                    value=line.rstrip("\n"),
                    remedy="remove it; the next download records the source again",
                )
            name, url, sha256, size, date = fields
            if name in entries:
                raise InputError(
                    "the source is recorded twice", path=path, line=number, value=name, remedy="keep the right line"
                )
            entries[name] = LockEntry(name, url, sha256, int(size), date)
    return entries


def record(path: str | Path, name: str, url: str, sha256: str, size: int) -> LockEntry:
    """Enter a source unless it is entered already; safe with several processes at once.

    Returns
    -------
    LockEntry
        The entry in force: the new one, or the one that another process wrote first.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(path):
        entries = read_lock(path)
        if name not in entries:
            entries[name] = LockEntry(name, url, sha256, size, datetime.now(UTC).strftime("%Y-%m-%d"))
            with write_text(path) as handle:
                handle.write("\t".join(COLUMNS) + "\n")
                for key in sorted(entries):
                    entry = entries[key]
                    handle.write(f"{entry.name}\t{entry.url}\t{entry.sha256}\t{entry.bytes}\t{entry.date}\n")
        return entries[name]
