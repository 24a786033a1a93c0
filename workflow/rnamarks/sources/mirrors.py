"""Folders and roots that hold published files as ``NAME/FILE``, and the list that ``rnamarks fetch`` adds to them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from ..dictionary import column_names
from ..errors import InputError
from ..files import open_text, write_text
from ..locks import exclusive
from .sheet import Source

LIST = "sources.tsv"
"""The list of what a folder holds: checksums, licences, citations."""


def columns() -> list[str]:
    """Those of the list."""
    return column_names("collected_sources")


def folder_of(mirror: str | Path) -> Path | None:
    """The folder that a mirror is, None where it is an address on the network."""
    root = str(mirror)
    if root.startswith("file://"):
        return Path(unquote(urlsplit(root).path))
    return None if "://" in root else Path(root).expanduser()


def place_of(mirror: str | Path, source: Source) -> str | Path:
    """Where a mirror holds a source: a path, or an address."""
    folder = folder_of(mirror)
    if folder is None:
        return f"{str(mirror).rstrip('/')}/{quote(source.name)}/{quote(source.file)}"
    return folder / source.name / source.file


def holds(folder: str | Path, source: Source) -> bool:
    """Whether the file of a source is in a folder; it is not opened."""
    return (Path(folder) / source.name / source.file).is_file()


def read_list(folder: str | Path) -> dict[str, Mapping[str, str]]:
    """Rows of a folder's list by name, columns as :func:`columns` says; none where there is no list.

    Raises
    ------
    InputError
        If the file of that name is no such list.
    """
    path = Path(folder) / LIST
    if not path.exists():
        return {}
    with open_text(path) as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    if any(set(row) != set(columns()) or None in row.values() for row in rows):
        raise InputError("the list is not one that rnamarks fetch wrote", path=path, remedy="remove it")
    return {row["name"]: row for row in rows}


def add_to_list(folder: str | Path, row: Mapping[str, str]) -> None:
    """Enter a row, columns as :func:`columns` says, in a folder's list, which is sorted by name.

    The list is replaced at once. Rows that other processes enter meanwhile stay.
    """
    path = Path(folder) / LIST
    with exclusive(path):
        rows = read_list(folder) | {row["name"]: row}
        with write_text(path) as handle:
            handle.write("\t".join(columns()) + "\n")
            for name in sorted(rows):
                handle.write("\t".join(rows[name][column] for column in columns()) + "\n")
