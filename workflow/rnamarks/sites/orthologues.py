"""Orthologues in published formats, as groups of genes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

from ..errors import InputError
from ..registry import Register
from ..tables import read_tsv

COLUMNS = ("species", "gene", "orthogroup")
_COMPARA = ("gene_stable_id", "species", "homology_type", "homology_gene_stable_id", "homology_species")

ORTHOLOGUE_FORMATS: Register[Callable[[str | Path, Mapping[str, str]], pd.DataFrame]] = Register("orthologue format")


@ORTHOLOGUE_FORMATS.add("orthogroups")
def read_orthogroups(path: str | Path, scientific: Mapping[str, str]) -> pd.DataFrame:
    """A table that names groups: columns ``species``, ``gene`` and ``orthogroup``.

    Parameters
    ----------
    path : path-like
    scientific : mapping of species to scientific name
        Species to keep.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`; genes without an orthogroup are left out.
    """
    frame, _ = read_tsv(path, COLUMNS, dtype=dict.fromkeys(COLUMNS, str))
    return _checked(frame[frame["species"].isin(scientific)][list(COLUMNS)], path)


@ORTHOLOGUE_FORMATS.add("compara")
def read_compara(path: str | Path, scientific: Mapping[str, str]) -> pd.DataFrame:
    """Pairs of Ensembl Compara: one row per pair of homologous genes.

    Genes that rows of an orthology type join, directly or through others, form a group; it is named after its first
    gene. Paralogues do not join.

    Parameters
    ----------
    path : path-like
        TSV with a header that has at least ``gene_stable_id``, ``species``, ``homology_type``,
        ``homology_gene_stable_id`` and ``homology_species``.
    scientific : mapping of species to scientific name
        Species to keep; Compara writes ``Homo sapiens`` as ``homo_sapiens``.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`.
    """
    frame, _ = read_tsv(path, _COMPARA, dtype=dict.fromkeys(_COMPARA, str))
    lacking = frame[list(_COMPARA)].isna()
    if lacking.any(axis=None):
        raise InputError(f"a row has no {lacking.any().idxmax()}", path=path, remedy="fetch the file again")
    short = {name.lower().replace(" ", "_"): species for species, name in scientific.items()}
    frame = frame[frame["homology_type"].str.startswith("ortholog")]
    first, second = frame["species"].map(short), frame["homology_species"].map(short)
    known = first.notna() & second.notna()
    sides = [
        first[known] + "\t" + frame.loc[known, "gene_stable_id"],
        second[known] + "\t" + frame.loc[known, "homology_gene_stable_id"],
    ]
    if not known.any():
        raise InputError(
            "no pair of orthologues of the configured species", path=path, remedy=f"it should name {', '.join(short)}"
        )
    codes, genes = pd.factorize(pd.concat(sides, ignore_index=True), sort=True)
    left, right = codes[: known.sum()], codes[known.sum() :]
    graph = scipy.sparse.coo_array((np.ones(len(left)), (left, right)), shape=(len(genes), len(genes)))
    group = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    table = pd.Series(genes).str.split("\t", expand=True).set_axis(["species", "gene"], axis=1)
    table["orthogroup"] = table.groupby(group)["gene"].transform("first")
    return _checked(table[list(COLUMNS)], path)


def read_orthologues(path: str | Path, species: str) -> pd.DataFrame:
    """Genes of one species and their orthogroups, of a table as :func:`read_orthogroups` takes it.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`, text; one row per gene.

    Raises
    ------
    InputError
        If a column is missing, the species has no row, or a gene is in two orthogroups.
    """
    table = read_orthogroups(path, {species: ""})
    if not len(table):
        raise InputError(
            "the table of orthologues has no gene of the species",
            path=path,
            value=species,
            remedy="write the species as in config/species.tsv",
        )
    return table


def _checked(table: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    table = table.dropna().drop_duplicates(ignore_index=True)
    twice = table.duplicated(["species", "gene"])
    if twice.any():
        raise InputError(
            "a gene is in two orthogroups", path=path, value=table["gene"][twice].iloc[0], remedy="list each gene once"
        )
    return table
