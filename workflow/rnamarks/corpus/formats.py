"""Files of RNA of any kind, read one sequence at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import InputError
from ..files import open_text
from ..registry import Register
from ..sequences import read_records
from ..sites.drops import KEPT, Drops
from ..tables import read_tsv

RNA_FORMATS: Register = Register("format of RNA", "RNA_FORMATS")
JUDGED_COLUMNS = ("name", "set", "sequence")
_GAPS = re.compile(r"[-.~_]")

Named = Iterator[tuple[str, str]]


def read_rna(source: Mapping[str, Any] | str | Path) -> Named:
    """Names and sequences, letters as written, of a source of a corpus.

    Parameters
    ----------
    source : mapping, or path-like of a FASTA file
        ``files`` (one path or several) and ``format`` (:data:`RNA_FORMATS`, ``fasta`` without it); of some formats
        ``families`` (TSV with ``family`` and ``part`` or ``split``) and ``part`` (the families of which part; of
        ``examples`` the folds).

    Raises
    ------
    InputError
        If a file is not of the format.
    """
    if not isinstance(source, Mapping):
        source = {"files": source}
    files = source["files"]
    paths = [Path(files)] if isinstance(files, str | Path) else [Path(file) for file in files]
    reader: Callable[..., Named] = RNA_FORMATS[source.get("format") or "fasta"]
    return reader(paths, source.get("families"), source.get("part") or "")


@RNA_FORMATS.add("fasta")
def read_fasta(paths: Sequence[Path], families: Path | None, part: str) -> Named:
    """FASTA; the name is the first word of the header."""
    for path in paths:
        for record in read_records(path, clean=False):
            yield "".join(record.header.split()[:1]), record.sequence


@RNA_FORMATS.add("lines")
def read_lines(paths: Sequence[Path], families: Path | None, part: str) -> Named:
    """A sequence per line; the name is that of the file and the line."""
    for path in paths:
        for record in read_records(path, clean=False):
            if record.header:
                raise InputError(
                    "a header of FASTA", path=path, line=record.line, value=record.header, remedy="use the format fasta"
                )
            yield f"{path.name}:{record.line}", record.sequence


@RNA_FORMATS.add("stockholm")
def read_stockholm(paths: Sequence[Path], families: Path | None, part: str) -> Named:
    """Alignments such as Rfam's seeds, without their gaps; the name is that of the family, a blank, and the sequence's.

    With ``families`` and ``part`` only families of that part are read; those that the table lacks are not.
    """
    chosen = None
    if families is not None or part:
        if families is None or not part:
            raise InputError("families and part go together", value=part or families, remedy="give both")
        table, _ = read_tsv(families, ["family"], dtype={"family": str})
        column = next((name for name in ("part", "split") if name in table), None)
        if column is None:
            raise InputError("the table has no column part or split", path=families, remedy="name it so")
        chosen = set(table["family"][table[column] == part])
        if not chosen:
            raise InputError("no family is of that part", path=families, value=part, remedy="choose another")
    for path in paths:
        for family, rows in _alignments(path):
            if chosen is None or family in chosen:
                for name, aligned in rows.items():
                    yield f"{family} {name}", _GAPS.sub("", aligned)


def _alignments(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Accession (or name) and aligned sequences of each alignment."""
    # names of authors in Rfam's seed are in Latin-1 in some releases
    with open_text(path, errors="replace") as handle:
        about: dict[str, str] = {}
        rows: dict[str, list[str]] = {}
        inside = False
        number = 0
        for number, line in enumerate(handle, 1):
            words = line.split()
            if not words:
                continue
            if line.startswith("# STOCKHOLM"):
                inside = True
            elif not inside:
                raise InputError(
                    "not Stockholm: no line # STOCKHOLM 1.0",
                    path=path,
                    line=number,
                    value=line.strip(),
                    remedy="use another format",
                )
            elif line.startswith("#=GF") and len(words) > 2:
                about.setdefault(words[1], words[2])
            elif line.startswith("//"):
                yield about.get("AC") or about.get("ID", ""), {name: "".join(parts) for name, parts in rows.items()}
                about, rows, inside = {}, {}, False
            elif not line.startswith("#"):
                if len(words) != 2:
                    raise InputError(
                        "not a name and an aligned sequence",
                        path=path,
                        line=number,
                        value=line.strip(),
                        remedy="fetch the file again",
                    )
                rows.setdefault(words[0], []).append(words[1])
        if inside:
            raise InputError("the last alignment is cut off", path=path, line=number, remedy="fetch the file again")


@RNA_FORMATS.add("exon_intron_exon")
def read_exon_intron_exon(paths: Sequence[Path], families: Path | None, part: str) -> Named:
    """Exon, intron and exon as one sequence (:mod:`rnamarks.downstream.splice_fragments`), named by gene and line."""
    from ..downstream.splice_fragments import read_fragments

    for path in paths:
        for one in read_fragments(path):
            yield f"{one.gene}:{one.line}", one.exon + one.intron + one.next_exon


@RNA_FORMATS.add("examples")
def read_training_examples(paths: Sequence[Path], families: Path | None, part: str) -> Named:
    """Examples of a downstream task that are training examples in every fold, or in every one that ``part`` names.

    What is tested or validated on in one fold is not read, also where another fold trains on it: a fold per left-out
    family leaves nothing.

    Raises
    ------
    InputError
        If nothing is left.
    """
    from ..downstream.examples import FOLD, fold_names
    from ..tables import read_parquet

    for path in paths:
        examples, _ = read_parquet(path, ["example", "sequence"])
        folds = part.split() or fold_names(examples)
        missing = [fold for fold in folds if FOLD + fold not in examples]
        if missing:
            raise InputError("the examples have no such fold", path=path, value=" ".join(missing), remedy="correct it")
        trained = (examples[[FOLD + fold for fold in folds]] == "train").all(axis=1)
        if not trained.any():
            raise InputError(
                "each example is tested or validated on in a fold",
                path=path,
                value=" ".join(folds),
                remedy="leave this source out, or name fewer folds in part",
            )
        yield from examples.loc[trained, ["example", "sequence"]].itertuples(index=False, name=None)


def judged_table(sets: Mapping[str, Mapping[str, Any]], *, shortest: int, longest: int, drops: Drops) -> pd.DataFrame:
    """RNA that is judged and never trained on.

    Parameters
    ----------
    sets : mapping of str to mapping
        As ``source`` of :func:`read_rna`.
    shortest, longest : int
        In nt; others are left out and counted, and so are copies within a set.
    drops : Drops
        Takes the counts.

    Returns
    -------
    pandas.DataFrame
        :data:`JUDGED_COLUMNS`; sequences in capitals, U for T.
    """
    rows: list[tuple[str, str, str]] = []
    for name, source in sets.items():
        found = [(one, name, text.upper().replace("T", "U")) for one, text in read_rna(source)]
        fits = [row for row in found if shortest <= len(row[2]) <= longest]
        first: dict[str, tuple[str, str, str]] = {}
        for row in fits:
            first.setdefault(row[2], row)
        distinct = first.values()
        scope = drops.scope("corpus", "judged", name)
        scope.count(f"not {shortest} to {longest} nt", len(found) - len(fits))
        scope.count("same as an earlier sequence", len(fits) - len(distinct))
        scope.count(KEPT, len(distinct))
        rows += distinct
    return pd.DataFrame(rows, columns=list(JUDGED_COLUMNS))
