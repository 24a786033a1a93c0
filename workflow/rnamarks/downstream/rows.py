"""What readers of published examples share: roles, rows of CSV, numbers, parts, and the table that they give."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, check_complete
from ..files import open_text
from ..tables import is_number
from .splitting import SPLITS

SITES = ("donor", "acceptor")
AGAIN = "fetch the file again"
"""The remedy where a published file is at fault."""


def check_roles(files: Mapping[str, Sequence[Path]], needed: Sequence[str], others: Sequence[str] = ()) -> None:
    """Raise :class:`InputError` unless files have the needed roles and, besides, at most the others."""
    missing = [role for role in needed if not files.get(role)]
    surplus = [role for role in files if role not in (*needed, *others)]
    if missing or surplus or not files:
        allowed = ", ".join([*needed, *(f"{role} (optional)" for role in others)])
        raise InputError(
            f"the files {'lack ' if missing else 'have '}{', '.join(missing or surplus) or 'nothing'}",
            remedy=f"give {allowed}",
        )


def site_role(files: Mapping[str, Sequence[Path]]) -> tuple[str, Sequence[Path]]:
    """The only role, ``donor`` or ``acceptor``, and its files; any other is an :class:`InputError`."""
    if len(files) != 1 or next(iter(files)) not in SITES:
        raise InputError("one role says the site", value=", ".join(files), remedy=f"use {' or '.join(SITES)}")
    return next(iter(files.items()))


def frame_of(rows: Sequence[tuple], column: str) -> pd.DataFrame:
    """Rows of example, sequence, family, part and answer as a table; ``column`` is what the answer is called.

    Raises
    ------
    InputError
        If two examples have one name.
    """
    frame = pd.DataFrame(rows, columns=["example", "sequence", "family", "part", column])
    if frame["example"].duplicated().any():
        name = frame["example"][frame["example"].duplicated()].iloc[0]
        raise InputError("two examples have one name", value=name, remedy="rename one of them")
    return frame


def csv_rows(
    paths: Sequence[Path], columns: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[Path, int, dict[str, str]]]:
    """Rows of CSV files with their file and line; fields hold no line breaks.

    Parameters
    ----------
    paths : sequence of pathlib.Path
    columns : sequence of str
        That the tables need; they may have others.
    optional : sequence of str
        Those of ``columns`` whose field may be empty.

    Raises
    ------
    InputError
        If a table lacks a column, or a row a field.
    """
    for path in paths:
        with open_text(path) as handle:
            reader = csv.DictReader(handle)
            remedy = f"it needs {', '.join(columns)}"
            check_complete(reader.fieldnames or (), columns, "the table", remedy, path=path, line=1)
            for row in reader:
                empty = [name for name in columns if row[name] is None or not (row[name] or name in optional)]
                if empty:
                    what = f"the field of {', '.join(empty)} is empty"
                    raise InputError(what, path=path, line=reader.line_num, remedy=AGAIN)
                yield path, reader.line_num, row


def part_of(text: str, path: Path, line: int) -> str:
    """``train``, ``valid`` or ``test``, whatever a published file calls it."""
    part = {"validation": "valid", "val": "valid"}.get(text, text)
    if part not in SPLITS:
        raise InputError("not a part of a split", path=path, line=line, value=text, remedy="use train, valid, test")
    return part


def parse_number(text: str, path: Path, line: int) -> float:
    """A finite number; anything else is an :class:`InputError`."""
    if not is_number(text) or not np.isfinite(float(text)):
        raise InputError("not a number", path=path, line=line, value=text, remedy="correct or remove the row")
    return float(text)
