"""Rows of a scan, as what writes or draws them takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from ..sequences import LETTERS, decode_windows
from ..sites.coordinates import MAPPED, TranscriptMap
from ..tasks import Task
from .site_files import ANNOTATION_SCHEMA, KMER, TEST_SCHEMA, TOP_FIELD
from .spool import Rows, Spool

NOWHERE = np.iinfo(np.int16).min
"""In place of one of the places with most attention, relative to a base, where there are fewer."""


class Calls(NamedTuple):
    """Bases of one block that are within the limits, in the order of the sequences, positions and tasks.

    ``table``: columns of :data:`rnamarks.prediction.site_files.TEST_SCHEMA`, those of an annotation and ``top`` where
    there are such. ``number``, shape=(n,): of the sequence in the spool. ``weights``, shape=(n, width): attention to
    the nucleotides around the base, sum 1 less what lies beyond the sequence, or None where it was not wanted.
    """

    table: pa.Table
    number: np.ndarray
    weights: np.ndarray | None


class Sink(Protocol):
    """What takes the rows of a scan."""

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""


def make_calls(
    spool: Spool,
    tasks: Sequence[Task],
    first: int,
    codes: np.ndarray,
    rows: Mapping[str, np.ndarray],
    annotation: Rows | None = None,
) -> Calls:
    """Rows of one block of spooled sequences.

    Parameters
    ----------
    spool : Spool
    tasks : sequence of Task
    first : int
        Place of the block in the spool.
    codes : numpy.ndarray, dtype=uint8
        Codes of the block and of ``spool.gap`` nt on either side.
    rows : mapping of str to numpy.ndarray, shape=(n, ...)
        ``at``, indices into ``codes``; ``order``, numbers of tasks; columns of numbers of
        :data:`rnamarks.prediction.site_files.TEST_SCHEMA`; ``top``, relative to the base, and ``weights``, where
        attention was asked for.
    annotation : Rows, optional
        Rows of the **transcripts** file that was spooled.
    """
    rows = {key: values[np.lexsort((rows["order"], rows["at"]))] for key, values in rows.items()}
    at = rows["at"]
    number, position = spool.owner(at + (first - spool.gap))
    begin, end = int(number[0]), int(number[-1]) + 1
    columns: dict[str, object] = {
        "sequence": pa.array(spool.names[begin:end]).take(pa.array(number - begin)),
        "start": position,
        "end": position + 1,
        "strand": pa.repeat("+", len(at)),
        "base": pa.array(list(LETTERS[codes[at]].tobytes().decode("ascii"))),
        **{name: rows[name] for name in ("probability", "p", "q", "false_fraction", "logit")},
    }
    order = pa.array(rows["order"])
    for column, values in (("task", "name"), ("modification", "modification")):
        columns[column] = pa.array([getattr(task, values) for task in tasks], pa.string()).take(order)
    schema = list(TEST_SCHEMA)
    if "top" in rows:
        schema.append(TOP_FIELD)
        columns["top"] = _positions(rows["top"], position, spool.lengths[number])
    if annotation is not None:
        schema += ANNOTATION_SCHEMA
        columns |= _annotate(annotation.take(begin, end), number - begin, position, spool.lengths[number])
        columns["kmer"] = decode_windows(np.lib.stride_tricks.sliding_window_view(codes, KMER)[at - KMER // 2])
    table = pa.table([pa.array(columns[field.name], type=field.type) for field in schema], schema=pa.schema(schema))
    return Calls(table, number, rows.get("weights"))


def _annotate(table: pa.Table, row: np.ndarray, position: np.ndarray, length: np.ndarray) -> dict[str, object]:
    """Columns of the transcripts of bases, which are rows of ``table``."""
    coordinates = TranscriptMap(table.select(MAPPED).to_pandas())
    start = coordinates.to_genome(row, position)
    copied = table.select(["gene", "gene_name", "chrom", "strand"]).combine_chunks().take(pa.array(row))
    return {
        **{name: copied[name].combine_chunks() for name in copied.column_names},
        "length": length,
        "region": coordinates.region(row, position),
        "genome_start": start,
        "genome_end": np.where(start < 0, -1, start + 1),
    }


def _positions(top: np.ndarray, position: np.ndarray, length: np.ndarray) -> list[str]:
    """0-based positions on the sequence, joined by commas, of places relative to bases."""
    place = position[:, None] + top
    real = (top != NOWHERE) & (place >= 0) & (place < length[:, None])
    return [",".join(map(str, row[known])) for row, known in zip(place, real, strict=True)]
