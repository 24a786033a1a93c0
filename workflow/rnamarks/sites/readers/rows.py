"""From lines of text to checked columns: what all readers share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import InputError
from ...files import open_text
from ..drops import Scope
from ..modifications import Modification
from ..site_tables import SITE_COLUMNS

STAGE = "read"
DUPLICATE = "duplicate position"

_SKIPPED = ("#", "track ", "track\t", "browser ", "browser\t")

_SAME_ASSEMBLY = {
    "grch37": "hg19",
    "grch38": "hg38",
    "ncbi36": "hg18",
    "grcm38": "mm10",
    "grcm39": "mm39",
    "rnor5": "rn5",
    "rnor6": "rn6",
    "mratbn7": "rn7",
    "grcz10": "danrer10",
    "grcz11": "danrer11",
    "mmul8": "rhemac8",
    "sscrofa10": "susscr3",
    "sscrofa11": "susscr11",
}
_ASSEMBLY = re.compile(
    r"(?<![a-z0-9])((?:hg|mm|rn|danrer|pantro|rhemac|susscr|dm|ce|tair|saccer|galgal|bostau)[0-9]+"
    r"|grc[hmz][0-9]+|ncbi36|rnor_?[56]|mratbn7|mmul_?8|sscrofa1[01])(?![a-z0-9])"
)


def read_fields(
    path: str | Path, columns: Mapping[str, int], *, separator: str | None = "\t", skip_lines: int = 0
) -> pd.DataFrame:
    """Chosen fields of a delimited file as text, indexed by 1-based line number.

    Blank lines, ``#`` comments and the ``track`` and ``browser`` lines of genome browsers are passed over.

    Parameters
    ----------
    columns : mapping of str to int
        Name of each wanted column and its 0-based index.
    separator : str or None
        None splits at tabs where the line has one and at blanks where not, as BED allows.
    skip_lines : int
        Lines at the top, up to and with the header, that are not data.

    Raises
    ------
    InputError
        If a row has too few fields or the file has no row.
    """
    needed = max(columns.values()) + 1
    pick = itemgetter(*columns.values()) if len(columns) > 1 else lambda fields: (fields[next(iter(columns.values()))],)
    picked: list[tuple[str, ...]] = []
    numbers: list[int] = []
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if number <= skip_lines or not line.strip() or line.startswith(_SKIPPED):
                continue
            fields = line.split(separator if separator is not None else "\t" if "\t" in line else None)
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
    if not picked:
        raise InputError("the file holds no site", path=path, remedy="fetch it again, or leave it out of the sheet")
    frame = pd.DataFrame(picked, columns=list(columns), index=pd.Index(numbers, name="line"), dtype=object)
    return frame.apply(lambda column: column.str.strip())


def read_named_fields(path: str | Path, columns: Iterable[str], *, separator: str = "\t") -> pd.DataFrame:
    """As :func:`read_fields`, for a file whose first line names its columns.

    Raises
    ------
    InputError
        If a column is missing, too.
    """
    number, names = first_line(path)
    header = [name.strip() for name in names.split(separator)]
    columns = list(columns)
    missing = [name for name in columns if name not in header]
    if missing:
        raise InputError(
            f"the header lacks {', '.join(missing)}",
            path=path,
            line=number,
            value=names,
            remedy="check that the file is of the named format",
        )
    return read_fields(path, {name: header.index(name) for name in columns}, separator=separator, skip_lines=number)


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


def whole_numbers(rows: pd.DataFrame, column: str, path: str | Path, *, least: int = 0) -> np.ndarray:
    """A text column as integers.

    Returns
    -------
    numpy.ndarray, shape=(len(rows),), dtype=int64

    Raises
    ------
    InputError
        With line and value, if a field is no whole number or is less than ``least``.
    """
    text = rows[column]
    sound = text.str.fullmatch(r"[0-9]{1,18}").to_numpy(dtype=bool)
    values = np.full(len(rows), -1, dtype=np.int64)
    values[sound] = text[sound].astype(np.int64)
    refuse_rows(rows, values >= least, column, path, f"{column} is no whole number of at least {least}", "correct it")
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
    wanted = _assemblies(assembly)
    if not wanted:
        return
    stated = _assemblies(" ".join([Path(path).name, *texts]))
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
    source: str | np.ndarray,
    support: np.ndarray | int = 1,
) -> pd.DataFrame:
    """The border table of checked rows: sorted, one row per position and strand, repeats dropped and counted.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns ``chrom`` and ``strand``.
    starts : numpy.ndarray, shape=(len(rows),)
        0-based positions.
    source : str or numpy.ndarray, shape=(len(rows),)
        Names to enter; the scope's own source is the one that drops are counted under.
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
            "source": source,
            "support": np.broadcast_to(np.asarray(support, dtype=np.int64), len(rows)),
        },
        columns=list(SITE_COLUMNS),
    )
    frame = frame.sort_values(
        ["chrom", "start", "strand", "support"], ascending=[True, True, True, False], kind="stable"
    )
    frame = scope.keep(frame, ~frame.duplicated(["chrom", "start", "strand"]), DUPLICATE).reset_index(drop=True)
    frame.attrs["assembly"] = assembly
    return scope.kept(frame)


def same_assembly(one: str, other: str) -> bool:
    """Whether two names may mean one assembly: hg19 and GRCh37.p13 do, hg19 and hg38 do not; no name may be any."""
    known = _assemblies(one), _assemblies(other)
    alike = bool(known[0] & known[1]) if all(known) else one.lower() == other.lower()
    return alike or not (one and other)


def _assemblies(text: str) -> set[str]:
    found = {name.replace("_", "") for name in _ASSEMBLY.findall(text.lower())}
    return {_SAME_ASSEMBLY.get(name, name) for name in found}
