"""From lines of text to checked columns: what all readers share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd

from ...dictionary import column_names
from ...errors import InputError, check_complete
from ...files import open_text
from ...tables import split_quoted
from ..assemblies import assemblies_in
from ..drops import Scope
from ..modifications import Modification

STAGE = "read"
DUPLICATE = "duplicate position"

_SKIPPED = ("#", "track ", "track\t", "browser ", "browser\t")


def read_fields(
    path: str | Path,
    columns: Mapping[str, int],
    *,
    separator: str | None = "\t",
    skip_lines: int = 0,
    n_fields: int | None = None,
) -> pd.DataFrame:
    """Chosen fields of a delimited file as text, indexed by 1-based line number.

    Blank lines, ``#`` comments and the ``track`` and ``browser`` lines of genome browsers are passed over.

    Parameters
    ----------
    columns : mapping of str to int
        Name of each wanted column and its 0-based index.
    separator : str or None
        None splits at tabs where the line has one and at blanks where not, as BED allows; a blank at either; a comma
        outside quotation marks.
    skip_lines : int
        Lines at the top, up to and with the header, that are not data.
    n_fields : int, optional
        The most fields that a row of the format has; where it is not known, the commonest number.

    Raises
    ------
    InputError
        If a row has too few or too many fields or the file has no row.

    Notes
    -----
    About 600 bytes per row.
    """
    blocks = field_blocks(path, columns, separator=separator, skip_lines=skip_lines, n_fields=n_fields)
    return pd.concat(list(blocks))


def field_blocks(
    path: str | Path,
    columns: Mapping[str, int],
    *,
    separator: str | None = "\t",
    skip_lines: int = 0,
    n_fields: int | None = None,
    at_once: int = 100_000,
) -> Iterator[pd.DataFrame]:
    """As :func:`read_fields`, ``at_once`` rows at a time, for files of which few rows are wanted.

    Rows with too many fields are refused before the last rows are given out.
    """
    needed = max(columns.values()) + 1
    pick = itemgetter(*columns.values()) if len(columns) > 1 else lambda fields: (fields[next(iter(columns.values()))],)
    picked: list[tuple[str, ...]] = []
    numbers: list[int] = []
    # number of fields to the first line that has so many
    widths: dict[int, int] = {}
    lengths: Counter[int] = Counter()

    def block() -> pd.DataFrame:
        frame = pd.DataFrame(picked, columns=list(columns), index=pd.Index(numbers, name="line"), dtype=object)
        return frame.apply(lambda column: column.str.strip())

    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if number <= skip_lines or not line.strip() or line.startswith(_SKIPPED):
                continue
            if len(picked) == at_once:
                yield block()
                picked, numbers = [], []
            blanks = separator == " " or (separator is None and "\t" not in line)
            if separator == ",":
                fields = split_quoted(line, separator, path, number)
            else:
                fields = line.split(None if blanks else separator or "\t")
            if len(fields) < needed:
                raise InputError(
                    f"the row has {len(fields)} fields and needs {needed}",
                    path=path,
                    line=number,
                    value=line,
                    remedy="check that the file is of the named format and not cut off",
                )
            picked.append(pick(fields))
            numbers.append(number)
            widths.setdefault(count_fields(fields), number)
            lengths[len(fields)] += 1
    if not picked:
        raise InputError("the file holds no site", path=path, remedy="fetch it again, or leave it out of the sheet")
    refuse_wide_rows(list(widths), list(widths.values()), path, n_fields or commonest(lengths))
    yield block()


def count_fields(fields: Sequence[str]) -> int:
    """Number of fields of a row, empty ones at its end left out."""
    count = len(fields)
    while count and not fields[count - 1].strip():
        count -= 1
    return count


def commonest(lengths: Counter[int]) -> int:
    """The commonest of several numbers, of equally common ones the smallest."""
    return min(lengths, key=lambda length: (-lengths[length], length))


def refuse_wide_rows(widths: Sequence[int], lines: Sequence[int], path: str | Path, n_fields: int) -> None:
    """Raise InputError for the first row with more fields than the others, as two joined lines have.

    Parameters
    ----------
    widths : sequence of int
        Fields of each row, see :func:`count_fields`.
    lines : sequence of int
        1-based line of each row.
    n_fields : int
        The most that a row may have.
    """
    for width, line in zip(widths, lines, strict=True):
        if width > n_fields:
            raise InputError(
                f"the row has {width} fields where {n_fields} belong",
                path=path,
                line=line,
                remedy="separate lines that were joined, or fetch the file again",
            )


def read_named_fields(path: str | Path, columns: Iterable[str]) -> pd.DataFrame:
    """As :func:`read_fields`, for a file whose first line names its columns.

    Raises
    ------
    InputError
        If a column is missing, too.
    """
    number, names = first_line(path)
    header = [name.strip() for name in names.split("\t")]
    columns = list(columns)
    remedy = "check that the file is of the named format"
    check_complete(header, columns, "the header", remedy, path=path, line=number, value=names)
    return read_fields(path, {name: header.index(name) for name in columns}, skip_lines=number, n_fields=len(header))


def first_line(path: str | Path) -> tuple[int, str]:
    """Number and text of the first line that is neither blank nor a comment; InputError if there is none."""
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if line.strip() and not line.startswith(_SKIPPED):
                return number, line.rstrip("\n")
    raise InputError("the file holds no site", path=path, remedy="fetch it again, or leave it out of the sheet")


def leading_comments(path: str | Path) -> list[str]:
    """The comment, ``track`` and ``browser`` lines above the first row."""
    comments: list[str] = []
    with open_text(path) as handle:
        for line in handle:
            if line.startswith(_SKIPPED):
                comments.append(line.rstrip("\n"))
            elif line.strip():
                break
    return comments


def whole_numbers(rows: pd.DataFrame, column: str, path: str | Path, *, minimum: int = 0) -> np.ndarray:
    """A text column as integers.

    Returns
    -------
    numpy.ndarray, shape=(len(rows),), dtype=int64

    Raises
    ------
    InputError
        With line and value, if a field is no whole number or is less than ``minimum``.
    """
    text = rows[column]
    sound = text.str.fullmatch(r"[0-9]{1,18}").to_numpy(dtype=bool)
    values = np.full(len(rows), -1, dtype=np.int64)
    values[sound] = text[sound].astype(np.int64)
    what = f"{column} is no whole number of at least {minimum}"
    refuse_rows(rows, values >= minimum, column, path, what, "correct it")
    return values


def refuse_rows(rows: pd.DataFrame, sound: np.ndarray, column: str, path: str | Path, what: str, remedy: str) -> None:
    """Raise InputError for the first row that is not sound."""
    if not sound.all():
        at = int(np.argmin(sound))
        raise InputError(what, path=path, line=int(rows.index[at]), value=rows[column].iloc[at], remedy=remedy)


def check_names_and_strands(rows: pd.DataFrame, path: str | Path) -> None:
    """Raise InputError for an empty ``chrom`` or a ``strand`` other than ``+`` and ``-``."""
    refuse_rows(rows, (rows["chrom"] != "").to_numpy(), "chrom", path, "the chromosome is empty", "fill it in")
    refuse_rows(
        rows, rows["strand"].isin(["+", "-"]).to_numpy(), "strand", path, "the strand is neither + nor -",
        "give stranded sites",
    )  # fmt: skip


def check_stated_assembly(path: str | Path, assembly: str, texts: Iterable[str] = ()) -> None:
    """Refuse a file that says it is of another assembly, in its name or in ``texts`` from inside it.

    Only names of well-known assemblies count, and one mention of the right one is enough: a file lifted from
    one to another often names both.

    Raises
    ------
    InputError
        If other assemblies are named and ``assembly`` is not.
    """
    wanted = assemblies_in(assembly)
    if not wanted:
        return
    stated = assemblies_in(" ".join([Path(path).name, *texts]))
    if stated and not stated & wanted:
        raise InputError(
            f"the file says that it is of another assembly than {assembly}",
            path=path,
            value=", ".join(sorted(stated)),
            remedy=f"set the assembly of this source, or take the file for {assembly}",
        )


def site_table(
    rows: pd.DataFrame,
    starts: np.ndarray,
    scope: Scope,
    *,
    assembly: str,
    modification: Modification,
    source: np.ndarray | None = None,
    support: np.ndarray | int = 1,
) -> pd.DataFrame:
    """The border table of checked rows: sorted, one row per position and strand, repeats dropped and counted.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns ``chrom`` and ``strand``.
    starts : numpy.ndarray, shape=(len(rows),)
        0-based positions on the forward strand; the interval of a site is half-open, ``[start, start + 1)``.
    source : numpy.ndarray of str, shape=(len(rows),), optional
        Names to enter in place of the scope's own source, which drops are counted under.
    support : int or numpy.ndarray, shape=(len(rows),)
        Number of experiments; of repeated rows the one with the largest stays.
    """
    frame = pd.DataFrame(
        {
            "chrom": rows["chrom"].to_numpy(),
            "start": starts.astype(np.int64),
            "end": starts.astype(np.int64) + 1,
            "strand": rows["strand"].to_numpy(),
            "modification": modification.name,
            "source": scope.source if source is None else source,
            "support": np.broadcast_to(np.asarray(support, dtype=np.int64), len(rows)),
        },
        columns=column_names("sites"),
    )
    frame = frame.sort_values(
        ["chrom", "start", "strand", "support"], ascending=[True, True, True, False], kind="stable"
    )
    frame = scope.keep(frame, ~frame.duplicated(["chrom", "start", "strand"]), DUPLICATE).reset_index(drop=True)
    frame.attrs["assembly"] = assembly
    return scope.kept(frame)
