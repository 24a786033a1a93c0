"""Files that one process holds at a time; the kernel lets go of them if it dies."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)


@contextmanager
def exclusive(path: Path) -> Iterator[int]:
    """Hold a file, made if missing, so that other processes that ask for the same wait.

    The file may be replaced or renamed by its holder: whoever waited then opens the name afresh.

    Yields
    ------
    int
        A descriptor of the file, open for reading and writing.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                warnings.warn(f"{path.parent}: this file system has no locks; run one download at a time", stacklevel=3)
            if _is_still(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)


@contextmanager
def claimed(path: Path, taken: Callable[[str], Exception]) -> Iterator[None]:
    """Hold a file, made with its folder if missing, that says which process holds it.

    Its holder may remove it.

    Parameters
    ----------
    path : Path
    taken : callable
        Given what the file says of another process that holds it, makes the error to raise.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise taken(file.read().strip()) from None
            if not _is_still(file.fileno(), path):
                continue
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            yield
            return


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether a path still leads to an open file, which whoever held it before may have removed or replaced."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
