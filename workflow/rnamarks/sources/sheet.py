"""The sheet of published files: where each comes from, and how to know that it is the right one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import InputError
from ..files import open_text

KINDS = ("sites", "genome", "annotation", "orthologues", "windows")
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
_NEEDS_ASSEMBLY = ("sites", "genome", "annotation")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_SPECIES = re.compile(r"[a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_BYTES = re.compile(r"[1-9][0-9]*")


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
    sources: list[Source] = []
    lines: dict[str, int] = {}
    header: list[str] | None = None
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if not line.strip() or (header is None and line.startswith("#")):
                continue
            fields = [field.strip() for field in line.split("\t")]
            if header is None:
                header = fields
                _check_header(header, path, number)
                continue
            if len(fields) != len(header):
                raise InputError(
                    f"the line has {len(fields)} fields and the header {len(header)}",
                    path=path,
                    line=number,
                    value=line,
                    remedy="separate the fields by single tabs, empty ones included",
                )
            row = dict(zip(header, fields, strict=True))
            _check_row(row, path, number)
            # case-insensitive, because the name becomes a folder
            earlier = lines.setdefault(row["name"].lower(), number)
            if earlier != number:
                raise InputError(
                    f"the name already stands in line {earlier}",
                    path=path,
                    line=number,
                    value=row["name"],
                    remedy="give each source its own name",
                )
            sources.append(
                Source(
                    **{
                        **row,
                        "species": tuple(row["species"].split(",")),
                        "sha256": row["sha256"].lower(),
                        "bytes": int(row["bytes"]) if row["bytes"] else None,
                        "checked": row["checked"] == "yes",
                    }
                )
            )
    if header is None:
        raise InputError("the sheet is empty", path=path, remedy=f"give the columns {', '.join(COLUMNS)}")
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


def _check_header(header: list[str], path: str | Path, line: int) -> None:
    missing = [column for column in COLUMNS if column not in header]
    unknown = [column for column in header if column not in COLUMNS]
    if missing or unknown or len(set(header)) != len(header):
        what = (
            f"lacks {', '.join(missing)}"
            if missing
            else f"has the unknown column {unknown[0]!r}"
            if unknown
            else "names a column twice"
        )
        raise InputError(
            f"the header {what}", path=path, line=line, remedy=f"give the columns {', '.join(COLUMNS)}, tab-separated"
        )


def _check_row(row: dict[str, str], path: str | Path, line: int) -> None:
    def check(column: str, fits: Callable[[str], object], remedy: str, what: str = "is malformed") -> None:
        if not fits(row[column]):
            raise InputError(f"the {column} {what}", path=path, line=line, value=row[column], remedy=remedy)

    check("name", _NAME.fullmatch, "write letters, digits, _ and - only")
    check("kind", KINDS.__contains__, f"choose one of {', '.join(KINDS)}", "is unknown")
    check("species", _SPECIES.fullmatch, "write short names from the species sheet, joined by commas")
    check("file", _FILE.fullmatch, "write a file name without a folder, made of letters, digits and . _ + -")
    check("file", lambda file: not file.endswith((".part", ".part.json")), "choose another ending", "is reserved")
    for column in ("url", "url2"):
        fault = url_fault(row[column]) if row[column] or column == "url" else None
        if fault:
            raise InputError(f"the {column} {fault[0]}", path=path, line=line, value=row[column], remedy=fault[1])
    check("url2", lambda url: url != row["url"], "give another address or leave it empty", "repeats the url")
    check("sha256", lambda digits: not digits or _SHA256.fullmatch(digits), "give 64 hexadecimal digits or nothing")
    check("bytes", lambda size: not size or _BYTES.fullmatch(size), "give a whole number above 0 or nothing")
    check("checked", ("yes", "no").__contains__, "write yes or no")
    for column in ("version", "licence", "citation"):
        check(column, bool, "fill it in", "is empty")
    if row["kind"] in _NEEDS_ASSEMBLY:
        check("assembly", bool, f"name the genome assembly; a source of kind {row['kind']} needs one", "is empty")
