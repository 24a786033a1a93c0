"""Formats in which a record is a window: lines, FASTA and CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ...errors import InputError
from ...files import open_text
from ...sequences import Record, read_records
from ...tables import split_quoted
from ..readers.rows import count_fields
from .register import WINDOW_FORMATS, Labelled, check_label, read_rna

# headers of published files that hold both classes; every group of a pattern says the class
HEADER_STYLES = {
    "DeepMRMP or iMRM": re.compile(r"(?:[A-Za-z]+_)*([PN])[0-9]*"),
    "m5U-SVM": re.compile(r"([PN])\|([01])\|(?:[Tt]raining|[Tt]esting)"),
    "i2OM-BERT": re.compile(r"([01])\|.+\|([01])\|[^|]*"),
    "Moss-m7G": re.compile(r"(?:train|valid|test)_(pos|neg)_[0-9]+"),
    # what stands behind | is a number, not the class
    "RNA_m5C_predict": re.compile(r"(negative|type)(?:_[1-4])?\|[0-9]+"),
    "RNA-Editing": re.compile(r"(Positive|Negative)_?[0-9]+"),
}
_CLASSES = {"p": 1, "1": 1, "pos": 1, "type": 1, "positive": 1, "n": 0, "0": 0, "neg": 0, "negative": 0}


@WINDOW_FORMATS.add("lines")
def read_lines(path: str | Path, label: int | None) -> Iterator[Labelled]:
    """One sequence per line, all of the given label: MASS, SRAMP, DeepM6ASeq."""
    for record in _records(path, label, given=True):
        if record.header:
            raise InputError("the file is FASTA", path=path, line=record.line, remedy="set the format fasta")
        yield Labelled("", record.sequence, record.line, label or 0)


@WINDOW_FORMATS.add("fasta")
def read_fasta(path: str | Path, label: int | None) -> Iterator[Labelled]:
    """FASTA, all of the given label whatever the headers say (DeepM6ASeq marks negatives ``>Y;``, too)."""
    for record in _records(path, label, given=True):
        yield Labelled(_header(record, path), record.sequence, record.line, label or 0)


@WINDOW_FORMATS.add("fasta_signed")
def read_signed_fasta(path: str | Path, label: int | None) -> Iterator[Labelled]:
    """FASTA whose headers begin with ``+`` (positive) or ``-`` (negative): iRNA-m6A."""
    for record in _records(path, label, given=False):
        header = _header(record, path)
        if header[:1] not in {"+", "-"}:
            raise InputError(
                "the header begins neither with + nor with -",
                path=path,
                line=record.line,
                value=header,
                remedy="set the format fasta and a label",
            )
        yield Labelled(header, record.sequence, record.line, int(header[0] == "+"))


@WINDOW_FORMATS.add("fasta_tagged")
def read_tagged_fasta(path: str | Path, label: int | None) -> Iterator[Labelled]:
    """FASTA of both classes whose headers say the class in one of the styles of :data:`HEADER_STYLES`.

    All headers of a file must be of one style, and where a style says the class twice, both must agree.
    """
    yield from _tagged(_records(path, label, given=False), path)


@WINDOW_FORMATS.add("fasta_tagged_padded")
def read_padded_fasta(path: str | Path, label: int | None) -> Iterator[Labelled]:
    """``fasta_tagged`` with P beyond the ends of the RNA: RNA_m5C_predict, whose headers name the writer, too."""
    check_label(path, label, given=False)

    def plain() -> Iterator[Record]:
        for record in read_records(path, clean=False):
            inside = record.sequence.strip("Pp")
            left = len(record.sequence) - len(record.sequence.lstrip("Pp"))
            padded = ("N" * left + read_rna(inside, path, record.line)).ljust(len(record.sequence), "N")
            yield record._replace(sequence=padded)

    yield from _tagged(plain(), path)


def _tagged(records: Iterator[Record], path: str | Path) -> Iterator[Labelled]:
    first: str | None = None
    for record in records:
        header = _header(record, path)
        found = [(style, match) for style, pattern in HEADER_STYLES.items() if (match := pattern.fullmatch(header))]
        classes = {_CLASSES[text.lower()] for _, match in found for text in match.groups()}
        styles = ", ".join(style for style, _ in found)
        fault = ""
        if not found:
            fault = "the header has no class in a known style"
        elif len(classes) > 1:
            fault = "the header says both classes"
        elif first not in (None, styles):
            fault = f"the header is of the style {styles} and those before of {first}"
        if fault:
            raise InputError(
                fault,
                path=path,
                line=record.line,
                value=header,
                remedy="correct it, or give the classes as two files in the format fasta, each with its label",
            )
        first = styles
        yield Labelled(header, record.sequence, record.line, classes.pop())


@WINDOW_FORMATS.add("csv")
def read_csv(path: str | Path, label: int | None) -> Iterator[Labelled]:
    """CSV with the columns ``sequence`` and ``label`` (1, and 0 or -1) in any order, among others; a row is a line."""
    check_label(path, label, given=False)
    columns: list[int] = []
    n_fields = 0
    with open_text(path) as handle:
        for line, text in enumerate(handle, 1):
            fields = [field.strip() for field in split_quoted(text.rstrip("\n"), ",", path, line)]
            if not any(fields):
                continue
            if not columns:
                columns, n_fields = _csv_header(fields, path, line), len(fields)
                continue
            if not max(columns) < count_fields(fields) <= n_fields:
                raise InputError(
                    f"the row has {count_fields(fields)} fields and the header {n_fields}",
                    path=path,
                    line=line,
                    value=text.rstrip("\n"),
                    remedy="complete it, or separate lines that were joined",
                )
            sequence, stated = (fields[column] for column in columns)
            if stated not in {"1", "0", "-1"}:
                raise InputError(
                    "the label is none of 1, 0 and -1", path=path, line=line, value=stated, remedy="correct it"
                )
            if not sequence:
                raise InputError("the sequence is empty", path=path, line=line, remedy="remove or fill it")
            yield Labelled("", read_rna(sequence, path, line), line, int(stated == "1"))


def _csv_header(fields: list[str], path: str | Path, line: int) -> list[int]:
    """0-based columns of sequence and label."""
    names = [name.lower() for name in fields]
    if names.count("sequence") != 1 or names.count("label") != 1:
        raise InputError(
            "the header has no columns sequence and label, once each",
            path=path,
            line=line,
            value=",".join(names),
            remedy="name them so",
        )
    return [names.index("sequence"), names.index("label")]


def _records(path: str | Path, label: int | None, *, given: bool) -> Iterator[Record]:
    check_label(path, label, given=given)
    yield from read_records(path)


def _header(record: Record, path: str | Path) -> str:
    if not record.header:
        raise InputError(
            "the file is not FASTA or a header is empty", path=path, line=record.line, remedy="set the format lines"
        )
    return record.header
