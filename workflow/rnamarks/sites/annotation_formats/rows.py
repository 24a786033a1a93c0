"""Lines of nine columns, which GTF and GFF3 share, read a block at a time."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from ...errors import InputError
from ...files import open_bytes, open_text
from .loci import Loci, gather

logger = logging.getLogger(__name__)

HEADER_LINES = ("#", "track ", "browser ")
_COLUMNS = ("chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes")
_FASTA = ("##FASTA", ">")
_SEQUENCES = re.compile(rb"\n(?:##FASTA|>)")
_BLOCK = 1 << 25
_REMEDY = "give GTF or GFF3 with exon rows"


class Dialect(Protocol):
    """What differs between the two formats: the meaning of the ninth column."""

    def is_cut(self, attributes: str) -> bool:
        """Whether an attribute field ends within quotation marks."""

    def take(self, rows: pa.Table) -> pa.Table | None:
        """Rows of exons and coding sequence of a block with an id in ``transcript``; None if a row is at fault."""

    def names(self, used: pa.ChunkedArray) -> pd.DataFrame:
        """Transcript, gene, name of the gene and biotype of these ids, once every block was seen.

        An id that is no transcript is left out.
        """

    def listed(self) -> pd.Series:
        """Ids of all transcripts that have a row of their own."""

    def fault(self, feature: str, attributes: str) -> tuple[str, str] | None:
        """What is wrong with an attribute field, and the remedy."""


def read_rows(path: str | Path, dialect: Dialect) -> Loci:
    """Exons and coding sequences of a GTF or GFF3 file."""
    pieces = []
    for rows in _blocks(path, dialect):
        taken = dialect.take(rows)
        if taken is None:
            raise _fault(path, dialect)
        if taken.num_rows:
            pieces.append(taken.drop_columns(["attributes"]))
    if not pieces:
        raise _fault(path, dialect)
    rows = pa.concat_tables(pieces)
    names = dialect.names(rows["transcript"])
    loci = gather(rows.filter(pc.is_in(rows["transcript"], pa.array(names.index))), names)
    if loci.loci["gene"].isna().any():
        raise _fault(path, dialect)
    loci.bare = int((~dialect.listed().isin(loci.loci["id"])).sum())
    return loci


def _blocks(path: str | Path, dialect: Dialect) -> Iterator[pa.Table]:
    def skip_headers(row: pcsv.InvalidRow) -> str:
        return "skip" if row.text is not None and row.text.startswith(HEADER_LINES) else "error"

    types = dict.fromkeys(_COLUMNS, pa.string()) | {"start": pa.int64(), "end": pa.int64()}
    try:
        with open_bytes(path) as raw:
            handle = _Lines(raw)
            # one thread: with several, the handler gets no row text in some versions of Arrow
            batches = pcsv.open_csv(
                handle,
                pcsv.ReadOptions(column_names=_COLUMNS, block_size=_BLOCK, use_threads=False),
                pcsv.ParseOptions(delimiter="\t", quote_char=False, invalid_row_handler=skip_headers),
                pcsv.ConvertOptions(
                    column_types=types,
                    include_columns=["chrom", "feature", "start", "end", "strand", "attributes"],
                    null_values=[],
                    strings_can_be_null=False,
                ),
            )
            for batch in batches:
                rows = pa.table(batch)
                # a file that was cut off ends inside a line, of whatever feature
                if rows.num_rows and dialect.is_cut(rows["attributes"][-1].as_py()):
                    raise _fault(path, dialect)
                rows = rows.filter(pc.invert(pc.starts_with(rows["chrom"], "#")))
                if pc.any(pc.or_(pc.less(rows["start"], 1), pc.less(rows["end"], rows["start"]))).as_py():
                    raise _fault(path, dialect)
                yield rows
    except pa.ArrowInvalid as error:
        raise _fault(path, dialect, f"the annotation cannot be read: {error}".splitlines()[0]) from error
    _check_end(handle.end, path)


class _Lines(io.BufferedIOBase):
    """Bytes of another file up to a section of sequences; the end of what was read is kept."""

    KEPT = 1 << 16

    def __init__(self, handle: BinaryIO) -> None:
        self._handle, self.end, self._is_over = handle, b"", False

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        block = b"" if self._is_over else self._handle.read(size)
        known = len(self.end)
        joined = self.end + block
        found = _SEQUENCES.search(joined, max(0, known - len("\n##FASTA")))
        if found:
            self._is_over = True
            # the beginning of its first line may be read already: it is a comment
            block = joined[known : max(found.start() + 1, known)]
            joined = joined[: found.start() + 1]
        self.end = joined[-self.KEPT :]
        return block


def _check_end(end: bytes, path: str | Path) -> None:
    """Raise :class:`InputError` if a file ends inside a line; a warning where that cannot be told."""
    if not end or end.endswith((b"\n", b"\r")):
        return
    *lines, last = end.decode("utf-8", "replace").splitlines()
    # the first of them may have begun earlier
    lines = lines[len(end) == _Lines.KEPT :]
    if last.startswith(HEADER_LINES):
        return
    feature = "\t".join(last.split("\t")[2:3])
    alike = [line for line in lines if line.split("\t")[2:3] == [feature]]
    closed = {line.rstrip().endswith(";") for line in alike}
    if alike and (
        closed == {not last.rstrip().endswith(";")} or last.count(";") < min(line.count(";") for line in alike)
    ):
        raise InputError(
            "the file ends inside a line", path=path, value=last[-40:], remedy="it is cut off, fetch it again"
        )
    logger.warning("%s: the last line has no end: the file may be cut off", path)


def _fault(path: str | Path, dialect: Dialect, otherwise: str = "the annotation has no exon") -> InputError:
    """The error for the first line of a file that cannot be read, found by reading it again line by line."""
    fields: list[str] = []
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if line.startswith(_FASTA):
                break
            if not line or line.startswith(HEADER_LINES):
                continue

            def wrong(what: str, value: object, remedy: str, number: int = number) -> InputError:
                return InputError(what, path=path, line=number, value=value, remedy=remedy)

            fields = line.split("\t")
            if len(fields) != len(_COLUMNS):
                return wrong(
                    f"a GTF or GFF3 line has 9 tab-separated fields, this one {len(fields)}",
                    line,
                    "give GTF, GFF3 or a UCSC table",
                )
            for name, text in (("start", fields[3]), ("end", fields[4])):
                if not re.fullmatch(r"[0-9]+", text):
                    return wrong(f"the {name} is not a whole number", text, "repair the line")
            if int(fields[3]) < 1:
                return wrong("the start is not 1 or more", fields[3], "positions count from 1, repair the line")
            if int(fields[4]) < int(fields[3]):
                return wrong("the end lies before the start", f"{fields[3]}-{fields[4]}", "repair the line")
            found = dialect.fault(fields[2], fields[8])
            if found:
                return wrong(found[0], fields[8], found[1])
    if not fields:
        return InputError("the annotation is empty", path=path, remedy=_REMEDY)
    if dialect.is_cut(fields[8]):
        return wrong("a quotation mark is never closed", fields[8], "the file may be cut off, fetch it again")
    return InputError(otherwise, path=path, remedy=_REMEDY)
