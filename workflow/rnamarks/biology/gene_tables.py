"""Readers of published tables that hold one value per gene or transcript.

Every reader gives the same: identifiers as written and a value each, one row per identifier. What was left out is
counted by reason. A value that comes more than once is the median of its rows: it does not depend on their order, and
one bad row does not move it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError
from ..files import open_bytes, open_text
from ..registry import Register
from ..tables import is_number, split_quoted
from ..workbooks import OLE_MAGIC, ZIP_MAGIC, sheet_rows
from .identifiers import match_ids

logger = logging.getLogger(__name__)

MISSING = frozenset({"", "-", ".", "na", "n/a", "nan", "null", "none", "#n/a", "#value!", "#div/0!", "#num!", "#ref!"})
"""Texts that mean a missing value, in lower case."""
_SEPARATED = re.compile(r"[+-]?[0-9][0-9.,'’_\s]*[0-9](e[+-]?[0-9]+)?\s*%?", re.IGNORECASE)
"""Digits with separators of thousands, or a comma for the decimal point, which no number of the table may have."""
GENE_KEYS = ("gene", "gene_name", "transcript")
"""Columns of a gene table whose identifiers a published table may use."""
_SEARCHED = 10


@dataclass(frozen=True)
class Values:
    """Values of one table.

    Attributes
    ----------
    frame : pandas.DataFrame
        ``id`` (text, unique) and ``value`` (finite), in the order of the file.
    counts : dict of str to int
        Rows by what became of them; ``rows`` is their number in the file.
    column : str
        The column that the values come from, with the transform.
    path : str
    """

    frame: pd.DataFrame
    counts: dict[str, int] = field(default_factory=dict)
    column: str = ""
    path: str = ""


@dataclass(frozen=True)
class TableFormat:
    """A published form of a table.

    Attributes
    ----------
    about : str
    id : tuple of str or int
        Column of identifiers, by name or 1-based number, where none is chosen: the first of these that the table has.
    value : str or int, optional
        Column of values where none is chosen.
    titled : bool
        Whether a line of group titles may lie above the header, so that the header has to be looked for.
    """

    about: str
    id: tuple[str | int, ...] = ()
    value: str | int | None = None
    titled: bool = False


GENE_TABLES: Register[TableFormat] = Register("format of gene tables")

for _name, _format in {
    "columns": TableFormat("Any table with a header line, both columns named."),
    "rsem": TableFormat(
        "Quantifications of RSEM, as ENCODE publishes them (GSM2072352). Rows whose identifier is a plain number (tRNA "
        "of ENCODE) or a spike-in match no gene and are counted as such.",
        ("gene_id", "transcript_id"),
        "FPKM",
    ),
    "half_life": TableFormat("A list of half-lives.", ("gene_name",), "half_life"),
    "saluki": TableFormat(
        "The half-life matrix of Agarwal and Kelley 2022. Studies are on different scales, some of them rates, so the "
        "column of one has to be named.",
        ("ensembl_gene_id",),
    ),
    "riboseq_te": TableFormat(
        "Ribosome profiling by transcript, blank-separated. `te` (ribosome-bound over total RPKM) and "
        "`external_gene_id` (several transcripts of a gene give their median) are there, too.",
        ("ensembl_tx_id",),
        "rpkm_riboseq",
    ),
    "wang2014": TableFormat(
        "A supplementary table of GSE49339 (Wang et al. 2014), the workbook or text saved from it. The 28th column is "
        "the half-life in the two lifetime tables, as re-analyses of them have used it; for the ribosome profile name "
        "the column of RPKM.",
        (1,),
        28,
        titled=True,
    ),
}.items():
    GENE_TABLES.add(_name)(_format)

TRANSFORMS: Register[tuple[Callable[[np.ndarray], np.ndarray], float]] = Register("transform")
"""Function, and what a value must be above."""

for _name, _function, _bound in (
    ("none", lambda values: values, -np.inf),
    ("log2", np.log2, 0.0),
    ("log2p1", lambda values: np.log2(values + 1), -1.0),
):
    TRANSFORMS.add(_name)((_function, _bound))


def read_values(
    path: str | Path,
    table_format: str = "columns",
    *,
    id: str | int | None = None,
    value: str | int | None = None,
    transform: str = "none",
) -> Values:
    """One value per identifier of a published table.

    Parameters
    ----------
    path : path-like
    table_format : str
        Name in :data:`GENE_TABLES`.
    id, value : str or int, optional
        Columns, by name (case counts only where two names differ by it) or 1-based number; see :class:`TableFormat`.
    transform : str
        Name in :data:`TRANSFORMS`, applied after duplicates were joined: ``log2p1`` is log2(1 + value).

    Returns
    -------
    Values

    Raises
    ------
    InputError
        If a column is missing, a value has separators of thousands or a decimal comma, most values are no numbers,
        nothing is left, or a value has no logarithm.
    """
    ids, texts, column = _choose_columns(path, GENE_TABLES[table_format], id, value)
    function, bound = TRANSFORMS[transform]
    ids = ids.astype("string").fillna("").astype(object).str.strip()
    texts = texts.astype("string").fillna("").astype(object).str.strip()
    numbers, missing = read_numbers(texts, f"the column {column!r}", path)
    infinite = np.isinf(numbers)
    foreign = numbers.isna() & ~missing
    counts = {
        "rows": len(ids),
        "no identifier": int((ids == "").sum()),
        "no value": int(missing.sum()),
        "value is no number": int(foreign.sum()),
        "value is infinite": int(infinite.sum()),
    }
    if foreign.sum() > max(1, (~missing).sum()) / 2:
        raise InputError(
            f"most values of the column {column!r} are no numbers",
            path=path,
            line=int(foreign.idxmax()),
            value=texts[foreign].iloc[0],
            remedy="name the column that holds the values",
        )
    kept = numbers.notna() & ~infinite & (ids != "")
    frame = pd.DataFrame({"id": ids[kept], "value": numbers[kept]})
    joined = frame.groupby("id", sort=False)["value"].median()
    counts["further rows of an identifier, joined to the median"] = len(frame) - len(joined)
    faulty = joined <= bound
    if faulty.any():
        raise InputError(
            f"{int(faulty.sum())} values of the column {column!r} have no logarithm, first that of "
            f"{joined.index[faulty.argmax()]}",
            path=path,
            value=float(joined[faulty].iloc[0]),
            remedy="choose another transform",
        )
    if joined.empty:
        raise InputError(f"the column {column!r} holds no value", path=path, remedy="name another column")
    label = {"none": "{}", "log2": "log2 {}", "log2p1": "log2(1 + {})"}[transform].format(column)
    counts["kept"] = len(joined)
    logger.info("%s: %s", path, ", ".join(f"{count} {reason}" for reason, count in counts.items() if count))
    result = pd.DataFrame({"id": joined.index.to_numpy(dtype=object), "value": function(joined.to_numpy())})
    return Values(result, counts, label, str(path))


def _choose_columns(
    path: str | Path, layout: TableFormat, id: str | int | None, value: str | int | None
) -> tuple[pd.Series, pd.Series, str]:
    """Identifiers, values as text, and the name of their column."""
    table = read_table(path, titled=layout.titled)
    keys = layout.id if id is None else (id,)
    value = layout.value if value is None else value
    if not keys or value is None:
        raise InputError(
            "the columns of the table are not named",
            path=path,
            remedy=f"give {'value' if keys else 'id and value'}; it has {_names(table)}",
        )
    key = next((name for name in keys if name in table.columns), keys[0])
    name = find_column(table, value, path)
    return table[find_column(table, key, path)], table[name], name


def read_numbers(texts: pd.Series, what: str, path: str | Path) -> tuple[pd.Series, pd.Series]:
    """Numbers of a column of text.

    Parameters
    ----------
    texts : pandas.Series of str
        The index holds the lines of the file.
    what : str
        Name of the column, for messages.
    path : path-like

    Returns
    -------
    numbers : pandas.Series of float
        NaN where there is no number.
    missing : pandas.Series of bool
        Where the text means a missing value, see :data:`MISSING`.

    Raises
    ------
    InputError
        If a value has separators of thousands or a decimal comma, which would else be lost.
    """
    numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    missing = texts.str.lower().isin(MISSING)
    separated = numbers.isna() & ~missing & texts.str.fullmatch(_SEPARATED)
    if separated.any():
        line = separated.idxmax()
        raise InputError(
            f"a value of {what} has separators of thousands, a decimal comma or a sign of percent",
            path=path,
            line=int(line),
            value=texts[line],
            remedy="write plain numbers, as in 1234.5, and give the file again",
        )
    return numbers, missing


def join_genes(
    genes: pd.DataFrame, values: Values, *, what: str, minimum: float = 0.5
) -> tuple[pd.Series, dict[str, object]]:
    """Values for the rows of a gene table, whichever of its identifiers the published table uses.

    Each of :data:`GENE_KEYS` that the gene table has is tried, and the one that matches most is taken. The fraction is
    that of the shorter of the two lists, so neither a table of the whole genome nor one of few genes is at fault for
    its size. Genes that share the matched identifier (a symbol of two genes) get no value.

    Parameters
    ----------
    genes : pandas.DataFrame
        One row per gene.
    values : Values
    what : str
        Name of the comparison, for messages.
    minimum : float
        Fraction that must match.

    Returns
    -------
    value : pandas.Series, index as ``genes``
        NaN without a match.
    record : dict
        ``key``, ``wanted``, ``matched``, ``fraction``, ``doubtful`` (genes of one identifier).

    Raises
    ------
    InputError
        If less than ``minimum`` matches.
    """
    by_id = values.frame.set_index("id")["value"]
    best: tuple[pd.Series, str] | None = None
    for key in (name for name in GENE_KEYS if name in genes):
        names = genes[key].fillna("").astype(str).str.strip()
        if not (names != "").any():
            continue
        matched = _match_shorter(names, by_id.index, what=what, path=values.path, minimum=0.0)
        if best is None or matched.attrs["fraction"] > best[0].attrs["fraction"]:
            best = matched, key
    if best is None:
        raise InputError("the gene table names no gene", path=values.path, remedy="predict on annotated transcripts")
    key = best[1]
    names = genes[key].fillna("").astype(str).str.strip()
    matched = _match_shorter(
        names,
        by_id.index,
        what=f"{'genes' if key == 'gene' else key.replace('_', ' ') + 's'} of {what}",
        path=values.path,
        minimum=minimum,
    )
    target = pd.Series(matched.to_numpy(), index=genes.index)
    doubtful = target.ne("") & target.duplicated(keep=False)
    result = target.map(by_id).where(~doubtful).astype(np.float64)
    record = {name: matched.attrs[name] for name in ("wanted", "matched", "fraction")}
    return result, {"key": key, **record, "doubtful": int(doubtful.sum())}


def _match_shorter(names: pd.Series, ids: Sequence[str], **options: object) -> pd.Series:
    """For each name the id; the fraction is that of whichever list is shorter."""
    distinct = [name for name in dict.fromkeys(names) if name]
    if len(distinct) <= len(ids):
        return match_ids(names, ids, **options)
    matched = match_ids(ids, distinct, **options)
    back: dict[str, str] = {}
    doubtful = set()
    for identifier, name in zip(matched.index, matched, strict=True):
        if name and back.setdefault(name, identifier) != identifier:
            doubtful.add(name)
    result = pd.Series([back.get(name, "") if name not in doubtful else "" for name in names], dtype=object)
    result.attrs = matched.attrs
    return result


def read_table(path: str | Path, *, titled: bool = False) -> pd.DataFrame:
    """A table as text, columns named by its header line.

    Fields are separated by tabs, commas, semicolons or blanks; a workbook (.xlsx) gives its first sheet. Where the
    header has one field fewer than the rows, as R writes row names, the first column is called ``row``.

    Parameters
    ----------
    path : path-like
        Plain or gzipped.
    titled : bool
        Look for the header: the first line that is as wide as the widest of the first 10 and starts with text, followed
        by a line with a number.

    Returns
    -------
    pandas.DataFrame of str
        Empty fields are ``""``; the index holds the lines of the file (of a workbook: its rows).

    Raises
    ------
    InputError
        If the file is empty, or a row is wider than the header by more than the row names.
    """
    rows = _rows(path)
    skip = _find_header(rows, path) if titled else 0
    if not rows:
        raise InputError("the table is empty", path=path, remedy="it needs a header line")
    (_, header), body = rows[skip], rows[skip + 1 :]
    if not body:
        raise InputError("the table has a header and no row", path=path, remedy="give the full file")
    header = [name.strip() or f"column {at}" for at, name in enumerate(header, 1)]
    width = max(len(fields) for _, fields in body)
    if width == len(header) + 1 and all(len(fields) in (width, width - 1) for _, fields in body):
        header = ["row", *header]
    for line, fields in body:
        if len(fields) > len(header) and any(field.strip() for field in fields[len(header) :]):
            raise InputError(
                f"the row has {len(fields)} fields and the header {len(header)}",
                path=path,
                line=line,
                remedy="give a table with one separator throughout",
            )
    if len(set(header)) < len(header):
        header = _numbered(header)
    filled = [(fields + [""] * (len(header) - len(fields)))[: len(header)] for _, fields in body]
    return pd.DataFrame(filled, columns=header, index=[line for line, _ in body], dtype=object)


def _numbered(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def _rows(path: str | Path) -> list[tuple[int, list[str]]]:
    """Line numbers and fields of all lines but blank ones and comments."""
    with open_bytes(path) as handle:
        start = handle.read(4)
    if start in (ZIP_MAGIC, OLE_MAGIC):
        return [(number, cells) for number, cells in sheet_rows(path) if any(cells)]
    with open_text(path) as handle:
        lines = [
            (number, line.rstrip("\n"))
            for number, line in enumerate(handle, 1)
            if line.strip() and not (line.startswith("#") and "\t" not in line)
        ]
    if not lines:
        raise InputError("the table is empty", path=path, remedy="it needs a header line")
    separator = _separator([line for _, line in lines[:_SEARCHED]])
    if separator is None:
        return [(number, line.split()) for number, line in lines]
    if separator == "\t":
        return [(number, [field.strip('"') for field in line.split("\t")]) for number, line in lines]
    return [(number, split_quoted(line, separator, path, number)) for number, line in lines]


def _separator(lines: Sequence[str]) -> str | None:
    """Tab, comma or semicolon if the last of these lines has it; None for blanks."""
    return next((mark for mark in ("\t", ",", ";") if mark in lines[-1]), None)


def _find_header(rows: Sequence[tuple[int, list[str]]], path: str | Path) -> int:
    filled = [sum(bool(field.strip()) for field in fields) for _, fields in rows[:_SEARCHED]]
    for at in range(len(filled) - 1):
        fields, after = rows[at][1], rows[at + 1][1]
        named = bool(fields[0].strip()) and not is_number(fields[0])
        if named and filled[at] >= 0.9 * max(filled) and any(is_number(field) for field in after[1:]):
            return at
    raise InputError("no header line is found", path=path, remedy="give a table with its header, or format: columns")


def find_column(table: pd.DataFrame, wanted: str | int, path: str | Path) -> str:
    """Name of a column given by name, by name in another case if one fits, or by 1-based number."""
    if isinstance(wanted, int):
        if 1 <= wanted <= table.shape[1]:
            return table.columns[wanted - 1]
        raise InputError(
            f"the table has {table.shape[1]} columns", path=path, value=wanted, remedy="give a number among these"
        )
    if wanted in table.columns:
        return wanted
    names = [name for name in table.columns if name.strip().lower() == wanted.strip().lower()]
    if len(names) == 1:
        return names[0]
    raise InputError("the table lacks the column", path=path, value=wanted, remedy=f"it has {_names(table)}")


def _names(table: pd.DataFrame) -> str:
    shown = [str(name) for name in table.columns]
    return ", ".join(shown[:60]) + (f" and {len(shown) - 60} more" if len(shown) > 60 else "")
