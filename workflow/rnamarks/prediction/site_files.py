"""Predicted sites: the table, its rows some at a time, and TSV from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InputError
from ..files import write_text
from ..tables import METADATA_KEY

KMER = 5
"""Letters shown around a site, the site in the middle."""

SITE_SCHEMA = pa.schema(
    [
        pa.field("transcript", pa.string()),
        pa.field("gene", pa.string()),
        pa.field("gene_name", pa.string()),
        pa.field("position", pa.int32()),
        pa.field("length", pa.int32()),
        pa.field("chrom", pa.string()),
        pa.field("start", pa.int64()),
        pa.field("strand", pa.string()),
        pa.field("region", pa.string()),
        pa.field("kmer", pa.string()),
        pa.field("logit", pa.float32()),
        pa.field("probability", pa.float32()),
        pa.field("q", pa.float32()),
    ]
)
"""Border **predicted sites**: ``position`` 0-based on the transcript, 5' to 3'; ``start`` 0-based on the forward strand
of the genome, -1 where it is not known; ``kmer`` RNA, N beyond the transcript; ``logit`` natural-log odds as trained,
at 1:1."""
SITE_COLUMNS = tuple(SITE_SCHEMA.names)

_BATCH_ROWS = 1 << 14


def with_metadata(schema: pa.Schema, metadata: Mapping[str, object]) -> pa.Schema:
    """The schema with metadata where :func:`rnamarks.tables.read_parquet` looks for it."""
    return schema.with_metadata({METADATA_KEY: json.dumps(dict(metadata), sort_keys=True).encode()})


def read_site_metadata(path: str | Path) -> dict[str, object]:
    """What a file of **predicted sites** says of itself: model, head, motif, numbers of transcripts and sites."""
    with _open_sites(path) as file:
        return json.loads((file.schema_arrow.metadata or {}).get(METADATA_KEY, b"{}"))


def stream_sites(
    path: str | Path, columns: Sequence[str] = SITE_COLUMNS, rows: int = _BATCH_ROWS
) -> Iterator[pd.DataFrame]:
    """Rows of a file of **predicted sites**, in its order, some at a time; a file without a row gives nothing."""
    for table in stream_tables(path, columns, rows):
        yield table.to_pandas()


def stream_tables(
    path: str | Path, columns: Sequence[str] = SITE_COLUMNS, rows: int = _BATCH_ROWS
) -> Iterator[pa.Table]:
    """As :func:`stream_sites`, in Arrow's form."""
    with _open_sites(path) as file:
        for batch in file.iter_batches(rows, columns=list(columns), use_threads=False):
            yield pa.Table.from_batches([batch])


def write_sites_tsv(path: str | Path, out: str | Path | TextIO) -> None:
    """Turn a file of **predicted sites** into tab-separated text, its metadata as ``#key=value`` lines on top.

    Parameters
    ----------
    path : path-like
    out : path-like or text stream
        A path that ends in ``.gz`` is compressed.
    """
    if isinstance(out, str | Path):
        with write_text(out) as handle:
            write_sites_tsv(path, handle)
        return
    for key, value in sorted(read_site_metadata(path).items()):
        out.write(f"#{key}={'' if value is None else value}\n")
    out.write("\t".join(SITE_COLUMNS) + "\n")
    for frame in stream_sites(path):
        frame.to_csv(out, sep="\t", index=False, header=False, lineterminator="\n", float_format="%.7g")


def _open_sites(path: str | Path) -> pq.ParquetFile:
    if not Path(path).is_file():
        raise InputError("no such file", path=path, remedy="predict the sites first")
    try:
        file = pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise InputError("not a Parquet file, or a damaged one", path=path, remedy="predict the sites again") from error
    missing = [name for name in SITE_COLUMNS if name not in file.schema_arrow.names]
    if missing:
        file.close()
        raise InputError(f"the table of sites lacks {', '.join(missing)}", path=path, remedy="predict the sites again")
    return file
