"""Sheets that people write: tab-separated tables whose every fault is named with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import InputError
from .files import open_text


def read_sheet(
    path: str | Path,
    columns: Sequence[str],
    *,
    patterns: Mapping[str, tuple[re.Pattern[str], str]] | None = None,
    unique: Sequence[str] = (),
    may_lack: Sequence[str] = (),
) -> list[tuple[int, dict[str, str]]]:
    """Read a sheet: one header line, then one row per line; ``#`` lines above the header and blank lines are skipped.

    Parameters
    ----------
    path : path-like
        Plain or gzipped.
    columns : sequence of str
        What the header must name, each once and nothing else, in any order.
    patterns : mapping, optional
        Column to what its whole value must match, and what to do where it does not.
    unique : sequence of str
        Columns in which no value may come twice, upper and lower case being the same.
    may_lack : sequence of str
        Columns whose fields may be missing at the end of a row, as editors that strip blanks leave them; they are
        read as ``""``.

    Returns
    -------
    list of (int, dict of str to str)
        1-based line number and the row, blanks around the values removed, in the order of the sheet.

    Raises
    ------
    InputError
        If the sheet has no header, the header is another one, a row has another number of fields, a value is malformed
        or comes twice.
    """
    rows: list[tuple[int, dict[str, str]]] = []
    first_lines: dict[tuple[str, str], int] = {}
    header: list[str] | None = None
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if not line.strip() or (header is None and line.startswith("#")):
                continue
            fields = [field.strip() for field in line.split("\t")]
            if header is None:
                header = fields
                _check_header(header, columns, path, number)
                continue
            if len(fields) < len(header) and set(header[len(fields) :]) <= set(may_lack):
                fields += [""] * (len(header) - len(fields))
            if len(fields) != len(header):
                raise InputError(
                    f"the line has {len(fields)} fields and the header {len(header)}",
                    path=path,
                    line=number,
                    value=line,
                    remedy="separate the fields by single tabs, empty ones included",
                )
            row = dict(zip(header, fields, strict=True))
            for column, (pattern, remedy) in (patterns or {}).items():
                if not pattern.fullmatch(row[column]):
                    raise InputError(
                        f"the {column} is malformed", path=path, line=number, value=row[column], remedy=remedy
                    )
            for column in unique:
                earlier = first_lines.setdefault((column, row[column].lower()), number)
                if earlier != number:
                    raise InputError(
                        f"the {column} is already in line {earlier}",
                        path=path,
                        line=number,
                        value=row[column],
                        remedy=f"give each row its own {column}",
                    )
            rows.append((number, row))
    if header is None:
        raise InputError("the sheet is empty", path=path, remedy=f"give the columns {', '.join(columns)}")
    return rows


def _check_header(header: Sequence[str], columns: Sequence[str], path: str | Path, line: int) -> None:
    missing = [column for column in columns if column not in header]
    unknown = [column for column in header if column not in columns]
    if missing:
        what = f"lacks {', '.join(missing)}"
    elif unknown:
        what = f"has the unknown column {unknown[0]!r}"
    elif len(set(header)) != len(header):
        what = "names a column twice"
    else:
        return
    raise InputError(
        f"the header {what}", path=path, line=line, remedy=f"give the columns {', '.join(columns)}, tab-separated"
    )
