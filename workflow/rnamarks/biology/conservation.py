"""Genes of high capacity in several species: how many orthogroups, how many by chance, and which.

An orthogroup counts where every species considered has a gene of it with a capacity, for every predictor, so that all
counts are of the same orthogroups. Where a species has several genes of a group, the group is high in that species if
any of them is; that makes such groups high more often, in the data and in the null alike.

The null gives what is expected if capacity were not shared between orthologues: within each species the high genes
are dealt anew among the genes of the groups considered. Two cautions. A predictor reads the sequence, so orthologues of
similar sequence are alike for that alone; beating the null shows that capacity is inherited with the sequence, not that
selection keeps it. And one network that serves all species scores similar sequences more alike than one network per
species does, so a difference between them is partly of their making.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..evaluation.bootstrap import interval, two_sided_p
from ..sheets import read_sheet
from ..tables import stack_frames
from .identifiers import match_ids
from .statistics import correlate

SUPPORT_COLUMNS = ("gene", "support", "reference")

_CELLS_AT_ONCE = 4_000_000

logger = logging.getLogger(__name__)


def compare_capacity(
    capacity: pd.DataFrame,
    orthologues: pd.DataFrame,
    *,
    species: Sequence[str],
    distances: Mapping[str, Mapping[str, float]] | None = None,
    support: pd.DataFrame | None = None,
    permutations: int = 1000,
    resamples: int = 1000,
    seed: int = 0,
    path: str | Path | None = None,
    support_path: str | Path | None = None,
    minimum: float = 0.5,
) -> dict[str, pd.DataFrame]:
    """Conservation of capacity between species, each modification for itself.

    Parameters
    ----------
    capacity : pandas.DataFrame
        Border **capacity**. Of each modification the transcripts of the species themselves are compared, by the
        predictors that know all of its species; a modification of fewer than two species is left out. Where a species
        has several tasks of a modification the first counts. The log names what is left out.
    orthologues : pandas.DataFrame
        See :func:`join_orthologues`.
    species : sequence of str
        In the order of the result.
    distances : mapping of str to mapping of str to float, optional
        See :func:`compare_species`.
    support : pandas.DataFrame, optional
        See :func:`list_conserved`.
    permutations, resamples, seed
        See :func:`count_conserved`.
    path, support_path : path-like, optional
        Files of the orthologues and of the support, named in errors.
    minimum
        See :func:`rnamarks.biology.identifiers.match_ids`.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``counts``, ``differences``, ``similarity``, ``conserved`` and ``genes``, with the columns
        ``conservation``, ``conservation_differences``, ``capacity_similarity``, ``conserved_genes`` and
        ``conserved_capacity``.
    """
    results = {
        "counts": column_names("conservation"),
        "differences": column_names("conservation_differences"),
        "similarity": column_names("capacity_similarity"),
        "conserved": column_names("conserved_genes"),
        "genes": column_names("conserved_capacity"),
    }
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in results}
    own = capacity[capacity["transcripts"] == capacity["species"]]
    for modification, rows in own.groupby("modification", sort=False):
        first = rows.drop_duplicates("species").set_index("species")["task"]
        rows = rows[rows["task"] == rows["species"].map(first)]
        names = [name for name in species if name in first.index]
        known = rows.groupby("predictor", sort=False)["species"].nunique()
        predictors = [name for name in known.index if known[name] == len(names)]
        logger.info("%s: %s by %s", modification, ", ".join(names), ", ".join(predictors) or "no predictor of them all")
        if len(names) < 2 or not predictors:
            continue
        members = join_orthologues(
            rows[rows["predictor"].isin(predictors)], orthologues, species=names, path=path, minimum=minimum
        )
        counts, differences = count_conserved(members, permutations=permutations, resamples=resamples, seed=seed)
        conserved, genes = list_conserved(members, support, capacity=capacity, path=support_path, minimum=minimum)
        found = (counts, differences, compare_species(members, distances), conserved, genes)
        for name, frame in zip(results, found, strict=True):
            frame.insert(0, "modification", modification)
            parts[name].append(frame)
    return {name: stack_frames(parts[name], columns) for name, columns in results.items()}


def join_orthologues(
    capacity: pd.DataFrame,
    orthologues: pd.DataFrame,
    *,
    species: Sequence[str] | None = None,
    path: str | Path | None = None,
    minimum: float = 0.5,
) -> pd.DataFrame:
    """Genes with a capacity, by orthogroup, of the groups that all species and all predictors have.

    Parameters
    ----------
    capacity : pandas.DataFrame
        Border **capacity** of one modification, with one set of transcripts per species.
    orthologues : pandas.DataFrame
        Columns ``species``, ``gene``, ``orthogroup``; one row per gene.
    species : sequence of str, optional
        Species considered, in the order of the result; all of ``capacity`` by default.
    path : path-like, optional
        File of the orthologues, named in errors.
    minimum
        See :func:`rnamarks.biology.identifiers.match_ids`; the fraction is of a species' genes in ``orthologues``.

    Returns
    -------
    pandas.DataFrame
        Columns ``orthogroup``, ``predictor``, ``species``, ``gene``, ``gene_name``, ``capacity``, ``rank``, ``high``;
        sorted by orthogroup, predictor and species in the order given. Without rows where no group is complete.

    Raises
    ------
    InputError
        If a species has no capacity or no orthologues, or too few of its orthologues have a capacity.
    """
    species = list(species) if species is not None else list(dict.fromkeys(capacity["species"]))
    predictors = list(dict.fromkeys(capacity["predictor"]))
    groups = orthologues[orthologues["orthogroup"].fillna("") != ""]
    found = []
    for name in species:
        mine, listed = capacity[capacity["species"] == name], groups[groups["species"] == name]
        if mine.empty:
            raise InputError(
                "a species has no capacity", value=name, remedy="predict its transcriptome, or leave it out"
            )
        if listed.empty:
            raise InputError(
                "the orthologues lack a species", path=path, value=name, remedy="list its genes, or leave it out"
            )
        matched = match_ids(
            listed["gene"],
            mine["gene"].unique(),
            what=f"genes of {name} in the orthologues",
            path=path,
            minimum=minimum,
        )
        keyed = listed[["orthogroup"]].assign(gene=matched.to_numpy())
        found.append(mine.merge(keyed[keyed["gene"] != ""].drop_duplicates(), on="gene"))
    columns = ["orthogroup", "predictor", "species", "gene", "gene_name", "capacity", "rank", "high"]
    if not found:
        return pd.DataFrame(columns=columns)
    members = pd.concat(found, ignore_index=True)
    members["high"] = members["high"].astype(bool)
    cells = members.drop_duplicates(["orthogroup", "species", "predictor"]).groupby("orthogroup").size()
    complete = cells.index[cells == len(species) * len(predictors)]
    members = members[members["orthogroup"].isin(complete)]
    logger.info(
        "%d of %d orthogroups have a capacity in all of %s by %s",
        members["orthogroup"].nunique(),
        groups["orthogroup"].nunique(),
        ", ".join(species),
        ", ".join(predictors),
    )
    orders = {
        name: {value: at for at, value in enumerate(values)}
        for name, values in (("species", species), ("predictor", predictors))
    }
    return (
        members[columns]
        .sort_values(
            ["orthogroup", "predictor", "species", "gene"],
            key=lambda column: column.map(orders[column.name]) if column.name in orders else column,
            kind="stable",
        )
        .reset_index(drop=True)
    )


def count_conserved(
    members: pd.DataFrame, *, permutations: int = 1000, resamples: int = 1000, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orthogroups that are high in 2 and more species, against chance and between predictors.

    Parameters
    ----------
    members : pandas.DataFrame
        As :func:`join_orthologues` gives it.
    permutations : int
        Of the high genes within species.
    resamples : int
        Bootstrap resamples of orthogroups, the same for all predictors.
    seed : int

    Returns
    -------
    counts : pandas.DataFrame
        ``conservation`` from the second on; a group counts if it is high in at least ``n_species`` species. ``low`` and
        ``high`` are the bootstrap interval, ``null_low`` and ``null_high`` hold 95 % of the permutations, ``fold`` is
        the count over the mean of the permutations, its interval that of the count. ``p`` is one-sided: the fraction
        of permutations with as many or more, one added to both. Shared capacity makes groups that are nowhere high more
        frequent as well as groups that are high everywhere, so that counts of few species fall below chance where those
        of many exceed it.
    differences : pandas.DataFrame
        ``conservation_differences`` from the second on: the first predictor minus each other.

    Notes
    -----
    Counts depend on a group only through the numbers of species in which the predictors find it high, so a bootstrap of
    groups is a multinomial draw over the combinations of these numbers. Permutations run in blocks of at most about
    4 million genes.
    """
    species = list(dict.fromkeys(members["species"]))
    predictors = list(dict.fromkeys(members["predictor"]))
    ks = np.arange(2, len(species) + 1)
    names = column_names("conservation", first="predictor")
    difference_names = column_names("conservation_differences", first="predictor_a")
    if not len(members) or not len(ks):
        return pd.DataFrame(columns=names), pd.DataFrame(columns=difference_names)
    numbers = np.column_stack(
        [species_with_high(members[members["predictor"] == name]).to_numpy() for name in predictors]
    )
    groups = len(numbers)
    combinations, times = np.unique(numbers, axis=0, return_counts=True)
    random = np.random.default_rng([seed, 1])
    drawn = random.multinomial(groups, times / groups, size=resamples)
    counts, differences, tallies = [], [], {}
    for column, name in enumerate(predictors):
        null = permute_counts(
            members[members["predictor"] == name],
            permutations=permutations,
            random=np.random.default_rng([seed, 2, column]),
        )
        reached = (combinations[:, column, None] >= ks).astype(np.int64)
        observed, resampled = times @ reached, drawn @ reached
        tallies[name] = observed, resampled
        chance = null @ (np.arange(len(species) + 1)[:, None] >= ks).astype(np.int64)
        for index, k in enumerate(ks):
            low, high = interval(resampled[:, index])
            mean = float(chance[:, index].mean()) if permutations else np.nan
            null_low, null_high = interval(chance[:, index])
            p = (1 + int((chance[:, index] >= observed[index]).sum())) / (1 + permutations)
            folds = [value / mean if mean else np.nan for value in (observed[index], low, high)]
            number = (name, int(k), groups, int(observed[index]), low, high)
            counts.append((*number, mean, null_low, null_high, *folds, p))
    for name in predictors[1:]:
        (first, first_drawn), (second, second_drawn) = tallies[predictors[0]], tallies[name]
        for index, k in enumerate(ks):
            shift = (first_drawn[:, index] - second_drawn[:, index]).astype(np.float64)
            low, high = interval(shift)
            values = (int(first[index]), int(second[index]), int(first[index] - second[index]))
            differences.append((predictors[0], name, int(k), groups, *values, low, high, two_sided_p(shift)))
    return pd.DataFrame(counts, columns=names), pd.DataFrame(differences, columns=difference_names)


def species_with_high(members: pd.DataFrame) -> pd.Series:
    """Number of species in which each orthogroup is high, for the rows of one predictor; sorted by orthogroup."""
    high = members.groupby(["orthogroup", "species"], sort=True)["high"].any()
    return high.groupby("orthogroup").sum().astype(np.int64)


def permute_counts(members: pd.DataFrame, *, permutations: int, random: np.random.Generator) -> np.ndarray:
    """Orthogroups by number of species in which they are high, with the high genes dealt anew within species.

    Parameters
    ----------
    members : pandas.DataFrame
        Rows of one predictor of :func:`join_orthologues`; every group has a gene of every species.
    permutations : int
    random : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of int, shape=(permutations, n_species + 1)
        Each row sums to the number of groups.
    """
    group, names = pd.factorize(members["orthogroup"], sort=True)
    species, tips = pd.factorize(members["species"])
    high = members["high"].to_numpy(dtype=bool)
    size = max(1, _CELLS_AT_ONCE // max(1, len(members)))
    tallies = np.zeros((permutations, len(tips) + 1), dtype=np.int64)
    for start in range(0, permutations, size):
        block = tallies[start : start + size]
        numbers = np.zeros((len(block), len(names)), dtype=np.int64)
        for tip in range(len(tips)):
            mine = np.flatnonzero(species == tip)
            mine = mine[np.argsort(group[mine], kind="stable")]
            dealt = random.permuted(np.broadcast_to(high[mine], (len(block), len(mine))).copy(), axis=1)
            first = np.flatnonzero(np.diff(group[mine], prepend=-1))
            numbers += np.logical_or.reduceat(dealt, first, axis=1)
        cells = numbers + (len(tips) + 1) * np.arange(len(block))[:, None]
        block[:] = np.bincount(cells.ravel(), minlength=block.size).reshape(block.shape)
    return tallies


def compare_species(members: pd.DataFrame, distances: Mapping[str, Mapping[str, float]] | None = None) -> pd.DataFrame:
    """Agreement of capacity between each two species over the orthogroups.

    Parameters
    ----------
    members : pandas.DataFrame
        As :func:`join_orthologues` gives it.
    distances : mapping of str to mapping of str to float, optional
        Path lengths on the species tree, as :func:`rnamarks.training.tree.distances` gives them.

    Returns
    -------
    pandas.DataFrame
        ``capacity_similarity`` from the second on; Spearman's correlation of the highest capacity per group and
        species with its 95 % interval. ``distance`` is missing without a tree.
    """
    species, rows = list(dict.fromkeys(members["species"])), []
    for predictor, mine in members.groupby("predictor", sort=False):
        table = mine.pivot_table(index="orthogroup", columns="species", values="capacity", aggfunc="max")
        for at, first in enumerate(species):
            for second in species[at + 1 :]:
                found = correlate(table[first].to_numpy(), table[second].to_numpy(), "spearman")
                apart = float(distances[first][second]) if distances is not None else np.nan
                rows.append((predictor, first, second, apart, len(table), found.effect, found.low, found.high))
    return pd.DataFrame(rows, columns=column_names("capacity_similarity", first="predictor"))


def list_conserved(
    members: pd.DataFrame,
    support: pd.DataFrame | None = None,
    *,
    capacity: pd.DataFrame | None = None,
    path: str | Path | None = None,
    minimum: float = 0.5,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orthogroups that at least one predictor finds high in every species: Table 1 of MASS.

    Parameters
    ----------
    members : pandas.DataFrame
        As :func:`join_orthologues` gives it.
    support : pandas.DataFrame, optional
        Columns :data:`SUPPORT_COLUMNS`, as :func:`read_support` gives it. A row belongs to an orthogroup if its gene is
        the name or the id of one of the group's genes, in whatever case.
    capacity : pandas.DataFrame, optional
        Border **capacity**. A row of ``support`` counts as matched if its gene is a gene there, conserved or not:
        support of few genes is usual, of genes that nobody knows is a fault of naming. Default: the members.
    path : path-like, optional
        File of the support, named in errors.
    minimum
        Fraction of the distinct genes of ``support`` that must match.

    Returns
    -------
    conserved : pandas.DataFrame
        ``conserved_genes`` from the second on, by category, then by falling mean rank. ``name`` is that of the
        first species. ``category`` is ``both`` (``all`` of more than two predictors), or the predictors that find the
        group high everywhere, followed by ``only``. ``genes`` has one entry ``species:name`` per species, joined by
        ``, ``.
        ``mean_rank`` is over the species and those predictors. Several rows of support are joined by ``; ``.
    genes : pandas.DataFrame
        ``conserved_capacity`` from the second on: the capacity of these groups in every species by every predictor;
        ``genes`` counts the genes that the species has in the group, of which the row has the one of highest capacity.
    """
    species = list(dict.fromkeys(members["species"]))
    predictors = list(dict.fromkeys(members["predictor"]))
    notes = _support_by_key(support, members if capacity is None else capacity, path, minimum)
    keys = ["orthogroup", "predictor", "species"]
    best = members.sort_values([*keys, "capacity"], ascending=[True, True, True, False], kind="stable")
    best = best.drop_duplicates(keys).assign(genes=0)
    best["genes"] = members.groupby(keys)["gene"].size().reindex(pd.MultiIndex.from_frame(best[keys])).to_numpy()
    everywhere = best.groupby(["orthogroup", "predictor"])["high"].all().unstack("predictor", fill_value=False)
    chosen = everywhere.index[everywhere.any(axis=1)] if len(species) > 1 and len(everywhere) else []
    by_group = {name: rows for name, rows in best[best["orthogroup"].isin(chosen)].groupby("orthogroup")}
    names_of = members[members["orthogroup"].isin(chosen)].groupby("orthogroup")
    aliases = {name: {text.upper() for text in (*rows["gene_name"], *rows["gene"])} for name, rows in names_of}
    rows = []
    for group in chosen:
        finders = [name for name in predictors if everywhere.at[group, name]]
        mine = by_group[group]
        leading = mine[mine["predictor"] == finders[0]].set_index("species").loc[species]
        labels = leading["gene_name"].where(leading["gene_name"] != "", leading["gene"])
        found = [note for key in sorted(aliases[group]) for note in notes.get(key, [])]
        rows.append(
            {
                "orthogroup": group,
                "name": labels.iloc[0],
                "category": _category(finders, predictors),
                "genes": ", ".join(f"{name}:{label}" for name, label in labels.items()),
                "mean_rank": float(mine.loc[mine["predictor"].isin(finders), "rank"].mean()),
                "support": "; ".join(dict.fromkeys(note for note, _ in found if note)),
                "reference": "; ".join(dict.fromkeys(source for _, source in found if source)),
            }
        )
    conserved = pd.DataFrame(rows, columns=column_names("conserved_genes", first="orthogroup"))
    ranks = conserved["category"].map({name: at for at, name in enumerate(categories(predictors))})
    conserved = conserved.assign(place=ranks).sort_values(
        ["place", "mean_rank", "orthogroup"], ascending=[True, False, True], kind="stable"
    )
    order = {name: at for at, name in enumerate(conserved["orthogroup"])}
    listed = best[best["orthogroup"].isin(chosen)].copy()
    listed = listed.assign(
        place=listed["orthogroup"].map(order),
        by=listed["predictor"].map({name: at for at, name in enumerate(predictors)}),
        tip=listed["species"].map({name: at for at, name in enumerate(species)}),
    ).sort_values(["place", "by", "tip"], kind="stable")
    return (
        conserved[column_names("conserved_genes", first="orthogroup")].reset_index(drop=True),
        listed[column_names("conserved_capacity", first="orthogroup")].reset_index(drop=True),
    )


def categories(predictors: Sequence[str]) -> list[str]:
    """Categories of conserved genes in the order of Table 1: found by all predictors, by each alone, by some."""
    subsets = [
        [name for at, name in enumerate(predictors) if code >> at & 1] for code in range(1, 1 << len(predictors))
    ]
    subsets.sort(key=lambda names: (len(names) != len(predictors), len(names)))
    return [_category(names, predictors) for names in subsets]


def read_support(path: str | Path) -> pd.DataFrame:
    """A table of literature support that the user wrote: columns ``gene``, ``support``, ``reference``, tab-separated.

    Raises
    ------
    InputError
        If the header or a row is malformed, or a row has no gene.
    """
    rows = read_sheet(path, SUPPORT_COLUMNS, may_lack=("support", "reference"))
    for line, row in rows:
        if not row["gene"]:
            raise InputError("the row has no gene", path=path, line=line, remedy="name the gene that it is about")
    return pd.DataFrame([row for _, row in rows], columns=list(SUPPORT_COLUMNS))


def _category(finders: Sequence[str], predictors: Sequence[str]) -> str:
    if len(finders) == len(predictors):
        return {1: predictors[0], 2: "both"}.get(len(predictors), "all")
    return f"{' and '.join(finders)} only"


def _support_by_key(
    support: pd.DataFrame | None, genes: pd.DataFrame, path: str | Path | None, minimum: float
) -> Mapping[str, list[tuple[str, str]]]:
    if support is None or not len(support):
        return {}
    known = {text.upper() for name in ("gene_name", "gene") for text in genes[name].unique() if text}
    matched = match_ids(
        support["gene"], sorted(known), what="genes of the literature table", path=path, minimum=minimum
    )
    notes: dict[str, list[tuple[str, str]]] = {}
    for key, note, source in zip(matched, support["support"], support["reference"], strict=True):
        if key:
            notes.setdefault(key, []).append((note, source))
    return notes
