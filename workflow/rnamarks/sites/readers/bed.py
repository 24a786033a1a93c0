"""Single-nucleotide sites in BED: 0-based, half-open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..drops import Drops, Scope
from ..modifications import Modification
from .register import READERS
from .rows import (
    STAGE,
    check_names_and_strands,
    check_stated_assembly,
    leading_comments,
    read_fields,
    refuse_rows,
    site_table,
    whole_numbers,
)

_COLUMNS = {"chrom": 0, "start": 1, "end": 2, "name": 3, "score": 4, "strand": 5}


@READERS.add("bed")
def read_bed(
    path: str | Path, *, assembly: str, modification: Modification, source: str, drops: Drops, species: str
) -> pd.DataFrame:
    """BED6 or wider, one row per site; columns 4 and 5 may hold anything.

    Rows of 2 nt are what liftOver leaves where an insertion lies beside the site: which of the two is the site is
    lost, so they are dropped, and wider rows, which are peaks, too.

    Raises
    ------
    InputError
        If a row is malformed or the file says that it is of another assembly.
    """
    scope = drops.scope(STAGE, species, source)
    check_stated_assembly(path, assembly, leading_comments(path))
    rows, starts = _single_nucleotides(path, read_fields(path, _COLUMNS, separator=None), scope)
    return site_table(rows, starts, scope, assembly=assembly, modification=modification, source=source)


@READERS.add("geo_bed")
def read_geo_bed(
    path: str | Path, *, assembly: str, modification: Modification, source: str, drops: Drops, species: str
) -> pd.DataFrame:
    """CITS, CIMS and m6A-CLIP calls as deposited with GEO: BED6 or BED9, ``score`` a number of reads or mutations.

    The name may end in the 3 or 5 nt around the site (``..._GGACT``, ``..._GAC_5``); rows whose middle letter is
    not the modified base are dropped. A position called twice in one file is one site of one experiment.

    Raises
    ------
    InputError
        As :func:`read_bed`, and if a score is no number.
    """
    scope = drops.scope(STAGE, species, source)
    check_stated_assembly(path, assembly, leading_comments(path))
    rows = read_fields(path, _COLUMNS)
    counts = rows["score"].str.fullmatch(r"[0-9]+(?:\.[0-9]+)?").to_numpy(dtype=bool)
    refuse_rows(rows, counts, "score", path, "the score is no number of reads", "read this file with the format bed")
    rows, starts = _single_nucleotides(path, rows, scope)
    motifs = rows["name"].str.upper().str.replace("T", "U").str.extract(r"_([ACGU]{5}|[ACGU]{3})(?:_[0-9]+)?$")[0]
    middle = motifs.where(motifs.str.len() != 3, "-" + motifs + "-").str[2]
    right = (middle.isna() | (middle == modification.base)).to_numpy()
    rows = scope.keep(rows, right, f"motif in the name has no {modification.base} in the middle")
    return site_table(rows, starts[right], scope, assembly=assembly, modification=modification, source=source)


def _single_nucleotides(path: str | Path, rows: pd.DataFrame, scope: Scope) -> tuple[pd.DataFrame, np.ndarray]:
    """Checked rows of one nucleotide and their 0-based starts."""
    starts, ends = whole_numbers(rows, "start", path), whole_numbers(rows, "end", path)
    refuse_rows(rows, ends > starts, "end", path, "the end is not after the start", "correct it")
    check_names_and_strands(rows, path)
    widths = ends - starts
    rows = scope.keep(rows, widths != 2, "2 nt wide (liftOver artefact)")
    starts, widths = starts[widths != 2], widths[widths != 2]
    return scope.keep(rows, widths == 1, "wider than one nucleotide (peak)"), starts[widths == 1]
