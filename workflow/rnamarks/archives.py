"""Files of a folder or of a tar or zip archive, one after the other."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from .errors import InputError, explain

_ENDINGS = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)


def is_collection(path: str | Path) -> bool:
    """Whether a path leads to a folder or an archive, or its name says that it should.

    A pipe is none: it can be read once.
    """
    path = Path(path)
    if path.is_dir():
        return True
    return path.is_file() and (
        path.name.lower().endswith(_ENDINGS) or zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    )


def files_of(path: str | Path, wanted: Callable[[PurePosixPath], bool]) -> Iterator[tuple[Path, Path]]:
    """Files of a folder, or of a tar (plain or packed by gzip, bzip2 or xz) or zip archive, sorted by their names.

    Parameters
    ----------
    path : path-like
    wanted : callable
        Is given a name with its folders, from the top of the folder or archive. Names that begin with ``._``, which
        macOS puts beside every file of an archive, are passed over.

    Yields
    ------
    shown : pathlib.Path
        ``path`` and the name: how messages call the file.
    real : pathlib.Path
        Where it can be opened until the next is asked for.

    Raises
    ------
    InputError
        If the archive is none, damaged, or cannot be unpacked.
    """
    path = Path(path)
    if path.is_dir():
        names = (PurePosixPath(file.relative_to(path)) for file in path.rglob("*") if file.is_file())
        for name in _chosen(names, wanted):
            yield path / name, path / name
        return
    with tempfile.TemporaryDirectory(prefix="rnamarks-") as folder:
        if zipfile.is_zipfile(path):
            with _undamaged(path):
                packed = zipfile.ZipFile(path)
            with packed:
                found = {_inside(one.filename): one for one in packed.infolist() if not one.is_dir()}
                for name in _chosen(found, wanted):
                    # one at a time: a hundred thousand small files fill a small disk
                    real = Path(folder) / name.name
                    with _undamaged(path), packed.open(found[name]) as source, open(real, "wb") as target:
                        shutil.copyfileobj(source, target, 1 << 20)
                    yield path / name, real
                    real.unlink()
            return
        with _undamaged(path), tarfile.open(path) as tar:
            members = {_inside(one.name): one for one in tar if one.isfile()}
            chosen = _chosen(members, wanted)
            kept = set(chosen)
            if any(".." in name.parts for name in kept):
                raise tarfile.TarError("a name leads out of the archive")
            # in the order of the archive, which is packed as one; to names of this function's own making, so that none
            # leads out of the folder (Python 3.11.2, which Debian has, cannot be asked for that)
            real = {name: Path(folder) / str(number) / name.name for number, name in enumerate(members) if name in kept}
            for name, file in real.items():
                file.parent.mkdir()
                with tar.extractfile(members[name]) as source, open(file, "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
        for name in chosen:
            yield path / name, real[name]


@contextmanager
def shown_as(shown: Path, real: Path) -> Iterator[None]:
    """Say of each :class:`InputError` of the block about ``real`` that it is about ``shown``."""
    try:
        yield
    except InputError as error:
        if shown == real or error.path is None or Path(error.path) != real:
            raise
        raise InputError(error.what, path=shown, line=error.line, value=error.value, remedy=error.remedy) from error


def _inside(name: str) -> PurePosixPath:
    return PurePosixPath(name.lstrip("/"))


def _chosen(names: Iterable[PurePosixPath], wanted: Callable[[PurePosixPath], bool]) -> list[PurePosixPath]:
    return sorted({name for name in names if not name.name.startswith("._") and wanted(name)})


@contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        # zipfile's for either
        raise InputError(
            "the archive needs a password, or is packed by a method that Python lacks",
            path=path,
            remedy="unpack it and give the folder",
        ) from error
    except _DAMAGED as error:
        # a full disk is no fault of the archive
        known = explain(error) if isinstance(error, OSError) else None
        raise known or InputError(
            "not a tar or zip archive, or a damaged one", path=path, remedy="fetch it again"
        ) from error
