"""All schemes of splitting applied to the windows of a run: paper and guarded, and further ones by chromosome.

A scheme by chromosome has the name that the configuration gives it; its test split is the windows of named chromosomes.
Whatever the scheme, ready-made windows that share a stretch with transcripts can be kept out of training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..errors import InputError
from ..evaluation.contained import find_contained
from ..sequences import UNKNOWN, encode_windows
from ..sites.contigs import match_contigs
from ..sites.drops import KEPT
from ..sites.windows import lay_chunks
from .redundancy import CLUSTERINGS
from .splits import (
    FRACTIONS,
    SPLITS,
    Assignment,
    GuardedAssignment,
    assign_components,
    check_fractions,
    check_scheme,
    count_drops,
    guarded_split,
    paper_split,
)


def split_windows(
    windows: pd.DataFrame,
    *,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    identity: float = 0.8,
    clustering: str = "neighbours",
    counts: Sequence[int] | None = None,
    chromosomes: Mapping[str, Sequence[str]] | None = None,
    apart: tuple[Mapping[str, Sequence[str]], int] | None = None,
    threads: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """All schemes applied to the windows of all tasks.

    Parameters
    ----------
    windows : pandas.DataFrame
        The windows tables of all tasks, one below the other (columns as in the windows border).
    fractions, seed, identity, counts, threads
        As in :func:`paper_split` and :func:`guarded_split`.
    clustering : str
        How similar windows are joined for the guarded scheme: ``neighbours`` (no pair at or above the identity falls
        apart), ``linclust`` (for millions of windows), ``none`` (exact copies only).
    chromosomes : mapping of str to sequence of str, optional
        Further schemes by name, see :func:`chromosome_split`.
    apart : (mapping of str to sequence of str, int), optional
        Transcripts by the name of their set, and the nt that a window without a place on a transcript must not share
        with one of them (:func:`sharing`): in every scheme it leaves train and valid, and is counted.

    Returns
    -------
    splits : pandas.DataFrame
        The windows with the columns ``paper``, ``guarded`` and those of ``chromosomes``.
    drops : pandas.DataFrame
        ``stage``, ``subject``, ``source``, ``reason``, ``rows``.
    components : pandas.DataFrame
        See :class:`GuardedAssignment`.

    Raises
    ------
    InputError
        As :func:`paper_split`, :func:`guarded_split` and :func:`chromosome_split` do.
    """
    paper = paper_split(windows, fractions=fractions, seed=seed, identity=identity, threads=threads, counts=counts)
    clusters = CLUSTERINGS[clustering](windows["sequence"].tolist(), identity=identity, threads=threads)
    guarded = guarded_split(windows, fractions=fractions, seed=seed, clusters=clusters)
    found = {"paper": Assignment(paper.splits, paper.drops), "guarded": Assignment(guarded.splits, guarded.drops)}
    for name, held in (chromosomes or {}).items():
        found[name] = chromosome_split(
            windows, held, guarded, scheme=name, fractions=fractions, seed=seed, clusters=clusters
        )
    if apart:
        found = _kept_apart(windows, found, *apart)
    splits = windows.assign(**{name: one.splits for name, one in found.items()})
    for name in found.keys() - {"paper"}:
        check_scheme(splits, name, clusters)
    return splits, pd.concat([one.drops for one in found.values()], ignore_index=True), guarded.components


def chromosome_split(
    windows: pd.DataFrame,
    chromosomes: Sequence[str],
    guarded: GuardedAssignment,
    *,
    scheme: str,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    clusters: np.ndarray | None = None,
) -> Assignment:
    """Split by chromosome: the test split is every window of the named ones.

    The units of the guarded scheme that hold no such window go to train and valid, in the proportion of their
    fractions; other windows that share a unit or a cluster with a test window are left out. Windows without a
    chromosome go with their unit; a unit of such windows alone keeps its guarded split.

    Parameters
    ----------
    windows : pandas.DataFrame
        As for :func:`guarded_split`.
    chromosomes : sequence of str
        With or without ``chr``.
    guarded : GuardedAssignment
        Of the same windows.
    scheme : str
        Its name, for the drops.
    fractions, seed, clusters
        As for :func:`guarded_split`.

    Raises
    ------
    InputError
        If no window lies on one of the chromosomes, or every window with a chromosome does.
    """
    fractions = check_fractions(fractions)
    tasks, chrom = (windows[name].to_numpy(dtype=object) for name in ("task", "chrom"))
    known = sorted(set(chrom) - {""})
    named = match_contigs(chromosomes, known)
    for one in chromosomes:
        if one not in named:
            raise InputError(
                f"the scheme {scheme} holds out a chromosome without windows",
                value=one,
                remedy=f"there are windows on {', '.join(known[:5]) or 'none'}",
            )
    held = np.isin(chrom, list(named.values()))
    placed = chrom != ""
    if held[placed].all():
        raise InputError(f"the scheme {scheme} leaves no chromosome to train on", remedy="hold out fewer")
    beside = np.zeros(len(windows), dtype=bool)
    for key in (guarded.component, clusters):
        if key is not None:
            numbers = pd.factorize(np.asarray(key))[0]
            beside |= np.bincount(numbers, weights=held)[numbers] > 0
    splits = guarded.splits.copy()
    with_place = np.bincount(guarded.component, weights=placed) > 0
    own = np.flatnonzero(with_place[guarded.component] & ~beside)
    part = fractions[:2] / fractions[:2].sum()
    unit = pd.factorize(guarded.component[own])[0]
    chosen = assign_components(unit, tasks[own], windows["label"].to_numpy()[own], part, seed)
    splits[own] = np.array(SPLITS, dtype=object)[chosen[unit]]
    reasons = np.full(len(windows), "", dtype=object)
    near = beside & ~held
    splits[near], reasons[near] = "", "of the gene of a test window, or similar to one"
    splits[held] = "test"
    return Assignment(splits, count_drops(tasks, splits, reasons, scheme))


def sharing(sequences: Sequence[str], transcripts: Sequence[str], shared: int) -> np.ndarray:
    """Which windows have a stretch of ``shared`` known nt in common with a transcript, on the same strand.

    Parameters
    ----------
    sequences, transcripts : sequence of str
        RNA or DNA, 5' to 3'; windows all of one width.
    shared : int

    Returns
    -------
    numpy.ndarray, shape=(n_windows,), dtype=bool
    """
    codes = encode_windows(sequences)
    if not len(codes) or codes.shape[1] < shared:
        return np.zeros(len(codes), dtype=bool)
    found = np.zeros(len(codes), dtype=bool)
    for _, laid in lay_chunks(transcripts, shared):
        stretches = np.lib.stride_tricks.sliding_window_view(laid.codes, shared)
        found |= find_contained(stretches[(stretches < UNKNOWN).all(axis=1)], codes)[1]
    return found


def _kept_apart(
    windows: pd.DataFrame, found: Mapping[str, Assignment], transcripts: Mapping[str, Sequence[str]], shared: int
) -> dict[str, Assignment]:
    """The schemes without training and validation windows that share a stretch with transcripts."""
    free = np.flatnonzero((windows["transcript"] == "").to_numpy(dtype=bool))
    sequence = windows["sequence"].to_numpy(dtype=object)[free]
    tasks = windows["task"].to_numpy(dtype=object)
    shares = np.full(len(windows), "", dtype=object)
    for name, texts in transcripts.items():
        rows = free[sharing(sequence, texts, shared)]
        shares[rows] = np.where(shares[rows] == "", f"shares {shared} nt with a transcript of {name}", shares[rows])
    kept = {}
    for scheme, one in found.items():
        leave = (shares != "") & np.isin(one.splits, ("train", "valid"))
        splits = np.where(leave, "", one.splits)
        left = count_drops(tasks, splits, np.where(leave, shares, ""), scheme)
        # what the scheme itself left out is counted with its own reasons
        earlier = one.drops[one.drops["reason"] != KEPT]
        kept[scheme] = Assignment(splits, pd.concat([earlier, left[left["reason"] != ""]], ignore_index=True))
    return kept
