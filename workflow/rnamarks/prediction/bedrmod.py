"""bedRMod, version 2: its header, and writing (specification: github.com/dieterich-lab/euf-specs, bedRModv2).

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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from .. import __version__
from ..errors import InputError
from ..files import write_text
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

WHOLE = re.compile(r"[0-9]{1,20}")
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
            if header_fault(key, text) or text != _safe(text):
                raise InputError(f"bedRMod's header field {key} is faulty", value=text, remedy=HEADER_REMEDIES[key])
        return [f"#{key}={values[key]}" for key in HEADER_KEYS]


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


def _chromosomes(sites: Iterable[pd.DataFrame]) -> dict[str, None]:
    """Names in the order in which they come."""
    return dict.fromkeys(name for frame in sites for name in frame["chrom"].unique())


def entries_of(value: str) -> list[tuple[str, str, str]]:
    """Name, short name and base of each entry of modification_names; empty where it is malformed."""
    found = list(_NAMES.finditer(value))
    whole = "".join(match.group() for match in found) == value and not value.endswith((",", " "))
    return [match.groups() for match in found] if whole else []


HEADER_EXAMPLES = dict.fromkeys(HEADER_KEYS, "") | {
    "fileformat": FORMAT,
    "organism": "9606",
    "modification_type": "RNA",
    "modification_names": "m6A:m6A:A",
    "assembly": "GRCh38",
    "annotation_source": "Ensembl",
    "annotation_version": "110",
}
HEADER_REMEDIES = dict.fromkeys(HEADER_KEYS, "use printable ASCII letters on one line") | {
    "fileformat": f"this program knows {FORMAT}",
    "organism": "give the number of the NCBI taxon, such as 9606",
    "modification_type": "give the kind of RNA, such as RNA",
    "modification_names": "give name:short name:unmodified base, such as m6A:m6A:A, separated by commas",
    "assembly": "name the assembly, such as GRCh38",
    "annotation_source": "name the annotation, such as Ensembl",
    "annotation_version": "give its version, such as 110",
}


def header_fault(key: str, value: str) -> str:
    """What is wrong with the value of a header field; ``""`` where nothing is."""
    if key in _REQUIRED and not value:
        return f"the header field {key} has no value"
    if key == "fileformat" and value != FORMAT:
        return "the format is another one"
    if key == "organism" and not WHOLE.fullmatch(value):
        return "the organism is no NCBI taxon"
    if key == "modification_names":
        entries = entries_of(value)
        if not entries:
            return "modification_names is malformed"
        if len({name for name, _, _ in entries}) < len(entries):
            return "modification_names explains a name twice"
    return ""


def _safe(text: str) -> str:
    """Printable ASCII on one line."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)
