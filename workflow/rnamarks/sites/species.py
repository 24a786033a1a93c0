"""The register of species: names, assemblies, tips of the tree and colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..files import open_text

COLUMNS = ("species", "scientific", "taxid", "assembly", "tree_name", "colour")
_PATTERNS = {
    "species": (re.compile(r"[a-z][a-z0-9_]*"), "write lower-case letters, digits and _, a letter first"),
    "scientific": (re.compile(r"[A-Z][a-z]+( [A-Za-z0-9.\-]+)+"), "write genus and species, as in Homo sapiens"),
    "taxid": (re.compile(r"[1-9][0-9]*"), "write the NCBI taxonomy number"),
    "assembly": (re.compile(r"[A-Za-z0-9._\-]+"), "write the name of the assembly, as in hg19"),
    "tree_name": (re.compile(r"[A-Za-z0-9._\-]+"), "write the name of the tip in the tree file, without blanks"),
    "colour": (re.compile(r"#[0-9A-Fa-f]{6}"), "write a colour as #RRGGBB"),
}
_UNIQUE = ("species", "taxid", "tree_name", "colour")


@dataclass(frozen=True)
class Species:
    """One line of the register.

    Attributes
    ----------
    species : str
        Short name, used in configuration files, file names and as the name of a model's head.
    scientific : str
        Genus and species.
    taxid : int
        NCBI taxonomy number.
    assembly : str
        Genome assembly that site tables refer to, with UCSC's name where UCSC has one.
    tree_name : str
        Tip of the species tree.
    colour : str
        ``#RRGGBB``, the same in every figure.
    """

    species: str
    scientific: str
    taxid: int
    assembly: str
    tree_name: str
    colour: str


def read_species(path: str | Path) -> list[Species]:
    """Read the register: tab-separated, a header line, ``#`` lines before the header are skipped.

    Raises
    ------
    InputError
        If a column is missing or unknown, a line has another number of fields, a value is malformed, or a name, taxid,
        tip or colour comes twice; file and line are named.
    """
    entries: list[Species] = []
    header: list[str] | None = None
    seen: dict[tuple[str, str], int] = {}
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if not line.strip() or (header is None and line.startswith("#") and "\t" not in line):
                continue
            fields = [field.strip() for field in line.split("\t")]
            if header is None:
                header = fields
                _check_header(header, path, number)
                continue
            if len(fields) != len(header):
                raise InputError(
                    f"the line has {len(fields)} fields and the header {len(header)}",
                    path=path,
                    line=number,
                    value=line,
                    remedy="separate the fields by single tabs",
                )
            row = dict(zip(header, fields, strict=True))
            for column, (pattern, remedy) in _PATTERNS.items():
                if not pattern.fullmatch(row[column]):
                    raise InputError(
                        f"the {column} is malformed", path=path, line=number, value=row[column], remedy=remedy
                    )
            for column in _UNIQUE:
                key = (column, row[column].lower())
                if key in seen:
                    raise InputError(
                        f"the {column} already stands in line {seen[key]}",
                        path=path,
                        line=number,
                        value=row[column],
                        remedy="give each species its own",
                    )
                seen[key] = number
            entries.append(Species(**{**row, "taxid": int(row["taxid"])}))
    if not entries:
        raise InputError("the register holds no species", path=path, remedy=f"give the columns {', '.join(COLUMNS)}")
    return entries


def select_species(register: Sequence[Species], names: Sequence[str]) -> list[Species]:
    """The entries of the given short names, in the order of the names.

    Raises
    ------
    InputError
        If a name is not in the register or is given twice.
    """
    known = {entry.species: entry for entry in register}
    for index, name in enumerate(names):
        if name not in known:
            raise InputError(
                "no species of that name in the register", value=name, remedy=f"choose from {', '.join(known)}"
            )
        if name in names[:index]:
            raise InputError("the species is given twice", value=name, remedy="name it once")
    return [known[name] for name in names]


def _check_header(header: list[str], path: str | Path, line: int) -> None:
    missing = [column for column in COLUMNS if column not in header]
    unknown = [column for column in header if column not in COLUMNS]
    if missing or unknown or len(set(header)) != len(header):
        what = f"lacks {', '.join(missing)}" if missing else "has a column that is unknown or given twice"
        raise InputError(
            f"the header {what}",
            path=path,
            line=line,
            value="\t".join(header),
            remedy=f"give the columns {', '.join(COLUMNS)}",
        )
