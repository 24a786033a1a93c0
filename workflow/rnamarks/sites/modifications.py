"""The sheet of modifications: names, bases, motifs and colours used everywhere in the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..sheets import read_sheet

MODIFICATION_COLUMNS = ("name", "symbol", "label", "base", "motif", "motif_offset", "chebi", "colour", "synonyms")

IUPAC = {
    "A": "A",
    "C": "C",
    "G": "G",
    "U": "U",
    "R": "AG",
    "Y": "CU",
    "S": "CG",
    "W": "AU",
    "K": "GU",
    "M": "AC",
    "B": "CGU",
    "D": "AGU",
    "H": "ACU",
    "V": "ACG",
    "N": "ACGU",
}

_PATTERNS = {
    "name": (re.compile(r"[A-Za-z0-9,]*[A-Za-z0-9]"), "use the MODOMICS short name"),
    "base": (re.compile(r"[ACGU]"), "give the unmodified RNA base, A, C, G or U"),
    "motif": (re.compile(f"[{''.join(IUPAC)}]+"), "use IUPAC capitals with U, or N for none"),
    "motif_offset": (re.compile(r"[0-9]+"), "count from 0"),
    "chebi": (re.compile(r"[0-9]*"), "give the digits only, or leave it empty"),
    "colour": (re.compile(r"#[0-9A-Fa-f]{6}"), "write a colour as #RRGGBB"),
}
_MAY_LACK = ("symbol", "label", "chebi", "synonyms")


@dataclass(frozen=True)
class Modification:
    """One kind of RNA modification.

    Parameters
    ----------
    name : str
        MODOMICS short name, the value of the column ``modification`` in site tables.
    symbol : str
        What figures write at an axis: the short name, or Ψ.
    label : str
        The whole name of the nucleoside, for captions and legends.
    base : str
        The unmodified nucleotide, one of A, C, G, U.
    motif : str
        IUPAC motif in RNA; ``N`` where there is none.
    motif_offset : int
        0-based index of the modified base in the motif.
    chebi : str
        ChEBI number of the nucleoside, ``""`` if not known.
    colour : str
        ``#RRGGBB``.
    synonyms : tuple of str
        Other names that published tables use.
    """

    name: str
    symbol: str
    label: str
    base: str
    motif: str
    motif_offset: int
    chebi: str
    colour: str
    synonyms: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """The short name and all synonyms."""
        return frozenset((self.name, *self.synonyms))

    @property
    def place(self) -> tuple[str, int]:
        """The motif and offset to look for; the base alone where there is no motif."""
        return (self.base, 0) if set(self.motif) == {"N"} else (self.motif, self.motif_offset)


def load_modifications(path: str | Path) -> dict[str, Modification]:
    """Read and check the sheet of modifications, in its order.

    Parameters
    ----------
    path : path-like
        Tab-separated, a header line with the columns :data:`MODIFICATION_COLUMNS`; ``#`` lines before it are skipped;
        ``synonyms`` joined by ``,``; ``symbol``, ``label``, ``chebi`` and ``synonyms`` may be empty.

    Returns
    -------
    dict of str to Modification

    Raises
    ------
    InputError
        With the line, if a column is missing or unknown, a value is malformed, the motif cannot have the base at its
        offset, or two modifications share a name, a synonym or a colour.
    """
    modifications: dict[str, Modification] = {}
    taken: dict[str, str] = {}
    for line, row in read_sheet(path, MODIFICATION_COLUMNS, patterns=_PATTERNS, may_lack=_MAY_LACK):
        entry = _modification(row, path, line)
        for key in (*sorted(entry.names), entry.colour):
            if key in taken:
                raise InputError(
                    f"{taken[key]} has it already", path=path, line=line, value=key, remedy="use it only once"
                )
            taken[key] = entry.name
        modifications[entry.name] = entry
    if not modifications:
        raise InputError("the sheet holds no modification", path=path, remedy="add at least one row below the header")
    return modifications


def find_modification(modifications: Mapping[str, Modification], name: str) -> Modification:
    """The modification with this short name or synonym; :class:`InputError` lists the names if there is none."""
    if name in modifications:
        return modifications[name]
    for entry in modifications.values():
        if name in entry.synonyms:
            return entry
    raise InputError("no modification of that name", value=name, remedy=f"choose one of {', '.join(modifications)}")


def _modification(row: Mapping[str, str], path: str | Path, line: int) -> Modification:
    motif, offset = row["motif"], int(row["motif_offset"])
    fault = ""
    if offset >= len(motif):
        fault = f"the offset lies outside the motif {motif}"
    elif row["base"] not in IUPAC[motif[offset]]:
        fault = f"{motif} has {motif[offset]} at offset {offset}, which cannot be {row['base']}"
    if fault:
        raise InputError(
            fault,
            path=path,
            line=line,
            value=row["motif_offset"],
            remedy="correct the base, the motif or the offset, which counts from 0",
        )
    return Modification(
        name=row["name"],
        symbol=row["symbol"] or row["name"],
        label=row["label"] or row["name"],
        base=row["base"],
        motif=motif,
        motif_offset=offset,
        chebi=row["chebi"],
        colour=row["colour"].upper(),
        synonyms=tuple(name.strip() for name in row["synonyms"].split(",") if name.strip()),
    )
