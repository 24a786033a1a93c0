"""Which windows resemble which, on the same strand: MMseqs2 finds pairs, identity is counted over whole windows.

Identity of two windows is the number of matching nucleotides divided by the known nucleotides (not N) of the window
that has fewer of them. A local alignment stops where its score no longer grows, often a few nucleotides short of the
window's end; those nucleotides are compared as well, without further gaps. Two windows cut 20 nt apart from one
transcript are thus 81 / 101 = 0.80 identical, and a window with 20 substitutions is too, wherever they fall.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError
from ..sequences import UNKNOWN, encode
from .tools import run_tool, scratch_folder

FEWEST_KNOWN = 30
_HIT_COLUMNS = ["query", "target", "nident", "qstart", "qend", "tstart", "tend"]
_ROWS_PER_CHUNK = 200_000
_LARGE = 400_000


def neighbours(
    queries: Sequence[str],
    targets: Sequence[str] | None = None,
    *,
    min_identity: float,
    threads: int = 1,
    word: int | None = None,
    most: int = 300,
) -> pd.DataFrame:
    """Pairs of windows at or above an identity.

    Parameters
    ----------
    queries : sequence of str
        RNA or DNA windows, 5' to 3', of any lengths.
    targets : sequence of str, optional
        Windows to search; without it the queries are searched against themselves and no window is its own neighbour.
    min_identity : float
        Smallest identity (see the head of the module), from 0 to 1. Recall is measured at 0.8 and above; pairs below
        0.6 are found only where they share a better conserved stretch.
    threads : int
    word : int, optional
        Nucleotides of the spaced k-mers that start an alignment. By default 9, and 11 above 400,000 targets, where 9
        would meet too many k-mers by chance (99 % instead of 100 % of pairs at 0.80 identity are found).
    most : int
        Targets that are aligned per query, those with the best ungapped score first. A window in a family of repeats
        with more copies than that has further neighbours that are not listed.

    Returns
    -------
    pandas.DataFrame
        ``query``, ``target`` (0-based indices), ``identity``; sorted, each pair once, with its best alignment.
        Windows with fewer than 30 known nucleotides are left out: resemblance of so few nucleotides is no evidence.

    Raises
    ------
    InputError
        If MMseqs2 is not there, or ``min_identity`` is no fraction.
    """
    parts = list(_hits(queries, targets, min_identity, threads, word, most))
    if not parts:
        return _no_pairs()
    pairs = pd.concat(parts, ignore_index=True)
    best = pairs.groupby(["query", "target"], sort=True)["identity"].max()
    return best.reset_index()


def best_identity(
    queries: Sequence[str], targets: Sequence[str], groups: np.ndarray, *, threads: int = 1
) -> pd.DataFrame:
    """Highest identity of each query with the targets of each group.

    Parameters
    ----------
    queries, targets : sequence of str
        As in :func:`neighbours`.
    groups : numpy.ndarray, shape=(n_targets,)
        A name per target, for instance its species.
    threads : int
        As in :func:`neighbours`.

    Returns
    -------
    pandas.DataFrame
        ``query`` (0-based index), ``group``, ``identity``; a row for each pair of query and group with a hit of at
        least 0.25 identity.
    """
    groups = np.asarray(groups)
    best = pd.DataFrame({"query": np.zeros(0, np.int64), "group": np.zeros(0, object), "identity": np.zeros(0)})
    for pairs in _hits(queries, targets, 0.25, threads):
        pairs = pairs.assign(group=groups[pairs["target"].to_numpy()])
        both = pairs if best.empty else pd.concat([best, pairs[["query", "group", "identity"]]], ignore_index=True)
        best = both.groupby(["query", "group"], sort=True)["identity"].max().reset_index()
    return best


def _no_pairs() -> pd.DataFrame:
    return pd.DataFrame(
        {"query": np.zeros(0, np.int64), "target": np.zeros(0, np.int64), "identity": np.zeros(0, np.float64)}
    )


def _hits(
    queries: Sequence[str],
    targets: Sequence[str] | None,
    min_identity: float,
    threads: int,
    word: int | None = None,
    most: int = 300,
) -> Iterator[pd.DataFrame]:
    """Chunks of pairs at or above an identity, unsorted, a pair possibly more than once."""
    if not 0 <= min_identity <= 1:
        raise InputError("the identity is no fraction", value=min_identity, remedy="give a number from 0 to 1")
    itself = targets is None
    query_codes = padded_codes(queries)
    target_codes = query_codes if itself else padded_codes(targets)
    query_known = (query_codes < UNKNOWN).sum(axis=1)
    target_known = query_known if itself else (target_codes < UNKNOWN).sum(axis=1)
    if word is None:
        word = 9 if len(target_known) <= _LARGE else 11
    # a diagonal that scores less than this cannot belong to an alignment over most of even the shortest window
    shortest = min(int(known[known >= FEWEST_KNOWN].min(initial=1000)) for known in (query_known, target_known))
    ungapped = max(15, int(0.3 * shortest)) if min_identity >= 0.7 else 15
    with scratch_folder() as folder:
        query_path, target_path = folder / "queries.fasta", folder / "targets.fasta"
        if not write_fasta(query_path, queries, query_known >= FEWEST_KNOWN):
            return
        if itself:
            target_path = query_path
        elif not write_fasta(target_path, targets, target_known >= FEWEST_KNOWN):
            return
        options = {"--strand": 1, "-k": word, "--min-ungapped-score": min(ungapped, 45), "--max-seqs": most + itself}
        for hits in search(query_path, target_path, _HIT_COLUMNS, options | {"--threads": threads}):
            if itself:
                hits = hits[hits["query"] != hits["target"]]
            query, target = hits["query"].to_numpy(), hits["target"].to_numpy()
            known = np.minimum(query_known[query], target_known[target])
            left = np.minimum(hits["qstart"], hits["tstart"]).to_numpy() - 1
            right = np.minimum(query_codes.shape[1] - hits["qend"], target_codes.shape[1] - hits["tend"]).to_numpy()
            matches = hits["nident"].to_numpy()
            possible = matches + left + right >= min_identity * known
            query, target, known = query[possible], target[possible], known[possible]
            matches = matches[possible] + _flank_matches(
                query_codes, target_codes, hits[possible], left[possible], right[possible]
            )
            # the alignment of a short window can touch itself in a longer one no more than once
            identity = np.minimum(matches / known, 1.0)
            kept = identity >= min_identity - 1e-9
            yield pd.DataFrame(
                {
                    "query": query[kept].astype(np.int64),
                    "target": target[kept].astype(np.int64),
                    "identity": identity[kept],
                }
            )


def search(
    queries: Path, targets: Path, columns: Sequence[str], options: Mapping[str, object]
) -> Iterator[pd.DataFrame]:
    """Alignments that MMseqs2 finds between nucleotide sequences of two FASTA files whose names are numbers.

    Scratch files lie beside the targets. Yields frames of the ``columns`` of its output, all whole numbers.
    """
    hits = targets.with_name("hits.tsv")
    run_tool(
        ["mmseqs", "easy-search", queries, targets, hits, targets.with_name("tmp")],
        {
            "--search-type": 3,
            "--spaced-kmer-mode": 1,
            # what is of low complexity resembles, too
            "--mask": 0,
            # without it matches are not counted
            "-a": 1,
            # identity decides
            "-e": 1000,
            "-v": 1,
            "--format-output": ",".join(columns),
            **options,
        },
    )
    if hits.stat().st_size:
        with pd.read_csv(hits, sep="\t", names=list(columns), dtype=np.int64, chunksize=_ROWS_PER_CHUNK) as chunks:
            yield from chunks


def _flank_matches(
    query_codes: np.ndarray, target_codes: np.ndarray, hits: pd.DataFrame, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Matches outside the local alignments, on the diagonals of their first and last pair, to the windows' ends."""
    query, target = hits["query"].to_numpy(), hits["target"].to_numpy()
    matches = np.zeros(len(hits), dtype=np.int32)
    for reach, query_edge, target_edge, step in (
        (left, hits["qstart"].to_numpy() - 1, hits["tstart"].to_numpy() - 1, -1),
        (right, hits["qend"].to_numpy() - 1, hits["tend"].to_numpy() - 1, 1),
    ):
        active = np.flatnonzero(reach > 0)
        distance = 1
        while active.size:
            a = query_codes[query[active], query_edge[active] + step * distance]
            b = target_codes[target[active], target_edge[active] + step * distance]
            matches[active] += (a == b) & (a < UNKNOWN)
            distance += 1
            active = active[reach[active] >= distance]
    return matches


def padded_codes(sequences: Sequence[str]) -> np.ndarray:
    """Integer codes of windows of any lengths, shape=(n_windows, longest), padded with 4 at the 3' end."""
    lengths = np.fromiter((len(sequence) for sequence in sequences), dtype=np.int64, count=len(sequences))
    width = int(lengths.max()) if lengths.size else 0
    codes = np.full((len(lengths), width), UNKNOWN, dtype=np.uint8)
    if width:
        codes[np.arange(width) < lengths[:, None]] = encode("".join(sequences))
    return codes


def write_fasta(path: Path, sequences: Sequence[str], chosen: np.ndarray | None = None) -> int:
    """Write windows as DNA with their 0-based index as name, so that no tool trips over a name; returns how many."""
    count = 0
    with open(path, "w", encoding="ascii") as handle:
        for index, sequence in enumerate(sequences):
            if chosen is None or chosen[index]:
                handle.write(f">{index}\n{sequence.upper().replace('U', 'T')}\n")
                count += 1
    return count
