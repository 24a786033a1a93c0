"""Motif databases as published, and MEME text, which is what the workflow itself writes.

=============  =======================================================================================
name           files
=============  =======================================================================================
``meme``       MEME version 4 or 5 text, alphabet ACGU or ACGT, plain or gzipped
``cisbp_rna``  CISBP-RNA's ``pwms`` folder, or a tar archive of it; a table ``RBP_Information*.txt`` among
               the files gives the proteins
``attract``    ATtRACT's matrices (``pwm.txt``) and table of motifs (``ATtRACT_db.txt``), in either order
=============  =======================================================================================

A broken matrix in a database is left out and counted under its reason, or is an error where that is asked for; a file
of another kind is always an error. DNA files are read as RNA; a file that lists both strands is read as is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..archives import files_of
from ..errors import InputError, check_complete
from ..files import open_text, write_text
from ..registry import Register
from ..tables import is_number
from .pwm import PWM, find_fault

KEPT = "kept"
DUPLICATE = "the name is given twice"

_MATRIX_OF_CISBP = re.compile(r"(M\d+_[\d.]+)\.txt", re.IGNORECASE)
_TABLE_OF_CISBP = re.compile(r"RBP_Information\w*\.txt", re.IGNORECASE)
_OF_CISBP = re.compile(f"{_MATRIX_OF_CISBP.pattern}|{_TABLE_OF_CISBP.pattern}", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """A motif as a file gives it, before it is judged."""

    name: str
    rows: Sequence[Sequence[str]]
    path: str
    line: int
    alternative: str = ""
    sites: str = ""
    width: str = ""
    order: Sequence[int] = (0, 1, 2, 3)
    score: tuple[str, str] = ("", "")


@dataclass
class Motifs:
    """Motifs of a database.

    Attributes
    ----------
    motifs : list of PWM
        In the order of the file.
    drops : dict of str to int
        Motifs left out by reason, and ``kept``.
    """

    motifs: list[PWM]
    drops: dict[str, int] = field(default_factory=dict)


Reader = Callable[..., Iterator[Entry]]
MOTIF_FORMATS: Register[Reader] = Register("motif format")


def read_motifs(
    paths: str | Path | Sequence[str | Path],
    format: str = "meme",
    *,
    source: str = "",
    strict: bool = False,
    organism: str = "",
) -> Motifs:
    """Read a motif database.

    Parameters
    ----------
    paths : path or sequence of paths
    format : str
        One of :data:`MOTIF_FORMATS`.
    source : str
        Written into the motifs.
    strict : bool
        A broken matrix is an error; else it is left out and counted.
    organism : str
        Scientific name, blank or underscore: keep motifs of this organism only. For formats that say so (``attract``,
        ``cisbp_rna`` with its table of proteins).

    Raises
    ------
    InputError
        If a file is missing or of another kind, no motif is left, ``strict`` meets a broken matrix (the message names
        file, line, value and remedy), or the format cannot tell organisms apart.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    found = Motifs([], {KEPT: 0})
    seen: set[str] = set()
    for entry in MOTIF_FORMATS[format](paths, organism=organism.strip().replace(" ", "_")):
        reason, value, remedy = "", None, "correct or remove the motif"
        matrix = np.empty((0, 4))
        if entry.name in seen:
            reason, value, remedy = DUPLICATE, entry.name, "rename or remove one"
        else:
            matrix, reason, value = _matrix(entry)
        if reason:
            if strict:
                raise InputError(
                    f"motif {entry.name}: {reason}", path=entry.path, line=entry.line, value=value, remedy=remedy
                )
            found.drops[reason] = found.drops.get(reason, 0) + 1
            continue
        seen.add(entry.name)
        found.motifs.append(PWM(entry.name, matrix, _sites(entry.sites), entry.alternative, source))
    found.drops[KEPT] = len(found.motifs)
    if not found.motifs:
        lost = "; ".join(f"{count} left out: {reason}" for reason, count in found.drops.items() if reason != KEPT)
        raise InputError(
            f"no motif{' of ' + organism if organism else ''} can be used{' (' + lost + ')' if lost else ''}",
            path=paths[0],
            remedy="check the format and the organism",
        )
    return found


def _matrix(entry: Entry) -> tuple[np.ndarray, str, object]:
    """The matrix in the order A C G U, and what is wrong with it and where, or ``""``."""
    nothing = np.empty((0, 4))
    if not entry.rows:
        return nothing, "the matrix has no column", 0
    for row in entry.rows:
        if len(row) != 4:
            return nothing, "a column has not four numbers", " ".join(row)
    if entry.width and int(entry.width) != len(entry.rows):
        return nothing, "the matrix has another width than its header says", f"w= {entry.width}, {len(entry.rows)} rows"
    try:
        matrix = np.array(entry.rows, dtype=np.float64)
    except ValueError:
        bad = next(text for row in entry.rows for text in row if not is_number(text))
        return nothing, "a frequency is not a number", bad
    reason, value = find_fault(matrix) or ("", None)
    return matrix[:, list(entry.order)], reason, value


def _sites(text: str) -> float | None:
    # 0 and 1 stand for unknown in converted databases
    return float(text) if text and is_number(text) and float(text) > 1 else None


_ALPHABET_LINE = re.compile(r"ALPHABET\s*=\s*(\S+)")
_SYMBOL = re.compile(r"(?:^|~\s*)([A-Za-z])(?=\s|$)")
_HEADER = re.compile(r"letter-probability matrix:")
_FIELD = re.compile(r"(\w+)\s*=\s*(\S+)")


@MOTIF_FORMATS.add("meme")
def read_meme(paths: Sequence[str | Path], *, organism: str = "") -> Iterator[Entry]:
    """Motifs of MEME text files: the letter-probability matrices; log-odds matrices are passed over.

    Raises
    ------
    InputError
        If the file has no ``MEME version`` line, its alphabet is not RNA or DNA, or an organism is asked for.
    """
    if organism:
        raise InputError("a MEME file does not say which organism a motif is of", value=organism, remedy="leave it out")
    for path in paths:
        yield from _meme_entries(path)


def _meme_entries(path: str | Path) -> Iterator[Entry]:
    order: tuple[int, ...] | None = None
    version = False
    symbols: list[str] | None = None
    name, alternative, at = "", "", 0
    rows: list[list[str]] | None = None
    closed = False
    header: dict[str, str] = {}

    def finish() -> Entry:
        score = next(((key, header[key]) for key in ("S", "P", "E") if key in header), ("", ""))
        columns = (0, 1, 2, 3) if order is None else order
        sites, width = header.get("nsites", ""), header.get("w", "")
        return Entry(name, tuple(rows or ()), str(path), at, alternative, sites, width, columns, score)

    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.strip()
            if not version:
                # the MEME suite's programs write their own name above it
                version = line.startswith("MEME version")
            elif symbols is not None:
                if line.startswith("END ALPHABET"):
                    # the columns of a matrix follow the alphabet's order, not that of their definition
                    order, symbols = _letter_order("".join(sorted(symbols)), path, number), None
                elif "=" not in line:
                    symbols += _SYMBOL.findall(line)
            elif line.startswith("ALPHABET"):
                plain = _ALPHABET_LINE.match(line)
                if plain:
                    order = _letter_order(plain.group(1), path, number)
                else:
                    symbols = []
            elif line.startswith("MOTIF"):
                if name:
                    yield finish()
                words = line.split()
                name = words[1] if len(words) > 1 else ""
                if not name:
                    raise InputError("the motif has no name", path=path, line=number, remedy="name it after MOTIF")
                second = words[2] if len(words) > 2 else ""
                alternative = "" if second.startswith("width") else second
                at, rows, header = number, None, {}
            elif _HEADER.match(line):
                header, rows, closed = dict(_FIELD.findall(line)), [], False
                if not header.get("w", "").isdecimal():
                    header.pop("w", None)
            elif line and rows is not None and not closed:
                # a blank line does not end a matrix: some converters leave one below its header
                fields = line.split()
                if is_number(fields[0]) or (len(fields) == 4 and len(rows) < int(header.get("w", "0"))):
                    rows.append(fields)
                else:
                    closed = True
    if not version:
        raise InputError(
            "the file is not MEME text",
            path=path,
            line=1,
            remedy="a line above the motifs must begin with MEME version",
        )
    if name:
        yield finish()


def _letter_order(letters: str, path: str | Path, line: int) -> tuple[int, ...]:
    rna = letters.upper().replace("T", "U")
    if sorted(rna) != list("ACGU"):
        raise InputError(
            "the alphabet is neither RNA nor DNA", path=path, line=line, value=letters, remedy="give motifs of ACGU"
        )
    return tuple(rna.index(base) for base in "ACGU")


@MOTIF_FORMATS.add("cisbp_rna")
def read_cisbp_rna(paths: Sequence[str | Path], *, organism: str = "") -> Iterator[Entry]:
    """Motifs of CISBP-RNA's ``pwms`` folder or a tar or zip archive; a file without a row is a broken matrix.

    The files hold no protein's name. Where ``RBP_Information*.txt`` lies beside them, its proteins are the second
    name, joined by ``/``, and motifs of an organism are those that the table gives it.
    """
    for path in paths:
        files = dict(_members(path))
        tables = [name for name in files if _TABLE_OF_CISBP.fullmatch(name)]
        proteins = _proteins(files[min(tables)], f"{path}/{min(tables)}", organism) if tables else None
        if organism and proteins is None:
            raise InputError(
                "CISBP-RNA's matrices do not say which organism they are of",
                path=path,
                value=organism,
                remedy="put RBP_Information.txt beside them, or leave the organism out",
            )
        matrices = sorted(name for name in files if _MATRIX_OF_CISBP.fullmatch(name))
        if not matrices:
            raise InputError("no CISBP-RNA matrix in it", path=path, remedy="it must hold files such as M001_0.6.txt")
        for file in matrices:
            name = _MATRIX_OF_CISBP.fullmatch(file).group(1)
            if organism and name not in proteins:
                continue
            lines = [line.split() for line in files[file].splitlines()]
            # motifs whose matrix CISBP-RNA may not hand on are files with nothing in them
            header = lines[0] if lines else ["Pos", "A", "C", "G", "U"]
            if len(header) != 5 or header[0].lower() != "pos":
                raise InputError(
                    "not a CISBP-RNA matrix", path=f"{path}/{file}", line=1, value=" ".join(header), remedy="remove it"
                )
            order = _letter_order("".join(header[1:]), f"{path}/{file}", 1)
            rows = [fields[1:] for fields in lines[1:] if fields]
            yield Entry(name, rows, f"{path}/{file}", 1, (proteins or {}).get(name, ""), order=order)


def _members(path: str | Path) -> Iterator[tuple[str, str]]:
    """File name and text of the files of a folder or archive that CISBP-RNA's download holds."""
    for shown, real in files_of(path, lambda name: bool(_OF_CISBP.fullmatch(name.name))):
        with open_text(real, errors="replace") as handle:
            yield shown.name, handle.read()


def _proteins(text: str, path: str, organism: str) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    wanted, remedy = ("Motif_ID", "RBP_Name", "RBP_Species"), "take CISBP-RNA's own table"
    check_complete(rows.fieldnames or (), wanted, "the table", remedy, path=path, line=1)
    return _join(
        (row["Motif_ID"], row["RBP_Name"]) for row in rows if _same_organism(row["RBP_Species"] or "", organism)
    )


def _same_organism(given: str, wanted: str) -> bool:
    return not wanted or given.strip().replace(" ", "_").lower() == wanted.lower()


def _join(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Motif to the names given with it, in the order of the file, joined by ``/``."""
    names: dict[str, dict[str, None]] = {}
    for motif, name in pairs:
        names.setdefault(motif, {})[name.strip().replace(" ", "_")] = None
    return {motif: "/".join(entries) for motif, entries in names.items()}


@MOTIF_FORMATS.add("attract")
def read_attract(paths: Sequence[str | Path], *, organism: str = "") -> Iterator[Entry]:
    """Motifs of ATtRACT: matrices, with the genes that its table gives them as second name.

    Without the table, motifs have no second name and organisms cannot be told apart.

    Raises
    ------
    InputError
        If no file of matrices is given, the table lacks a column, or an organism is asked for without the table.
    """
    matrices, tables = [], []
    for path in paths:
        with open_text(path) as handle:
            first = handle.readline()
        if not first.startswith(">") and "Matrix_id" not in first:
            raise InputError(
                "neither ATtRACT's matrices nor its table",
                path=path,
                line=1,
                value=first.strip(),
                remedy="give pwm.txt and ATtRACT_db.txt",
            )
        (matrices if first.startswith(">") else tables).append(path)
    if not matrices:
        raise InputError("ATtRACT's matrices are missing", path=paths[0], remedy="give pwm.txt, too")
    if organism and not tables:
        raise InputError(
            "ATtRACT's matrices do not say which organism they are of",
            path=matrices[0],
            value=organism,
            remedy="give ATtRACT_db.txt, too",
        )
    genes = _join(pair for path in tables for pair in _attract_genes(path, organism))
    for path in matrices:
        for entry in _attract_entries(path):
            if not organism or entry.name in genes:
                yield Entry(
                    entry.name, entry.rows, entry.path, entry.line, genes.get(entry.name, ""), width=entry.width
                )


def _attract_genes(path: str | Path, organism: str) -> Iterator[tuple[str, str]]:
    with open_text(path) as handle:
        # one column name comes twice, which by position does no harm
        header = handle.readline().rstrip("\n").split("\t")
        wanted = ("Gene_name", "Organism", "Matrix_id")
        check_complete(header, wanted, "the table", "take ATtRACT's own table", path=path, line=1)
        gene, species, matrix = (header.index(name) for name in wanted)
        for number, line in enumerate(handle, 2):
            fields = line.rstrip("\n").split("\t")
            if not line.strip():
                continue
            if len(fields) != len(header):
                raise InputError(
                    f"the line has {len(fields)} fields and the header {len(header)}",
                    path=path,
                    line=number,
                    value=line.strip(),
                    remedy="correct the line",
                )
            if _same_organism(fields[species], organism):
                yield fields[matrix].strip(), fields[gene]


def _attract_entries(path: str | Path) -> Iterator[Entry]:
    name, width, at = "", "", 0
    rows: list[list[str]] = []
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            fields = line.split()
            if line.startswith(">"):
                if at:
                    yield Entry(name, tuple(rows), str(path), at, width=width)
                words = line[1:].split()
                if not words:
                    raise InputError("the matrix has no id", path=path, line=number, remedy="name it after >")
                name, width, at, rows = words[0], words[1] if len(words) > 1 else "", number, []
                if not width.isdecimal():
                    width = ""
            elif fields:
                rows.append(fields)
    if at:
        yield Entry(name, tuple(rows), str(path), at, width=width)


def write_meme(motifs: Iterable[PWM], path: str | Path) -> None:
    """Write motifs as MEME version 4 text, RNA, one strand, atomically.

    Parameters
    ----------
    motifs : iterable of PWM
        May be empty: the file then has a head only, and :func:`read_motifs` does not read it
        (:func:`read_own` does).
    path : path-like
    """
    with write_text(path) as handle:
        handle.write("MEME version 4\n\nALPHABET= ACGU\n\nBackground letter frequencies\n")
        handle.write("A 0.25000 C 0.25000 G 0.25000 U 0.25000\n")
        for motif in motifs:
            sites = 20 if motif.sites is None else round(motif.sites)
            second = motif.alternative.replace(" ", "_")
            handle.write(f"\nMOTIF {motif.name}{' ' + second if second else ''}\n")
            handle.write(f"letter-probability matrix: alength= 4 w= {motif.width} nsites= {sites} E= 0\n")
            for row in motif.frequencies:
                handle.write(" ".join(f"{value:.6f}" for value in row) + "\n")


def read_own(path: str | Path, source: str = "") -> list[PWM]:
    """Motifs of a file that the workflow wrote; an empty one is no error, a broken matrix is."""
    entries = list(read_meme([path]))
    return read_motifs(path, "meme", source=source, strict=True).motifs if entries else []


def read_motif_scores(path: str | Path, source: str = "") -> list[tuple[PWM, float]]:
    """Motifs of MEME text with the p-value that the header of each matrix tells.

    It is written there as it is (``S=``, ``P=``) or, by streme 5.4 and later, as the E-value (``E=``), which is the
    p-value times the motifs of the file.

    Raises
    ------
    InputError
        If a matrix is broken or has no such number.
    """
    found = []
    entries = list(read_meme([path]))
    for entry in entries:
        matrix, reason, value = _matrix(entry)
        key, score = entry.score
        if reason or not is_number(score):
            raise InputError(
                f"motif {entry.name}: {reason or 'the header has no p-value'}",
                path=path,
                line=entry.line,
                value=value if reason else score,
                remedy="run streme again",
            )
        p = float(score) / (len(entries) if key == "E" else 1)
        found.append((PWM(entry.name, matrix, _sites(entry.sites), entry.alternative, source), p))
    return found
