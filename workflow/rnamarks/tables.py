"""The two table formats that cross a border: TSV with a metadata header, and Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .errors import InputError
from .files import atomic_path, open_text, write_text

METADATA_KEY = b"rnamarks"


def write_tsv(frame: pd.DataFrame, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a table as tab-separated text, atomically; metadata becomes ``#key=value`` lines on top."""
    with open_tsv(path, frame.columns, metadata) as write:
        write(frame)


@contextmanager
def open_tsv(
    path: str | Path, columns: Iterable[str], metadata: Mapping[str, str] | None = None
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that writes frames of these columns below one another, as :func:`write_tsv` writes one."""
    form = {"sep": "\t", "index": False, "lineterminator": "\n", "float_format": "%.10g"}
    with write_text(path) as handle:
        for key, value in (metadata or {}).items():
            handle.write(f"#{key}={value}\n")
        columns = list(columns)
        pd.DataFrame(columns=columns).to_csv(handle, **form)
        yield lambda frame: frame.to_csv(handle, columns=columns, header=False, **form)


def read_tsv(
    path: str | Path, columns: Sequence[str] = (), dtype: Mapping[str, object] | None = None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read what :func:`write_tsv` wrote.

    Parameters
    ----------
    path : path-like
        Plain or gzipped.
    columns : sequence of str
        Columns that must be there.
    dtype : mapping, optional
        Passed to pandas.

    Returns
    -------
    frame : pandas.DataFrame
    metadata : dict of str to str
    """
    metadata: dict[str, str] = {}
    with open_text(path) as handle:
        skipped = 0
        for line in handle:
            if not line.startswith("#"):
                break
            skipped += 1
            key, separator, value = line[1:].rstrip("\n").partition("=")
            if separator:
                metadata[key.strip()] = value.strip()
    with open_text(path) as handle:
        try:
            frame = pd.read_csv(
                handle, sep="\t", skiprows=skipped, dtype=dtype, keep_default_na=False, na_values=["", "NA", "nan"]
            )
        except pd.errors.EmptyDataError as error:
            raise InputError("the table is empty", path=path, remedy="it needs a header line") from error
    require_columns(frame, columns, path)
    return frame, metadata


def write_parquet(frame: pd.DataFrame, path: str | Path, metadata: Mapping[str, object] | None = None) -> None:
    """Write a table as Parquet, atomically, with JSON metadata in the file's schema."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    extra = dict(table.schema.metadata or {})
    extra[METADATA_KEY] = json.dumps(dict(metadata or {}), sort_keys=True).encode()
    with atomic_path(path) as part:
        pq.write_table(table.replace_schema_metadata(extra), part, compression="zstd")


def read_parquet(path: str | Path, columns: Sequence[str] = ()) -> tuple[pd.DataFrame, dict[str, object]]:
    """Read what :func:`write_parquet` wrote; ``columns`` must be there."""
    if not Path(path).is_file():
        raise InputError("no such file", path=path, remedy="run the rule that writes it")
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise InputError("not a Parquet file, or a damaged one", path=path, remedy="make it again") from error
    metadata = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
    frame = table.to_pandas()
    require_columns(frame, columns, path)
    return frame, metadata


def require_columns(frame: pd.DataFrame, columns: Sequence[str], path: str | Path) -> None:
    """Raise :class:`InputError` naming the columns that a table lacks."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InputError(
            f"the table lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            path=path,
            remedy=f"it has {', '.join(map(str, frame.columns))}",
        )
