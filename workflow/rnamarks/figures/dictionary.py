"""What every column of every table means; source of ``docs/tables.md`` and of the report's data dictionary.

``python -m rnamarks.figures.dictionary`` prints the document.
"""

from __future__ import annotations

from .catalogue import STAGES
from .columns import KINDS, Column, Table, columns

__all__ = ["KINDS", "TABLES", "Column", "Table", "document"]

_INDEX: dict[str, Table] = {
    "figures": Table(
        "figures.tsv",
        "Every panel of every figure, the table that it is drawn from, and its caption; then every table.",
        columns(
            ("figure", "text", "number in the paper where it has one, else a name; `Table` for a table"),
            ("panel", "text", "letter of the panel, `all` for a figure of one piece; the table's name for a table"),
            ("file", "text", "path relative to the folder of `figures.tsv`"),
            ("table", "text", "path of the table that it is drawn from, relative to the same folder"),
            ("caption", "text", "axes, units, numbers of windows, test or interval"),
        ),
    ),
}

TABLES: dict[str, Table] = {name: table for stage in STAGES for name, table in stage.TABLES.items()} | _INDEX


def document() -> str:
    """The text of ``docs/tables.md``."""
    lines = [
        "# Tables",
        "",
        "Every table of a run, below `results/<run>/`. Text tables are tab-separated with a header line; an empty "
        "field is",
        "a value that is not known. Shares lie between 0 and 1. The report explains the same columns beside its "
        "figures.",
        "This page is written by `python -m rnamarks.figures.dictionary > docs/tables.md` (in `workflow/`).",
    ]
    for name, table in TABLES.items():
        lines += [
            "",
            f"## {name}",
            "",
            f"`{table.path}`. {table.about}",
            "",
            "| column | kind | meaning |",
            "| --- | --- | --- |",
        ]
        lines += [f"| `{column.name}` | {column.kind} | {column.meaning} |" for column in table.columns]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(document(), end="")
