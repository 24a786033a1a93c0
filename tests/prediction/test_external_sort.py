"""Sorting on disk gives what sorting in memory gives."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from rnamarks.prediction.external_sort import TableFile, sort_tables


@pytest.mark.parametrize("run_rows", [1, 40, 10_000])
@pytest.mark.parametrize("values", [3, 10_000])
def test_sorting_keeps_ties_in_order_and_together(tmp_path, run_rows, values):
    rng = np.random.default_rng(values)
    n = 1500
    names = np.array(["b", "\u00e4", "", "a,", "B"])
    whole = pa.table({"text": rng.choice(names, n), "at": rng.integers(0, values, n), "row": np.arange(n)})
    edges = [0, 1, 1, 300, 302, 1100, n]
    parts = [whole.slice(first, last - first) for first, last in pairwise(edges)]
    tables = list(sort_tables(iter(parts), ["text", "at"], tmp_path, run_rows=run_rows, block_rows=7))
    got = [tuple(row.values()) for table in tables for row in table.to_pylist()]
    assert got == sorted(tuple(row.values()) for row in whole.to_pylist())
    for left, right in pairwise(tables):
        assert left.select(["text", "at"]).slice(left.num_rows - 1) != right.select(["text", "at"]).slice(0, 1)
    assert not list(tmp_path.iterdir())


def test_nothing_to_sort(tmp_path):
    assert list(sort_tables([], ["a"], tmp_path)) == []
    assert list(sort_tables([pa.table({"a": pa.array([], pa.int64())})], ["a"], tmp_path)) == []


def test_blocks_of_a_file(tmp_path):
    table = pa.table({"a": [1, 2, 3, 4, 5], "b": ["x", None, "", "z", "w"]})
    file = TableFile(tmp_path, table.schema, 2)
    file.append(table)
    file.append(table.slice(3))
    assert (len(file), file.n_blocks) == (7, 4)
    assert pa.concat_tables(file) == pa.concat_tables([table, table.slice(3)])
    assert file.read(1, 3) == table.slice(2)
    assert file.read(2, 2).num_rows == 0
