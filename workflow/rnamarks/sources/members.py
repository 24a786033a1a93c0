"""Parts of files: ``FILE#PART`` is a file of a tar or zip archive, a sheet of a workbook, or a data frame of R."""

from __future__ import annotations

import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote, unquote

from ..errors import InputError
from ..files import write_bytes, write_text
from ..workbooks import sheet_rows
from .r_data import read_frame

FOLDER = "resources/members"
_REFERENCE = re.compile(r"(.+\.(?:tar|tar\.gz|tgz|tar\.bz2|tar\.xz|zip|xlsx|rda|rdata))#(.+)", re.IGNORECASE)
_GTF = ("source", "feature", "start", "end", "score", "strand", "frame")
"""Columns between the name of the sequence and the attributes."""
_SHOWN = 20


def member_path(reference: str) -> str:
    """Where the rule ``extract_member`` puts what a reference names; a path without a member is given back as it is.

    >>> member_path("data/GSM1_RAW.tar#*hg19.tsv.gz")
    'resources/members/data%2FGSM1_RAW.tar/%2Ahg19.tsv.gz'
    """
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return reference
    return f"{FOLDER}/{quote(found[1], safe='')}/{quote(found[2], safe='')}"


def reference_of(archive: str, member: str) -> tuple[str, str]:
    """Path of the archive and the member asked for, from the last two parts of a :func:`member_path`."""
    return unquote(archive), unquote(member)


def extract_member(archive: str | Path, wanted: str, out: str | Path) -> str:
    """Copy one file of an archive; a packed one stays packed. A sheet or a data frame becomes text, separated by tabs.

    Parameters
    ----------
    archive : path-like
        Tar (plain or packed by gzip, bzip2 or xz) or zip; a workbook (``.xlsx``); or what R's ``save`` wrote (``.rda``,
        ``.RData``).
    wanted : str
        Name of the member, with its folders or without, or a pattern with ``*`` and ``?`` that one member fits; name of
        the sheet, or of the data frame. A data frame with the columns of GTF becomes GTF, which has no header.
    out : path-like
        Written atomically.

    Returns
    -------
    str
        The name of the member.

    Raises
    ------
    InputError
        If the archive is missing or damaged, or if not exactly one member fits; then it lists the members.
    """
    archive = Path(archive)
    if not archive.is_file():
        raise InputError("no such file", path=archive, remedy="check the path in the configuration")
    if archive.suffix.lower() == ".xlsx":
        return _write_table((cells for _, cells in sheet_rows(archive, wanted)), wanted, out)
    if archive.suffix.lower() in (".rda", ".rdata"):
        header, rows = read_frame(archive, wanted)
        return _write_table(rows if tuple(header[1:-1]) == _GTF else chain([header], rows), wanted, out)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                names = [entry.filename for entry in packed.infolist() if not entry.is_dir()]
                return _copy(packed.open, names, archive, wanted, out)
        with tarfile.open(archive) as tar:
            names = [entry.name for entry in tar if entry.isfile()]
            return _copy(tar.extractfile, names, archive, wanted, out)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise InputError("not a tar or zip archive, or a damaged one", path=archive, remedy="fetch it again") from error


def _copy(open_member: Callable[[str], BinaryIO], names: list[str], archive: Path, wanted: str, out: str | Path) -> str:
    chosen = [name for name in names if wanted in (name, PurePosixPath(name).name)]
    if not chosen:
        chosen = [name for name in names if fnmatchcase(name, wanted) or fnmatchcase(PurePosixPath(name).name, wanted)]
    if len(chosen) != 1:
        listed = chosen or names
        more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        raise InputError(
            f"{len(chosen)} members of the archive fit" if chosen else "the archive has no such member",
            path=archive,
            value=wanted,
            remedy=f"name one of {', '.join(listed[:_SHOWN])}{more}" if listed else "it holds no file",
        )
    with open_member(chosen[0]) as source, write_bytes(out) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return chosen[0]


def _write_table(rows: Iterable[Sequence[str]], name: str, out: str | Path) -> str:
    with write_text(out) as handle:
        for row in rows:
            # a cell may hold tabs and line breaks
            handle.write("\t".join(" ".join(cell.split()) for cell in row) + "\n")
    return name
