"""The dictionary names exactly the columns that the tables have, and the document is current."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnamarks.figures.dictionary import KINDS, TABLES, document
from rnamarks.figures.provenance import SOURCE_COLUMNS
from rnamarks.figures.register import FIGURE_COLUMNS
from rnamarks.sites.site_tables import SITE_COLUMNS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "name",
    [
        "metrics",
        "paired",
        "curves",
        "calibration",
        "reliability",
        "thresholds",
        "similarity",
        "external",
        "drops",
        "counts",
        "leaks",
        "histories",
    ],
)
def test_columns_are_those_of_the_table(tables, name):
    assert [column.name for column in TABLES[name].columns] == list(tables[name].columns)


def test_columns_of_other_tables():
    assert tuple(column.name for column in TABLES["sources"].columns) == SOURCE_COLUMNS
    assert tuple(column.name for column in TABLES["figures"].columns) == FIGURE_COLUMNS
    assert {column.name for column in TABLES["sites"].columns} == set(SITE_COLUMNS)


def test_every_column_is_explained():
    for table in TABLES.values():
        assert table.about.endswith(".")
        for column in table.columns:
            assert column.kind in KINDS
            assert column.meaning


def test_document_is_current():
    assert (ROOT / "docs" / "tables.md").read_text() == document(), (
        "run `python -m rnamarks.figures.dictionary > ../docs/tables.md` in workflow/"
    )
