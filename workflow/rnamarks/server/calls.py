"""The calls of a scan as a table to look through: filtered, sorted, some at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ..errors import InputError
from ..prediction.site_files import SITE_SCHEMA, TOP_FIELD

ROWS = 20
"""Calls of a page."""
_UP, _DOWN = True, False
SORTS = {
    "q": (("q", _UP), ("p", _UP), ("probability", _DOWN)),
    "p": (("p", _UP), ("probability", _DOWN)),
    "probability": (("probability", _DOWN),),
    "task": (("task", _UP), ("q", _UP), ("probability", _DOWN)),
    "gene": (("gene_name", _UP), ("gene", _UP), ("q", _UP)),
    "region": (("region", _UP), ("q", _UP)),
    "genome": (("chrom", _UP), ("genome_start", _UP)),
    "place": (),
}
"""What calls can be sorted by, and the columns of that, best calls first; without columns they lie as in the
sequences."""


@dataclass(frozen=True)
class Query:
    """What is looked for.

    Attributes
    ----------
    task : str
        ``""`` for all.
    q : float or None
        Only calls with q below this, those without q left out.
    sort : str
        A key of :data:`SORTS`.
    reverse : bool
        The other way round than usual, which is the best first.
    page : int
        From 1.
    """

    task: str = ""
    q: float | None = None
    sort: str = "q"
    reverse: bool = False
    page: int = 1

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Query:
        """From the query of an address; :class:`InputError` if a value cannot be."""
        sort, limit, page = given.get("sort", Query.sort), given.get("q", "").strip(), given.get("page", "1")
        if sort not in SORTS:
            raise InputError("calls cannot be sorted by that", value=sort, remedy=f"use {', '.join(SORTS)}")
        try:
            q, number = float(limit) if limit else None, int(page)
        except ValueError as error:
            raise InputError("q or the page is no number", value=limit or page, remedy="use for example 0.1") from error
        return cls(given.get("task", ""), q, sort, "reverse" in given, max(1, number))

    def address(self, **changes: Any) -> dict[str, Any]:
        """The values of an address that asks for this, or for this with changes."""
        values = {**self.__dict__, **changes}
        values["q"] = "" if values["q"] is None else f"{values['q']:g}"
        default = {**Query().__dict__, "q": ""}
        return {
            name: int(value) if value is True else value for name, value in values.items() if value != default[name]
        }

    def sorted_by(self, sort: str) -> dict[str, Any]:
        """The values of an address that sorts by that, or turns the order round if it is sorted by that already."""
        return self.address(sort=sort, reverse=self.sort == sort and not self.reverse, page=1)


class Found(NamedTuple):
    """``rows``, those of one page; ``number`` of all that fit; ``pages``; ``columns`` of the table."""

    rows: list[dict[str, Any]]
    number: int
    pages: int
    columns: list[str]


def find_calls(path: Path, query: Query) -> Found:
    """Some rows of a table of calls, TSV of :class:`rnamarks.prediction.site_files.SiteText`."""
    table = _read(path)
    keep = np.ones(table.num_rows, dtype=bool)
    if query.task:
        keep &= pc.equal(table["task"], query.task).to_numpy()
    if query.q is not None:
        with np.errstate(invalid="ignore"):
            keep &= table["q"].to_numpy() < query.q
    chosen = np.flatnonzero(keep)
    keys = {name: up != query.reverse for name, up in SORTS[query.sort] if name in table.column_names}
    if keys:
        frame = table.select(list(keys)).to_pandas().iloc[chosen].reset_index(drop=True)
        # what is not known comes last, whichever way round
        chosen = chosen[frame.sort_values(list(keys), ascending=list(keys.values()), kind="stable").index]
    elif query.reverse:
        chosen = chosen[::-1]
    pages = max(1, -(-len(chosen) // ROWS))
    first = ROWS * (min(query.page, pages) - 1)
    shown = table.take(pa.array(chosen[first : first + ROWS])).to_pylist()
    return Found(shown, len(chosen), pages, table.column_names)


def find_call(path: Path, task: str, sequence: str, start: str) -> dict[str, Any] | None:
    """One row of a table of calls, its ``start`` as the table writes it; None if there is none."""
    table = _read(path)
    # as text, of which an address may hold any
    starts = pc.cast(table["start"], pa.string())
    fits = pc.and_(
        pc.equal(starts, start), pc.and_(pc.equal(table["task"], task), pc.equal(table["sequence"], sequence))
    )
    rows = table.filter(fits).to_pylist()
    return rows[0] if rows else None


def _read(path: Path) -> pa.Table:
    types = {field.name: field.type for field in [*SITE_SCHEMA, TOP_FIELD]}
    # an empty number is not known, an empty text is empty
    return csv.read_csv(
        path,
        read_options=csv.ReadOptions(use_threads=False),
        parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False),
    )
