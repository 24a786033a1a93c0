"""Sheets of Excel workbooks as rows of text."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import ParseError

from .errors import InputError, about, needs
from .files import open_bytes

ZIP_MAGIC = b"PK\x03\x04"
"""How workbooks (``.xlsx``) begin, and zip archives."""
OLE_MAGIC = b"\xd0\xcf\x11\xe0"
"""How workbooks of old Excel (``.xls``) begin."""
_FAULTS = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, ParseError),
    *(LookupError, ValueError, TypeError, AttributeError, NotImplementedError),
)
"""What openpyxl makes of files that are none of its kind, or damaged."""


def sheet_rows(path: str | Path, sheet: str | int = 1) -> Iterator[tuple[int, list[str]]]:
    """Rows of one sheet with their numbers, from 1.

    Parameters
    ----------
    path : path-like
        Whatever it is called; plain or gzipped.
    sheet : str or int
        Name, or place from 1.

    Yields
    ------
    number : int
    cells : list of str
        Formulas are the values that Excel computed, empty cells ``""``, whole numbers without a point; blanks around
        text are removed.

    Raises
    ------
    InputError
        If the file is no workbook or one of old Excel, has no such sheet, or openpyxl is missing.
    """
    with about(path=path), needs("openpyxl", "install openpyxl, or save it as text"):
        from openpyxl import load_workbook
    with open_bytes(path) as handle:
        # in memory, because zip archives are read from their end
        content = handle.read()
    if content.startswith(OLE_MAGIC):
        raise InputError("the file is a workbook of old Excel (.xls)", path=path, remedy="save it as .xlsx or text")
    try:
        # the content, because a path must end in .xlsx
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except _FAULTS as error:
        raise InputError(
            "the file is no workbook, or damaged", path=path, remedy="fetch it again, or save it as .xlsx or as text"
        ) from error
    names = book.sheetnames
    if not (sheet in names if isinstance(sheet, str) else 1 <= sheet <= len(names)):
        raise InputError(
            "the workbook has no such sheet", path=path, value=sheet, remedy=f"choose one of {', '.join(names)}"
        )
    try:
        # rows are read as they are asked for
        rows = book[sheet if isinstance(sheet, str) else names[sheet - 1]].iter_rows(values_only=True)
        for number, cells in enumerate(rows, 1):
            yield number, [_text(cell) for cell in cells]
    except _FAULTS as error:
        raise InputError("the sheet is damaged", path=path, value=sheet, remedy="fetch the file again") from error


def _text(cell: object) -> str:
    # workbooks keep whole numbers as 12.0, too
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()
