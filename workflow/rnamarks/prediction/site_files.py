"""Predicted sites: the table, what writes it, and its rows some at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import check_complete
from ..tables import METADATA_KEY, TSV, open_parquet

if TYPE_CHECKING:
    from .calls import Calls
    from .spool import Spool

KMER = 5
"""Letters shown around a site, the site in the middle."""

TEST_SCHEMA = pa.schema(
    [
        pa.field("sequence", pa.string()),
        pa.field("start", pa.int64()),
        pa.field("end", pa.int64()),
        pa.field("strand", pa.string()),
        pa.field("task", pa.string()),
        pa.field("modification", pa.string()),
        pa.field("base", pa.string()),
        pa.field("probability", pa.float32()),
        pa.field("p", pa.float32()),
        pa.field("q", pa.float32()),
        pa.field("false_fraction", pa.float32()),
        pa.field("logit", pa.float32()),
    ]
)
"""One row per base and task: ``start``, ``end`` 0-based half-open on the sequence, 5' to 3'; ``strand`` of the genome,
+ where it is not known; ``probability`` calibrated; ``p``, ``q`` NaN without a null distribution, see
:mod:`rnamarks.prediction.significance`; ``false_fraction`` see :class:`rnamarks.prediction.ranks.Ranks`; ``logit``
natural-log odds as trained, at 1:1."""
TOP_FIELD = pa.field("top", pa.string())
"""0-based positions that the networks looked at, each the middle of three nt, best first."""
ANNOTATION_SCHEMA = pa.schema(
    [
        pa.field("length", pa.int64()),
        pa.field("gene", pa.string()),
        pa.field("gene_name", pa.string()),
        pa.field("region", pa.string()),
        pa.field("kmer", pa.string()),
        pa.field("chrom", pa.string()),
        pa.field("genome_start", pa.int64()),
        pa.field("genome_end", pa.int64()),
    ]
)
"""What is known of bases of transcripts: ``genome_start``, ``genome_end`` 0-based half-open on the forward strand of
the genome, -1 where that is not known; ``kmer`` RNA, N beyond the transcript."""
SITE_SCHEMA = pa.schema([*TEST_SCHEMA, *ANNOTATION_SCHEMA])
"""Border **predicted sites**."""
ATTENTION_COLUMNS = ("sequence", "start", "end", "task", "attended_start", "attended_end", "base", "weight")

_BATCH_ROWS = 1 << 14


class SiteText:
    """Writes rows as tab-separated text."""

    def __init__(self, handle: TextIO, columns: Sequence[str]) -> None:
        self._handle = handle
        handle.write("\t".join(columns) + "\n")

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""
        _write(calls.table.to_pandas(), self._handle, "%.7g")


class SiteParquet:
    """Writes rows as Parquet."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""
        self._writer.write_table(calls.table)


class AttentionText:
    """Writes the attention behind each row as tab-separated text, a row per nucleotide.

    Columns: ``sequence``, ``start``, ``end`` (of the row's base, 0-based half-open), ``task``, ``attended_start``,
    ``attended_end``, ``base`` (there), ``weight`` (fraction of the attention of the window; a k-mer's weight goes in
    equal parts to its nucleotides).
    """

    def __init__(self, handle: TextIO, spool: Spool) -> None:
        self._handle, self._spool = handle, spool
        handle.write("\t".join(ATTENTION_COLUMNS) + "\n")

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""
        if calls.weights is None:
            raise ValueError("the scan was not asked to keep the weights")
        flank = calls.weights.shape[1] // 2
        table = calls.table.select(["sequence", "start", "end", "task"]).to_pandas()
        for first in range(0, len(table), 1024):
            rows = table.iloc[first : first + 1024]
            number, weights = calls.number[first : first + 1024], calls.weights[first : first + 1024]
            place = rows["start"].to_numpy()[:, None] + np.arange(-flank, flank + 1)
            row, column = np.nonzero((place >= 0) & (place < self._spool.lengths[number][:, None]))
            place = place[row, column]
            found = rows.iloc[row].reset_index(drop=True)
            codes = self._spool.codes[self._spool.starts[number][row] + place]
            found["attended_start"], found["attended_end"] = place, place + 1
            found["base"] = np.array(list("ACGUN"), dtype=object)[codes]
            found["weight"] = weights[row, column]
            _write(found, self._handle, "%.5g")


def read_site_metadata(path: str | Path) -> dict[str, object]:
    """The metadata of a file of **predicted sites**: model, tasks, numbers of sequences and sites."""
    with _open_sites(path) as file:
        return json.loads((file.schema_arrow.metadata or {}).get(METADATA_KEY, b"{}"))


def stream_sites(
    path: str | Path, columns: Sequence[str] = SITE_SCHEMA.names, rows: int = _BATCH_ROWS
) -> Iterator[pd.DataFrame]:
    """Rows of a file of **predicted sites**, in its order, some at a time; a file without a row gives nothing."""
    for table in stream_tables(path, columns, rows):
        yield table.to_pandas()


def stream_tables(
    path: str | Path, columns: Sequence[str] = SITE_SCHEMA.names, rows: int = _BATCH_ROWS
) -> Iterator[pa.Table]:
    """As :func:`stream_sites`, in Arrow's form."""
    with _open_sites(path) as file:
        for batch in file.iter_batches(rows, columns=list(columns), use_threads=False):
            yield pa.Table.from_batches([batch])


@contextmanager
def _open_sites(path: str | Path) -> Iterator[pq.ParquetFile]:
    with open_parquet(path, buffer_size=1 << 20, pre_buffer=False) as file:
        check_complete(file.schema_arrow.names, TEST_SCHEMA.names, "the table of sites", "scan again", path=path)
        yield file


def _write(frame: pd.DataFrame, handle: TextIO, numbers: str) -> None:
    frame.to_csv(handle, header=False, float_format=numbers, **TSV)
