"""The sheet of published files: where each comes from, and how to know that it is the right one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import InputError
from ..sheets import read_sheet

KINDS = (
    *("sites", "genome", "annotation", "orthologues", "windows"),
    *("ontology", "values", "structure", "peaks", "motifs"),
    *("rna", "examples", "model"),
)
COLUMNS = (
    "name",
    "version",
    "kind",
    "species",
    "url",
    "url2",
    "sha256",
    "bytes",
    "assembly",
    "licence",
    "citation",
    "file",
    "checked",
    "note",
)
_NEEDS_ASSEMBLY = ("sites", "genome", "annotation", "peaks")
_PATTERNS = {
    "name": (re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*"), "write letters, digits, _ and - only"),
    "species": (
        re.compile(r"[a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*"),
        "write short names from the species sheet, joined by commas",
    ),
    "file": (
        re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*"),
        "write a file name without a folder, made of letters, digits and . _ + -",
    ),
    "sha256": (re.compile(r"([0-9a-fA-F]{64})?"), "give 64 hexadecimal digits or nothing"),
    "bytes": (re.compile(r"([1-9][0-9]*)?"), "give a whole number above 0 or nothing"),
    "checked": (re.compile(r"yes|no|hand"), "write yes, no or hand"),
}


@dataclass(frozen=True)
class Source:
    """One published file.

    Attributes
    ----------
    name : str
        Unique in the sheet; also the folder under ``resources/sources/`` and below a mirror's root.
    version : str
        Release or commit, as its publisher names it.
    kind : str
        One of ``KINDS``.
    species : tuple of str
        Short names from the register of species.
    url, url2 : str
        Two addresses of the same bytes; ``url2`` may be ``""``.
    sha256 : str
        64 lower-case hexadecimal digits of the file as it is published (packed if it is packed), ``""`` if not known.
    bytes : int or None
        Size of that file, None if not known.
    assembly : str
        Genome assembly that coordinates refer to, ``""`` where there are none.
    licence, citation : str
        Terms of use, and what to cite.
    file : str
        File name under the folder ``name``.
    checked : bool
        Whether ``url`` was found written down in public material when the line was made; it says nothing about content.
    note : str
        What a user should know, ``""`` if nothing.
    by_hand : bool
        Whether the file is made by hand of what lies at ``url``, as ``note`` says, and can only come from a mirror.
    """

    name: str
    version: str
    kind: str
    species: tuple[str, ...]
    url: str
    url2: str
    sha256: str
    bytes: int | None
    assembly: str
    licence: str
    citation: str
    file: str
    checked: bool = False
    note: str = ""
    by_hand: bool = False

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses in the order in which they are tried."""
        return tuple(url for url in (self.url, self.url2) if url)


def read_sources(path: str | Path) -> list[Source]:
    """Read the sheet: tab-separated, a header line with the columns ``COLUMNS``; ``#`` lines before it are skipped.

    Returns
    -------
    list of Source
        In the order of the sheet.

    Raises
    ------
    InputError
        If a column is missing or unknown, a line has another number of fields, a name comes twice, or a value is
        malformed; file and line are named.
    """
    sources = []
    # the name becomes a folder, so it is unique whatever its case
    for line, row in read_sheet(path, COLUMNS, patterns=_PATTERNS, unique=("name",)):
        _check_row(row, path, line)
        sources.append(
            Source(
                **{
                    **row,
                    "species": tuple(row["species"].split(",")),
                    "sha256": row["sha256"].lower(),
                    "bytes": int(row["bytes"]) if row["bytes"] else None,
                    "checked": row["checked"] == "yes",
                    "by_hand": row["checked"] == "hand",
                }
            )
        )
    return sources


def select_source(sources: list[Source], name: str) -> Source:
    """The source of that name; raises :class:`InputError` if there is none."""
    for source in sources:
        if source.name == name:
            return source
    raise InputError(
        "no source of that name in the sheet",
        value=name,
        remedy=f"choose one of {', '.join(source.name for source in sources) or 'none: the sheet is empty'}",
    )


def url_fault(url: str) -> tuple[str, str] | None:
    """What is wrong with an address and what to do about it, or None if it can be fetched from."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        return f"is not a web address: {error}", "write it as https://host/path"
    if parts.scheme.lower() == "ftp":
        return (
            "is an ftp address, which cannot be fetched",
            "give the same path as https://; the public archives serve both",
        )
    if parts.scheme.lower() not in ("http", "https") or not host or re.search(r"\s", url):
        return "is not a web address", "write it as https://host/path"
    return None


def _check_row(row: dict[str, str], path: str | Path, line: int) -> None:
    def check(column: str, fits: Callable[[str], object], remedy: str, what: str) -> None:
        if not fits(row[column]):
            raise InputError(f"the {column} {what}", path=path, line=line, value=row[column], remedy=remedy)

    check("kind", KINDS.__contains__, f"choose one of {', '.join(KINDS)}", "is unknown")
    check("file", lambda file: not file.endswith((".part", ".part.json")), "choose another ending", "is reserved")
    for column in ("url", "url2"):
        fault = url_fault(row[column]) if row[column] or column == "url" else None
        if fault:
            raise InputError(f"the {column} {fault[0]}", path=path, line=line, value=row[column], remedy=fault[1])
    check("url2", lambda url: url != row["url"], "give another address or leave it empty", "repeats the url")
    for column in ("version", "licence", "citation"):
        check(column, bool, "fill it in", "is empty")
    if row["kind"] in _NEEDS_ASSEMBLY:
        check("assembly", bool, f"name the genome assembly; a source of kind {row['kind']} needs one", "is empty")
    if row["checked"] == "hand":
        check("note", bool, "say how the file is made of what lies at the url", "is empty")
