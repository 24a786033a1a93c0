"""Sequences of a table with a column ``sequence``: TSV, CSV or Parquet, a block of rows at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from .errors import InputError
from .files import open_text
from .sequences import Record, read_records

NAMES = ("name", "id", "example", "transcript")
"""Columns that may name a sequence, the first that is there; without any it is called by the number of its row."""
SEQUENCE = "sequence"
_SEPARATORS = {".tsv": "\t", ".csv": ","}
_LONGEST = 1 << 31


def read_named(path: str | Path) -> Iterator[Record]:
    """Records of FASTA, or of a table where the ending is ``.tsv``, ``.csv`` (plain or ``.gz``) or ``.parquet``.

    Letters stay as they are. The line of a row of Parquet is its number, counted from 1.

    Raises
    ------
    InputError
        As :func:`~rnamarks.sequences.read_records`; if a table has no column ``sequence``, no rows, or a field of it is
        empty or no text.
    """
    ending = Path(str(path).removesuffix(".gz")).suffix.lower()
    if ending == ".parquet":
        return _from_parquet(path)
    if ending in _SEPARATORS:
        return _from_text(path, _SEPARATORS[ending])
    return read_records(path, clean=False)


def _from_text(path: str | Path, separator: str) -> Iterator[Record]:
    with open_text(path) as handle:
        header: list[str] = []
        count = 0
        for line, row in _rows(handle, separator):
            # lines such as "# seed=1" before the header, which the tables of a run have
            if not row or (not header and row[0].startswith("#")):
                continue
            if not header:
                header = row
                name, sequence = _columns(header, path)
                continue
            count += 1
            if len(row) != len(header):
                raise InputError(
                    f"a row has another number of fields than the header, which has {len(header)}",
                    path=path,
                    line=line,
                    value=len(row),
                    remedy="correct it",
                )
            yield _record(str(count) if name is None else row[name], row[sequence], path, line)
        if not header:
            raise InputError("the table is empty", path=path, remedy="it needs a header line")
        _check_rows(count, path)


def _rows(handle: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line, from 1, at which they end."""
    quoting = {"quoting": csv.QUOTE_NONE} if separator == "\t" else {}
    reader = csv.reader(handle, delimiter=separator, **quoting)
    while True:
        # the limit is one for the whole process, and by default shorter than some transcripts: 131,072 letters
        limit = csv.field_size_limit(_LONGEST)
        try:
            row = next(reader, None)
        finally:
            csv.field_size_limit(limit)
        if row is None:
            return
        yield reader.line_num, row


def _from_parquet(path: str | Path) -> Iterator[Record]:
    import pyarrow as pa

    from .tables import open_parquet

    with open_parquet(path) as file:
        header = file.schema_arrow.names
        name, sequence = _columns(header, path)
        kind = file.schema_arrow.types[sequence]
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise InputError(f"the column {SEQUENCE} is no text", path=path, value=str(kind), remedy="write it as text")
        wanted = [header[sequence], *([] if name is None else [header[name]])]
        count = 0
        for batch in file.iter_batches(batch_size=4096, columns=wanted):
            columns = batch.to_pydict()
            rows = range(count + 1, count + len(batch) + 1)
            named = rows if name is None else columns[header[name]]
            for row, one, text in zip(rows, named, columns[SEQUENCE], strict=True):
                yield _record("" if one is None else str(one), text or "", path, row)
            count += len(batch)
        _check_rows(count, path)


def _check_rows(count: int, path: str | Path) -> None:
    if not count:
        raise InputError("the table has no rows", path=path, remedy="give one with sequences")


def _columns(header: Sequence[str], path: str | Path) -> tuple[int | None, int]:
    """Places of the name, if there is one, and of the sequence."""
    if SEQUENCE not in header:
        raise InputError(
            f"the table has no column {SEQUENCE}", path=path, value=", ".join(header) or "nothing", remedy="name it so"
        )
    name = next((one for one in NAMES if one in header), None)
    return (None if name is None else list(header).index(name)), list(header).index(SEQUENCE)


def _record(name: str, sequence: str, path: str | Path, line: int) -> Record:
    if not sequence.strip():
        raise InputError("a row has no sequence", path=path, line=line, value=name, remedy="remove it")
    return Record(name, sequence.strip(), line)
