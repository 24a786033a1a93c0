"""All site tables of one task as one table on one genome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyfaidx

from ..errors import InputError
from .drops import Drops
from .layouts import check_layout
from .modifications import Modification
from .readers import GENOME_READERS, LAYOUT_READERS, READERS
from .readers.register import Reader
from .readers.rows import STAGE
from .site_tables import TECHNOLOGIES, check_assembly, harmonise_chromosomes, merge_sites
from .transcripts import open_genome


def read_site_tables(
    tables: Sequence[str | Path],
    formats: Sequence[str],
    sources: Sequence[str],
    *,
    genome: str | Path | None,
    workdir: str | Path,
    assembly: str,
    modification: Modification,
    subject: str,
    technologies: Sequence[str | None] | None = None,
    layouts: Sequence[Mapping[str, Any] | None] | None = None,
) -> tuple[pd.DataFrame, Drops]:
    """Read published tables, hold each against the genome, and merge them.

    Parameters
    ----------
    tables, formats, sources : sequences of equal length
        Files, names of readers, and names for later tables. Several files of one study share its name.
    genome : path-like or None
        FASTA; its chromosome names are the ones used from here on. Without one the sites are taken as they are, and
        :func:`rnamarks.sites.labelling.label_sites` holds them against the transcripts.
    workdir : path-like
        Where the genome's index, and its decompressed copy, may lie.
    assembly : str
        Checked against what the tables say of themselves.
    technologies : sequence of str or None, optional
        By table, the technology that found its sites, such as miCLIP. If one is named, the result has the column
        ``technologies``, see :func:`count_technologies`.
    subject : str
        Name of the task, for the drops table.
    layouts : sequence of mapping or None, optional
        By table, what those formats of ``LAYOUT_READERS`` and ``GENOME_READERS`` need to know.

    Returns
    -------
    sites : pandas.DataFrame
        The **sites** border: positions 0-based half-open on the forward strand, chromosomes named as in the genome.
    drops : Drops
        Stages ``read`` and ``genome``, by source.

    Raises
    ------
    InputError
        If a table is malformed, names another assembly, lies mostly on unknown chromosomes, or its sites are mostly
        not on the modification's base, a layout is missing or not wanted, or one source has two technologies.
    """
    technologies = technologies or [None] * len(tables)
    layouts = layouts or [None] * len(tables)
    by_source: dict[str, str] = {}
    for path, source, technology in zip(tables, sources, technologies, strict=True):
        if technology and by_source.setdefault(source, technology) != technology:
            raise InputError(
                f"the source {source} has another technology in an earlier table",
                path=path,
                value=technology,
                remedy="name the source after study and technology",
            )
    drops = Drops()
    frames = []
    with open_genome(genome, workdir) if genome else nullcontext() as fasta:

        def lookup(chrom: str, start: int, end: int) -> str:
            return fasta[chrom][start:end].seq

        for path, form, source, layout in zip(tables, formats, sources, layouts, strict=True):
            reader = _reader(form, layout, fasta)
            frame = reader(path, drops.scope(STAGE, subject, source), assembly=assembly, modification=modification)
            if fasta is None:
                frames.append(frame)
                continue
            scope = drops.scope("genome", subject, source)
            frame = harmonise_chromosomes(frame, fasta.keys(), scope, path=path)
            minimum = 0.0 if layout and layout.get("mixed_bases") else 0.5
            frames.append(check_assembly(frame, lookup, modification.base, scope, minimum_fraction=minimum, path=path))
    sites = merge_sites(frames)
    if by_source:
        sites[TECHNOLOGIES] = count_technologies(sites, by_source)
    return sites, drops


def count_technologies(sites: pd.DataFrame, technologies: Mapping[str, str]) -> np.ndarray:
    """By how many technologies each site was found.

    Parameters
    ----------
    sites : pandas.DataFrame
        Merged, with the column ``source`` of names joined by ``,``.
    technologies : mapping of str to str
        Source to technology; a source that is not in it counts as a technology of its own.

    Returns
    -------
    numpy.ndarray, shape=(len(sites),), dtype=int64
        At least 1 and at most the number of sources of the site.
    """
    of_joined = {
        joined: len({technologies.get(name, name) for name in joined.split(",")}) for joined in sites["source"].unique()
    }
    return sites["source"].map(of_joined).to_numpy(dtype=np.int64)


def _reader(form: str, layout: Mapping[str, Any] | None, genome: pyfaidx.Fasta | None) -> Reader:
    check_layout(form, layout)
    if form in GENOME_READERS:
        if genome is None:
            raise InputError(f"the format {form} is looked for in a genome", value=form, remedy="give the genome")
        return partial(GENOME_READERS[form], layout=layout, genome=genome)
    return partial(LAYOUT_READERS[form], layout=layout) if form in LAYOUT_READERS else READERS[form]
