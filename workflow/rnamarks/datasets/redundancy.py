"""Windows that resemble training windows, and clusters of windows that resemble each other.

RNA has one strand: a window and its reverse complement are two different sites, and CD-HIT is told so (``-r 0``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

from ..errors import InputError
from ..registry import Register
from .neighbours import FEWEST_KNOWN, neighbours, write_fasta
from .tools import run_tool, scratch_folder

CLUSTERINGS: Register = Register("similarity clustering")

# CD-HIT throws away sequences of this length and below without a word (its option -l)
_TOO_SHORT = 10
_PREFILTER_MARGIN = 0.25


def word_length(identity: float) -> int:
    """CD-HIT-EST's word length (``-n``) for an identity, the shorter of those its user's guide names.

    Raises
    ------
    InputError
        If the identity is below 0.75, which CD-HIT-EST cannot serve, or above 1.
    """
    if not 0.75 <= identity <= 1:
        raise InputError("CD-HIT-EST compares at identities from 0.75 to 1", value=identity, remedy="give one of those")
    for lowest, length in ((0.95, 10), (0.90, 8), (0.88, 7), (0.85, 6), (0.80, 5)):
        if identity >= lowest:
            return length
    return 4


def cdhit_similar(
    train: Sequence[str], test: Sequence[str], *, identity: float = 0.8, threads: int = 1, prefilter: bool = True
) -> np.ndarray:
    """Which test windows CD-HIT-EST-2D finds similar to a training window.

    Identity is CD-HIT's: matching nucleotides of the alignment over the length of the shorter window, here with
    the N padding at both ends taken off. Only the same strand is compared. A window that is identical to a
    training window is similar whatever its length; windows of 10 known nucleotides and fewer, which CD-HIT would drop,
    are compared in this way alone.

    Parameters
    ----------
    train, test : sequence of str
        RNA or DNA windows, 5' to 3'.
    identity : float
        From 0.75 to 1.
    threads : int
    prefilter : bool
        Give CD-HIT only those windows that have a neighbour within 0.25 below the identity, found by MMseqs2. CD-HIT
        at 0.8 aligns nearly every test window with every training window, so its time grows with the product of
        their numbers (DeepM6ASeq's human set, 12,611 windows against 49,050: 17 minutes of one core instead of about
        one, for the same 595 windows). Windows with fewer than 30 known nucleotides are then compared nucleotide by
        nucleotide alone.

    Returns
    -------
    numpy.ndarray, shape=(n_test,), dtype=bool

    Raises
    ------
    InputError
        If a program is not there or the identity is out of range.
    """
    length = word_length(identity)
    similar = pd.Series(list(test), dtype=object).isin(set(train)).to_numpy(dtype=bool)
    train_stripped = [sequence.strip("N") for sequence in train]
    test_stripped = [sequence.strip("N") for sequence in test]
    train_used = np.array([len(s) > _TOO_SHORT for s in train_stripped], dtype=bool)
    test_used = np.array([len(s) > _TOO_SHORT for s in test_stripped], dtype=bool) & ~similar
    if prefilter and train_used.any() and test_used.any():
        chosen_train, chosen_test = np.flatnonzero(train_used), np.flatnonzero(test_used)
        pairs = neighbours(
            [test_stripped[i] for i in chosen_test],
            [train_stripped[i] for i in chosen_train],
            min_identity=identity - _PREFILTER_MARGIN,
            threads=threads,
        )
        near_train, near_test = np.zeros_like(train_used), np.zeros_like(test_used)
        near_train[chosen_train[pairs["target"].unique()]] = True
        near_test[chosen_test[pairs["query"].unique()]] = True
        train_used, test_used = near_train, near_test
    if not train_used.any() or not test_used.any():
        return similar
    with scratch_folder() as folder:
        write_fasta(folder / "train.fasta", train_stripped, train_used)
        write_fasta(folder / "test.fasta", test_stripped, test_used)
        # without -s2 and -S2 a test window that is longer than a training window is not compared with it
        run_tool(
            ["cd-hit-est-2d", "-i", folder / "train.fasta", "-i2", folder / "test.fasta", "-o", folder / "kept"],
            {
                "-c": identity,
                "-n": length,
                "-r": 0,
                "-s2": 0,
                "-S2": 1_000_000,
                "-l": _TOO_SHORT,
                "-d": 0,
                "-M": 0,
                "-T": threads,
            },
        )
        kept = np.array(_fasta_names(folder / "kept"), dtype=np.int64)
    alone = np.zeros_like(test_used)
    alone[kept] = True
    return similar | (test_used & ~alone)


@CLUSTERINGS.add("linclust")
def mmseqs_clusters(sequences: Sequence[str], *, identity: float = 0.8, threads: int = 1) -> np.ndarray:
    """Clusters of windows by MMseqs2's linclust, whose time grows linearly with their number.

    Linclust joins a nucleotide sequence with its reverse complement and cannot be told otherwise. For a split by
    cluster this is harmless, as it only makes clusters larger; do not use it to remove or to count windows. It
    misses many pairs close to the identity, so neighbours can end up in different clusters.

    Parameters and the returned array are those of :func:`neighbour_clusters`; N padding is taken off, and windows with
    fewer than 30 known nucleotides cluster with their exact copies only.
    """
    labels = pd.factorize(pd.Series(list(sequences), dtype=object))[0].astype(np.int64)
    stripped = [sequence.strip("N") for sequence in sequences]
    used = np.array([len(s) >= FEWEST_KNOWN for s in stripped], dtype=bool)
    if used.any():
        with scratch_folder() as folder:
            write_fasta(folder / "windows.fasta", stripped, used)
            for first, member in linclust(folder / "windows.fasta", identity, threads=threads):
                labels[member] = first + len(labels)
    return pd.factorize(labels)[0].astype(np.int64)


def linclust(
    fasta: Path, identity: float, *, coverage: float = 0.8, threads: int = 1
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """MMseqs2's linclust of a FASTA file of nucleotides whose names are numbers; scratch files lie beside it.

    Yields
    ------
    first, member : numpy.ndarray, dtype=int64
        Numbers of representatives and of what belongs to them, some at a time. Short sequences may be in none.
    """
    folder = fasta.parent
    run_tool(
        ["mmseqs", "easy-linclust", fasta, folder / "out", folder / "tmp"],
        {"--dbtype": 2, "--min-seq-id": identity, "-c": coverage, "--mask": 0, "--threads": threads, "-v": 1},
    )
    names = ["first", "member"]
    with pd.read_csv(folder / "out_cluster.tsv", sep="\t", names=names, dtype=np.int64, chunksize=1 << 20) as chunks:
        for chunk in chunks:
            yield chunk["first"].to_numpy(), chunk["member"].to_numpy()


@CLUSTERINGS.add("neighbours")
def neighbour_clusters(
    sequences: Sequence[str], *, identity: float = 0.8, threads: int = 1, word: int | None = None
) -> np.ndarray:
    """Clusters that no similar pair leaves: connected components of all pairs at or above the identity, same strand.

    The pairs come from :func:`rnamarks.datasets.neighbours.neighbours` and from exact copies. This is the
    clustering for the guarded scheme, since windows of different clusters have no neighbour among each other.

    Parameters
    ----------
    sequences : sequence of str
        RNA or DNA windows, 5' to 3'.
    identity, threads, word
        See :func:`~rnamarks.datasets.neighbours.neighbours`.

    Returns
    -------
    numpy.ndarray, shape=(n_windows,), dtype=int64
        Cluster numbers from 0, in order of first appearance.
    """
    labels, distinct = pd.factorize(pd.Series(list(sequences), dtype=object))
    pairs = neighbours(list(distinct), min_identity=identity, threads=threads, word=word)
    return pd.factorize(connected(pairs, len(distinct))[labels])[0].astype(np.int64)


def connected(pairs: pd.DataFrame, n: int) -> np.ndarray:
    """Component of each of n windows whose similar pairs are ``query`` and ``target``, shape=(n,)."""
    graph = scipy.sparse.coo_array((np.ones(len(pairs)), (pairs["query"], pairs["target"])), shape=(n, n))
    return scipy.sparse.csgraph.connected_components(graph, directed=False)[1]


@CLUSTERINGS.add("none")
def exact_clusters(sequences: Sequence[str], *, identity: float = 1.0, threads: int = 1) -> np.ndarray:
    """Clusters of exact copies only; parameters and result as in :func:`neighbour_clusters`."""
    return pd.factorize(pd.Series(list(sequences), dtype=object))[0].astype(np.int64)


def _fasta_names(path: Path) -> list[str]:
    with open(path, encoding="ascii") as handle:
        return [line[1:].split()[0] for line in handle if line.startswith(">")]
