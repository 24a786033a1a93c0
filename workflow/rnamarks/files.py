"""Opening, writing and hashing files so that a reader never meets a half-written one."""

from __future__ import annotations

import errno
import fcntl
import glob
import gzip
import hashlib
import io
import os
import re
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from .errors import FULL, InputError, explain, number_of

_GZIP_MAGIC = b"\x1f\x8b"
_OWN_DESCRIPTOR = re.compile(r"/dev/(stdout|stderr)|/(?:dev|proc/self)/fd/(\d+)")
# what a full disk may have left in blocks too small for anything
_NO_ROOM = 1 << 16


def is_gzipped(path: str | Path) -> bool:
    """Whether the first two bytes say gzip, whatever the file is called."""
    with open(path, "rb") as handle:
        return handle.read(2) == _GZIP_MAGIC


@contextmanager
def open_bytes(path: str | Path) -> Iterator[BinaryIO]:
    """Open a plain or gzipped file, a pipe, or standard input (``-``), and read what was packed.

    Raises
    ------
    InputError
        If the file cannot be opened, or its gzip stream is cut off or corrupt.
    """
    own = str(path) == "-"
    try:
        raw = io.BufferedReader(sys.stdin.buffer) if own else open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise explain(error) or error from error
    try:
        # the bytes looked at stay in the buffer: a pipe can be read once
        if raw.peek(2)[:2] == _GZIP_MAGIC:
            with gzip.open(raw) as handle:
                yield handle
        else:
            yield raw
    except IsADirectoryError as error:
        raise explain(error) or error from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError("the gzip stream is cut off or corrupt", path=path, remedy="fetch the file again") from error
    finally:
        raw.detach() if own else raw.close()


@contextmanager
def open_text(path: str | Path, *, errors: str = "strict") -> Iterator[TextIO]:
    """As :func:`open_bytes`, and read UTF-8: byte order mark removed, CRLF read as LF.

    Parameters
    ----------
    path : path-like
    errors : {"strict", "replace"}
        What becomes of bytes that are not UTF-8: an error, or a mark in their place, for files that have them in
        comments alone.

    Raises
    ------
    InputError
        As :func:`open_bytes`, or if the file is not text.
    """
    try:
        with open_bytes(path) as raw:
            handle = io.TextIOWrapper(raw, encoding="utf-8-sig", errors=errors, newline=None)
            try:
                yield handle
            finally:
                handle.detach()
    except UnicodeDecodeError as error:
        raise InputError(
            "the file is not UTF-8 text", path=path, value=error.object[error.start : error.end], remedy="convert it"
        ) from error


def check_output(path: str | Path) -> None:
    """Raise :class:`InputError` if a file cannot be written at a path, as far as can be known without writing it."""
    path = Path(path)
    if _is_stream(path):
        return
    real = Path(os.path.realpath(path))
    if real.is_dir():
        raise explain(IsADirectoryError(errno.EISDIR, "", str(path)))
    folder = next(parent for parent in real.parents if os.path.lexists(parent))
    number = errno.ENOTDIR if not folder.is_dir() else 0 if os.access(folder, os.W_OK | os.X_OK) else errno.EACCES
    if number:
        raise explain(OSError(number, "", str(path)))


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path whose file becomes the one at ``path`` when the block ends without an error.

    A file is replaced at once and is on the disk before it is; where a symbolic link leads to it, the link stays. Into
    a pipe, a device or a descriptor of this process (``/dev/stdout``, ``/dev/fd/3``), opened when the block begins, all
    is written at its end.

    Raises
    ------
    InputError
        If the path is a folder or lies below a file, or its folder may not be written.
    OSError
        That names ``path`` if its disk is full, whatever the block made of that.
    """
    path = Path(path)
    check_output(path)
    if _is_stream(path):
        with tempfile.TemporaryDirectory(prefix="rnamarks.") as folder, _open_stream(path) as stream:
            part = Path(folder) / "part"
            part.touch()
            yield part
            with open(part, "rb") as handle:
                try:
                    for block in iter(lambda: handle.read(1 << 20), b""):
                        view = memoryview(block)
                        while view:
                            view = view[stream.write(view) :]
                except OSError as error:
                    error.filename = str(path)
                    raise
        return
    real = Path(os.path.realpath(path))
    real.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{real.name[:60]}."
    _remove_abandoned(real.parent, prefix)
    descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=".part", dir=real.parent)
    part = Path(name)
    try:
        _lock(descriptor)
        yield part
        # mkstemp makes files that only the owner may read
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        replace_durably(part, real)
    except InputError:
        raise
    except Exception as error:
        number = number_of(error)
        # libraries that write by themselves have errors of their own for a full disk
        if number is None and is_full(real.parent):
            number = errno.ENOSPC
        if number in FULL and getattr(error, "filename", None) in (None, name):
            raise OSError(number, os.strerror(number), str(path)) from error
        raise
    finally:
        os.close(descriptor)
        part.unlink(missing_ok=True)


def is_full(folder: str | Path) -> bool:
    """Whether the disk of a folder has room for nothing more."""
    return shutil.disk_usage(folder).free < _NO_ROOM


def _remove_abandoned(folder: Path, prefix: str) -> None:
    """Remove parts whose process is dead: the system lets go of its lock, while an empty part may not be locked yet."""
    for part in folder.glob(f"{glob.escape(prefix)}{8 * '[a-z0-9_]'}.part"):
        with suppress(OSError), open(part, "rb") as handle:
            if _lock(handle.fileno()) and os.fstat(handle.fileno()).st_size:
                part.unlink()


def _lock(descriptor: int) -> bool:
    """Lock a file; False if another process has it, or the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def replace_durably(part: Path, path: Path) -> None:
    """Rename a file so that after a power cut the name leads to the old bytes or to all the new ones."""
    _sync(part)
    os.replace(part, path)
    # some network file systems cannot do this for a folder
    with suppress(OSError):
        _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_stream(path: Path) -> bool:
    """Whether a path leads to something that is written to and cannot be replaced."""
    if _OWN_DESCRIPTOR.fullmatch(str(path)):
        return True
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise explain(error) or error from error
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _open_stream(path: Path) -> BinaryIO:
    own = _OWN_DESCRIPTOR.fullmatch(str(path))
    number = {"stdout": 1, "stderr": 2}.get(own[1]) or int(own[2]) if own else None
    descriptor = os.open(path, os.O_WRONLY) if number is None else os.dup(number)
    return os.fdopen(descriptor, "wb", buffering=0)


@contextmanager
def write_bytes(path: str | Path) -> Iterator[BinaryIO]:
    """Write a file as :func:`atomic_path` does."""
    with atomic_path(path) as part, open(part, "wb") as handle:
        yield handle


@contextmanager
def write_text(path: str | Path) -> Iterator[TextIO]:
    """Write a text file as :func:`atomic_path` does; a name that ends in ``.gz`` is compressed with no time stamp."""
    packed = Path(path).suffix == ".gz"
    with (
        write_bytes(path) as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) if packed else nullcontext(raw) as binary,
        io.TextIOWrapper(binary, encoding="utf-8", newline="\n") as handle,
    ):
        yield handle


def sha256_of(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in one-megabyte pieces."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
