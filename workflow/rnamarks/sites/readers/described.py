"""Tables that no database wrote: supplements of papers, whose columns the configuration describes."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError
from ...files import open_text
from ..drops import Drops
from ..modifications import Modification
from .register import LAYOUT_READERS
from .rows import STAGE, check_names_and_strands, check_stated_assembly, refuse_rows, site_table, whole_numbers

SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "blank": None}
_ZIP_MAGIC, _OLE_MAGIC = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_STRANDS = {
    **dict.fromkeys(("+", "1", "+1", "plus", "forward", "fwd"), "+"),
    # spreadsheets make a minus sign or a dash of a hyphen
    **dict.fromkeys(("-", "-1", "minus", "reverse", "rev", "\N{MINUS SIGN}", "\N{EN DASH}"), "-"),
}
_PLACE = re.compile(
    r"(?P<chrom>[^\s:]+):(?P<start>[0-9]{1,18})(?:-(?P<end>[0-9]{1,18}))?"
    r"(?::[ACGTUNacgtun])?(?:[:(\[]?(?P<strand>[+-])[)\]]?)?"
)
_ROLES = ("place", "chrom", "start", "end", "strand", "support", "modification")

Column = str | int


@dataclass(frozen=True)
class Layout:
    """How a table says where its sites are. A column is given by its name in the header or its number from 1.

    Parameters
    ----------
    origin : {0, 1}
        What the first base of a chromosome is called in the table. Where there is an end, the interval is half-open
        if 0 and closed if 1.
    chrom, start, end, strand : str or int, optional
        Columns. ``end`` is needed only to tell single nucleotides from peaks.
    place : str or int, optional
        In place of ``chrom`` and ``start``, a column of ``chr1:100``, ``chr1:100-100``, ``chr1:100(+)``, ``chr1:100:+``
        or ``chr1:100:C:+``.
    support : str or int, optional
        Column of the number of experiments; 1 where it is not given.
    modification : str or int, optional
        Column with the modification's short name or a synonym, in a table of several.
    where : mapping, optional
        Column to the value, or list of values, that a row must have in it.
    header : int
        Line that names the columns, counted from 1; 0 if there is none.
    separator : {"tab", "comma", "semicolon", "blank"}
        Of a text file.
    sheet : str or int, optional
        Sheet of a workbook, by name or number from 1; default the first.
    mixed_bases : bool
        Whether the table lists sites of several bases without saying which. Only sites on the modification's base
        are taken, and the base says nothing about the assembly then.
    """

    origin: int
    chrom: Column = ""
    start: Column = ""
    end: Column = ""
    strand: Column = ""
    place: Column = ""
    support: Column = ""
    modification: Column = ""
    where: Mapping[Column, Any] = field(default_factory=dict)
    header: int = 1
    separator: str = "tab"
    sheet: Column = 1
    mixed_bases: bool = False

    def __post_init__(self) -> None:
        fault: tuple[str, object, str] | None = None
        numbers = [self.columns()[role] for role in self.columns() if isinstance(self.columns()[role], int)]
        if self.origin not in (0, 1) or isinstance(self.origin, bool):
            fault = "the origin is neither 0 nor 1", self.origin, "say what the table calls the first base"
        elif not (self.place or (self.chrom and self.start)) or (self.place and (self.chrom or self.start)):
            fault = "the layout does not say where the sites are", None, "name place, or chrom and start"
        elif not (self.place or self.strand):
            fault = "the layout names no column of strands", None, "name strand"
        elif self.separator not in SEPARATORS:
            fault = "no such separator", self.separator, f"choose one of {', '.join(SEPARATORS)}"
        elif not isinstance(self.header, int) or self.header < 0:
            fault = "the header is no line number", self.header, "count from 1, or write 0 if there is none"
        elif any(number < 1 for number in numbers):
            fault = "a column has no such number", min(numbers), "count columns from 1"
        elif not self.header and any(isinstance(column, str) for column in self.columns().values()):
            fault = "columns without a header have no names", None, "give their numbers, from 1"
        if fault:
            raise InputError(fault[0], value=fault[1], remedy=fault[2])

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Layout:
        """A layout as a configuration writes it.

        Raises
        ------
        InputError
            If a key is unknown, ``origin`` is missing, or the layout does not say where sites are.
        """
        known = [part.name for part in fields(cls)]
        for key in entry:
            if key not in known:
                raise InputError("no such key of a layout", value=key, remedy=f"known are {', '.join(known)}")
        if "origin" not in entry:
            raise InputError("the layout has no origin", remedy="add origin: 0 or origin: 1")
        return cls(**entry)

    def columns(self) -> dict[str, Column]:
        """Role, or ``where`` and a number, of each column that is read."""
        roles = {role: getattr(self, role) for role in _ROLES if getattr(self, role) != ""}
        return roles | {f"where {number}": column for number, column in enumerate(self.where)}


@LAYOUT_READERS.add("table")
def read_described(
    path: str | Path,
    *,
    assembly: str,
    modification: Modification,
    source: str,
    drops: Drops,
    species: str,
    layout: Mapping[str, Any] | Layout,
) -> pd.DataFrame:
    """A text table or an Excel workbook whose columns a :class:`Layout` describes.

    Blank lines and ``#`` comments are passed over. Strands may be written ``+``, ``1``, ``plus``, ``forward`` and
    the like. Rows wider than one nucleotide are peaks and are dropped.

    Raises
    ------
    InputError
        If the layout does not fit the file, a row is malformed, or the file names another assembly.
    """
    layout = layout if isinstance(layout, Layout) else Layout.from_mapping(layout)
    scope = drops.scope(STAGE, species, source)
    check_stated_assembly(path, assembly)
    rows = _read_columns(path, layout)
    for number, (column, wanted) in enumerate(layout.where.items()):
        values = [str(value) for value in (wanted if isinstance(wanted, list | tuple) else [wanted])]
        rows = scope.keep(rows, rows[f"where {number}"].isin(values), f"{column} is not {' or '.join(values)}")
    if layout.modification != "":
        rows = scope.keep(rows, rows["modification"].isin(modification.names), "another modification")
    if layout.place != "":
        rows = _with_places(rows, path)
    strands = rows["strand"].str.lower().map(_STRANDS)
    rows = rows.assign(strand=strands.where(strands.notna(), rows["strand"]))
    check_names_and_strands(rows, path)
    starts = whole_numbers(rows, "start", path, least=layout.origin) - layout.origin
    support: np.ndarray | int = 1
    if layout.support != "":
        support = whole_numbers(rows, "support", path, least=1)
    if "end" in rows:
        ends = whole_numbers(rows, "end", path)
        refuse_rows(rows, ends > starts, "end", path, "the end is before the start", "correct it, or the origin")
        narrow = ends - starts == 1
        rows = scope.keep(rows, narrow, "wider than one nucleotide (peak)")
        starts = starts[narrow]
        support = support[narrow] if isinstance(support, np.ndarray) else support
    return site_table(rows, starts, scope, assembly=assembly, modification=modification, source=source, support=support)


def _with_places(rows: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Rows with the columns ``chrom``, ``start``, ``strand``, and ``end`` where every place has one."""
    parts = rows["place"].map(lambda text: _PLACE.fullmatch(text))
    refuse_rows(
        rows, parts.notna().to_numpy(), "place", path, "the place is not like chr1:100:+", "correct it, or the layout"
    )  # fmt: skip
    found = pd.DataFrame([match.groupdict("") for match in parts], index=rows.index, dtype=object)
    rows = rows.assign(chrom=found.get("chrom"), start=found.get("start"))
    if "strand" not in rows:
        rows = rows.assign(strand=found.get("strand"))
    if len(found) and (found["end"] != "").any():
        rows = rows.assign(end=found["end"].where(found["end"] != "", found["start"]))
    return rows


def _read_columns(path: str | Path, layout: Layout) -> pd.DataFrame:
    """The layout's columns as text, by role, indexed by line."""
    columns = layout.columns()
    at: dict[str, int] = {}
    if not layout.header:
        at = {role: int(column) - 1 for role, column in columns.items()}
    picked: list[list[str]] = []
    lines: list[int] = []
    for line, cells in _cells(path, layout):
        if line < layout.header or not any(cells):
            continue
        if line == layout.header:
            at = {role: _index(column, cells, path, line) for role, column in columns.items()}
            continue
        if layout.header and not at:
            break
        if cells[0].startswith("#"):
            continue
        if len(cells) <= max(at.values()):
            raise InputError(
                f"the row has {len(cells)} fields and needs {max(at.values()) + 1}",
                path=path,
                line=line,
                value=" ".join(cells),
                remedy="complete it, or correct the layout",
            )
        picked.append([cells[index] for index in at.values()])
        lines.append(line)
    if not picked:
        raise InputError("the file holds no site", path=path, remedy="check the layout's header, sheet and separator")
    return pd.DataFrame(picked, columns=list(at), index=pd.Index(lines, name="line"), dtype=object)


def _index(column: Column, header: list[str], path: str | Path, line: int) -> int:
    names = [header[0].lstrip("# "), *header[1:]]
    if isinstance(column, int):
        if column <= len(names):
            return column - 1
    elif names.count(column) == 1:
        return names.index(column)
    raise InputError(
        f"the header has no single column {column}",
        path=path,
        line=line,
        value=", ".join(names),
        remedy="name one that it has, or give its number",
    )


def _cells(path: str | Path, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each line; a workbook's rows are its lines."""
    if not Path(path).is_file():
        raise InputError("no such file", path=path, remedy="check the path in the configuration")
    with open(path, "rb") as handle:
        magic = handle.read(4)
    if magic == _OLE_MAGIC:
        raise InputError("old Excel files cannot be read", path=path, remedy="save it as .xlsx or as text")
    if magic == _ZIP_MAGIC:
        yield from _workbook_cells(path, layout.sheet)
        return
    separator = SEPARATORS[layout.separator]
    with open_text(path) as handle:
        for number, text in enumerate(handle, 1):
            text = text.rstrip("\n")
            if separator in (",", ";") and '"' in text:
                # line by line, so that a stray quotation mark spoils one row and not the rest of the file
                cells = next(csv.reader([text], delimiter=separator))
            else:
                cells = text.split(separator)
            yield number, [cell.strip().strip('"') for cell in cells]


def _workbook_cells(path: str | Path, sheet: Column) -> Iterator[tuple[int, list[str]]]:
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise InputError(
            "workbooks cannot be read without openpyxl", path=path, remedy="install openpyxl, or save it as text"
        ) from error
    with open(path, "rb") as handle:
        try:
            # the open file, because a path must end in .xlsx
            book = load_workbook(handle, read_only=True, data_only=True)
        except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
            raise InputError("the file is no workbook", path=path, remedy="save it as .xlsx or as text") from error
        names = book.sheetnames
        if not (sheet in names if isinstance(sheet, str) else 1 <= sheet <= len(names)):
            raise InputError(
                "the workbook has no such sheet", path=path, value=sheet, remedy=f"choose one of {', '.join(names)}"
            )
        rows = book[sheet if isinstance(sheet, str) else names[sheet - 1]].iter_rows(values_only=True)
        for number, cells in enumerate(rows, 1):
            yield number, [_text(cell) for cell in cells] or [""]


def _text(cell: object) -> str:
    # workbooks keep whole numbers as 12.0, too
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()
