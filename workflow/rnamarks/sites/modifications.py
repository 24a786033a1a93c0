"""The sheet of modifications: names, bases, motifs and colours used everywhere in the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..files import open_text

MODIFICATION_COLUMNS = ("name", "label", "base", "motif", "motif_offset", "chebi", "colour", "synonyms")

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


@dataclass(frozen=True)
class Modification:
    """One kind of RNA modification.

    Parameters
    ----------
    name : str
        MODOMICS short name, the value of the column ``modification`` in site tables.
    label : str
        Text for figures.
    base : str
        The unmodified nucleotide, one of A, C, G, U.
    motif : str
        IUPAC motif in RNA letters; ``N`` where there is none.
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


def load_modifications(path: str | Path) -> dict[str, Modification]:
    """Read and check the sheet of modifications, in its order.

    Parameters
    ----------
    path : path-like
        Tab-separated, columns :data:`MODIFICATION_COLUMNS`; ``synonyms`` joined by ``,``.

    Returns
    -------
    dict of str to Modification

    Raises
    ------
    InputError
        With the line, if a column is missing, a value is not of its kind, the motif cannot have the base at its
        offset, or two modifications share a name, a synonym or a colour.
    """
    modifications: dict[str, Modification] = {}
    taken: dict[str, str] = {}
    header: list[str] | None = None
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split("\t")]
            if header is None:
                header = fields
                missing = [name for name in MODIFICATION_COLUMNS if name not in header]
                if missing:
                    raise InputError(
                        f"the sheet lacks {', '.join(missing)}",
                        path=path,
                        line=number,
                        remedy=f"give the columns {', '.join(MODIFICATION_COLUMNS)}, tab-separated",
                    )
                continue
            if len(fields) > len(header):
                raise InputError(
                    f"the row has {len(fields)} fields and the header {len(header)}",
                    path=path,
                    line=number,
                    value=line,
                    remedy="separate columns by one tab",
                )
            fields += [""] * (len(header) - len(fields))
            entry = _modification(dict(zip(header, fields, strict=True)), path, number)
            for key in (*sorted(entry.names), entry.colour):
                if key in taken:
                    raise InputError(
                        f"{taken[key]} has it already", path=path, line=number, value=key, remedy="use it only once"
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
    def refuse(what: str, column: str, remedy: str) -> InputError:
        return InputError(what, path=path, line=line, value=row[column], remedy=remedy)

    if not re.fullmatch(r"[A-Za-z0-9,]*[A-Za-z0-9]", row["name"]):
        raise refuse("the name is empty or has odd characters", "name", "use the MODOMICS short name")
    if row["base"] not in {"A", "C", "G", "U"}:
        raise refuse("the base is none of A, C, G, U", "base", "give the unmodified RNA base")
    motif = row["motif"]
    if not motif or any(letter not in IUPAC for letter in motif):
        raise refuse("the motif is no IUPAC motif in RNA letters", "motif", "use capitals with U, or N for none")
    if not row["motif_offset"].isdecimal() or int(row["motif_offset"]) >= len(motif):
        raise refuse(f"the offset lies outside the motif {motif}", "motif_offset", "count from 0")
    offset = int(row["motif_offset"])
    if row["base"] not in IUPAC[motif[offset]]:
        raise refuse(
            f"{motif} has {motif[offset]} at offset {offset}, which cannot be {row['base']}",
            "motif_offset",
            "correct the base, the motif or the offset",
        )
    if row["chebi"] and not row["chebi"].isdecimal():
        raise refuse("the ChEBI entry is not a number", "chebi", "give the digits only, or leave it empty")
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", row["colour"]):
        raise refuse("the colour is not of the form #RRGGBB", "colour", "give six hexadecimal digits")
    return Modification(
        name=row["name"],
        label=row["label"] or row["name"],
        base=row["base"],
        motif=motif,
        motif_offset=offset,
        chebi=row["chebi"],
        colour=row["colour"].upper(),
        synonyms=tuple(name.strip() for name in row["synonyms"].split(",") if name.strip()),
    )
