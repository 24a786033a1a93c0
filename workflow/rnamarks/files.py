"""Opening, writing and hashing files so that a reader never meets a half-written one."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from .errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"


def is_gzipped(path: str | Path) -> bool:
    """Whether the first two bytes say gzip, whatever the file is called."""
    with open(path, "rb") as handle:
        return handle.read(2) == _GZIP_MAGIC


@contextmanager
def open_text(path: str | Path) -> Iterator[TextIO]:
    """Open a plain or gzipped text file: UTF-8, byte order mark removed, CRLF read as LF.

    Raises
    ------
    InputError
        If the file is missing, is not text, or its gzip stream is cut off or corrupt.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", path=path, remedy="check the path in the configuration")
    opener = gzip.open if is_gzipped(path) else open
    try:
        with opener(path, "rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline=None) as handle:
            yield handle
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError("the gzip stream is cut off or corrupt", path=path, remedy="fetch the file again") from error
    except UnicodeDecodeError as error:
        raise InputError(
            "the file is not UTF-8 text", path=path, value=error.object[error.start : error.end], remedy="convert it"
        ) from error


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(descriptor)
    part = Path(name)
    try:
        yield part
        # mkstemp makes files that only the owner may read
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def write_text(path: str | Path) -> Iterator[TextIO]:
    """Write a text file atomically; a name that ends in ``.gz`` is compressed with no time stamp."""
    path = Path(path)
    with atomic_path(path) as part, open(part, "wb") as raw:
        if path.suffix == ".gz":
            with (
                gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
                io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as handle,
            ):
                yield handle
        else:
            with io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as handle:
                yield handle


def sha256_of(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in one-megabyte pieces."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
