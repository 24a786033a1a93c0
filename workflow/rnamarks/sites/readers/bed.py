"""Single-nucleotide sites in BED and its kin: 0-based, half-open."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError
from ..drops import Scope
from ..layouts import THRESHOLDS, check_thresholds
from ..modifications import Modification
from .register import LAYOUT_READERS, READERS
from .rows import (
    check_names_and_strands,
    check_stated_assembly,
    field_blocks,
    first_line,
    leading_comments,
    read_fields,
    refuse_rows,
    site_table,
    whole_numbers,
)

BED_COLUMNS = {"chrom": 0, "start": 1, "end": 2, "name": 3, "score": 4, "strand": 5}
# in bedMethyl, of 11 or 18 columns, and in bedRMod, of 11
_PILEUP_COLUMNS = BED_COLUMNS | {"coverage": 9, "percentage": 10}
_PERCENTAGE = r"[0-9]+(?:\.[0-9]+)?"


@READERS.add("bed")
def read_bed(path: str | Path, scope: Scope, *, assembly: str, modification: Modification) -> pd.DataFrame:
    """BED6 or wider, one row per site; columns 4 and 5 may hold anything.

    Rows of 2 nt are what liftOver leaves where an insertion lies beside the site: which of the two is the site is
    lost, so they are dropped, and wider rows, which are peaks, too.

    Raises
    ------
    InputError
        If a row is malformed, the file says that it is of another assembly, or it is bedMethyl or bedRMod, which list
        unmodified positions besides.
    """
    refuse_pileup(path)
    check_stated_assembly(path, assembly, leading_comments(path))
    rows, starts = single_nucleotides(path, read_fields(path, BED_COLUMNS, separator=None), scope)
    return site_table(rows, starts, scope, assembly=assembly, modification=modification)


@READERS.add("geo_bed")
def read_geo_bed(path: str | Path, scope: Scope, *, assembly: str, modification: Modification) -> pd.DataFrame:
    """CITS, CIMS and m6A-CLIP calls as deposited with GEO: BED6 or BED9, ``score`` a number of reads or mutations.

    The name may end in the 3 or 5 nt around the site (``..._GGACT``, ``..._GAC_5``); rows whose middle letter is
    not the modified base are dropped. A position called twice in one file is one site of one experiment.

    Raises
    ------
    InputError
        As :func:`read_bed`, and if a score is no number.
    """
    check_stated_assembly(path, assembly, leading_comments(path))
    refuse_pileup(path)
    rows = read_fields(path, BED_COLUMNS)
    counts = rows["score"].str.fullmatch(r"[0-9]+(?:\.[0-9]+)?").to_numpy(dtype=bool)
    refuse_rows(rows, counts, "score", path, "the score is no number of reads", "read this file with the format bed")
    rows, starts = single_nucleotides(path, rows, scope)
    motifs = rows["name"].str.upper().str.replace("T", "U").str.extract(r"_([ACGU]{5}|[ACGU]{3})(?:_[0-9]+)?$")[0]
    middle = motifs.where(motifs.str.len() != 3, "-" + motifs + "-").str[2]
    right = (middle.isna() | (middle == modification.base)).to_numpy()
    rows = scope.keep(rows, right, f"motif in the name has no {modification.base} in the middle")
    return site_table(rows, starts[right], scope, assembly=assembly, modification=modification)


@LAYOUT_READERS.add("bedmethyl")
def read_bedmethyl(
    path: str | Path, scope: Scope, *, assembly: str, modification: Modification, layout: Mapping[str, Any]
) -> pd.DataFrame:
    """BedMethyl of ENCODE or modkit, and bedRMod: every position that reads cover, modified or not.

    Parameters
    ----------
    path, scope, assembly, modification
        As of all readers.
    layout : mapping
        ``minimum_coverage`` (reads, column 10) and ``minimum_percentage`` (of them modified, column 11, 0 to 100),
        both needed: rows below are dropped and counted. ``code``, optional: what the file calls the modification
        besides its names and its ChEBI number, such as ``a``; modkit's ``a,DRACH,0`` is compared up to the comma.

    Raises
    ------
    InputError
        As :func:`read_bed`, and if the layout is another one, or no row is about the modification.
    """
    check_thresholds(layout)
    limits = [layout[key] for key in THRESHOLDS]
    check_stated_assembly(path, assembly, leading_comments(path))
    known = modification.names | {modification.chebi, str(layout.get("code", ""))} - {""}
    kept = []
    for rows, starts in pileup_blocks(
        path, scope, known, limits[0], modification.name, remedy="add its code to the layout"
    ):
        enough = (rows["percentage"] >= limits[1]).to_numpy()
        kept.append((scope.keep(rows, enough, f"modified in less than {limits[1]} % of the reads"), starts[enough]))
    rows, starts = (pd.concat([rows for rows, _ in kept]), np.concatenate([starts for _, starts in kept]))
    return site_table(rows, starts, scope, assembly=assembly, modification=modification)


def pileup_blocks(
    path: str | Path, scope: Scope, known: Collection[str], minimum_coverage: float, name: str, *, remedy: str
) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """Checked rows of bedMethyl or bedRMod about one modification, some at a time, and their 0-based starts.

    Parameters
    ----------
    path, scope
        As of all readers.
    known : collection of str
        What the file may call the modification; modkit's ``a,DRACH,0`` is compared up to the comma.
    minimum_coverage : float
        Rows of fewer reads are dropped and counted.
    name, remedy : str
        Of the modification, and where its code is told, for the message.

    Yields
    ------
    rows : pandas.DataFrame
        ``coverage`` (reads) and ``percentage`` (0 to 100) as numbers, other fields as text; indexed by line.
    starts : numpy.ndarray, shape=(len(rows),)

    Raises
    ------
    InputError
        If a row is malformed, or none is about the modification.
    """
    seen: set[str] = set()
    # every position that reads cover may be a hundred million rows, of which the limits leave few;
    # modkit once wrote tabs between the first ten columns and blanks between the others
    for rows in field_blocks(path, _PILEUP_COLUMNS, separator=" "):
        rows = rows.assign(coverage=whole_numbers(rows, "coverage", path))
        sound = rows["percentage"].str.fullmatch(_PERCENTAGE).to_numpy(dtype=bool)
        refuse_rows(rows, sound, "percentage", path, "the percentage is no number", "correct it")
        percentages = rows["percentage"].astype(float).to_numpy()
        refuse_rows(rows, percentages <= 100, "percentage", path, "the percentage is above 100", "correct it")
        rows = rows.assign(percentage=percentages)
        codes = rows["name"].str.partition(",")[0]
        seen.update(codes)
        rows = scope.keep(rows, codes.isin(known), "another modification")
        rows = scope.keep(
            rows, rows["coverage"] >= minimum_coverage, f"covered by fewer than {minimum_coverage:g} reads"
        )
        yield single_nucleotides(path, rows, scope)
    if seen.isdisjoint(known):
        raise InputError(f"no row is about {name}", path=path, value=min(seen), remedy=remedy)


def refuse_pileup(path: str | Path) -> None:
    """Refuse bedMethyl and bedRMod, whose rows are positions that reads cover, not sites."""
    _, first = first_line(path)
    fields = first.split()
    stated = any("bedrmod" in comment.lower() for comment in leading_comments(path))
    like = len(fields) in (11, 18) and fields[9].isdecimal() and re.fullmatch(_PERCENTAGE, fields[10])
    if stated or (like and float(fields[10]) <= 100):
        raise InputError(
            "the file is bedMethyl or bedRMod, which list unmodified positions, too",
            path=path,
            value=first,
            remedy="set the format bedmethyl with thresholds of coverage and percentage",
        )


def single_nucleotides(path: str | Path, rows: pd.DataFrame, scope: Scope) -> tuple[pd.DataFrame, np.ndarray]:
    """Checked rows of one nucleotide and their 0-based starts."""
    starts, ends = whole_numbers(rows, "start", path), whole_numbers(rows, "end", path)
    refuse_rows(rows, ends > starts, "end", path, "the end is not after the start", "correct it")
    check_names_and_strands(rows, path)
    widths = ends - starts
    rows = scope.keep(rows, widths != 2, "2 nt wide (liftOver artefact)")
    starts, widths = starts[widths != 2], widths[widths != 2]
    return scope.keep(rows, widths == 1, "wider than one nucleotide (peak)"), starts[widths == 1]
