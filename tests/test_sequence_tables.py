"""Sequences of tables: long fields, and what reading leaves behind in the process."""

from __future__ import annotations

import csv

import pytest

from rnamarks.sequence_tables import read_named


@pytest.mark.parametrize("ending", ["tsv", "csv"])
def test_long_sequences_are_read_and_the_limit_of_others_stays(tmp_path, ending):
    separator, sequence = "\t" if ending == "tsv" else ",", "ACGU" * 50_000
    path = tmp_path / f"x.{ending}"
    path.write_text(
        "".join(f"{name}{separator}{text}\n" for name, text in (("id", "sequence"), ("a", sequence), ("b", "GG")))
    )
    limit = csv.field_size_limit()
    records = read_named(path)
    assert next(records).sequence == sequence
    # also between two records, where others may read
    assert csv.field_size_limit() == limit
    assert [(one.header, one.sequence, one.line) for one in records] == [("b", "GG", 3)]
    assert csv.field_size_limit() == limit
