"""Sequences of any number and length as one file of codes, so that blocks and batches run across them."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np

from ..errors import InputError
from ..files import open_text
from ..sequences import UNKNOWN, decode, encode

BLOCK = 1 << 15
_NAMES = 1 << 20
"""Characters that names may have besides, where the number of nucleotides is bounded."""


class Spool:
    """Sequences laid end to end in a file, with ``gap`` codes of 4 before, between and after.

    Attributes
    ----------
    names : list of str
    starts, lengths : numpy.ndarray, shape=(n_sequences,), dtype=int64
        First place in ``codes``, and nt.
    codes : numpy.memmap, shape=(n,), dtype=uint8
    gap : int
    """

    def __init__(self, path: Path, names: list[str], lengths: Sequence[int], gap: int) -> None:
        self.names, self.gap = names, gap
        self.lengths = np.array(lengths, dtype=np.int64)
        self.starts = np.cumsum(self.lengths + gap) - self.lengths
        self.codes = np.memmap(path, dtype=np.uint8, mode="r")

    def owner(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number of the sequence, and 0-based position on it, of places in ``codes``."""
        sequence = np.searchsorted(self.starts, at, side="right") - 1
        return sequence, at - self.starts[sequence]

    def letters(self, sequence: int, first: int, last: int) -> str:
        """RNA text of 0-based half-open positions of a sequence."""
        start = self.starts[sequence]
        return decode(np.asarray(self.codes[start + first : start + min(last, int(self.lengths[sequence]))]))

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[int, int, np.ndarray]]:
        """First and last place of each block, half-open, and its codes with ``gap`` more on either side."""
        for first in range(self.gap, len(self.codes) - self.gap, size):
            last = min(first + size, len(self.codes) - self.gap)
            yield first, last, np.array(self.codes[first - self.gap : last + self.gap])


def spool_fasta(source: str | Path, path: Path, gap: int, *, most: int | None = None) -> Spool:
    """Read FASTA into a file of codes.

    Parameters
    ----------
    source : path-like
        Plain or gzipped; ``-`` is standard input. DNA or RNA in either case.
    path : Path
        File to write, 1 byte per nt.
    gap : int
        Codes of 4 around each sequence, at least 1.
    most : int, optional
        Nucleotides beyond which the sequences are refused.

    Raises
    ------
    InputError
        If there is no record, one has no name, no sequence or the name of another, a letter is no nucleotide, or there
        are more of them than wanted; the message has the line.
    """
    names: dict[str, int] = {}
    lengths: list[int] = []
    margin = bytes([UNKNOWN]) * gap
    name, begun, read, seen = "", 0, 0, 0
    with _open_sequences(source) as (lines, shown), open(path, "wb") as out:
        out.write(margin)
        # a packed file may hold one line of any length
        parts = lines if most is None else iter(partial(lines.readline, most + 2), "")
        for number, line in enumerate(parts, 1):
            seen += len(line)
            if most is not None and seen > 2 * most + _NAMES:
                raise InputError(
                    f"there are more than {2 * most + _NAMES:,} characters", path=shown, line=number, remedy="scan less"
                )
            line = line.strip()
            if line.startswith(">"):
                _require_filled(lengths, shown, begun, name)
                if lengths:
                    out.write(margin)
                name, begun = next(iter(line[1:].split()), ""), number
                if not name:
                    raise InputError("the record has no name", path=shown, line=number, remedy="write it behind the >")
                if name in names:
                    raise InputError(
                        f"line {names[name]} has a record of that name already",
                        path=shown,
                        line=number,
                        value=name,
                        remedy="rename one of them",
                    )
                names[name] = number
                lengths.append(0)
            elif line and not lengths:
                raise InputError(
                    "the file is not FASTA", path=shown, line=number, value=line, remedy="begin each record with >name"
                )
            elif line:
                lengths[-1] += out.write(_encode_line(line, shown, number))
                read += len(line)
                if most is not None and read > most:
                    raise InputError(
                        f"there are more than {most:,} nt", path=shown, line=number, remedy="scan fewer at a time"
                    )
        _require_filled(lengths, shown, begun, name)
        if not lengths:
            raise InputError("the file holds no sequence", path=shown, remedy="give FASTA")
        out.write(margin)
    return Spool(path, list(names), lengths, gap)


def _require_filled(lengths: Sequence[int], shown: str | Path, line: int, name: str) -> None:
    if lengths and not lengths[-1]:
        raise InputError("the record has no sequence", path=shown, line=line, value=name, remedy="remove or fill it")


def _encode_line(line: str, shown: str | Path, number: int) -> bytes:
    try:
        return encode(line).tobytes()
    except InputError as error:
        raise InputError(
            "the line holds a letter that is no nucleotide",
            path=shown,
            line=number,
            value=error.value,
            remedy="use A, C, G, U or T, N and the IUPAC letters",
        ) from error


@contextmanager
def _open_sequences(source: str | Path) -> Iterator[tuple[TextIO, str | Path]]:
    """Lines of the sequences, and what to call them in messages."""
    if str(source) != "-":
        with open_text(source) as handle:
            yield handle, source
        return
    raw = sys.stdin.buffer
    if not isinstance(raw, io.BufferedReader):
        raw = io.BufferedReader(raw)
    packed = raw.peek(2)[:2] == b"\x1f\x8b"
    binary = gzip.GzipFile(fileobj=raw) if packed else raw
    handle = io.TextIOWrapper(binary, encoding="utf-8-sig", newline=None)
    try:
        yield handle, "standard input"
    except (EOFError, gzip.BadGzipFile) as error:
        raise InputError("the gzip stream is cut off or corrupt", path="standard input") from error
    except UnicodeDecodeError as error:
        raise InputError("this is not UTF-8 text", path="standard input", remedy="give FASTA") from error
    finally:
        # standard input belongs to the caller
        handle.detach()
