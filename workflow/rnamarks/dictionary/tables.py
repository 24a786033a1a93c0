"""All tables, in the order of the report."""

from __future__ import annotations

from . import (
    attribution,
    capacity,
    datasets,
    evaluation,
    landscape,
    motifs,
    ontology,
    optimisation,
    proximity,
    regulation,
    training,
    transcriptome,
)
from .columns import Table

TABLES: dict[str, Table] = (
    datasets.TABLES
    | training.TABLES
    | evaluation.TABLES
    | attribution.TABLES
    | transcriptome.TABLES
    | landscape.TABLES
    | proximity.TABLES
    | motifs.TABLES
    | optimisation.TABLES
    | capacity.TABLES
    | ontology.TABLES
    | regulation.TABLES
)


def document() -> str:
    """Every table and its columns, as Markdown."""
    lines = [
        "# Tables",
        "",
        "Every table of a run, below `results/<run>/`. Text tables are tab-separated with a header line; an empty "
        "field is a value that is not known. Fractions lie between 0 and 1.",
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
