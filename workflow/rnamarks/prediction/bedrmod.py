"""bedRMod, version 2: writing, reading and checking (specification: github.com/dieterich-lab/euf-specs, bedRModv2).

The format is made for measured sites. What its columns mean for predictions is in the header of every file that
is written here:

============  ======================================================================================================
column        meaning for predictions
============  ======================================================================================================
name          MODOMICS short name
score         1000 x probability, a whole number
coverage      transcripts (isoforms) on which the site was scored: calls, since there are no reads
frequency     100 x probability: of such sites this percentage is expected to be modified; not a stoichiometry
============  ======================================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from .. import __version__
from ..errors import InputError
from ..files import open_text, write_text
from ..tables import TSV
from ..tasks import Task
from .tracks import display_score, rgb_text

FORMAT = "bedRModv2"
COLUMNS = (
    "chrom",
    "chromStart",
    "chromEnd",
    "name",
    "score",
    "strand",
    "thickStart",
    "thickEnd",
    "itemRgb",
    "coverage",
    "frequency",
)
MOST_FAULTS = 1000
UNIDENTIFIED = 32644
"""NCBI taxon of what is not known."""

_REQUIRED = (
    "fileformat",
    "organism",
    "modification_type",
    "modification_names",
    "assembly",
    "annotation_source",
    "annotation_version",
)
_OPTIONAL = ("sequencing_platform", "basecalling", "bioinformatics_workflow", "experiment", "external_source")
HEADER_KEYS = (*_REQUIRED, *_OPTIONAL)

_LARGEST = 2**64 - 1
_WHOLE = re.compile(r"[0-9]{1,20}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")
_CHROM = re.compile(r"[A-Za-z0-9_]{1,255}")
_NOT_IN_CHROM = re.compile(r"[^A-Za-z0-9_]")
# short names such as m2,2G hold commas
_NAMES = re.compile(r"([^:,]+):([^:]+):([ACGTU])(?:, *|$)")


@dataclass(frozen=True)
class BedRModHeader:
    """The header fields of a file, in the order of the specification.

    Attributes
    ----------
    organism : int
        NCBI taxon.
    modification_names : sequence of (str, str, str)
        Name as in the fourth column, MODOMICS short name, unmodified base.
    assembly, annotation_source, annotation_version : str
    modification_type : str
        Kind of RNA.
    sequencing_platform, basecalling, bioinformatics_workflow, experiment, external_source : str
        May be ``""``.
    colours : mapping of str to str
        MODOMICS short name to ``#RRGGBB``; black for others. Of the sites, the header does not hold them.
    """

    organism: int
    modification_names: Sequence[tuple[str, str, str]]
    assembly: str
    annotation_source: str
    annotation_version: str
    modification_type: str = "RNA"
    sequencing_platform: str = ""
    basecalling: str = ""
    bioinformatics_workflow: str = ""
    experiment: str = ""
    external_source: str = ""
    colours: Mapping[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The header's lines; :class:`InputError` names a value that the format cannot hold."""
        values: dict[str, object] = {"fileformat": FORMAT, **self.__dict__}
        values["modification_names"] = ",".join(":".join(entry) for entry in self.modification_names)
        for key in HEADER_KEYS:
            text = str(values[key])
            if _header_fault(key, text) or text != _safe(text):
                raise InputError(f"bedRMod's header field {key} is faulty", value=text, remedy=_HEADER_REMEDIES[key])
        return [f"#{key}={values[key]}" for key in HEADER_KEYS]


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


def prediction_header(
    metadata: Mapping[str, object],
    *,
    organism: int,
    assembly: str,
    annotation_source: str,
    annotation_version: str,
    base: str = "",
    chebi: str = "",
    limits: Sequence[str] = (),
) -> BedRModHeader:
    """The header of a file of predictions.

    Parameters
    ----------
    metadata : mapping
        Of the **predicted sites**, see :func:`rnamarks.prediction.site_files.read_site_metadata`.
    organism : int
        NCBI taxon.
    assembly, annotation_source, annotation_version : str
    base : str
        Unmodified RNA base, where a task names none; default the one that its motif has at the site.
    chebi : str
        ChEBI number, for a modification whose short name holds a comma, which the format cannot hold.
    limits : sequence of str
        What the sites are, such as ``p<0.05``.

    Raises
    ------
    InputError
        If a task does not tell modification or base, or the header cannot hold a value.
    """
    names: dict[str, tuple[str, str, str]] = {}
    colours = {}
    for record in metadata["tasks"]:
        task = Task.from_record(record)
        motif, offset = task.place
        own = task.base or base or motif[offset : offset + 1]
        if not task.modification or len(own) != 1 or own not in "ACGU":
            raise InputError(
                f"the task {task.name} does not tell its modification and the unmodified base",
                value=(task.modification, own),
                remedy="leave --bedrmod out, or state them in the sheet of modifications",
            )
        short = task.modification
        if task.colour:
            colours[_safe(short)] = task.colour
        if ("," in short or ":" in short) and not chebi:
            raise InputError("bedRMod cannot hold the modification's name", value=short, remedy="give its ChEBI number")
        names[short] = (chebi if "," in short or ":" in short else short, _safe(short), own)
    prevalence = " ".join(f"{name} {share:.4g}" for name, share in metadata["prevalence"].items())
    header = BedRModHeader(
        organism=organism,
        modification_names=list(names.values()),
        assembly=assembly,
        annotation_source=annotation_source,
        annotation_version=annotation_version,
        sequencing_platform="none (predicted from sequence)",
        bioinformatics_workflow=(
            f"program:rnamarks {__version__};PREDICTIONS from sequence, no measurement;"
            f"model:{metadata['predictor']} sha256 {metadata['model_sha256']};"
            f"tasks:{' '.join(record['name'] for record in metadata['tasks'])};"
            f"sites:{' and '.join(limits) or 'all tested'};"
            f"score:round(1000*probability);coverage:transcripts scored at the site (no reads);"
            f"frequency:100*probability, calibrated at prevalence {prevalence}, not a stoichiometry"
        ),
        experiment="none (predicted from sequence)",
        colours=colours,
    )
    header.lines()
    return header


def write_bedrmod(
    sites: Iterable[pd.DataFrame], path: str | Path, header: BedRModHeader, *, comments: Sequence[str] = ()
) -> None:
    """Write predictions as bedRMod, 11 tab-separated columns.

    Parameters
    ----------
    sites : iterable of pandas.DataFrame
        Columns ``chrom``, ``start`` (0-based), ``strand``, ``modification``, ``probability``, ``isoforms``, some sites
        at a time in the order to write. It is gone through twice.
    path : path-like
    header : BedRModHeader
    comments : sequence of str
        Lines below the header.

    Notes
    -----
    bedRMod allows letters, digits and ``_`` in the name of a chromosome. Any other letter (``KI270728.1``) is written
    as ``_``, and a comment line names both.

    Raises
    ------
    InputError
        If two sequences would get one name.
    TypeError
        If ``sites`` can be gone through but once.
    """
    if iter(sites) is sites:
        raise TypeError("sites are gone through twice, which an iterator does not allow")
    renamed = allowed_names(_chromosomes(sites))
    names = {short: name for name, short, _ in header.modification_names}
    rgb = {short: rgb_text(header.colours.get(short, "#000000")) for short in names}
    with write_text(path) as handle:
        handle.writelines(f"{line}\n" for line in header.lines())
        # comments come last: readers take every line above the names of the columns for key=value
        handle.write("#" + "\t".join(COLUMNS) + "\n")
        handle.writelines(f"# {_safe(line)}\n" for line in comments)
        handle.writelines(
            f"# sequence {_safe(name)} is written {new}\n" for name, new in renamed.items() if name != new
        )
        for frame in sites:
            modification = frame["modification"].map(_safe)
            probability, start = frame["probability"].to_numpy(dtype=np.float64), frame["start"].to_numpy()
            columns = (
                frame["chrom"].map(renamed).to_numpy(),
                start,
                start + 1,
                modification.map(names).to_numpy(),
                display_score(probability),
                frame["strand"].to_numpy(),
                start,
                start + 1,
                modification.map(rgb).to_numpy(),
                frame["isoforms"].to_numpy(),
                100 * probability,
            )
            table = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
            table.to_csv(handle, header=False, float_format="%.4f", **TSV)


def allowed_names(names: Iterable[str]) -> dict[str, str]:
    """Each name as bedRMod allows it: letters but digits, ``_`` and A to z as ``_``.

    Raises
    ------
    InputError
        If two become one.
    """
    found: dict[str, str] = {}
    for name in names:
        new = _NOT_IN_CHROM.sub("_", name)
        if new in found:
            raise InputError(
                f"bedRMod allows letters, digits and _ in names, so {found[new]} and this one would be the same",
                value=name,
                remedy="rename one of them",
            )
        found[new] = name
    return {name: new for new, name in found.items()}


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
            if not (_WHOLE.fullmatch(fields[4]) and int(fields[4]) <= 1000) and _PRINTABLE.fullmatch(fields[4]):
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


def _chromosomes(sites: Iterable[pd.DataFrame]) -> dict[str, None]:
    """Names in the order in which they come."""
    return dict.fromkeys(name for frame in sites for name in frame["chrom"].unique())


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
            report.fault(f"the header field {key} is missing", 1, None, f"add a line #{key}={_HEADER_EXAMPLES[key]}")
            continue
        fault = _header_fault(key, report.header[key])
        if fault:
            report.fault(fault, line_of[key], report.header[key], _HEADER_REMEDIES[key])
    return {name for name, _, _ in _entries(report.header.get("modification_names", ""))}


def _entries(value: str) -> list[tuple[str, str, str]]:
    """Name, short name and base of each entry of modification_names; empty where it is malformed."""
    found = list(_NAMES.finditer(value))
    whole = "".join(match.group() for match in found) == value and not value.endswith((",", " "))
    return [match.groups() for match in found] if whole else []


_HEADER_EXAMPLES = dict.fromkeys(HEADER_KEYS, "") | {
    "fileformat": FORMAT,
    "organism": "9606",
    "modification_type": "RNA",
    "modification_names": "m6A:m6A:A",
    "assembly": "GRCh38",
    "annotation_source": "Ensembl",
    "annotation_version": "110",
}
_HEADER_REMEDIES = dict.fromkeys(HEADER_KEYS, "use printable ASCII letters on one line") | {
    "fileformat": f"this program knows {FORMAT}",
    "organism": "give the number of the NCBI taxon, such as 9606",
    "modification_type": "give the kind of RNA, such as RNA",
    "modification_names": "give name:short name:unmodified base, such as m6A:m6A:A, separated by commas",
    "assembly": "name the assembly, such as GRCh38",
    "annotation_source": "name the annotation, such as Ensembl",
    "annotation_version": "give its version, such as 110",
}


def _header_fault(key: str, value: str) -> str:
    if key in _REQUIRED and not value:
        return f"the header field {key} has no value"
    if key == "fileformat" and value != FORMAT:
        return "the format is another one"
    if key == "organism" and not _WHOLE.fullmatch(value):
        return "the organism is no NCBI taxon"
    if key == "modification_names":
        entries = _entries(value)
        if not entries:
            return "modification_names is malformed"
        if len({name for name, _, _ in entries}) < len(entries):
            return "modification_names explains a name twice"
    return ""


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
        if not (_WHOLE.fullmatch(value) and int(value) <= _LARGEST):
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
        if len(parts) != 3 or not all(_WHOLE.fullmatch(part) and int(part) <= 255 for part in parts):
            yield "the itemRgb is not three numbers up to 255", rgb, "give for example 0,0,0"
    if int(coverage) == 0:
        yield "the coverage is 0", coverage, "leave out sites that nothing covers"
    if not (_DECIMAL.fullmatch(frequency) and 0 <= float(frequency) <= 100):
        yield "the frequency is no percentage from 0 to 100", frequency, "correct it"


def _safe(text: str) -> str:
    """Printable ASCII on one line."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)
