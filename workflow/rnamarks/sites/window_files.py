"""Readers of published window files: sequences of one length with a label."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import pandas as pd

from ..errors import InputError
from ..files import open_text
from ..registry import Register
from ..sequences import Record, decode, encode, read_records
from .drops import Drops

WINDOW_COLUMNS = (
    "window",
    "species",
    "sequence",
    "label",
    "chrom",
    "start",
    "strand",
    "transcript",
    "gene",
    "position",
    "region",
    "orthogroup",
    "support",
    "given",
)
STAGE = "windows"
FITS = ("exact", "crop", "pad")

# headers of published files that hold both classes; every group of a pattern says the class
HEADER_STYLES = {
    "DeepMRMP": re.compile(r"([PN])[0-9]+"),
    "m5U-SVM": re.compile(r"([PN])\|([01])\|(?:[Tt]raining|[Tt]esting)"),
    "i2OM-BERT": re.compile(r"([01])\|.+\|([01])\|[^|]*"),
    "Moss-m7G": re.compile(r"(?:train|valid|test)_(pos|neg)_[0-9]+"),
}
_CLASSES = {"p": 1, "1": 1, "pos": 1, "n": 0, "0": 0, "neg": 0}

_INTERVAL = re.compile(r"(?:^|::|[\s|;=])([A-Za-z0-9_.]+):([0-9]+)-([0-9]+)(?:\(([+-])\))?(?=$|[\s|;])")


class Labelled(NamedTuple):
    """One window of a file: header or ``""``, RNA sequence, 1-based line, label 1 or 0."""

    header: str
    sequence: str
    line: int
    label: int


WINDOW_FORMATS: Register[Callable[[str | Path, int | None], Iterator[Labelled]]] = Register("window format")


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
    first: str | None = None
    for record in _records(path, label, given=False):
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
    """CSV with the columns ``sequence`` and ``label`` (1, and 0 or -1) in any order, among others."""
    _check_label(path, label, given=False)
    with open_text(path) as handle:
        rows = _csv_rows(handle, path)
        header = [name.strip().lower() for name in next(rows, (1, []))[1]]
        if not {"sequence", "label"} <= set(header):
            raise InputError(
                "the header has no columns sequence and label",
                path=path,
                line=1,
                value=",".join(header),
                remedy="name them so",
            )
        columns = header.index("sequence"), header.index("label")
        for line, fields in rows:
            if not any(field.strip() for field in fields):
                continue
            if len(fields) <= max(columns):
                raise InputError(
                    f"the row has {len(fields)} fields and the header {len(header)}",
                    path=path,
                    line=line,
                    value=",".join(fields),
                    remedy="complete it",
                )
            sequence, text = (fields[column].strip() for column in columns)
            if text not in {"1", "0", "-1"}:
                raise InputError(
                    "the label is none of 1, 0 and -1", path=path, line=line, value=text, remedy="correct it"
                )
            if not sequence:
                raise InputError("the sequence is empty", path=path, line=line, remedy="remove or fill it")
            try:
                rna = decode(encode(sequence))
            except InputError as error:
                raise InputError(
                    "the sequence holds a letter that is no nucleotide",
                    path=path,
                    line=line,
                    value=error.value,
                    remedy=error.remedy,
                ) from error
            yield Labelled("", rna, line, int(text == "1"))


def read_windows(
    path: str | Path,
    form: str,
    *,
    species: str,
    part: str,
    source: str,
    drops: Drops,
    label: int | None = None,
    width: int | None = None,
    site_base: str | None = None,
    site_index: int | None = None,
    duplicates: str = "keep",
    fit: str = "exact",
) -> pd.DataFrame:
    """Read a window file into the table that crosses the border to the datasets.

    Parameters
    ----------
    path : path-like
        Plain or gzipped, DNA or RNA letters in either case.
    form : str
        A name in ``WINDOW_FORMATS``.
    species : str
        Species name, for the column and the ids.
    part : str
        ``train``, ``valid``, ``test`` or ``""``: how the data came split.
    source : str
        Name under which drops are counted, in the stage ``windows``.
    drops : Drops
        Receives the counts.
    label : int, optional
        1 or 0 for formats that hold one class; None for those that state labels.
    width : int, optional
        Expected length in nt; None takes the first window's.
    site_base : str, optional
        If given, windows with another letter at ``site_index`` are dropped. Wrong for sets that are not centred.
    site_index : int, optional
        0-based index of the site, ``width // 2`` if not given.
    duplicates : str
        ``keep`` leaves windows of one sequence and label in and notes their number (beyond the first of each);
        ``drop`` leaves the first.
    fit : str
        What becomes of windows of another length than ``width``: ``exact`` refuses them, ``crop`` cuts wider ones
        down around their middle, ``pad`` does so too and puts N on both sides of narrower ones. Their number is
        noted by length. The last two are for windows with the site in the middle: all lengths must be odd.

    Returns
    -------
    pandas.DataFrame
        Columns ``WINDOW_COLUMNS``. ``window`` is ``<species>:<part>:<p or n><number>``, numbered from 1 by label in
        file order before anything is dropped, so that an id names the same record under all settings; tables of
        one species and part are told apart with :func:`renumber_windows`. Where a header holds
        ``chrom:start-end(strand)`` as long as the window (0-based half-open, or 1-based closed), ``start`` is the
        0-based genome position of ``site_index``.

    Raises
    ------
    InputError
        If the file is malformed, lengths differ, or a setting does not fit the format.
    """
    if part not in {"train", "valid", "test", ""}:
        raise InputError("no such part", value=part, remedy='choose train, valid, test or ""')
    if duplicates not in {"keep", "drop"}:
        raise InputError("no such way with duplicates", value=duplicates, remedy="choose keep or drop")
    if fit not in FITS:
        raise InputError("no such way with other lengths", value=fit, remedy=f"choose one of {', '.join(FITS)}")
    records = list(WINDOW_FORMATS[form](path, label))
    if not records:
        raise InputError("the file holds no window", path=path, remedy="fetch it again, or leave it out of the sheet")
    width = width or len(records[0].sequence)
    index = width // 2 if site_index is None else site_index
    if not 0 <= index < width:
        raise InputError(f"the site lies outside a window of {width} nt", value=site_index, remedy="count from 0")
    if fit != "exact" and 2 * index + 1 != width:
        raise InputError(
            "windows can be cropped or padded only where the site is in the middle",
            value=f"index {index} of {width} nt",
            remedy="give an odd width and leave the index out, or take windows of that length",
        )
    for record in records:
        _check_length(record, width, fit, path)
    lengths = [len(record.sequence) for record in records]
    labels = np.array([record.label for record in records], dtype=np.int64)
    # of what the header says, the site is where it was before cropping
    places = [
        _place(record.header, length, index + (length - width) // 2)
        for record, length in zip(records, lengths, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "window": _ids(species, part, labels),
            "species": species,
            "sequence": [_fitted(record.sequence, width) for record in records],
            "label": labels,
            "chrom": [place[0] for place in places],
            "start": np.array([place[1] for place in places], dtype=np.int64),
            "strand": [place[2] for place in places],
            "transcript": "",
            "gene": "",
            "position": np.int64(-1),
            "region": "unknown",
            "orthogroup": "",
            "support": np.int64(1),
            "given": part,
        },
        columns=list(WINDOW_COLUMNS),
    )
    scope = drops.scope(STAGE, species, source)
    for length, number in sorted(Counter(lengths).items()):
        if length != width:
            how = "cropped" if length > width else "padded with N"
            scope.count(f"note: {how} from {length} nt", number)
    if site_base is not None:
        right = frame["sequence"].str[index] == site_base.upper().replace("T", "U")
        frame = scope.keep(frame, right, f"no {site_base} at index {index}")
    repeated = frame.duplicated(["sequence", "label"]).to_numpy()
    if duplicates == "drop":
        frame = scope.keep(frame, ~repeated, "duplicate sequence")
    else:
        scope.count("note: duplicate sequence, kept", int(repeated.sum()))
    return scope.kept(frame.reset_index(drop=True))


def renumber_windows(windows: pd.DataFrame) -> pd.DataFrame:
    """Give new ids by species, part and label in row order, after tables of one species were put together."""
    numbered = windows.reset_index(drop=True)
    ids = numbered["window"].to_numpy(dtype=object).copy()
    for (species, part), rows in numbered.groupby(["species", "given"], sort=False).indices.items():
        ids[rows] = _ids(species, part, numbered["label"].to_numpy()[rows])
    return numbered.assign(window=ids)


def base_share(windows: pd.DataFrame, base: str, index: int) -> float:
    """Share of windows with an RNA base at a 0-based index; 0 for an empty table."""
    return float((windows["sequence"].str[index] == base).mean()) if len(windows) else 0.0


def deduplicate_windows(
    train: pd.DataFrame, test: pd.DataFrame, drops: Drops, *, source: str = "", stage: str = "deduplicate"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take contradictions out of both tables and training sequences out of the test table.

    In each table, sequences that one species has with both labels are dropped. Then test windows whose sequence
    occurs in the training table are dropped, those of the same species and those of another one under
    reasons of their own: a multi-species network has seen both.

    Parameters
    ----------
    train, test : pandas.DataFrame
        Columns ``species``, ``sequence``, ``label``; any species. For one species alone, pass its rows only.
    drops : Drops
        Receives the counts per species, ``kept`` too, under the sources ``<source>train`` and ``<source>test``.

    Returns
    -------
    train, test : pandas.DataFrame
        The rows that remain, in order.
    """
    results = []
    seen = pd.MultiIndex.from_frame(train[["species", "sequence"]])
    for name, table in (("train", train), ("test", test)):
        classes = table.groupby(["species", "sequence"], sort=False)["label"].transform("nunique")
        masks = {"both labels": (classes <= 1).to_numpy()}
        if name == "test":
            own = pd.MultiIndex.from_frame(table[["species", "sequence"]]).isin(seen)
            masks["in the training data"] = ~own
            masks["in the training data of another species"] = (
                own | ~table["sequence"].isin(train["sequence"]).to_numpy()
            )
        remaining = np.ones(len(table), dtype=bool)
        species = table["species"].to_numpy()
        for reason, mask in masks.items():
            for kind in pd.unique(species):
                drops.count(stage, kind, source + name, reason, int((remaining & ~mask & (species == kind)).sum()))
            remaining &= mask
        for kind in pd.unique(species):
            drops.count(stage, kind, source + name, "kept", int((remaining & (species == kind)).sum()))
        results.append(table[remaining].reset_index(drop=True))
    return results[0], results[1]


def _csv_rows(handle: TextIO, path: str | Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(handle)
    try:
        for fields in reader:
            yield reader.line_num, fields
    except csv.Error as error:
        raise InputError(
            f"the line cannot be read as CSV: {error}", path=path, line=reader.line_num, remedy="check its quotes"
        ) from error


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


def _check_length(record: Labelled, width: int, fit: str, path: str | Path) -> None:
    length = len(record.sequence)
    if length == width:
        return
    if fit == "exact":
        remedy = "give windows of one length, or set the right width"
    elif length % 2 == 0:
        remedy = "give windows of odd length, with the site in the middle"
    elif fit == "crop" and length < width:
        remedy = "set a smaller width, or fit: pad"
    else:
        return
    raise InputError(
        f"the window has {length} nt and should have {width}{' or more' if fit == 'crop' else ''}",
        path=path,
        line=record.line,
        value=record.sequence,
        remedy=remedy,
    )


def _fitted(sequence: str, width: int) -> str:
    """The middle of a sequence, N on both sides where it is too short; both lengths even or both odd."""
    first = (len(sequence) - width) // 2
    return sequence[first : first + width] if first >= 0 else sequence.center(width, "N")


def _ids(species: str, part: str, labels: np.ndarray) -> list[str]:
    numbers = np.where(labels == 1, np.cumsum(labels == 1), np.cumsum(labels == 0))
    part = part or "all"
    return [f"{species}:{part}:{'p' if label else 'n'}{number}" for label, number in zip(labels, numbers, strict=True)]


def _place(header: str, width: int, index: int) -> tuple[str, int, str]:
    """Chromosome, 0-based site position and strand from a header; ``("", -1, "")`` where it says nothing fitting."""
    match = _INTERVAL.search(header) if header else None
    if match is None:
        return "", -1, ""
    chrom, first, last, strand = match[1], int(match[2]), int(match[3]), match[4] or ""
    if last - first + 1 == width and first > 0:
        first -= 1
    elif last - first != width:
        return "", -1, ""
    if not strand and 2 * index + 1 != width:
        return chrom, -1, ""
    return chrom, first + (width - 1 - index if strand == "-" else index), strand
