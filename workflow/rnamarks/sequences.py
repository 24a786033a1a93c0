"""RNA sequences as text and as integer codes.

Inside the project a sequence is RNA in capitals, 5' to 3'; T read from a file becomes U. A code is one
byte per nucleotide: A 0, C 1, G 2, U 3, and 4 for N, for every other IUPAC letter and for padding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .errors import InputError
from .files import open_text

ALPHABET = "ACGU"
UNKNOWN = 4
LETTERS = np.frombuffer(b"ACGUN", dtype=np.uint8)
_COMPLEMENT = np.array([3, 2, 1, 0, UNKNOWN], dtype=np.uint8)

_CODE_OF_BYTE = np.full(256, 255, dtype=np.uint8)
for _code, _letter in enumerate(ALPHABET):
    _CODE_OF_BYTE[ord(_letter)] = _CODE_OF_BYTE[ord(_letter.lower())] = _code
_CODE_OF_BYTE[ord("T")] = _CODE_OF_BYTE[ord("t")] = 3
for _letter in "NRYSWKMBDHV":
    _CODE_OF_BYTE[ord(_letter)] = _CODE_OF_BYTE[ord(_letter.lower())] = UNKNOWN


class Record(NamedTuple):
    """One sequence of a file: its header without ``>`` (or ``""``), RNA text, and 1-based line number."""

    header: str
    sequence: str
    line: int


def encode(sequence: str, **where: Any) -> np.ndarray:
    """Integer codes of one DNA or RNA sequence in either case.

    Parameters
    ----------
    sequence : str
    **where
        ``path`` and ``line``, for the error.

    Returns
    -------
    numpy.ndarray, shape=(len(sequence),), dtype=uint8

    Raises
    ------
    InputError
        If a letter is no IUPAC nucleotide.
    """
    codes = _CODE_OF_BYTE[np.frombuffer(sequence.encode("latin-1", "replace"), dtype=np.uint8)]
    if codes.size and codes.max() == 255:
        at = int(np.argmax(codes == 255))
        raise InputError(
            f"letter {at + 1} is no nucleotide",
            value=sequence[at],
            remedy="use A, C, G, U or T, N and the IUPAC codes",
            **where,
        )
    return codes


def encode_windows(sequences: Iterable[str]) -> np.ndarray:
    """Integer codes of windows that all have one length.

    Returns
    -------
    numpy.ndarray, shape=(n_windows, width), dtype=uint8

    Raises
    ------
    InputError
        If lengths differ or a letter is no IUPAC nucleotide.
    """
    sequences = list(sequences)
    if not sequences:
        return np.zeros((0, 0), dtype=np.uint8)
    width = len(sequences[0])
    for index, sequence in enumerate(sequences):
        if len(sequence) != width:
            raise InputError(
                f"window {index + 1} has {len(sequence)} nt and window 1 has {width} nt",
                remedy="give windows of one length",
            )
    return encode("".join(sequences)).reshape(len(sequences), width)


def on_strand(codes: np.ndarray, strand: str) -> np.ndarray:
    """Codes of the forward strand, shape=(n_nt,), as RNA of a strand has them, 5' to 3'."""
    return _COMPLEMENT[codes[::-1]] if strand == "-" else codes


def decode(codes: np.ndarray) -> str:
    """RNA text of an array of codes."""
    return LETTERS[codes].tobytes().decode("ascii")


def decode_windows(codes: np.ndarray) -> list[str]:
    """RNA texts of an array of codes, shape=(n_windows, width)."""
    if codes.shape[0] == 0:
        return []
    text, width = decode(codes), codes.shape[1]
    return [text[i : i + width] for i in range(0, len(text), width)]


def read_records(path: str | Path, *, clean: bool = True) -> Iterator[Record]:
    """Sequences of a FASTA file, or of a file with one sequence per line; plain or gzipped.

    A file is FASTA if its first line that is not blank starts with ``>``. Case, T or U, CRLF, a byte
    order mark, blank lines and ambiguity codes are taken as they come (see the module's head).

    Parameters
    ----------
    path : path-like
    clean : bool
        Write sequences with A, C, G, U and N alone, and refuse what is no nucleotide; otherwise letters stay.

    Raises
    ------
    InputError
        If the file is empty or missing, a record has no sequence, or a letter is no nucleotide.
    """
    header: str | None = None
    start = 0
    parts: list[str] = []
    fasta: bool | None = None
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.strip()
            if not line:
                continue
            if fasta is None:
                fasta = line.startswith(">")
            if not fasta:
                yield Record("", decode(encode(line, path=path, line=number)) if clean else line, number)
            elif line.startswith(">"):
                if header is not None:
                    yield _record(header, parts, path, start)
                header, start, parts = line[1:].strip(), number, []
            else:
                parts.append(decode(encode(line, path=path, line=number)) if clean else line)
    if fasta is None:
        raise InputError("the file holds no sequence", path=path, remedy="give FASTA or one sequence per line")
    if header is not None:
        yield _record(header, parts, path, start)


def _record(header: str, parts: list[str], path: str | Path, line: int) -> Record:
    sequence = "".join(parts)
    if not sequence:
        raise InputError("the record has no sequence", path=path, line=line, value=header, remedy="remove or fill it")
    # what a terminal would obey
    if not "".join(header.split()[:1]).isprintable():
        raise InputError(
            "the record has a name that cannot be printed", path=path, line=line, value=header, remedy="rename it"
        )
    return Record(header, sequence, line)


def distinct(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the first of each set of equal windows, in their order, and for each window its place among those."""
    keys = np.ascontiguousarray(windows).view(f"V{windows.shape[1]}")[:, 0]
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return first[order], place[inverse]
