"""The register of species: names, assemblies, tips of the tree and colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, check_choice
from ..sheets import read_sheet

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
    rows = read_sheet(path, COLUMNS, patterns=_PATTERNS, unique=_UNIQUE)
    if not rows:
        raise InputError("the register holds no species", path=path, remedy="add at least one row below the header")
    return [Species(**{**row, "taxid": int(row["taxid"])}) for _, row in rows]


def select_species(register: Sequence[Species], names: Sequence[str]) -> list[Species]:
    """The entries of the given short names, in the order of the names.

    Raises
    ------
    InputError
        If a name is not in the register or is given twice.
    """
    known = {entry.species: entry for entry in register}
    for index, name in enumerate(names):
        check_choice(name, known, "no species of that name in the register")
        if name in names[:index]:
            raise InputError("the species is given twice", value=name, remedy="name it once")
    return [known[name] for name in names]
