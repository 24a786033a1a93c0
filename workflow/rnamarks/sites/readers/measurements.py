"""What users measured: every position with its reads and its modified share, as far as the file says.

Other readers give sites; these keep what an evaluation needs besides: which positions were covered, how large a share
of the reads is modified, and which positions count as sites. ``MEASUREMENTS`` maps a format's name to such a function;
every other site format is read by its own reader, each row a site.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ...errors import InputError, check_complete
from ...registry import Register
from ...tables import split_quoted
from ..drops import Scope
from ..modifications import Modification
from .bed import BED_COLUMNS, pileup_blocks, refuse_pileup, single_nucleotides
from .register import READERS
from .rows import (
    check_names_and_strands,
    field_blocks,
    first_line,
    leading_comments,
    read_fields,
    refuse_rows,
    whole_numbers,
)

MODKIT_CODES = {
    **{"m6A": "a", "m5C": "m", "Y": "17802", "I": "17596"},
    **{"Am": "69426", "Cm": "19228", "Gm": "19229", "Um": "19227"},
}
"""Codes of modkit and Dorado (SAM tag MM: a letter or the ChEBI number) by MODOMICS short name."""
SPELLINGS = {
    **{"m6A": ("6mA",), "m5C": ("5mC",), "m5U": ("5mU",), "m7G": ("7mG",), "m1A": (), "m6Am": ()},
    **{"Y": ("Ψ", "Psi", "psi", "PseudoU", "pseudoU", "pseudouridine"), "I": ("AtoI", "A-to-I", "inosine")},
    **{"Am": ("2OmA",), "Cm": ("2OmC",), "Gm": ("2OmG",), "Um": ("2OmU",)},
}
"""Names in files by MODOMICS short name, as in the sheet of modifications, which is no part of a model."""
_COLUMNS = {
    "chrom": ("chr", "chrom", "chromosome", "seqnames", "seqname"),
    "position": ("sites", "site", "pos", "position"),
    "start": ("start", "chromstart"),
    "end": ("end", "chromend"),
    "strand": ("strand",),
    "coverage": ("agcov", "coverage", "cov", "depth", "n_reads", "reads"),
    "share": ("ratio", "level", "stoichiometry", "m6a_level", "methylation_level", "mod_ratio"),
}
"""Names of the columns of GLORI tables and of tables like them, in lower case."""
_M6ANET = ("transcript_id", "transcript_position", "n_reads", "probability_modified")


@dataclass(frozen=True)
class Limits:
    """From where on a position is covered and counts as a site; None takes the default of the format.

    Attributes
    ----------
    coverage : float or None
        Reads.
    share : float or None
        Modified share of the reads, 0 to 1; of m6anet its probability.
    code : str
        What the file calls the modification besides its names.
    """

    coverage: float | None = None
    share: float | None = None
    code: str = ""


class Measured(NamedTuple):
    """A file of measurements.

    Attributes
    ----------
    frame : pandas.DataFrame
        Per row of the file that is of use: ``chrom`` or ``transcript``; ``start``, 0-based, on the forward strand of
        the genome or on the transcript; ``strand``; ``coverage`` in reads and ``stoichiometry`` from 0 to 1, NaN where
        the format has none; ``called``.
    form : str
    complete : bool
        Whether the format lists covered positions that are not modified, too.
    rule : str
        What counts as a site, in words.
    """

    frame: pd.DataFrame
    form: str
    complete: bool
    rule: str


Reader = Callable[[str | Path, Scope, Modification, Limits], Measured]
MEASUREMENTS: Register[Reader] = Register("format of measurements")


def read_measurements(
    path: str | Path, scope: Scope, *, modification: Modification, form: str | None = None, limits: Limits = Limits()
) -> Measured:
    """Read what a user measured.

    Parameters
    ----------
    path : path-like
        Plain or gzipped.
    scope : Scope
        Takes the counts of what is left out.
    modification : Modification
    form : str, optional
        Name in :data:`MEASUREMENTS` or ``READERS``; told from the content if not given.
    limits : Limits

    Raises
    ------
    InputError
        If the format cannot be told or there is none of that name, a row is malformed, or there is no row.
    """
    form = form or guess_format(path)
    if form in MEASUREMENTS:
        return MEASUREMENTS[form](path, scope, modification, limits)
    if form not in READERS:
        known = sorted({*MEASUREMENTS.names(), *READERS.names()})
        raise InputError("no format of that name", value=form, remedy=f"choose one of {', '.join(known)}")
    stated = [line[1:].partition("=")[2].strip() for line in leading_comments(path) if line.startswith("#assembly=")]
    sites = READERS[form](path, scope, assembly=(stated or [""])[0], modification=modification)
    frame = sites[["chrom", "start", "strand"]].assign(coverage=np.nan, stoichiometry=np.nan, called=True)
    return Measured(frame, form, False, "every row is a site")


def guess_format(path: str | Path) -> str:
    """The format of a file by its first lines.

    Raises
    ------
    InputError
        If it is empty or none that is known; the message names the columns.
    """
    number, first = first_line(path)
    if any("bedrmod" in comment.lower() for comment in leading_comments(path)):
        return "bedrmod"
    header = _header(path)
    if set(_M6ANET) <= set(header):
        return "m6anet"
    if {"chrom", "modification", "source", "support"} <= set(header):
        return "sites"
    roles = _roles(header)
    if {"chrom", "strand"} <= set(roles) and {"position", "start"} & set(roles):
        return "glori"
    fields = first.split("\t") if "\t" in first else first.split()
    if len(first.split()) in (11, 18) and first.split()[9].isdecimal():
        return "bedmethyl"
    if len(fields) >= 3 and fields[1].strip().isdecimal() and fields[2].strip().isdecimal():
        if len(fields) < 6:
            raise InputError(
                f"the BED has {len(fields)} columns and no strand",
                path=path,
                line=number,
                value=first,
                remedy="give chrom, start, end, name, score, strand",
            )
        return "bed"
    raise InputError(
        "the format cannot be told from these columns",
        path=path,
        line=number,
        value=first,
        remedy="give BED, bedMethyl, bedRMod, m6anet's data.site_proba.csv, a table with the columns chrom, position "
        "and strand, or name it by --format",
    )


@MEASUREMENTS.add("bed")
def read_bed(path: str | Path, scope: Scope, modification: Modification, limits: Limits) -> Measured:
    """BED6 or wider, every row a site. Where some are named as the modification, others are dropped."""
    refuse_pileup(path)
    rows, rule = read_fields(path, BED_COLUMNS, separator=None), "every row is a site"
    names = rows["name"].str.extract(r"^([^\s_|:;,.]*)")[0]
    mine = names.isin(_codes(modification, limits)).to_numpy()
    if not mine.any() and names.isin({*SPELLINGS, *(one for some in SPELLINGS.values() for one in some)}).all():
        raise InputError(
            f"no row is named {modification.name}",
            path=path,
            value=names.iloc[0],
            remedy="give its name in this file by --code, or ask about another --task",
        )
    if mine.any():
        rows = scope.keep(rows, mine, "another modification, by its name")
        rule = f"every row named {modification.name} is a site"
    rows, starts = single_nucleotides(path, rows, scope)
    frame = _frame(rows, starts, np.full(len(rows), np.nan), np.full(len(rows), np.nan))
    return Measured(scope.kept(frame.assign(called=True)), "bed", False, rule)


@MEASUREMENTS.add("bedmethyl")
def read_bedmethyl(path: str | Path, scope: Scope, modification: Modification, limits: Limits) -> Measured:
    """BedMethyl of ENCODE (11 columns) or modkit (18): column 10 the reads, column 11 the modified percentage."""
    return _pileup(path, scope, modification, limits, "bedmethyl")


@MEASUREMENTS.add("bedrmod")
def read_bedrmod(path: str | Path, scope: Scope, modification: Modification, limits: Limits) -> Measured:
    """BedRMod: as bedMethyl, modifications by their MODOMICS short names."""
    return _pileup(path, scope, modification, limits, "bedrmod")


def _pileup(path: str | Path, scope: Scope, modification: Modification, limits: Limits, form: str) -> Measured:
    coverage, share = _or(limits.coverage, 10), _or(limits.share, 0.1)
    known = _codes(modification, limits)
    remedy = "give its code by --code, or ask about another --task"
    blocks = pileup_blocks(path, scope, known, coverage, modification.name, remedy=remedy)
    frame = pd.concat([_frame(rows, starts, rows["coverage"], rows["percentage"] / 100) for rows, starts in blocks])
    called = (frame["stoichiometry"] >= share).to_numpy()
    rule = f"a position is covered by at least {coverage:g} reads and is a site if at least {share:.0%} are modified"
    return Measured(scope.kept(frame.assign(called=called)), form, True, rule)


@MEASUREMENTS.add("m6anet")
def read_m6anet(path: str | Path, scope: Scope, modification: Modification, limits: Limits) -> Measured:
    """m6Anet's ``data.site_proba.csv`` (Hendra et al. 2022, doi:10.1038/s41592-022-01666-1): positions on transcripts.

    Positions are 0-based. A site has a probability of at least 0.9 of 20 reads, which its authors advise; the
    stoichiometry is ``mod_ratio``, which older versions do not write.
    """
    coverage, least = _or(limits.coverage, 20), _or(limits.share, 0.9)
    header = _header(path)
    check_complete(header, _M6ANET, "the header", "give m6anet's data.site_proba.csv", path=path, line=1)
    columns = {name: header.index(name) for name in (*_M6ANET, "mod_ratio") if name in header}
    rows = _named_rows(path, columns, len(header))
    rows = scope.keep(rows, rows["probability_modified"] != "", "no probability")
    reads = whole_numbers(rows, "n_reads", path)
    rows = rows.assign(start=whole_numbers(rows, "transcript_position", path), n_reads=reads)
    refuse_rows(rows, (rows["transcript_id"] != "").to_numpy(), "transcript_id", path, "the transcript is empty",
                "fill it in")  # fmt: skip
    probability = _shares(rows, "probability_modified", path)
    ratio = _shares(rows, "mod_ratio", path) if "mod_ratio" in rows else np.full(len(rows), np.nan)
    frame = pd.DataFrame(
        {
            "transcript": rows["transcript_id"].to_numpy(),
            "start": rows["start"].to_numpy(),
            "coverage": reads.astype(float),
            "stoichiometry": ratio,
            "called": probability >= least,
        },
        index=rows.index,
    )
    frame = scope.keep(frame, frame["coverage"] >= coverage, f"covered by fewer than {coverage:g} reads")
    rule = f"a position is covered by at least {coverage:g} reads and is a site if m6anet's probability is {least:g}"
    return Measured(scope.kept(frame), "m6anet", True, f"{rule} or more")


@MEASUREMENTS.add("glori")
def read_glori(path: str | Path, scope: Scope, modification: Modification, limits: Limits) -> Measured:
    """GLORI-tools' tables (Liu et al. 2023, doi:10.1038/s41587-022-01487-9) and others with a header like theirs.

    Columns ``Chr``, ``Sites`` (1-based), ``Strand``, ``AGcov`` (reads), ``Ratio`` (share of unconverted A), or other
    names of the same (:data:`_COLUMNS`), separated by tabs or commas. ``start`` in place of the position is 0-based
    where ``end`` is one more, 1-based where ``end`` is the same, else refused. Such tables list sites alone.
    """
    header = _header(path)
    roles = _roles(header)
    if not ({"chrom", "strand"} <= set(roles) and {"position", "start"} & set(roles)):
        raise InputError(
            "the header does not name chromosome, position and strand",
            path=path,
            line=1,
            value=", ".join(header),
            remedy="name the columns Chr, Sites, Strand, and AGcov and Ratio if there are such",
        )
    rows = _named_rows(path, roles, len(header))
    check_names_and_strands(rows, path)
    starts = _positions(rows, path)
    coverage = whole_numbers(rows, "coverage", path) if "coverage" in rows else np.full(len(rows), np.nan)
    ratio = _shares(rows, "share", path) if "share" in rows else np.full(len(rows), np.nan)
    frame = _frame(rows, starts, coverage, ratio)
    least, share = _or(limits.coverage, 10), _or(limits.share, 0.1)
    said = []
    if "coverage" in rows:
        frame = scope.keep(frame, frame["coverage"] >= least, f"covered by fewer than {least:g} reads")
        said.append(f"of at least {least:g} reads")
    if "share" in rows:
        frame = scope.keep(frame, frame["stoichiometry"] >= share, f"modified in less than {share:.0%} of the reads")
        said.append(f"modified in at least {share:.0%} of them")
    rule = " ".join(["every row is a site", *said])
    return Measured(scope.kept(frame.assign(called=True)), "glori", False, rule)


def _positions(rows: pd.DataFrame, path: str | Path) -> np.ndarray:
    """0-based positions of rows with the columns of :func:`read_glori`."""
    if "position" in rows:
        return whole_numbers(rows, "position", path, minimum=1) - 1
    starts = whole_numbers(rows, "start", path)
    if "end" not in rows:
        raise InputError(
            "the column start does not say what the first base is called",
            path=path,
            line=1,
            remedy="rename it to position if it counts from 1, or add end",
        )
    widths = whole_numbers(rows, "end", path) - starts
    one = bool((widths == 0).all())
    sound = widths == (0 if one else 1)
    refuse_rows(rows, sound, "end", path, "the row is not one nucleotide", "give single nucleotides")
    if one:
        refuse_rows(rows, starts >= 1, "start", path, "a 1-based start is below 1", "correct it")
    return starts - one


def _codes(modification: Modification, limits: Limits) -> set[str]:
    """What files call a modification."""
    names = {*modification.names, *SPELLINGS.get(modification.name, ())}
    return {*names, modification.chebi, MODKIT_CODES.get(modification.name, ""), limits.code} - {""}


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _frame(rows: pd.DataFrame, starts: np.ndarray, coverage: Sequence[float], share: Sequence[float]) -> pd.DataFrame:
    places = {"chrom": rows["chrom"].to_numpy(), "start": starts, "strand": rows["strand"].to_numpy()}
    measured = {"coverage": np.asarray(coverage, dtype=float), "stoichiometry": np.asarray(share, dtype=float)}
    return pd.DataFrame(places | measured, index=rows.index)


def _separator(text: str) -> str:
    return "\t" if "\t" in text else ","


def _header(path: str | Path) -> list[str]:
    """Names in the first line, in lower case; fields of another file are no names and do no harm."""
    number, text = first_line(path)
    return [name.strip().strip('"').lower() for name in split_quoted(text, _separator(text), path, number)]


def _roles(header: Sequence[str]) -> dict[str, int]:
    """Index of the column of each role that a header names."""
    found = {}
    for role, names in _COLUMNS.items():
        at = [header.index(name) for name in names if name in header]
        if at:
            found[role] = at[0]
    return found


def _named_rows(path: str | Path, columns: Mapping[str, int], n_fields: int) -> pd.DataFrame:
    """Columns as text, below a header in the first line, indexed by line."""
    number, text = first_line(path)
    blocks = field_blocks(path, columns, separator=_separator(text), skip_lines=number, n_fields=n_fields)
    return pd.concat(list(blocks)).apply(lambda column: column.str.strip('"'))


def _shares(rows: pd.DataFrame, column: str, path: str | Path) -> np.ndarray:
    """A text column as numbers from 0 to 1; shape=(len(rows),)."""
    sound = rows[column].str.fullmatch(_NUMBER).to_numpy(dtype=bool)
    refuse_rows(rows, sound, column, path, f"{column} is no number", "correct it")
    values = rows[column].astype(float).to_numpy()
    refuse_rows(rows, values <= 1, column, path, f"{column} is above 1", "give a share from 0 to 1")
    return values


_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
