"""Sequences of any number and length as one file of codes, so that blocks and batches run across them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..dictionary import column_names
from ..errors import InputError, check_complete
from ..files import open_text
from ..sequences import UNKNOWN, decode, encode
from ..sites.coordinates import TranscriptMap
from ..tables import open_parquet

BATCH_ROWS = 128
"""Transcripts that are read at once."""
_NAMES = 1 << 20
"""Characters that names may have besides, where the number of nucleotides is bounded."""


class Spool:
    """Sequences laid end to end in a file without a name, with ``gap`` codes of 4 before, between and after.

    Parameters
    ----------
    folder : path-like
        On whose disk the file lies, 1 byte per nt.
    gap : int
        At least 1.

    Attributes
    ----------
    names : list of str
    starts, lengths : numpy.ndarray, shape=(n_sequences,), dtype=int64
        First place in ``codes``, and nt.
    codes : numpy.memmap, shape=(n,), dtype=uint8
    digest : str
        SHA-256 of names and codes.
    """

    def __init__(self, folder: str | Path, gap: int) -> None:
        self.gap, self.names = gap, []
        self._file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._lengths: list[int] = []
        self._hash = hashlib.sha256()
        self._margin = bytes([UNKNOWN]) * gap
        self._put(self._margin)

    def begin(self, name: str) -> None:
        """A sequence begins."""
        if self._lengths:
            self._put(self._margin)
        self.names.append(name)
        self._lengths.append(0)

    def add(self, codes: np.ndarray) -> None:
        """More of the sequence that was begun last."""
        self._put(codes.tobytes())
        self._lengths[-1] += len(codes)

    def finish(self) -> Spool:
        """All sequences are there; the attributes hold from now on."""
        if self._lengths:
            self._put(self._margin)
        self._file.flush()
        self.lengths = np.array(self._lengths, dtype=np.int64)
        self.starts = np.cumsum(self.lengths + self.gap) - self.lengths
        self.codes = np.memmap(self._file, dtype=np.uint8, mode="r")
        self._hash.update("\0".join(self.names).encode())
        self.digest = self._hash.hexdigest()
        return self

    def owner(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number of the sequence, and 0-based position on it, of places in ``codes``."""
        sequence = np.searchsorted(self.starts, at, side="right") - 1
        return sequence, at - self.starts[sequence]

    def codes_of(self, sequence: int) -> np.ndarray:
        """Codes of a sequence."""
        start = int(self.starts[sequence])
        codes = np.empty(int(self.lengths[sequence]), dtype=np.uint8)
        os.preadv(self._file.fileno(), [codes], start)
        return codes

    def letters(self, sequence: int, first: int, last: int) -> str:
        """RNA text of 0-based half-open positions of a sequence."""
        start = self.starts[sequence]
        return decode(np.asarray(self.codes[start + first : start + min(last, int(self.lengths[sequence]))]))

    def blocks(self, size: int, part: int = 0, of: int = 1) -> Iterator[tuple[int, int, np.ndarray]]:
        """First and last place of each block, half-open, and its codes with ``gap`` more on either side.

        Of all blocks, those of one of ``of`` parts, counted from 0; a part may have none.
        """
        end = len(self.codes) - self.gap
        n = -(-(end - self.gap) // size)
        for first in range(self.gap + n * part // of * size, min(end, self.gap + n * (part + 1) // of * size), size):
            last = min(first + size, end)
            # what is read through the mapping would stay in memory
            codes = np.empty(last - first + 2 * self.gap, dtype=np.uint8)
            os.preadv(self._file.fileno(), [codes], first - self.gap)
            yield first, last, codes

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)


def spool_fasta(source: str | Path, folder: str | Path, gap: int, *, maximum: int | None = None) -> Spool:
    """Read FASTA.

    Parameters
    ----------
    source : path-like
        Plain or gzipped; ``-`` is standard input. DNA or RNA in either case.
    folder, gap
        See :class:`Spool`.
    maximum : int, optional
        Nucleotides beyond which the sequences are refused.

    Raises
    ------
    InputError
        If there is no record, one has no name, no sequence or the name of another, a letter is no nucleotide, or there
        are more of them than wanted; the message has the line.
    """
    spool = Spool(folder, gap)
    lines_of: dict[str, int] = {}
    filled, read, seen = True, 0, 0

    def require_filled() -> None:
        if not filled:
            raise InputError(
                "the record has no sequence",
                path=source,
                line=lines_of[spool.names[-1]],
                value=spool.names[-1],
                remedy="remove or fill it",
            )

    with open_text(source) as lines:
        # a packed file may hold one line of any length
        parts = lines if maximum is None else iter(partial(lines.readline, maximum + 2), "")
        for number, line in enumerate(parts, 1):
            seen += len(line)
            if maximum is not None and seen > 2 * maximum + _NAMES:
                raise InputError(
                    f"there are more than {2 * maximum + _NAMES:,} characters",
                    path=source,
                    line=number,
                    remedy="scan fewer",
                )
            line = line.strip()
            if line.startswith(">"):
                require_filled()
                name = next(iter(line[1:].split()), "")
                if not name or not name.isprintable():
                    raise InputError(
                        "the record has no name, or one that cannot be printed",
                        path=source,
                        line=number,
                        value=name or None,
                        remedy="write it behind the >",
                    )
                if name in lines_of:
                    raise InputError(
                        f"line {lines_of[name]} has a record of that name already",
                        path=source,
                        line=number,
                        value=name,
                        remedy="rename one of them",
                    )
                lines_of[name], filled = number, False
                spool.begin(name)
            elif line and not spool.names:
                raise InputError(
                    "the file is not FASTA", path=source, line=number, value=line, remedy="begin each record with >name"
                )
            elif line:
                spool.add(encode(line, path=source, line=number))
                filled = True
                read += len(line)
                if maximum is not None and read > maximum:
                    raise InputError(
                        f"there are more than {maximum:,} nt", path=source, line=number, remedy="scan fewer at a time"
                    )
        require_filled()
        if not spool.names:
            raise InputError("the file holds no sequence", path=source, remedy="give FASTA")
    return spool.finish()


def spool_transcripts(path: str | Path, folder: str | Path, gap: int) -> Spool:
    """Read the sequences of a **transcripts** file.

    Raises
    ------
    InputError
        If the file is missing or no sound transcripts file, an id comes twice, or exons do not add up to a sequence.
    """
    spool = Spool(folder, gap)
    with open_transcripts(path) as file:
        require_unique(file.read(columns=["transcript"]).column(0), path)
        columns = ["transcript", *column_names("transcripts", first="chrom")]
        for batch in file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
            frame = batch.to_pandas()
            if batch["sequence"].null_count:
                raise InputError("a transcript has no sequence", path=path, remedy="build the transcripts again")
            exons, lengths = TranscriptMap(frame).lengths, lengths_of(batch["sequence"])
            wrong = (exons > 0) & (exons != lengths)
            if wrong.any():
                raise InputError(
                    f"the exons of a transcript have {exons[wrong][0]} nt and its sequence {lengths[wrong][0]}",
                    path=path,
                    value=frame["transcript"][wrong].iloc[0],
                    remedy="make the transcripts again",
                )
            for name, sequence in zip(frame["transcript"], frame["sequence"], strict=True):
                spool.begin(name)
                spool.add(encode(sequence, path=path))
            pa.default_memory_pool().release_unused()
    return spool.finish()


@contextmanager
def open_transcripts(path: str | Path) -> Iterator[pq.ParquetFile]:
    """A file of the **transcripts** border; :class:`InputError` if it is missing or no such file."""
    # with a buffer, pages are read as they are needed, else a whole column of a row group at once
    with open_parquet(path, buffer_size=1 << 20, pre_buffer=False) as file:
        names, remedy = file.schema_arrow.names, "build the transcripts again"
        check_complete(names, column_names("transcripts"), "the table of transcripts", remedy, path=path)
        yield file


def lengths_of(sequences: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Letters of each of some texts; shape=(n,), dtype=int64."""
    return pc.binary_length(sequences).to_numpy(zero_copy_only=False).astype(np.int64)


def require_unique(ids: pa.ChunkedArray, path: str | Path) -> None:
    """Raise :class:`InputError` if a transcript's id comes twice."""
    counts = pc.value_counts(ids).flatten()
    if len(counts[0]) < len(ids):
        twice = counts[0].filter(pc.greater(counts[1], 1))[0].as_py()
        raise InputError("a transcript comes twice", path=path, value=twice, remedy="give each its own id")


class Rows:
    """Rows of a Parquet file, asked for in ascending order, a few in memory.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile
    columns : sequence of str
    """

    def __init__(self, file: pq.ParquetFile, columns: Sequence[str]) -> None:
        self._batches = file.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False)
        self._held: pa.Table | None = None
        self._first = 0

    def take(self, first: int, last: int) -> pa.Table:
        """Rows ``first`` to ``last``, 0-based half-open; ``first`` never falls from call to call."""
        held = [] if self._held is None else [self._held]
        begin = self._first
        end = begin + sum(map(len, held))
        while end < last:
            batch = pa.Table.from_batches([next(self._batches)])
            if end <= first:
                held, begin = [], end
            held.append(batch)
            end += len(batch)
        self._held, self._first = pa.concat_tables(held).slice(first - begin), first
        pa.default_memory_pool().release_unused()
        return self._held.slice(0, last - first)
