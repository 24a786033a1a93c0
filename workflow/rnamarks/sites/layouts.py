"""Layouts: what a configuration says about tables that do not say it themselves; the standard library alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import InputError
from ..registry import registered

SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "blank": None}
_ROLES = ("place", "chrom", "start", "end", "strand", "support", "modification")
THRESHOLDS = ("minimum_coverage", "minimum_percentage")

Column = str | int


@dataclass(frozen=True)
class Layout:
    """How a table says where its sites are. A column is given by its name in the header or its number from 1.

    Parameters
    ----------
    origin : {0, 1}
        What the first base of a chromosome is called in the table. Where there is an end, the interval is half-open
        if 0 and closed if 1.
    chrom, start, end, strand : str or int, optional
        Columns. ``end`` is needed only to tell single nucleotides from peaks.
    place : str or int, optional
        In place of ``chrom`` and ``start``, a column of ``chr1:100``, ``chr1:100-100``, ``chr1:100(+)``, ``chr1:100:+``
        or ``chr1:100:C:+``.
    support : str or int, optional
        Column of the number of experiments; 1 where it is not given.
    modification : str or int, optional
        Column with the modification's short name or a synonym, in a table of several.
    where : mapping, optional
        Column to the value, or list of values, that a row must have in it; a number, also as text, counts from 1.
    header : int
        Line that names the columns, counted from 1; 0 if there is none.
    separator : {"tab", "comma", "semicolon", "blank"}
        Of a text file.
    sheet : str or int, optional
        Sheet of a workbook, by name or number from 1; default the first.
    mixed_bases : bool
        Whether the table lists sites of several bases without saying which. Only sites on the modification's base
        are taken, and the base says nothing about the assembly then.
    """

    origin: int
    chrom: Column = ""
    start: Column = ""
    end: Column = ""
    strand: Column = ""
    place: Column = ""
    support: Column = ""
    modification: Column = ""
    where: Mapping[Column, Any] = field(default_factory=dict)
    header: int = 1
    separator: str = "tab"
    sheet: Column = 1
    mixed_bases: bool = False

    def __post_init__(self) -> None:
        fault: tuple[str, object, str] | None = None
        kinds = {role: getattr(self, role) for role in (*_ROLES, "sheet")} | {f"where {key}": key for key in self.where}
        unknown = [role for role, column in kinds.items() if type(column) not in (str, int)]
        if unknown:
            raise InputError(
                f"{unknown[0]} is no column", value=kinds[unknown[0]], remedy="give a name or a number from 1"
            )
        if not isinstance(self.mixed_bases, bool):
            raise InputError("mixed_bases is neither true nor false", value=self.mixed_bases, remedy="correct it")
        numbers = [self.columns()[role] for role in self.columns() if isinstance(self.columns()[role], int)]
        if self.origin not in (0, 1) or isinstance(self.origin, bool):
            fault = "the origin is neither 0 nor 1", self.origin, "say what the table calls the first base"
        elif not (self.place or (self.chrom and self.start)) or (self.place and (self.chrom or self.start)):
            fault = "the layout does not say where the sites are", None, "name place, or chrom and start"
        elif not (self.place or self.strand):
            fault = "the layout names no column of strands", None, "name strand"
        elif self.separator not in SEPARATORS:
            fault = "no such separator", self.separator, f"choose one of {', '.join(SEPARATORS)}"
        elif type(self.header) is not int or self.header < 0:
            fault = "the header is no line number", self.header, "count from 1, or write 0 if there is none"
        elif any(number < 1 for number in numbers):
            fault = "a column has no such number", min(numbers), "count columns from 1"
        elif not self.header and any(isinstance(column, str) for column in self.columns().values()):
            fault = "columns without a header have no names", None, "give their numbers, from 1"
        if fault:
            raise InputError(fault[0], value=fault[1], remedy=fault[2])

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Layout:
        """A layout as a configuration writes it.

        Raises
        ------
        InputError
            If a key is unknown, ``origin`` is missing, or the layout does not say where sites are.
        """
        known = [part.name for part in fields(cls)]
        for key in entry:
            if key not in known:
                raise InputError("no such key of a layout", value=key, remedy=f"known are {', '.join(known)}")
        if not isinstance(entry.get("where", {}), Mapping):
            raise InputError(
                "where of a layout is not a mapping", value=entry["where"], remedy="give columns and values"
            )
        if "origin" not in entry:
            raise InputError("the layout has no origin", remedy="add origin: 0 or origin: 1")
        # keys of a configuration are text
        where = {int(key) if str(key).isdecimal() else key: value for key, value in entry.get("where", {}).items()}
        return cls(**{**entry, "where": where})

    def columns(self) -> dict[str, Column]:
        """Role, or ``where`` and a number, of each column that is read."""
        roles = {role: getattr(self, role) for role in _ROLES if getattr(self, role) != ""}
        return roles | {f"where {number}": column for number, column in enumerate(self.where)}


def check_thresholds(layout: Mapping[str, Any]) -> None:
    """Raise :class:`InputError` unless a layout is one of bedMethyl, see ``read_bedmethyl``."""
    if not set(THRESHOLDS) <= set(layout) <= {*THRESHOLDS, "code"}:
        raise InputError(
            "the layout of bedMethyl has unknown or missing keys",
            value=", ".join(layout),
            remedy=f"give {', '.join(THRESHOLDS)}, and code if need be",
        )
    limits = [layout[key] for key in THRESHOLDS]
    if not all(isinstance(limit, int | float) and not isinstance(limit, bool) and limit >= 0 for limit in limits):
        raise InputError("a threshold of bedMethyl is no number of 0 or more", value=limits, remedy="correct it")


def check_windows(layout: Mapping[str, Any]) -> None:
    """Raise :class:`InputError` unless a layout is one of windows that are looked for in the genome."""
    known = registered("WINDOW_FORMATS")
    # what is no text may not be looked up
    if set(layout) != {"windows"} or str(layout["windows"]) not in known:
        raise InputError(
            "the layout of windows names no format of windows",
            value=", ".join(f"{key}: {value}" for key, value in layout.items()),
            remedy=f"give windows: {', '.join(known)}",
        )


LAYOUTS: dict[str, Callable[[Mapping[str, Any]], object]] = {
    "bedmethyl": check_thresholds,
    "table": Layout.from_mapping,
    "windows": check_windows,
}
"""By format, what raises :class:`InputError` for a layout that cannot be used."""


def check_layout(form: str, layout: Mapping[str, Any] | None) -> None:
    """Raise :class:`InputError` if a format of site tables needs a layout, takes none or takes another one."""
    if form not in LAYOUTS:
        if layout is not None:
            raise InputError(f"the format {form} takes no layout", remedy="leave it out, or set format: table")
    elif layout is None:
        raise InputError(f"the format {form} does not say what is in which column", remedy="add a layout")
    else:
        LAYOUTS[form](layout)
