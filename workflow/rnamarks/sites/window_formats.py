"""Formats of published window files: what their records say of sequence and class."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pandas as pd

from ..errors import InputError
from ..files import open_text
from ..registry import Register
from ..sequences import ALPHABET, Record, decode, encode, read_records
from ..tables import split_quoted
from .readers.rows import count_fields, read_named_fields

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
SITE_WIDTH = 41
"""Width in nt of the windows that are cut out of files of sites."""
_NEAREST, _FARTHEST = 3, 30


class Labelled(NamedTuple):
    """One window of a file.

    ``header`` or ``""``, RNA ``sequence``, 1-based ``line``, ``label`` 1 (modified) or 0; ``modification``, where the
    file holds several, is the MODOMICS short name of the nucleotide in the middle, ``""`` for an unmodified one;
    ``gene`` or ``""``.
    """

    header: str
    sequence: str
    line: int
    label: int
    modification: str | None = None
    gene: str = ""


class WindowReader(Protocol):
    """Reads a file, given the label of all its windows, or None where the file tells."""

    def __call__(self, path: str | Path, label: int | None) -> Iterator[Labelled]: ...


WINDOW_FORMATS: Register[WindowReader] = Register("window format")


def at_paths(entries: Iterable[Mapping[str, Any]], paths: Iterable[str | Path]) -> list[dict[str, Any]]:
    """Entries of window files with paths in place of what the configuration named, ``codes`` behind their file."""
    left = iter(paths)
    return [dict(entry) | {key: next(left) for key in ("file", "codes") if key in entry} for entry in entries]


def labelled_windows(entry: Mapping[str, Any]) -> Iterator[Labelled]:
    """Windows of one file.

    Parameters
    ----------
    entry : mapping
        ``file``, ``format`` and ``label``; of MODOMICS' sequences also ``codes``, the file of its symbols.

    Raises
    ------
    InputError
        If the file cannot be read as this format.
    """
    codes = {"codes": entry["codes"]} if entry.get("codes") else {}
    if bool(codes) != (entry["format"] == "modomics"):
        raise InputError(
            "the format modomics, and no other, needs codes",
            path=entry["file"],
            value=entry["format"],
            remedy="name the table of MODOMICS' symbols under codes" if not codes else "leave codes out",
        )
    return WINDOW_FORMATS[entry["format"]](entry["file"], entry["label"], **codes)


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
    _check_label(path, label, given=False)

    def plain() -> Iterator[Record]:
        for record in read_records(path, clean=False):
            inside = record.sequence.strip("Pp")
            left = len(record.sequence) - len(record.sequence.lstrip("Pp"))
            padded = ("N" * left + _rna(inside, path, record.line)).ljust(len(record.sequence), "N")
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
    _check_label(path, label, given=False)
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
            yield Labelled("", _rna(sequence, path, line), line, int(stated == "1"))


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


_CHAT = re.compile(r"L:\s*([A-Za-z]+),\s*A:\s*([A-Za-z]),\s*R:\s*([A-Za-z]+)")
_ANSWERS = {"yes": 1, "no": 0}


@WINDOW_FORMATS.add("adar_chat")
def read_adar_chat(path: str | Path, label: int | None) -> Iterator[Labelled]:
    """JSON lines of ADAR-GPT: a user gives what is left and right of an A, an assistant says yes or no.

    Linkers of N between the arms of a pair, and N beyond its ends, stay.
    """
    _check_label(path, label, given=False)
    with open_text(path) as handle:
        for line, text in enumerate(handle, 1):
            if not text.strip():
                continue
            try:
                said = {turn["role"]: turn["content"].strip() for turn in json.loads(text)["messages"]}
                arms = _CHAT.fullmatch(said["user"])
                answer = _ANSWERS.get(said["assistant"].lower().rstrip("."))
            except (ValueError, KeyError, TypeError, AttributeError):
                arms = answer = None
            if arms is None or answer is None:
                raise InputError(
                    "the line is no question L:…, A:A, R:… with the answer yes or no",
                    path=path,
                    line=line,
                    value=text[:80].rstrip("\n"),
                    remedy="give the training files of ADAR-GPT as they were published",
                )
            left, base, right = (_rna(arm, path, line) for arm in arms.groups())
            reach = min(len(left), len(right))
            yield Labelled("", left[-reach:] + base + right[:reach], line, answer)


@WINDOW_FORMATS.add("nju_seq")
def read_nju_seq(path: str | Path, label: int | None) -> Iterator[Labelled]:
    """Sites of 2′-O-methylation by NJU-seq, and unmodified nucleotides near them.

    The table lists modified nucleotides alone, each with the 101 nt around it. Unmodified ones are all with the same
    base 3 to 30 nt away in the same 101 nt whose own 41 nt are not those of a site. So both classes come from the same
    stretches of the same RNA, and what is common along them does not tell one from the other.
    """
    _check_label(path, label, given=False)
    rows = read_named_fields(path, ["Nm", "ID", "Nm-50:Nm+50"])
    texts = [_rna(text, path, line) for line, text in rows["Nm-50:Nm+50"].items()]
    fits = [len(text) == 101 and text[50] == base for text, base in zip(texts, rows["Nm"], strict=True)]
    if sum(fits) < 0.9 * len(fits) or any(len(text) != 101 for text in texts):
        line = rows.index[fits.index(False)]
        raise InputError(
            "the 101 nt around sites do not have their base in the middle",
            path=path,
            line=line,
            value=rows.at[line, "Nm-50:Nm+50"],
            remedy="give the table as it was published",
        )
    reach = SITE_WIDTH // 2
    # a base that table and sequence disagree about is unknown
    sites = [
        (line, base, gene, text if fit else f"{text[:50]}N{text[51:]}")
        for line, base, gene, text, fit in zip(rows.index, rows["Nm"], rows["ID"], texts, fits, strict=True)
    ]
    listed = {rna[50 - reach : 51 + reach] for *_, rna in sites}
    for line, base, gene, rna in sites:
        yield Labelled("", rna[50 - reach : 51 + reach], line, 1, f"{base}m", gene)
        for at in range(50 - _FARTHEST, 51 + _FARTHEST):
            near = rna[at - reach : at + reach + 1]
            if rna[at] == base and abs(at - 50) >= _NEAREST and near not in listed:
                yield Labelled("", near, line, 0, "", gene)


_KIND = re.compile(r"Type:([^|]+)\|Subtype:([^|]*)")


@WINDOW_FORMATS.add("modomics")
def read_modomics(path: str | Path, label: int | None, codes: str | Path = "") -> Iterator[Labelled]:
    """Every nucleotide of RNA sequences of MODOMICS, in which one symbol stands for each modified nucleotide.

    The gene is the kind of RNA and, of tRNAs, the amino acid (``tRNA Ala``): such RNAs are alike in all species.

    Parameters
    ----------
    path : path-like
        FASTA of modified sequences.
    label : None
    codes : path-like
        CSV of MODOMICS: ``Short Name``, ``RNAMods code (2023)``, ``Moiety type``, ``Reference NucleoBase``.

    Raises
    ------
    InputError
        If the files are at fault, or most symbols of a sequence are unknown.
    """
    _check_label(path, label, given=False)
    symbols = _modomics_symbols(codes)
    reach = SITE_WIDTH // 2
    for record in read_records(path, clean=False):
        known = [symbols.get(letter, ("", "N")) for letter in record.sequence]
        if sum(letter not in symbols for letter in record.sequence) * 2 > len(known):
            raise InputError(
                "the sequence has more unknown symbols than known ones",
                path=path,
                line=record.line,
                value=record.sequence,
                remedy="give MODOMICS' modified sequences and the table of its symbols",
            )
        rna = "N" * reach + "".join(base for _, base in known) + "N" * reach
        kind = _KIND.search(record.header)
        gene = f"{kind[1]} {kind[2]}" if kind else ""
        for at, (name, _) in enumerate(known):
            yield Labelled(record.header, rna[at : at + SITE_WIDTH], record.line, int(name != ""), name, gene)


def _modomics_symbols(path: str | Path) -> dict[str, tuple[str, str]]:
    """Symbol to short name, ``""`` of an unmodified nucleotide, and RNA base, N where the symbol tells none."""
    columns = ["Short Name", "RNAMods code (2023)", "Moiety type", "Reference NucleoBase"]
    with open_text(path) as handle:
        table = pd.read_csv(handle, dtype=str, keep_default_na=False)
    lacking = [name for name in columns if name not in table]
    if lacking:
        raise InputError("the table of symbols lacks a column", path=path, value=lacking[0], remedy="fetch it again")
    table = table[(table["Moiety type"] == "nucleoside") & (table["RNAMods code (2023)"].str.len() == 1)]
    symbols = {base: ("", base) for base in ALPHABET}
    for short, symbol, base in zip(*(table[name] for name in (columns[0], columns[1], columns[3])), strict=True):
        symbols.setdefault(symbol, (short, base if base in set(ALPHABET) else "N"))
    return symbols


def _check_label(path: str | Path, label: int | None, *, given: bool) -> None:
    if given and label not in {0, 1}:
        raise InputError("the format states no labels", path=path, value=label, remedy="set label to 1 or 0")
    if not given and label is not None:
        raise InputError("the format states its labels", path=path, value=label, remedy="leave label out")


def _records(path: str | Path, label: int | None, *, given: bool) -> Iterator[Record]:
    _check_label(path, label, given=given)
    yield from read_records(path)


def _header(record: Record, path: str | Path) -> str:
    if not record.header:
        raise InputError(
            "the file is not FASTA or a header is empty", path=path, line=record.line, remedy="set the format lines"
        )
    return record.header


def _rna(sequence: str, path: str | Path, line: int) -> str:
    """The sequence as RNA with A, C, G, U and N alone."""
    try:
        return decode(encode(sequence))
    except InputError as error:
        raise InputError(
            "the sequence holds a letter that is no nucleotide",
            path=path,
            line=line,
            value=error.value,
            remedy=error.remedy,
        ) from error
