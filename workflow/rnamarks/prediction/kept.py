"""What a scan has scored so far, on disk: taken up again after a kill, and by one process at a time."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import InputError
from ..files import write_text
from ..locks import claimed

SECONDS = 10.0
"""A kill loses no more than what was scored in this time, or one block."""
_LOCK, _RECORD = "lock", "record.json"


class Kept:
    """Columns of numbers that grow block by block.

    Parameters
    ----------
    scratch : Path
        On whose disk files without names lie, which are gone with the process.
    folder : Path, optional
        Keeps the columns in files with names, so that another process can go on with them.
    digest : str
        What decides the numbers; a folder with those of another digest is emptied.

    Attributes
    ----------
    blocks : int
        Blocks that are complete.
    folder : Path
        For further files with names; what a process that was killed left there is removed by the next.
    """

    def __init__(self, scratch: Path, folder: Path | None = None, digest: str = "") -> None:
        self.scratch = scratch
        self.folder, self._digest = folder or scratch, digest
        self._named = folder is not None
        self._files: dict[str, BinaryIO] = {}
        self._sizes: dict[str, int] = {}
        # of the complete blocks: a block that is broken off has some columns and lacks others
        self._whole: dict[str, int] = {}
        self.blocks = 0
        self._saved = time.monotonic()
        if folder is not None:
            self._take_up(folder)

    def append(self, name: str, values: np.ndarray) -> None:
        """Add numbers of the current block to a column."""
        file = self._file(name)
        data = memoryview(np.ascontiguousarray(values).tobytes())
        while data:
            # a disk that becomes full takes a part, and says so at the next attempt
            written = os.pwrite(file.fileno(), data, self._sizes[name])
            self._sizes[name] += written
            data = data[written:]

    def end_block(self) -> None:
        """The current block is complete."""
        self.blocks += 1
        self._whole = dict(self._sizes)
        if time.monotonic() - self._saved >= SECONDS:
            self._save()

    def read(self, name: str, kind: type, first: int, last: int) -> np.ndarray:
        """Numbers ``first`` to ``last``, 0-based half-open, of a column."""
        size = np.dtype(kind).itemsize
        return np.frombuffer(os.pread(self._file(name).fileno(), size * (last - first), size * first), dtype=kind)

    def close(self) -> None:
        """Save what there is and let go of the files."""
        self._save()
        for file in self._files.values():
            file.close()

    def _file(self, name: str) -> BinaryIO:
        if name not in self._files:
            if self._named:
                where = self.folder / name
                self._files[name] = open(where, "r+b" if where.exists() else "w+b", buffering=0)  # noqa: SIM115
            else:
                self._files[name] = tempfile.TemporaryFile(dir=self.scratch, buffering=0)  # noqa: SIM115
            self._sizes.setdefault(name, 0)
        return self._files[name]

    def _take_up(self, folder: Path) -> None:
        record = folder / _RECORD
        try:
            found = json.loads(record.read_text(encoding="utf-8"))
            whole = found["digest"] == self._digest and all(
                (folder / name).stat().st_size >= size for name, size in found["sizes"].items()
            )
        except (OSError, ValueError, KeyError):
            whole = False
        for path in folder.iterdir():
            if path.name != _LOCK and not (whole and path.name in {_RECORD, *found["sizes"]}):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if whole:
            self.blocks, self._sizes, self._whole = found["blocks"], found["sizes"], dict(found["sizes"])
        else:
            self._save()

    def _save(self) -> None:
        self._saved = time.monotonic()
        if not self._named:
            return
        for file in self._files.values():
            os.fsync(file.fileno())
        with write_text(self.folder / _RECORD) as handle:
            json.dump({"digest": self._digest, "blocks": self.blocks, "sizes": self._whole}, handle)


@contextmanager
def keep(scratch: Path, root: Path | None, output: Path | None, digest: str) -> Iterator[Kept]:
    """What earlier runs of the same scan left, and where this one leaves its own.

    Parameters
    ----------
    scratch : Path
        See :class:`Kept`.
    root : Path or None
        Holds one folder per output file, removed when the block ends without an error; None keeps nothing.
    output : Path or None
        What the scan writes.
    digest : str
        See :class:`Kept`.

    Raises
    ------
    InputError
        If another process is writing the same output; it is named.
    """
    if root is None or output is None:
        kept = Kept(scratch)
        try:
            yield kept
        finally:
            kept.close()
        return
    folder = root / f"scan-{hashlib.sha256(str(output.resolve()).encode()).hexdigest()[:16]}"

    def taken(holder: str) -> InputError:
        return InputError(
            f"{holder or 'another process'} is writing this output",
            path=output,
            remedy="wait for its end, or choose another output",
        )

    with claimed(folder / _LOCK, taken):
        kept = Kept(scratch, folder, digest)
        try:
            yield kept
        finally:
            kept.close()
        shutil.rmtree(folder)


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """A folder below ``root`` for files with names; what processes that were killed left there is removed first.

    At the end ``root`` is removed, too, if nothing else is in it.
    """
    root.mkdir(parents=True, exist_ok=True)
    for lock in root.glob(f"work-*/{_LOCK}"):
        with suppress(OSError), open(lock, "rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent)
    try:
        with tempfile.TemporaryDirectory(prefix="work-", dir=root) as folder, open(Path(folder) / _LOCK, "wb") as own:
            fcntl.flock(own, fcntl.LOCK_EX)
            yield Path(folder)
    finally:
        with suppress(OSError):
            root.rmdir()


def digest_of(record: Mapping[str, object]) -> str:
    """A hash of plain values."""
    return hashlib.sha256(json.dumps(dict(record), sort_keys=True).encode()).hexdigest()
