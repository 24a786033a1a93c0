"""Files inside archives: a reference ``ARCHIVE#MEMBER`` stands for one file of a tar or zip archive."""

from __future__ import annotations

import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote, unquote

from ..errors import InputError
from ..files import write_bytes

FOLDER = "resources/members"
_REFERENCE = re.compile(r"(.+\.(?:tar|tar\.gz|tgz|tar\.bz2|tar\.xz|zip))#(.+)", re.IGNORECASE)
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
    """Copy one file of an archive; a packed one stays packed.

    Parameters
    ----------
    archive : path-like
        Tar (plain or packed by gzip, bzip2 or xz) or zip.
    wanted : str
        Name of the member, with its folders or without, or a pattern with ``*`` and ``?`` that one member fits.
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
