"""Published window files: sequences of one length with a label, read and joined into the table of a task."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..files import open_text
from ..registry import Register
from ..sequences import Record, decode, encode, read_records
from ..tables import split_quoted
from ..tasks import Task
from .drops import NOTE, Drops
from .modifications import IUPAC
from .readers.rows import count_fields

STAGE = "windows"

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
            yield Labelled("", rna, line, int(stated == "1"))


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


def read_task_windows(
    files: Sequence[Mapping[str, Any]],
    *,
    task: Task,
    width: int | None,
    negatives_per_positive: float | None = None,
    seed: int = 0,
) -> tuple[pd.DataFrame, Drops]:
    """Read and join the window files of one task.

    Where windows have their site in the middle (``task.centred``), longer ones of odd length are cut down around it,
    those whose middle is not the task's motif are dropped, then sequences with both labels, then all but the first copy
    of each sequence, across all files whatever split they came in. Each is counted.

    Parameters
    ----------
    files : sequence of mappings
        Each with ``file`` (path; plain or gzipped, DNA or RNA letters in either case), ``format`` (a name in
        :data:`WINDOW_FORMATS`), ``label`` (1, 0, or None where the file tells) and ``given`` (``train``, ``valid``,
        ``test`` or ``""``: how the data came split).
    task : Task
    width : int or None
        Length in nt that every window must have; None for that of each file's first.
    negatives_per_positive : float, optional
        Of centred windows: of more negatives than this, a random choice stays.
    seed : int
        Of that choice.

    Returns
    -------
    windows : pandas.DataFrame
        Table ``windows``. ``window`` is ``<task>:<split>:<p or n><number>``, numbered from 1 by label in
        the order of the files. Where a header holds ``chrom:start-end(strand)`` as long as the window (0-based
        half-open, or 1-based closed), ``genome_start`` and ``genome_end`` hold the site, else -1.
    drops : Drops
        Stage ``windows``, by file.

    Raises
    ------
    InputError
        If a file cannot be used, lengths differ, or all windows have one label.
    """
    drops = Drops()
    tables = [read_windows(entry, task=task, width=width, drops=drops) for entry in files]
    windows = pd.concat(tables, ignore_index=True)
    if task.centred:
        windows = _clean(windows, task, drops, negatives_per_positive, seed)
    windows.insert(0, "window", "")
    for split, rows in windows.groupby("given", sort=False).indices.items():
        windows.loc[rows, "window"] = _ids(task.name, split, windows["label"].to_numpy()[rows])
    if windows["label"].nunique() < 2:
        present, absent = ("modified", "unmodified") if windows["label"].any() else ("unmodified", "modified")
        raise InputError(
            f"{task.name} has {len(windows)} {present} windows and no {absent} one",
            path=files[0]["file"],
            remedy="give both",
        )
    return windows, drops


def read_windows(entry: Mapping[str, Any], *, task: Task, width: int | None, drops: Drops) -> pd.DataFrame:
    """Read one file of a task; parameters and columns, the first left out, are those of :func:`read_task_windows`."""
    path, split = entry["file"], entry["given"]
    if split not in {"train", "valid", "test", ""}:
        raise InputError("no such split", value=split, remedy='choose train, valid, test or ""')
    records = list(WINDOW_FORMATS[entry["format"]](path, entry["label"]))
    if not records:
        raise InputError("the file holds no window", path=path, remedy="fetch it again, or leave it out of the sheet")
    width = width or len(records[0].sequence)
    if task.centred and width % 2 == 0:
        raise InputError(
            "a window needs a middle",
            path=path,
            value=width,
            remedy="give windows of odd length, with the site in the middle",
        )
    for record in records:
        _check_length(record, width, task.centred, path)
    lengths = [len(record.sequence) for record in records]
    # of what the header says, the site is where it was before cropping
    places = [_place(record.header, length) for record, length in zip(records, lengths, strict=True)]
    start = np.array([place[1] for place in places], dtype=np.int64)
    frame = pd.DataFrame(
        {
            "task": task.name,
            "species": task.species,
            "modification": task.modification,
            "sequence": [_middle(record.sequence, width) for record in records],
            "label": np.array([record.label for record in records], dtype=np.int64),
            "chrom": [place[0] for place in places],
            "genome_start": start,
            "genome_end": np.where(start < 0, -1, start + 1),
            "strand": [place[2] for place in places],
            "transcript": "",
            "gene": "",
            "start": np.int64(-1),
            "end": np.int64(-1),
            "region": "unknown",
            "orthogroup": "",
            "support": np.int64(1),
            "given": split,
        },
        columns=column_names("windows", first="task"),
    )
    scope = drops.scope(STAGE, task.name, Path(path).name)
    for length, number in sorted(Counter(lengths).items()):
        if length != width:
            scope.count(f"{NOTE}cropped from {length} nt", number)
    scope.count(f"{NOTE}duplicate sequence, kept", frame.duplicated(["sequence", "label"]).sum())
    return scope.kept(frame)


def _clean(
    windows: pd.DataFrame, task: Task, drops: Drops, negatives_per_positive: float | None, seed: int
) -> pd.DataFrame:
    motif, offset = task.place
    scope = drops.scope(STAGE, task.name, "all files")
    first = len(windows["sequence"].iloc[0]) // 2 - offset
    letters = windows["sequence"].str[first : first + len(motif)]
    pattern = "".join(f"[{IUPAC[letter]}]" for letter in motif)
    windows = scope.keep(windows, letters.str.fullmatch(pattern), f"no {motif} in place")
    classes = windows.groupby("sequence", sort=False)["label"].transform("nunique")
    windows = scope.keep(windows, classes == 1, "sequence with both labels")
    windows = scope.keep(windows, ~windows.duplicated("sequence"), "copy of an earlier sequence")
    if not len(windows):
        raise InputError(f"{task.name}: no window is left", value=motif, remedy="check motif and files, see the drops")
    if negatives_per_positive is not None:
        label = windows["label"].to_numpy() == 1
        negatives = np.flatnonzero(~label)
        maximum = round(negatives_per_positive * int(label.sum()))
        stays = label.copy()
        stays[np.random.default_rng([seed, zlib.crc32(task.name.encode())]).permutation(negatives)[:maximum]] = True
        windows = scope.keep(windows, stays, "negative beyond negatives_per_positive")
    return scope.kept(windows.reset_index(drop=True))


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


def _check_length(record: Labelled, width: int, centred: bool, path: str | Path) -> None:
    length = len(record.sequence)
    if length == width or (centred and length > width and length % 2 == 1 == width % 2):
        return
    remedy = "give windows of one length, or set the right width"
    if centred:
        remedy = "set a smaller width" if length < width else "give windows of odd length, with the site in the middle"
    raise InputError(
        f"the window has {length} nt and should have {width}{' or more' if centred else ''}",
        path=path,
        line=record.line,
        value=record.sequence,
        remedy=remedy,
    )


def _middle(sequence: str, width: int) -> str:
    """The middle of a sequence; both lengths even or both odd."""
    first = (len(sequence) - width) // 2
    return sequence[first : first + width]


def _ids(task: str, split: str, labels: np.ndarray) -> list[str]:
    numbers = np.where(labels == 1, np.cumsum(labels == 1), np.cumsum(labels == 0))
    split = split or "all"
    return [f"{task}:{split}:{'p' if label else 'n'}{number}" for label, number in zip(labels, numbers, strict=True)]


def _place(header: str, width: int) -> tuple[str, int, str]:
    """Chromosome, 0-based position of the middle, and strand from a header; ``("", -1, "")`` where it says none."""
    match = _INTERVAL.search(header) if header else None
    if match is None:
        return "", -1, ""
    chrom, first, last, strand = match[1], int(match[2]), int(match[3]), match[4] or ""
    if last - first + 1 == width and first > 0:
        first -= 1
    elif last - first != width:
        return "", -1, ""
    # the middle of an even window depends on the strand
    if not strand and width % 2 == 0:
        return chrom, -1, ""
    index = width // 2
    return chrom, first + (width - 1 - index if strand == "-" else index), strand
