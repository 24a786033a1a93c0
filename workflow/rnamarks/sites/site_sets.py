"""All site tables of one species as one table on one genome."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from .drops import Drops
from .modifications import Modification
from .readers import READERS
from .site_tables import check_assembly, harmonise_chromosomes, merge_sites
from .transcripts import open_genome


def read_site_tables(
    tables: Sequence[str | Path],
    formats: Sequence[str],
    sources: Sequence[str],
    *,
    genome: str | Path,
    workdir: str | Path,
    assembly: str,
    modification: Modification,
    species: str,
) -> tuple[pd.DataFrame, Drops]:
    """Read published tables, hold each against the genome, and merge them.

    Parameters
    ----------
    tables, formats, sources : sequences of equal length
        Files, names of readers, and names for later tables.
    genome : path-like
        FASTA; its chromosome names are the ones used from here on.
    workdir : path-like
        Where the genome's index, and its decompressed copy, may lie.
    assembly : str
        Checked against what the tables say of themselves.

    Returns
    -------
    sites : pandas.DataFrame
        The **sites** border.
    drops : Drops
        Stages ``read`` and ``genome``, by source.

    Raises
    ------
    InputError
        If a table is malformed, names another assembly, lies mostly on unknown chromosomes, or its sites are mostly
        not on the modification's base.
    """
    drops = Drops()
    frames = []
    with open_genome(genome, workdir) as fasta:

        def lookup(chrom: str, start: int, end: int) -> str:
            return fasta[chrom][start:end].seq

        for path, form, source in zip(tables, formats, sources, strict=True):
            frame = READERS[form](
                path, assembly=assembly, modification=modification, source=source, drops=drops, species=species
            )
            scope = drops.scope("genome", species, source)
            frame = harmonise_chromosomes(frame, fasta.keys(), scope, path=path)
            frames.append(check_assembly(frame, lookup, modification.base, scope, path=path))
    return merge_sites(frames), drops
