"""Tables that no database wrote: supplements of papers, whose columns the configuration describes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError
from ...files import open_text
from ...tables import split_quoted
from ...workbooks import OLE_MAGIC, ZIP_MAGIC, sheet_rows
from ..drops import Scope
from ..layouts import SEPARATORS, Column, Layout
from ..modifications import Modification
from .register import LAYOUT_READERS
from .rows import (
    check_names_and_strands,
    check_stated_assembly,
    commonest,
    count_fields,
    refuse_rows,
    refuse_wide_rows,
    site_table,
    whole_numbers,
)

_STRANDS = {
    **dict.fromkeys(("+", "1", "+1", "plus", "forward", "fwd"), "+"),
    # spreadsheets make a minus sign or a dash of a hyphen
    **dict.fromkeys(("-", "-1", "minus", "reverse", "rev", "\N{MINUS SIGN}", "\N{EN DASH}"), "-"),
}
_PLACE = re.compile(
    r"(?P<chrom>[^\s:]+):(?P<start>[0-9]{1,18})(?:-(?P<end>[0-9]{1,18}))?"
    r"(?::[ACGTUNacgtun])?(?:[:(\[]?(?P<strand>[+-])[)\]]?)?"
)


@LAYOUT_READERS.add("table")
def read_described(
    path: str | Path, scope: Scope, *, assembly: str, modification: Modification, layout: Mapping[str, Any]
) -> pd.DataFrame:
    """A text table or an Excel workbook whose columns a :class:`Layout` describes.

    Blank lines and ``#`` comments are passed over. Strands may be written ``+``, ``1``, ``plus``, ``forward`` and
    the like. Rows wider than one nucleotide are peaks and are dropped.

    Raises
    ------
    InputError
        If the layout does not fit the file, a row is malformed, or the file names another assembly.
    """
    layout = Layout.from_mapping(layout)
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
    starts = whole_numbers(rows, "start", path, minimum=layout.origin) - layout.origin
    support: np.ndarray | int = 1
    if layout.support != "":
        support = whole_numbers(rows, "support", path, minimum=1)
    if "end" in rows:
        ends = whole_numbers(rows, "end", path)
        refuse_rows(rows, ends > starts, "end", path, "the end is before the start", "correct it, or the origin")
        narrow = ends - starts == 1
        rows = scope.keep(rows, narrow, "wider than one nucleotide (peak)")
        starts = starts[narrow]
        support = support[narrow] if isinstance(support, np.ndarray) else support
    return site_table(rows, starts, scope, assembly=assembly, modification=modification, support=support)


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
    widths: list[int] = []
    lengths: Counter[int] = Counter()
    n_fields: int | None = None
    for line, cells in _cells(path, layout):
        if line < layout.header or not any(cells):
            continue
        if line == layout.header:
            at = {role: _index(column, cells, path, line) for role, column in columns.items()}
            n_fields = len(cells)
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
        widths.append(count_fields(cells))
        lengths[len(cells)] += 1
    if not picked:
        raise InputError("the file holds no site", path=path, remedy="check the layout's header, sheet and separator")
    # text between blanks may have any number of words
    if layout.separator != "blank":
        refuse_wide_rows(widths, lines, path, n_fields or commonest(lengths))
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
    if magic in (ZIP_MAGIC, OLE_MAGIC):
        yield from ((number, cells or [""]) for number, cells in sheet_rows(path, layout.sheet))
        return
    separator = SEPARATORS[layout.separator]
    with open_text(path) as handle:
        for number, text in enumerate(handle, 1):
            text = text.rstrip("\n")
            quoted = separator in (",", ";")
            cells = split_quoted(text, separator, path, number) if quoted else text.split(separator)
            yield number, [cell.strip().strip('"') for cell in cells]
