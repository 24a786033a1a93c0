"""The two table formats that cross a border: TSV with a metadata header, and Parquet."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .errors import InputError, explain
from .files import atomic_path, open_text, write_text

TSV = {"sep": "\t", "index": False, "lineterminator": "\n", "quoting": csv.QUOTE_NONE}
"""How pandas writes TSV: a quotation mark is text, and a field with a tab or a line break is an error."""
METADATA_KEY = b"rnamarks"
_SEAL = b"CRC32 of footer:"
# names that may look like numbers
TEXT_COLUMNS = ("chrom", "gene", "gene_name", "name", "orthogroup", "sequence", "symbol", "transcript", "window")


def is_number(text: str) -> bool:
    """Whether a text reads as a number, with ``nan`` and ``inf``."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def write_tsv(frame: pd.DataFrame, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a table as tab-separated text, atomically; metadata becomes ``#key=value`` lines on top."""
    with open_tsv(path, frame.columns, metadata) as write:
        write(frame)


@contextmanager
def open_tsv(
    path: str | Path, columns: Iterable[str], metadata: Mapping[str, str] | None = None
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that writes frames of these columns below one another, as :func:`write_tsv` writes one."""
    form = TSV | {"float_format": "%.10g"}
    with write_text(path) as handle:
        for key, value in (metadata or {}).items():
            handle.write(f"#{key}={value}\n")
        columns = list(columns)
        pd.DataFrame(columns=columns).to_csv(handle, **form)
        yield lambda frame: frame.to_csv(handle, columns=columns, header=False, **form)


def stack_frames(frames: Iterable[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """These columns of frames, one below the other; those without rows are passed over."""
    kept = [frame for frame in frames if len(frame)]
    return pd.concat(kept, ignore_index=True)[columns] if kept else pd.DataFrame(columns=columns)


def read_tsv(
    path: str | Path, columns: Sequence[str] = (), dtype: Mapping[str, object] | None = None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read what :func:`write_tsv` wrote, from a file or a pipe.

    An empty field is a missing value and nothing else is: ``NA``, ``nan`` and ``None`` are names of genes. Quotation
    marks are text, so that a stray pair of them swallows no lines.

    Parameters
    ----------
    path : path-like
        Plain or gzipped.
    columns : sequence of str
        Columns that must be there.
    dtype : mapping, optional
        Passed to pandas; the columns :data:`TEXT_COLUMNS` are text without being named in it.

    Returns
    -------
    frame : pandas.DataFrame
    metadata : dict of str to str

    Raises
    ------
    InputError
        If the file is no such table, or a line has more fields than the header.
    """
    metadata: dict[str, str] = {}
    with open_text(path) as handle:
        line = handle.readline()
        while line.startswith("#"):
            key, separator, value = line[1:].rstrip("\n").partition("=")
            if separator:
                metadata[key.strip()] = value.strip()
            line = handle.readline()
        if not line.strip():
            raise InputError("the table is empty", path=path, remedy="it needs a header line")
        names = line.rstrip("\n").split("\t")
        try:
            with warnings.catch_warnings():
                # fields beyond the header's are dropped with a mere warning
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame = pd.read_csv(
                    handle,
                    sep="\t",
                    quoting=csv.QUOTE_NONE,
                    names=names,
                    index_col=False,
                    dtype={**dict.fromkeys(TEXT_COLUMNS, str), **(dtype or {})},
                    keep_default_na=False,
                    na_values=[""],
                )
        except UnicodeDecodeError:
            raise
        except (ValueError, pd.errors.ParserWarning) as error:
            raise InputError(f"the table cannot be read: {error}", path=path, remedy="correct it") from error
    require_columns(frame, columns, path)
    return frame, metadata


def split_quoted(text: str, separator: str, path: str | Path, line: int) -> list[str]:
    """Fields of one line of a file whose fields may be quoted; a field never goes on in the next line.

    Raises
    ------
    InputError
        If a quotation mark is never closed, or text follows a closing one.
    """
    if '"' not in text:
        return text.split(separator)
    try:
        return next(csv.reader([text], delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(
            f"the line is no CSV: {error}",
            path=path,
            line=line,
            value=text,
            remedy="close or remove the mark, and write each row in one line",
        ) from error


def write_parquet(frame: pd.DataFrame, path: str | Path, metadata: Mapping[str, object] | None = None) -> None:
    """Write a table as Parquet, atomically, with checksums, and with JSON metadata in the file's schema."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with open_parquet_writer(path, table.schema, metadata) as writer:
        writer.write_table(table)


@contextmanager
def open_parquet_writer(
    path: str | Path, schema: pa.Schema, metadata: Mapping[str, object] | None = None
) -> Iterator[pq.ParquetWriter]:
    """A writer of tables of this schema below one another, as :func:`write_parquet` writes one."""
    described = {**(schema.metadata or {}), METADATA_KEY: json.dumps(dict(metadata or {}), sort_keys=True).encode()}
    with atomic_path(path) as part:
        schema = schema.with_metadata(described)
        with pq.ParquetWriter(part, schema, compression="zstd", write_page_checksum=True) as writer:
            yield writer
        _seal(part)


def read_parquet(
    path: str | Path, columns: Sequence[str] = (), *, only: Sequence[str] | None = None
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Read what :func:`write_parquet` wrote.

    Parameters
    ----------
    path : path-like
    columns : sequence of str
        Columns that must be there.
    only : sequence of str, optional
        Read these columns, which must be there, and no others.

    Returns
    -------
    frame : pandas.DataFrame
    metadata : dict

    Raises
    ------
    InputError
        If the file is missing, damaged or no Parquet file, or lacks a column.
    """
    with open_parquet(path) as file:
        _require(file.schema_arrow.names, [*columns, *(only or ())], path)
        table = file.read(None if only is None else list(only))
        return table.to_pandas(), metadata_of(file)


def digest_columns(path: str | Path, columns: Sequence[str], where: Mapping[str, Sequence[str]] | None = None) -> str:
    """SHA-256 of what columns of a Parquet file hold, whatever else is in it and however it is laid out.

    Parameters
    ----------
    path : path-like
        Read a part at a time.
    columns : sequence of str
        Text, or numbers, which count as float64.
    where : mapping of str to sequence of str, optional
        Only rows count whose column of that name has one of the values.

    Raises
    ------
    InputError
        As :func:`read_parquet`.
    """
    where = where or {}
    read = list(dict.fromkeys([*columns, *where]))
    # values and lengths apart, so that the size of the parts does not count
    sums = {name: (hashlib.sha256(), hashlib.sha256()) for name in columns}
    with open_parquet(path) as file:
        _require(file.schema_arrow.names, read, path)
        for batch in file.iter_batches(columns=read):
            for name, values in where.items():
                batch = batch.filter(pc.is_in(batch.column(name), pa.array(values)))
            for name, (contents, lengths) in sums.items():
                column = batch.column(name)
                if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
                    contents.update(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
                    continue
                column = column.cast(pa.large_string())
                lengths.update(pc.binary_length(column).to_numpy(zero_copy_only=False))
                ends = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column) + 1]
                if column.buffers()[2] is not None:
                    contents.update(memoryview(column.buffers()[2])[ends[0] : ends[-1]])
    return hashlib.sha256(b"".join(one.digest() for pair in sums.values() for one in pair)).hexdigest()


def is_parquet(path: str | Path) -> bool:
    """Whether a path is that of a file which begins as Parquet does."""
    if not Path(path).is_file():
        return False
    with open(path, "rb") as handle:
        return handle.read(4) == b"PAR1"


@contextmanager
def open_parquet(path: str | Path, **options: object) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file to read it in pieces; what is read is held against the checksums of its pages.

    Parameters
    ----------
    path : path-like
    **options
        Passed to :class:`pyarrow.parquet.ParquetFile`.

    Raises
    ------
    InputError
        If the file is missing, damaged or no Parquet file, also where that is found while the block reads.
    """
    try:
        if _is_damaged(path):
            raise pa.ArrowInvalid("the checksum of the footer differs")
        with pq.ParquetFile(path, page_checksum_verification=True, **options) as file:
            yield file
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        known = explain(error)
        # Arrow's own errors about the content have no number
        if known is None and getattr(error, "errno", None) is not None:
            raise
        if known is None:
            known = InputError("not a Parquet file, or a damaged one", path=path, remedy="make it again")
        raise known from error


def _seal(path: Path) -> None:
    """Put a checksum of the footer before it: pages have their own, and readers find the footer from the file's end."""
    with open(path, "r+b") as handle:
        start, footer, _ = _find_footer(handle)
        handle.seek(start)
        handle.write(_SEAL + zlib.crc32(footer).to_bytes(4, "little") + footer)


def _is_damaged(path: str | Path) -> bool:
    """Whether the footer differs from its checksum; False where it has none."""
    with open(path, "rb") as handle:
        _, footer, before = _find_footer(handle)
    return before.startswith(_SEAL) and before[len(_SEAL) :] != zlib.crc32(footer).to_bytes(4, "little")


def _find_footer(handle: BinaryIO) -> tuple[int, bytes, bytes]:
    """Where a Parquet file's footer begins, its bytes to the end of the file, and as many before it as a seal has."""
    size = handle.seek(0, os.SEEK_END)
    handle.seek(max(0, size - 8))
    start = size - 8 - int.from_bytes(handle.read(4), "little")
    if start < 4:
        raise pa.ArrowInvalid("the length of the footer is beyond the file's")
    handle.seek(max(0, start - len(_SEAL) - 4))
    before = handle.read(min(start, len(_SEAL) + 4))
    return start, handle.read(), before


def metadata_of(file: pq.ParquetFile) -> dict[str, object]:
    """The JSON metadata that :func:`write_parquet` put into a file."""
    return json.loads((file.schema_arrow.metadata or {}).get(METADATA_KEY, b"{}"))


def require_columns(frame: pd.DataFrame, columns: Sequence[str], path: str | Path) -> None:
    """Raise :class:`InputError` naming the columns that a table lacks."""
    _require(frame.columns, columns, path)


def _require(present: Iterable[str], columns: Sequence[str], path: str | Path) -> None:
    present = list(map(str, present))
    missing = [name for name in columns if name not in present]
    if missing:
        raise InputError(
            f"the table lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            path=path,
            remedy=f"it has {', '.join(present)}",
        )
