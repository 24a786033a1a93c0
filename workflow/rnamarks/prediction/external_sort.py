"""Tables larger than memory: kept in a file without a name, and sorted there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

RUN_ROWS = 1 << 15
"""Rows that are sorted at once, in memory."""
_BLOCK_ROWS = 1 << 9


class TableFile:
    """Rows of one schema in a file that has no name and is gone when nobody holds it, also after a kill.

    Parameters
    ----------
    folder : path-like
        On whose disk the file lies.
    schema : pyarrow.Schema
        Without dictionaries.
    block_rows : int
        Rows that are written and read at once.
    """

    def __init__(self, folder: str | Path, schema: pa.Schema, block_rows: int) -> None:
        self.schema = schema
        self._block_rows = block_rows
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self._places: list[tuple[int, int]] = []
        self._rows = 0

    def __len__(self) -> int:
        """Rows."""
        return self._rows

    def __iter__(self) -> Iterator[pa.Table]:
        """Rows in the order in which they came, a block at a time."""
        for block in range(self.n_blocks):
            yield self.read(block, block + 1)

    @property
    def n_blocks(self) -> int:
        """Blocks written."""
        return len(self._places)

    def append(self, table: pa.Table) -> None:
        """Write rows; the last of their blocks may be a short one."""
        for batch in table.combine_chunks().to_batches(max_chunksize=self._block_rows):
            data = batch.serialize()
            end = sum(self._places[-1]) if self._places else 0
            if os.pwrite(self._file.fileno(), data, end) != data.size:
                raise OSError("the disk took less than was written")
            self._places.append((end, data.size))
            self._rows += batch.num_rows

    def read(self, first: int, last: int) -> pa.Table:
        """Blocks ``first`` to ``last``, 0-based half-open."""
        batches = [
            pa.ipc.read_record_batch(pa.py_buffer(os.pread(self._file.fileno(), size, start)), self.schema)
            for start, size in self._places[first:last]
        ]
        return pa.Table.from_batches(batches, self.schema)


def sort_tables(
    tables: Iterable[pa.Table],
    keys: Sequence[str],
    folder: str | Path,
    *,
    run_rows: int = RUN_ROWS,
    block_rows: int = _BLOCK_ROWS,
) -> Iterator[pa.Table]:
    """Rows of tables of one schema in rising order of some columns, by merging sorted runs on disk.

    Parameters
    ----------
    tables : iterable of pyarrow.Table
        Taken one after another.
    keys : sequence of str
        Columns without a null or NaN; text is compared by its bytes.
    folder : path-like
        For the runs, see :class:`TableFile`.
    run_rows, block_rows : int
        Rows sorted at once (and at most one table more), and the fewest rows of a run that are merged at once.

    Yields
    ------
    pyarrow.Table
        Rows that are equal in the keys keep their order and always come in one table.

    Notes
    -----
    In memory are one run while runs are made; while they are merged ``run_rows`` rows in all or ``block_rows`` of each
    run, whichever is more, and all rows that are equal in the keys.
    """
    store: TableFile | None = None
    edges = [0]
    for run in join_tables(tables, run_rows):
        store = store or TableFile(folder, run.schema, block_rows)
        store.append(_sorted(run, keys))
        edges.append(store.n_blocks)
        del run
        pa.default_memory_pool().release_unused()
    if store is None:
        return
    n_runs = len(edges) - 1
    at_once = max(1, run_rows // (n_runs * block_rows))
    runs = [_Run(store, keys, *edges[at : at + 2], at_once) for at in range(n_runs)]
    while runs := [run for run in runs if run.fill()]:
        # of the rows below it none is still on disk
        bounds = [run.last for run in runs if run.more]
        bound = min(bounds) if bounds else None
        ready = [part for run in runs if (part := run.below(bound)) is not None]
        if ready:
            yield _sorted(pa.concat_tables(ready), keys) if len(ready) > 1 else ready[0]
        else:
            for run in runs:
                if run.more and run.last == bound:
                    run.extend()


class _Run:
    """Sorted rows on disk, the next of them in memory."""

    def __init__(self, store: TableFile, keys: Sequence[str], first: int, last: int, at_once: int) -> None:
        self._store, self._keys, self._at_once = store, keys, at_once
        self._next, self._end = first, last
        self._hold(store.read(first, first))

    @property
    def more(self) -> bool:
        return self._next < self._end

    def fill(self) -> bool:
        """Read on if nothing is in memory; False at the end."""
        if not self._rows.num_rows and self.more:
            self.extend()
        return bool(self._rows.num_rows)

    def extend(self) -> None:
        last = min(self._next + self._at_once, self._end)
        read = self._store.read(self._next, last)
        self._next = last
        self._hold(pa.concat_tables([self._rows, read]) if self._rows.num_rows else read)

    def below(self, bound: tuple | None) -> pa.Table | None:
        """Take the rows below a key, or all of them."""
        if bound is None or self.last < bound:
            n = self._rows.num_rows
        elif self._first >= bound:
            return None
        else:
            low, n = 0, self._rows.num_rows
            while low < n:
                middle = (low + n) // 2
                if self._key(middle) < bound:
                    low = middle + 1
                else:
                    n = middle
        taken = self._rows.slice(0, n)
        self._hold(self._rows.slice(n))
        return taken

    def _hold(self, rows: pa.Table) -> None:
        self._rows = rows
        if rows.num_rows:
            self._first, self.last = self._key(0), self._key(rows.num_rows - 1)

    def _key(self, row: int) -> tuple:
        return tuple(self._rows[name][row].as_py() for name in self._keys)


def join_tables(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Tables joined until they have this many rows; empty ones are left out."""
    held: list[pa.Table] = []
    n_held = 0
    for table in tables:
        held.append(table)
        n_held += table.num_rows
        if n_held >= rows:
            joined = pa.concat_tables(held)
            held, n_held = [], 0
            yield joined
            del joined
    if n_held:
        yield pa.concat_tables(held)


def _sorted(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    return table.take(pc.sort_indices(table, sort_keys=[(name, "ascending") for name in keys]))
