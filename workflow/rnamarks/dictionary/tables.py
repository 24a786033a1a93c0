"""All tables, in the order of the report, read from the sheets beside this module.

``tables.tsv`` has a row per table, ``columns.tsv`` a row per column. What several tables share is a block, whose rows
have a name that begins with ``@`` under ``table``; a row with that name under ``column`` stands for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

KINDS = ("text", "count", "fraction", "number", "flag", "list")
_BLOCK = "@"


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


def read_rows(sheet: Path) -> list[list[str]]:
    """Fields of the rows below the header."""
    return [line.split("\t") for line in sheet.read_text(encoding="utf-8").splitlines()[1:]]


def _columns(name: str, entries: Mapping[str, list[list[str]]]) -> Iterator[Column]:
    """Columns of a table or block, blocks within it included."""
    for column, *rest in entries[name]:
        if column.startswith(_BLOCK):
            yield from _columns(column, entries)
        else:
            yield Column(column, *rest)


def _read() -> dict[str, Table]:
    folder = Path(__file__).parent
    entries: dict[str, list[list[str]]] = {}
    for table, *entry in read_rows(folder / "columns.tsv"):
        entries.setdefault(table, []).append(entry)
    return {
        name: Table(path, about, tuple(_columns(name, entries)))
        for name, path, about in read_rows(folder / "tables.tsv")
    }


TABLES = _read()


INTRODUCTION = (
    "Every table of a run, below `results/<run>/`. Text tables are tab-separated with a header line; an empty "
    "field is a value that is not known. Fractions lie between 0 and 1."
)


def document() -> str:
    """Every table and its columns, as Markdown."""
    parts = (f"\n## {name}\n\n{_described(table)}" for name, table in TABLES.items())
    return f"# Tables\n\n{INTRODUCTION}\n{''.join(parts)}"


def pages() -> dict[str, str]:
    """A page of Markdown per table and ``README.md``, which lists them, by file name."""
    rows = "".join(f"| [{name}]({name}.md) | `{table.path}` | {table.about} |\n" for name, table in TABLES.items())
    index = f"# Tables\n\n{INTRODUCTION}\n\n| table | file | what it holds |\n| --- | --- | --- |\n{rows}"
    return {"README.md": index} | {f"{name}.md": f"# {name}\n\n{_described(table)}" for name, table in TABLES.items()}


def _described(table: Table) -> str:
    """Its file, what it is about, and its columns."""
    rows = "".join(f"| `{column.name}` | {column.kind} | {column.meaning} |\n" for column in table.columns)
    return f"`{table.path}`. {table.about}\n\n| column | kind | meaning |\n| --- | --- | --- |\n{rows}"
