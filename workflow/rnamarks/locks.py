"""Files that one process holds at a time; the kernel lets go of them if it dies."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from .errors import explain

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


def join_runs(folder: Path) -> TextIO:
    """Be known as a run of Snakemake in a working directory, and lift the locks that dead ones left there.

    Snakemake's own locks are plain files that outlive a run that was killed. Of runs that are known here the kernel
    tells whether one is alive. Locks stay where the file system has no locks of the kernel, and where a run on another
    computer left them, whose end is not always seen from this one, or one that was never known here.

    Parameters
    ----------
    folder : Path
        ``.snakemake`` of the working directory.

    Returns
    -------
    file
        The run is known for as long as it is open.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / "runs", "a+", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise explain(error) or error from error
    known = True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        left = list((folder / "locks").glob("*.lock"))
        file.seek(0)
        known = not left or {line.rpartition(" on ")[2].strip() for line in file} == {socket.gethostname()}
        if known:
            for lock in left:
                lock.unlink()
            file.truncate(0)
    except OSError as error:
        # another run that lives is no fault: Snakemake says whether it makes the same files
        if not isinstance(error, BlockingIOError) and error.errno not in _NO_LOCKS:
            raise
    # what has no locks said so above
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_SH)
    if known:
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
    return file


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether a path still leads to an open file, which whoever held it before may have removed or replaced."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
