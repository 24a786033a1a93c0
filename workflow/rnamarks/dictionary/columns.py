"""What a table's explanation consists of."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("text", "count", "fraction", "number", "flag", "list")


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes
    ----------
    name : str
    kind : {"text", "count", "fraction", "number", "flag", "list"}
        A fraction lies between 0 and 1.
    meaning : str
        With its unit.
    """

    name: str
    kind: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    path : str
        Relative to ``results/<run>``; ``{name}`` stands for a part that varies.
    about : str
    columns : tuple of Column
    """

    path: str
    about: str
    columns: tuple[Column, ...]


def columns(*entries: tuple[str, str, str]) -> tuple[Column, ...]:
    """Columns from (name, kind, meaning)."""
    return tuple(Column(*entry) for entry in entries)
