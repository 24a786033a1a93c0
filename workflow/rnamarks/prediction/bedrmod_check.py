"""Whether a file is bedRMod, version 2, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from ..files import open_text
from .bedrmod import COLUMNS, HEADER_EXAMPLES, HEADER_KEYS, HEADER_REMEDIES, WHOLE, entries_of, header_fault

MOST_FAULTS = 1000

_LARGEST = 2**64 - 1
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")
_CHROM = re.compile(r"[A-Za-z0-9_]{1,255}")


@dataclass
class Report:
    """What the check of a file found.

    Attributes
    ----------
    path : path-like
    faults : list of InputError
        What the specification forbids, at most :data:`MOST_FAULTS`, each with file, line, value and remedy.
    warnings : list of InputError
        What it advises against.
    n_faults, n_warnings : int
        Numbers of all of them.
    sites : int
        Data lines.
    header : dict of str to str
    """

    path: str | Path
    faults: list[InputError] = field(default_factory=list)
    warnings: list[InputError] = field(default_factory=list)
    n_faults: int = 0
    n_warnings: int = 0
    sites: int = 0
    header: dict[str, str] = field(default_factory=dict)

    def fault(self, what: str, line: int | None, value: object, remedy: str) -> None:
        """Add a fault."""
        self.n_faults += 1
        if self.n_faults <= MOST_FAULTS:
            self.faults.append(InputError(what, path=self.path, line=line, value=value, remedy=remedy))

    def warn(self, what: str, line: int | None, value: object, remedy: str) -> None:
        """Add a warning."""
        self.n_warnings += 1
        if self.n_warnings <= MOST_FAULTS:
            self.warnings.append(InputError(what, path=self.path, line=line, value=value, remedy=remedy))


def check_bedrmod(path: str | Path) -> Report:
    """Check a file against the specification, every line of it.

    Returns
    -------
    Report
        A file is sound if ``faults`` is empty.

    Raises
    ------
    InputError
        If the file is missing or cannot be read as text.
    """
    report = Report(path)
    names: set[str] = set()
    width: int | None = None
    in_header = True
    line_of: dict[str, int] = {}
    number = 0
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if line.startswith("#"):
                _check_comment(line, number, in_header, report, line_of)
                continue
            if in_header:
                in_header = False
                names = _check_header(report, line_of)
            if not line.strip():
                report.fault("the line is blank", number, None, "remove it")
                continue
            report.sites += 1
            fields = line.split("\t")
            if len(fields) == 1:
                fields = line.split()
                report.warn("the fields are separated by blanks", number, None, "separate them by single tabs")
            if len(fields) < len(COLUMNS):
                report.fault(f"a line has 11 or more fields, this one {len(fields)}", number, line, "fill it up")
                continue
            if width is None:
                width = len(fields)
                if width == 12:
                    report.warn("12 fields are taken for BED12 by other programs", number, None, "give 11 or 13")
            if len(fields) != width:
                report.fault(f"the line has {len(fields)} fields, others {width}", number, line, "make them equal")
            for what, value, remedy in _data_faults(fields, names):
                report.fault(what, number, value, remedy)
            if not (WHOLE.fullmatch(fields[4]) and int(fields[4]) <= 1000) and _PRINTABLE.fullmatch(fields[4]):
                report.warn("the score is no whole number from 0 to 1000", number, fields[4], "browsers need one")
        if in_header:
            _check_header(report, line_of)
        if isinstance(handle.newlines, tuple):
            report.fault("the lines end in several ways", None, handle.newlines, "use \\n throughout")
    if report.header and line_of.get("fileformat", 1) != 1:
        report.warn("fileformat is not the first line", line_of["fileformat"], None, "move it to the top")
    if not report.sites:
        report.warn("the file has a header and no site", number or None, None, "nothing, if none was found")
    return report


def _check_comment(line: str, number: int, in_header: bool, report: Report, line_of: dict[str, int]) -> None:
    key, separator, value = line[1:].partition("=")
    if not separator or key not in HEADER_KEYS:
        return
    if not in_header:
        report.fault(f"the header field {key} is below a site", number, line, "move it to the top")
    elif key in line_of:
        report.fault(f"the header field {key} is in line {line_of[key]}", number, line, "keep one")
    else:
        line_of[key], report.header[key] = number, value.strip()


def _check_header(report: Report, line_of: Mapping[str, int]) -> set[str]:
    for key in HEADER_KEYS:
        if key not in report.header:
            report.fault(f"the header field {key} is missing", 1, None, f"add a line #{key}={HEADER_EXAMPLES[key]}")
            continue
        fault = header_fault(key, report.header[key])
        if fault:
            report.fault(fault, line_of[key], report.header[key], HEADER_REMEDIES[key])
    return {name for name, _, _ in entries_of(report.header.get("modification_names", ""))}


def _data_faults(fields: Sequence[str], names: set[str]) -> Iterator[tuple[str, str, str]]:
    chrom, start, end, name, _, strand, thick_start, thick_end, rgb, coverage, frequency = fields[: len(COLUMNS)]
    for column, value in zip(COLUMNS, fields, strict=False):
        if not _PRINTABLE.fullmatch(value):
            what = (
                f"the {column} is missing" if not value else f"the {column} holds a letter that is not printable ASCII"
            )
            yield what, value, "missing values and other letters are not allowed"
            return
    if not _CHROM.fullmatch(chrom):
        yield "the chrom holds more than letters, digits and _", chrom, "rename the chromosome"
    for column, value in (
        ("chromStart", start),
        ("chromEnd", end),
        ("thickStart", thick_start),
        ("thickEnd", thick_end),
        ("coverage", coverage),
    ):
        if not (WHOLE.fullmatch(value) and int(value) <= _LARGEST):
            yield f"the {column} is no whole number from 0 to 2^64 - 1", value, "correct it"
            return
    if int(end) <= int(start):
        yield "the chromEnd is not above the chromStart", f"{start}-{end}", "a site has at least one base"
    elif not int(start) <= int(thick_start) <= int(thick_end) <= int(end):
        yield "thickStart and thickEnd leave the site", f"{thick_start}-{thick_end}", f"give {start} and {end}"
    if names and name.split(",")[0] not in names:
        yield "the name is not in modification_names", name, "add it there"
    if strand not in ("+", "-", "."):
        yield "the strand is none of + - .", strand, "correct it"
    if rgb != "0":
        parts = rgb.split(",")
        if len(parts) != 3 or not all(WHOLE.fullmatch(part) and int(part) <= 255 for part in parts):
            yield "the itemRgb is not three numbers up to 255", rgb, "give for example 0,0,0"
    if int(coverage) == 0:
        yield "the coverage is 0", coverage, "leave out sites that nothing covers"
    if not (_DECIMAL.fullmatch(frequency) and 0 <= float(frequency) <= 100):
        yield "the frequency is no percentage from 0 to 100", frequency, "correct it"
