"""The two schemes of splitting that every result is reported on.

*Paper*: as MASS describes it, each task apart: 80 % of the windows at random for training, 20 % for testing, test
windows that CD-HIT-EST finds at least 80 % similar to a training window removed. The paper gives no share for its
validation split; here it is one eighth of the 80 %. Windows of one gene, and of one gene in two species, fall on both
sides of this split.

*Guarded*: windows of one gene of a species, of one group of orthologues in any species, and windows that resemble each
other stay together, whatever their tasks. A unit is a connected component of these three relations.

Splits are ``train``, ``valid``, ``test`` and ``""`` (left out; the reason is counted in the drops).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from ..errors import InputError
from ..sites.drops import KEPT, Drops
from .redundancy import cdhit_similar

SPLITS = ("train", "valid", "test")
FRACTIONS = (0.7, 0.1, 0.2)
NEIGHBOURHOOD = 10_000


class Assignment(NamedTuple):
    """Where n windows go under one scheme.

    ``splits``: shape=(n_windows,), object, one of train, valid, test and the empty string.
    ``drops``: columns ``stage``, ``subject`` (task), ``source`` (name of the scheme), ``reason``, ``rows``.
    """

    splits: np.ndarray
    drops: pd.DataFrame


class GuardedAssignment(NamedTuple):
    """Where n windows go under the guarded scheme.

    ``splits`` and ``drops`` as in :class:`Assignment`. ``component``: shape=(n_windows,), int64, the unit each window
    moved with. ``components``: one row per unit with ``component``, ``split``, ``windows``, ``positives``,
    ``tasks`` (number), ``genes`` (number), ``fraction`` (of all windows), ``note``: ``similarity edges cut`` for units
    that a too large component was cut into, ``larger than the limit`` for one that cannot be cut, else empty.
    """

    splits: np.ndarray
    drops: pd.DataFrame
    component: np.ndarray
    components: pd.DataFrame


def paper_split(
    windows: pd.DataFrame,
    *,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    identity: float = 0.8,
    threads: int = 1,
    counts: Sequence[int] | None = None,
) -> Assignment:
    """Random split of each task, test windows similar to training windows removed.

    Within a task and a label the windows are shuffled and cut. Test windows similar to a window of the training or
    validation split of the task (the paper's 80 %) are left out, then validation windows similar to a training window.

    A task whose windows came split (column ``given``) keeps its own test split: of it, only exact copies
    of training windows are left out. If it has no validation split, one is taken from its training split by the seed.

    Parameters
    ----------
    windows : pandas.DataFrame
        Columns ``task``, ``sequence``, ``label``, ``given``; all tasks together.
    fractions : sequence of float
        Fractions of train, valid and test.
    seed : int
        A task's split depends on the seed and its name, not on the other tasks.
    identity : float
        At and above it CD-HIT-EST calls two windows similar.
    threads : int
    counts : sequence of int, optional
        Windows of each label in the validation and in the test split of a task, in place of fractions: 150 and 50 in
        Song et al. 2021. Similar windows are then not removed, as there.

    Returns
    -------
    Assignment

    Raises
    ------
    InputError
        If the fractions do not add up to 1, a task came split in part only or without a training or test split, or
        has too few windows of a label to fill each split.
    """
    fractions = check_fractions(fractions)
    tasks = windows["task"].to_numpy(dtype=object)
    sequence = windows["sequence"].to_numpy(dtype=object)
    label = windows["label"].to_numpy()
    given = windows["given"].to_numpy(dtype=object)
    splits = np.full(len(windows), "", dtype=object)
    came_split: list[str] = []
    names = list(dict.fromkeys(tasks))
    for name in names:
        rows = np.flatnonzero(tasks == name)
        generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
        if (given[rows] != "").any():
            splits[rows] = _given_splits(given[rows], label[rows], fractions, generator, name)
            came_split.append(name)
        else:
            splits[rows] = _random_splits(label[rows], fractions, generator, name, counts)
            if counts is not None:
                came_split.append(name)
    assigned = splits.copy()
    reasons = np.full(len(windows), "", dtype=object)
    compared = []
    for name in names:
        own = tasks == name
        for split, against in (("test", ("train", "valid")), ("valid", ("train",))):
            rows = np.flatnonzero(own & (assigned == split))
            if name in came_split:
                similar = pd.Series(sequence[rows], dtype=object).isin(set(sequence[own & np.isin(assigned, against)]))
                dropped = rows[similar.to_numpy(dtype=bool)]
                splits[dropped], reasons[dropped] = "", f"{split} window is an exact copy of a training window"
            else:
                compared.append((split, rows, np.flatnonzero(own & np.isin(assigned, against))))
    at_once = max(1, min(threads, len(compared)))
    with ThreadPoolExecutor(at_once) as pool:
        found = pool.map(
            lambda rows, reference: cdhit_similar(
                sequence[reference], sequence[rows], identity=identity, threads=threads // at_once
            ),
            [rows for _, rows, _ in compared],
            [reference for _, _, reference in compared],
        )
        for (split, rows, _), similar in zip(compared, found, strict=True):
            dropped = rows[similar]
            splits[dropped] = ""
            reasons[dropped] = f"{split} window at least {identity:.0%} similar to a training window"
    return Assignment(splits, count_drops(tasks, splits, reasons, "paper"))


def guarded_split(
    windows: pd.DataFrame,
    *,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    clusters: np.ndarray | None = None,
    limit: float = 0.5,
) -> GuardedAssignment:
    """Split by gene, orthologues and similarity together, over all tasks at once.

    Windows are joined if they share a gene within a species, an orthogroup, or a similarity cluster, or are
    identical. Windows without a gene but with a place on the genome join the others of their species,
    chromosome and strand of this kind by single linkage at 10 kb, in place of a gene.

    Similarity joins whole genomes through repeats and gene families. If a component holds more than ``limit`` of all
    windows, its similarity edges (never those of gene, orthogroup, place or exact copy) are cut, its pieces are
    assigned one by one, and of each cluster that then lies in several splits only the windows of the first of train,
    valid, test stay; the others are left out and counted. No cluster thus ever spans two splits.

    Components are assigned largest first, each to the split that is least full for the positives and negatives
    of the component's tasks.

    Parameters
    ----------
    windows : pandas.DataFrame
        Columns ``task``, ``species``, ``sequence``, ``label``, ``gene``, ``orthogroup``, ``chrom``, ``start``
        (0-based), ``strand``; all tasks together. A column ``given`` is not looked at.
    fractions : sequence of float
        Fractions of train, valid and test, aimed at for positives and negatives of each task.
    seed : int
        Order of components of one size.
    clusters : numpy.ndarray, shape=(n_windows,), optional
        Similarity cluster of each window, from one of ``rnamarks.datasets.redundancy.CLUSTERINGS``.
    limit : float
        Fraction of all windows above which a component is cut.

    Returns
    -------
    GuardedAssignment

    Raises
    ------
    InputError
        If the fractions do not add up to 1 or the clusters are not one per window.
    """
    fractions = check_fractions(fractions)
    if clusters is not None and len(clusters) != len(windows):
        raise InputError(
            f"there are {len(windows)} windows and a cluster for {len(clusters)}", remedy="cluster the same windows"
        )
    tasks = windows["task"].to_numpy(dtype=object)
    if not len(windows):
        empty = np.zeros(0, dtype=np.int64)
        return GuardedAssignment(tasks, Drops().frame(), empty, _component_table(windows, empty, tasks, tasks))
    firm = [_gene_keys(windows), _orthogroup_keys(windows), _place_keys(windows), _copy_keys(windows)]
    keys = firm if clusters is None else [*firm, pd.factorize(np.asarray(clusters))[0]]
    component = components_of(keys)
    sizes = np.bincount(component)
    cut = np.zeros(len(windows), dtype=bool)
    if clusters is not None:
        for number in np.flatnonzero(sizes > limit * len(windows)):
            rows = np.flatnonzero(component == number)
            pieces = components_of([key[rows] for key in firm])
            component[rows] = pieces + component.max() + 1
            cut[rows] = pieces.max() > 0
        component = pd.factorize(component)[0].astype(np.int64)
    sizes = np.bincount(component)
    notes = np.where(sizes > limit * len(windows), "larger than the limit", "").astype(object)
    notes[np.unique(component[cut])] = "similarity edges cut"
    split_of = assign_components(component, tasks, windows["label"].to_numpy(), fractions, seed)
    order = split_of[component]
    reasons = np.full(len(windows), "", dtype=object)
    splits = np.array(SPLITS, dtype=object)[order]
    if cut.any():
        cluster = pd.factorize(np.asarray(clusters))[0]
        first_split = pd.Series(order).groupby(cluster).transform("min").to_numpy()
        spans = order > first_split
        splits[spans] = ""
        reasons[spans] = "similar to a window of another split, in a component that was cut"
    table = _component_table(windows, component, np.array(SPLITS, dtype=object)[split_of], notes)
    return GuardedAssignment(splits, count_drops(tasks, splits, reasons, "guarded"), component, table)


def check_scheme(windows: pd.DataFrame, scheme: str, clusters: np.ndarray | None = None) -> None:
    """Make sure that no gene of a species, no orthogroup, no exact copy and no cluster lies in two splits.

    Parameters
    ----------
    windows : pandas.DataFrame
        Columns ``species``, ``sequence``, ``gene``, ``orthogroup`` and the scheme's; windows left out do not count.
    scheme : str
        Name of the scheme's column.
    clusters : numpy.ndarray, shape=(n_windows,), optional

    Raises
    ------
    InputError
        Naming the first gene, orthogroup, sequence or cluster that spans splits.
    """
    split = windows[scheme].to_numpy(dtype=object)
    used = split != ""
    relations = {
        "gene": (_gene_keys(windows), windows["species"] + " " + windows["gene"]),
        "orthogroup": (_orthogroup_keys(windows), windows["orthogroup"]),
        "sequence": (_copy_keys(windows), windows["sequence"]),
    }
    if clusters is not None:
        relations["similarity cluster"] = (np.asarray(clusters), pd.Series(np.asarray(clusters)))
    for kind, (key, shown) in relations.items():
        rows = np.flatnonzero(used & (key >= 0))
        spread = pd.Series(split[rows]).groupby(key[rows]).transform("nunique").to_numpy()
        if (spread > 1).any():
            at = rows[int(np.argmax(spread > 1))]
            raise InputError(
                f"a {kind} lies in two splits of the scheme {scheme}",
                value=shown.iloc[at],
                remedy="make the split again with guarded_split",
            )


def check_fractions(fractions: Sequence[float]) -> np.ndarray:
    """Fractions of train, valid and test as an array; an :class:`InputError` if they cannot be."""
    checked = np.asarray(fractions, dtype=float)
    if checked.shape != (3,) or (checked <= 0).any() or abs(checked.sum() - 1) > 1e-6:
        raise InputError(
            "the fractions of train, valid and test are three positive numbers that add up to 1",
            value=checked.ravel().tolist(),
            remedy="give for instance 0.7, 0.1, 0.2",
        )
    return checked


def _random_splits(
    label: np.ndarray,
    fractions: np.ndarray,
    generator: np.random.Generator,
    task: str,
    counts: Sequence[int] | None = None,
) -> np.ndarray:
    splits = np.full(len(label), "train", dtype=object)
    for value in np.unique(label):
        rows = generator.permutation(np.flatnonzero(label == value))
        n_test, n_valid = round(fractions[2] * len(rows)), round(fractions[1] * len(rows))
        if counts is not None:
            n_valid, n_test = counts
        if min(n_test, n_valid, len(rows) - n_test - n_valid) < 1:
            raise InputError(
                f"{task} has too few windows of label {value} for three splits",
                value=len(rows),
                remedy="give more windows or leave the task out",
            )
        splits[rows[:n_test]] = "test"
        splits[rows[n_test : n_test + n_valid]] = "valid"
    return splits


def _given_splits(
    given: np.ndarray, label: np.ndarray, fractions: np.ndarray, generator: np.random.Generator, task: str
) -> np.ndarray:
    strange = ~np.isin(given, SPLITS)
    if strange.any():
        raise InputError(
            f"{task} came split, but {int(strange.sum())} of its {len(given)} windows have no known split",
            value=given[int(np.argmax(strange))],
            remedy="give train, valid or test for all its windows, or for none",
        )
    for split in ("train", "test"):
        if not (given == split).any():
            raise InputError(f"{task} came split without a {split} split", remedy=f"give its {split} windows")
    splits = given.copy()
    if not (given == "valid").any():
        fraction = fractions[1] / (fractions[0] + fractions[1])
        for value in np.unique(label):
            rows = generator.permutation(np.flatnonzero((given == "train") & (label == value)))
            splits[rows[: round(fraction * len(rows))]] = "valid"
    return splits


def _gene_keys(windows: pd.DataFrame) -> np.ndarray:
    """A number per gene and species, -1 where the gene is unknown."""
    known = (windows["gene"] != "").to_numpy(dtype=bool)
    keys = windows.groupby(["species", "gene"], sort=False).ngroup().to_numpy(dtype=np.int64)
    return np.where(known, keys, -1)


def _orthogroup_keys(windows: pd.DataFrame) -> np.ndarray:
    known = (windows["orthogroup"] != "").to_numpy(dtype=bool)
    return np.where(known, pd.factorize(windows["orthogroup"])[0], -1).astype(np.int64)


def _copy_keys(windows: pd.DataFrame) -> np.ndarray:
    """A number per sequence; padding alone (all N) is no sequence."""
    known = (windows["sequence"].str.strip("N") != "").to_numpy(dtype=bool)
    return np.where(known, pd.factorize(windows["sequence"])[0], -1).astype(np.int64)


def _place_keys(windows: pd.DataFrame) -> np.ndarray:
    """A number per run of windows without gene that lie within 10 kb of the next, -1 for all other windows."""
    keys = np.full(len(windows), -1, dtype=np.int64)
    placed = ((windows["gene"] == "") & (windows["chrom"] != "") & (windows["genome_start"] >= 0)).to_numpy(dtype=bool)
    rows = np.flatnonzero(placed)
    if not rows.size:
        return keys
    line = windows.iloc[rows].groupby(["species", "chrom", "strand"], sort=False).ngroup().to_numpy()
    start = windows["genome_start"].to_numpy()[rows]
    order = np.lexsort((start, line))
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(line[order]) != 0) | (np.diff(start[order]) > NEIGHBOURHOOD)
    keys[rows[order]] = np.cumsum(new)
    return keys


def components_of(keys: Sequence[np.ndarray]) -> np.ndarray:
    """Connected components of windows that share a key of any kind; -1 joins nothing."""
    n = len(keys[0])
    ends: list[np.ndarray] = []
    starts: list[np.ndarray] = []
    nodes = n
    for key in keys:
        rows = np.flatnonzero(key >= 0)
        numbers = pd.factorize(key[rows])[0]
        starts.append(rows)
        ends.append(numbers + nodes)
        nodes += int(numbers.max()) + 1 if len(numbers) else 0
    start, end = np.concatenate(starts), np.concatenate(ends)
    graph = scipy.sparse.coo_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(nodes, nodes))
    found = scipy.sparse.csgraph.connected_components(graph, directed=False)[1][:n]
    return pd.factorize(found)[0].astype(np.int64)


def assign_components(
    component: np.ndarray, tasks: np.ndarray, label: np.ndarray, fractions: np.ndarray, seed: int
) -> np.ndarray:
    """Split of each component, the index of its fraction (0 train, 1 valid, 2 test).

    The fractions have shape (n_splits,), or (n_splits, n_kinds) for each task and label in order of first appearance.

    Greedy on the sum over tasks and labels of (count - target)² / target, divided by the total: the split that is
    relatively emptiest takes the next component, and a component that is large against a split's target avoids it, so
    that components of every size go to every split and only the largest are bound for training.
    """
    kinds = pd.factorize(pd.MultiIndex.from_arrays([tasks, label]))[0]
    n_components, n_kinds = int(component.max()) + 1, int(kinds.max()) + 1
    counts = scipy.sparse.coo_array(
        (np.ones(len(component)), (component, kinds)), shape=(n_components, n_kinds)
    ).tocsr()
    totals = np.bincount(kinds, minlength=n_kinds).astype(float)
    target = (fractions if fractions.ndim == 2 else fractions[:, None]) * totals
    filled = np.zeros((len(fractions), n_kinds))
    sizes = np.bincount(component)
    order = np.lexsort((np.random.default_rng(seed).permutation(n_components), -sizes))
    split_of = np.zeros(n_components, dtype=np.int64)
    indptr, indices, data = counts.indptr, counts.indices, counts.data
    for number in order:
        kind = indices[indptr[number] : indptr[number + 1]]
        count = data[indptr[number] : indptr[number + 1]]
        cost = ((2 * (filled[:, kind] - target[:, kind]) + count) * count / target[:, kind] / totals[kind]).sum(axis=1)
        split = int(np.argmin(cost))
        split_of[number] = split
        filled[split, kind] += count
    return split_of


def _component_table(
    windows: pd.DataFrame, component: np.ndarray, splits: np.ndarray, notes: np.ndarray
) -> pd.DataFrame:
    columns = ["component", "split", "windows", "positives", "tasks", "genes", "fraction", "note"]
    if not len(component):
        return pd.DataFrame(columns=columns)
    genes = _gene_keys(windows)
    frame = pd.DataFrame(
        {
            "component": component,
            "positives": (windows["label"].to_numpy() == 1).astype(np.int64),
            "task": windows["task"].to_numpy(),
            "gene": pd.Series(genes).where(genes >= 0).to_numpy(),
        }
    )
    groups = frame.groupby("component", sort=True)
    table = pd.DataFrame(
        {
            "component": np.arange(len(splits)),
            "split": splits,
            "windows": groups.size().to_numpy(),
            "positives": groups["positives"].sum().to_numpy(),
            "tasks": groups["task"].nunique().to_numpy(),
            "genes": groups["gene"].nunique().to_numpy(),
        }
    )
    table["fraction"] = table["windows"] / len(component)
    table["note"] = notes
    return table.sort_values(["windows", "component"], ascending=[False, True], ignore_index=True)


def count_drops(tasks: np.ndarray, splits: np.ndarray, reasons: np.ndarray, scheme: str) -> pd.DataFrame:
    """The drops of a scheme: windows left out by task and reason, and those kept."""
    drops = Drops()
    for name in dict.fromkeys(tasks):
        own = tasks == name
        for reason in dict.fromkeys(reasons[own & (splits == "")]):
            drops.count("datasets", name, scheme, reason, int((own & (reasons == reason) & (splits == "")).sum()))
        drops.count("datasets", name, scheme, KEPT, int((own & (splits != "")).sum()))
    return drops.frame()
