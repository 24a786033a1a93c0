"""The sites of a file of transcripts, counted and divided into chunks, and the transcripts of each chunk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import InputError
from ..sites.motifs import bases_at_offset, find_motif
from ..sites.transcripts import TRANSCRIPT_COLUMNS
from ..sites.windows import CHUNK_NT, Laid, flank_of, lay
from .site_files import KMER

CHUNK_SITES = 1 << 16
_OFFSETS = {"DRACH": 2}
_BATCH_ROWS = 128


@dataclass(frozen=True)
class ScanSettings:
    """Which positions are scored, and how many at once.

    Attributes
    ----------
    motif : str
        IUPAC letters; ``N`` with offset 0 is every base.
    offset : int
        Place of the site in the motif, from 0.
    window : int
        Width in nt, odd, the site in the middle; N where the transcript ends.
    chunk_nt, chunk_sites : int
        Transcripts are joined until they have this many nt or sites; one that has more is a chunk of its own.
    """

    motif: str = "DRACH"
    offset: int = 2
    window: int = 101
    chunk_nt: int = CHUNK_NT
    chunk_sites: int = CHUNK_SITES

    def __post_init__(self) -> None:
        flank_of(self.window)
        bases_at_offset(self.motif, self.offset)


class ScanPlan(NamedTuple):
    """What a scan has before it.

    ``bounds``, shape=(n_chunks + 1,): first transcript of each chunk, and the number of transcripts. ``sites``,
    shape=(n_chunks,): sites of each chunk. ``n_nt``: nt of all transcripts. ``n_padded``: sites nearer to an end of
    their transcript than half a window.
    """

    bounds: np.ndarray
    sites: np.ndarray
    n_nt: int
    n_padded: int

    @property
    def n_transcripts(self) -> int:
        """Transcripts in the file."""
        return int(self.bounds[-1])

    @property
    def n_sites(self) -> int:
        """Sites in all."""
        return int(self.sites.sum())


def offset_of(motif: str, offset: int | None = None) -> int:
    """The place of the site in a motif: as given, 2 in DRACH, 0 in a single letter; else an :class:`InputError`."""
    if offset is None:
        offset = 0 if len(motif) == 1 else _OFFSETS.get(motif.upper())
    if offset is None:
        raise InputError(
            "the place of the site in the motif is not known", value=motif, remedy="give its offset, counted from 0"
        )
    bases_at_offset(motif, offset)
    return offset


def plan_scan(transcripts: str | Path, settings: ScanSettings) -> ScanPlan:
    """Count the sites of a **transcripts** file and divide it into chunks.

    Raises
    ------
    InputError
        If the file is missing or no transcripts file, or an id comes twice.
    """
    flank = flank_of(settings.window)
    with open_transcripts(transcripts) as file:
        ids = file.read(columns=["transcript"]).column(0)
        require_unique(ids, transcripts)
        lengths, counts = np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=np.int64)
        n_padded = row = 0
        for batch in file.iter_batches(_BATCH_ROWS, columns=["sequence"], use_threads=False):
            if batch.column(0).null_count:
                raise InputError("a transcript has no sequence", path=transcripts, remedy="build the transcripts again")
            laid, at = find_sites(batch.column(0).to_pylist(), settings, transcripts)
            owner, position = laid.owner(at)
            rows = slice(row, row + len(batch))
            lengths[rows] = lengths_of(batch.column(0))
            counts[rows] = np.bincount(owner, minlength=len(batch))
            n_padded += int(((position < flank) | (position >= lengths[rows][owner] - flank)).sum())
            row += len(batch)
            pa.default_memory_pool().release_unused()
    bounds = [0]
    n_nt = n_sites = 0
    for row, (length, count) in enumerate(zip(lengths.tolist(), counts.tolist(), strict=True)):
        if row > bounds[-1] and (n_nt + length > settings.chunk_nt or n_sites + count > settings.chunk_sites):
            bounds.append(row)
            n_nt = n_sites = 0
        n_nt, n_sites = n_nt + length, n_sites + count
    if len(lengths):
        bounds.append(len(lengths))
    edges = np.array(bounds, dtype=np.int64)
    total = np.concatenate(([0], np.cumsum(counts)))
    return ScanPlan(edges, np.diff(total[edges]), int(lengths.sum()), n_padded)


def lengths_of(sequences: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Letters of each of some texts; shape=(n,), dtype=int64."""
    return pc.binary_length(sequences).to_numpy().astype(np.int64)


def find_sites(sequences: list[str], settings: ScanSettings, path: str | Path) -> tuple[Laid, np.ndarray]:
    """Transcripts laid end to end, and the places of their sites there; ``path`` is named in errors."""
    try:
        laid = lay(sequences, max(flank_of(settings.window), KMER // 2))
    except InputError as error:
        raise InputError(
            "a transcript holds a letter that is no nucleotide", path=path, value=error.value, remedy=error.remedy
        ) from error
    return laid, find_motif(laid.codes, settings.motif, settings.offset)


def read_chunks(path: str | Path, bounds: np.ndarray, columns: tuple[str, ...]) -> Iterator[pa.Table]:
    """Rows of each chunk, with at most one chunk and one batch in memory."""
    held: list[pa.RecordBatch] = []
    n_held = 0
    sizes = iter(np.diff(bounds).tolist())
    size = next(sizes, None)
    with open_transcripts(path) as file:
        for batch in file.iter_batches(_BATCH_ROWS, columns=list(columns), use_threads=False):
            while size is not None and n_held + len(batch) >= size:
                yield pa.Table.from_batches([*held, batch.slice(0, size - n_held)])
                # the allocator would keep pages of every chunk
                pa.default_memory_pool().release_unused()
                batch = batch.slice(size - n_held)
                held, n_held = [], 0
                size = next(sizes, None)
            held.append(batch)
            n_held += len(batch)


@contextmanager
def open_transcripts(path: str | Path) -> Iterator[pq.ParquetFile]:
    """A file of the **transcripts** border; :class:`InputError` if it is missing or no such file."""
    if not Path(path).is_file():
        raise InputError("no such file", path=path, remedy="build the transcripts first")
    try:
        # with a buffer, pages are read as they are needed, else a whole column of a row group at once
        file = pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise InputError("not a Parquet file, or a damaged one", path=path, remedy="make it again") from error
    with file:
        missing = [name for name in TRANSCRIPT_COLUMNS if name not in file.schema_arrow.names]
        if missing:
            raise InputError(
                f"the table of transcripts lacks {', '.join(missing)}", path=path, remedy="build the transcripts again"
            )
        yield file


def require_unique(ids: pa.ChunkedArray, path: str | Path) -> None:
    """Raise :class:`InputError` if a transcript's id comes twice."""
    counts = pc.value_counts(ids).flatten()
    if len(counts[0]) < len(ids):
        twice = counts[0].filter(pc.greater(counts[1], 1))[0].as_py()
        raise InputError("a transcript comes twice", path=path, value=twice, remedy="give each its own id")
