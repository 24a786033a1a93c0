"""Motifs against databases of motifs (Tomtom: Gupta et al. 2007, with the complete scores of Tanaka et al. 2011).

The score of an alignment is the sum, over the query's columns, of the negative Euclidean distance to the target's
column less that query column's median over all columns of the database; a column that the target does not reach counts
0. A pair's score is the best over all offsets. Its p-value is the chance that a target of the same width reaches it
whose columns are drawn at random from all columns of the database, with the offsets taken as independent. RNA has one
strand, so no reverse complement is tried.

E is p times the number of targets. q is Benjamini and Hochberg's, over the targets of one query, so about one query in
twenty that resembles nothing still has a q below 0.05:
:func:`rnamarks.interpretation.motif_matches.annotation_table` counts how many. A k-mer is found by chance
in about every 4**k-th place, so a motif of five nucleotides seldom reaches q < 0.01 among 60 targets.

The released code compares by Pearson correlation, which does not see how much information a column holds; the
Euclidean distance does, so that motifs counted above the mean activation, nearly flat, resemble nothing.

The p-values are those of memelite's ``tomtom``, resolved down to 1e-12. The MEME suite's program ``tomtom`` may compare
in place of :func:`compare`; :func:`read_tomtom` reads its table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from scipy.fft import irfft, next_fast_len, rfft

from ..dictionary import column_names
from ..errors import InputError, check_complete
from ..files import open_text
from .pwm import PWM

BUILTIN, MEME_SUITE = "builtin", "meme_suite"
"""Engines: this module, or the MEME suite's program."""
RELIABLE = 50
"""Targets below which p-values depend strongly on which targets there are."""

_MEME_COLUMNS = {
    "queryid": "query",
    "targetid": "target",
    "optimaloffset": "offset",
    "pvalue": "p",
    "evalue": "e",
    "qvalue": "q",
    "overlap": "overlap",
    "queryconsensus": "query_consensus",
    "targetconsensus": "target_consensus",
    "orientation": "orientation",
}
_BINS = 100
_AT_ONCE = 64
_FLOOR = 1e-12


def compare_columns(
    queries: Sequence[np.ndarray], targets: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p-value, offset and overlap of all pairs.

    Parameters
    ----------
    queries, targets : sequences of numpy.ndarray, shape=(width, 4)

    Returns
    -------
    p, offset, overlap : numpy.ndarray, shape=(queries, targets)
        ``offset`` is the target's column under the query's first column: 2 says that the query begins at the target's
        third column, -3 that three of its columns lie before the target.
    """
    shape = (len(queries), len(targets))
    p, offset, overlap = np.ones(shape), np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    widths = np.array([len(query) for query in queries])
    for width in np.unique(widths):
        rows = np.flatnonzero(widths == width)
        size = max(1, _AT_ONCE * 18 // int(width))
        for at in range(0, len(rows), size):
            block = rows[at : at + size]
            p[block], offset[block], overlap[block] = _compare_block(np.stack([queries[i] for i in block]), targets)
    return p, offset, overlap


def _compare_block(queries: np.ndarray, targets: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """:func:`compare_columns` for queries of one width, shape (n, width, 4)."""
    n, width, _ = queries.shape
    lengths = np.array([len(target) for target in targets])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    scores, lowest = _column_scores(queries, np.concatenate(targets))
    best = np.full((n, len(targets)), np.iinfo(np.int64).min)
    offset, overlap = np.zeros_like(best), np.zeros_like(best)
    spans: dict[tuple[int, int], dict[int, int]] = {}
    for length in np.unique(lengths):
        members = np.flatnonzero(lengths == length)
        for shift in range(1 - int(length), width):
            # query columns a to b lie over the target, whose first column is under column ``shift``
            a, b = max(0, shift), min(width, shift + int(length))
            users = spans.setdefault((a, b), {})
            users[int(length)] = users.get(int(length), 0) + 1
            total = np.zeros((n, len(members)), dtype=np.int64)
            for column in range(a, b):
                total += scores[:, column, starts[members] + column - shift]
            better = total > best[:, members]
            best[:, members] = np.where(better, total, best[:, members])
            offset[:, members] = np.where(better, -shift, offset[:, members])
            overlap[:, members] = np.where(better, b - a, overlap[:, members])
    return _best_of_offsets(scores, lowest, best, lengths, spans), offset, overlap


def _column_scores(queries: np.ndarray, pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the queries' columns with all columns of the targets, in whole steps, and each query's lowest.

    A step is a hundredth of the range of a query's scores; 0 is the median, which stands for a column that the target
    does not reach.
    """
    squares = (queries**2).sum(-1)[:, :, None] + (pool**2).sum(-1) - 2 * queries @ pool.T
    scores = -np.sqrt(np.maximum(squares, 0))
    scores -= np.median(scores, axis=2, keepdims=True)
    extent = np.ptp(scores, axis=(1, 2))
    step = np.where(extent > 0, extent, 1.0) / _BINS
    steps = np.rint(scores / step[:, None, None]).astype(np.int64)
    return steps, steps.min(axis=(1, 2))


def _best_of_offsets(
    scores: np.ndarray,
    lowest: np.ndarray,
    best: np.ndarray,
    lengths: np.ndarray,
    spans: Mapping[tuple[int, int], Mapping[int, int]],
) -> np.ndarray:
    """Chance that the best of all offsets reaches a score, from the distribution of each span's score."""
    n, width, columns = scores.shape
    shifted = scores - lowest[:, None, None]
    bins = int(shifted.max()) + 1
    cells = np.arange(n * width).reshape(n, width, 1) * bins + shifted
    mass = np.bincount(cells.ravel(), minlength=n * width * bins).reshape(n, width, bins) / columns
    size = next_fast_len(width * (bins - 1) + 1, real=True)
    spectra = rfft(mass, size, axis=2)
    log_below = np.zeros(best.shape)
    for a in range(width):
        product = np.ones_like(spectra[:, 0])
        for b in range(a + 1, width + 1):
            product = product * spectra[:, b - 1]
            if (a, b) not in spans:
                continue
            reached = np.cumsum(irfft(product, size, axis=1)[:, ::-1], axis=1)[:, ::-1]
            for length, times in spans[a, b].items():
                members = np.flatnonzero(lengths == length)
                index = best[:, members] - (b - a) * lowest[:, None]
                chance = np.take_along_axis(reached, np.clip(index, 0, size - 1), axis=1)
                chance = np.where(index <= 0, 1.0, np.where(index >= size, 0.0, chance))
                log_below[:, members] += times * np.log1p(-np.clip(chance, 0.0, 1.0 - 1e-15))
    return np.clip(-np.expm1(log_below), _FLOOR, 1.0)


def compare(
    queries: Sequence[PWM], targets: Sequence[PWM], *, database: str = "", warn: Callable[[str], None] = print
) -> pd.DataFrame:
    """All pairs of queries and targets.

    Parameters
    ----------
    queries, targets : sequences of PWM
    database : str
        Name of the targets' database.
    warn : callable
        Given one line where there are fewer than :data:`RELIABLE` targets.

    Returns
    -------
    pandas.DataFrame
        Table ``motif_matches`` from ``query`` to ``engine``, sorted by query (in the given order) and
        p. ``offset`` is the target's column under the query's first column; only the same strand is searched.

    Raises
    ------
    InputError
        If there are fewer than two targets.
    """
    if len(targets) < 2:
        raise InputError(
            "p-values need the columns of several targets", value=len(targets), remedy="give a whole database"
        )
    if len(targets) < RELIABLE:
        warn(f"{database or 'the database'} has {len(targets)} motifs: p-values are rough below {RELIABLE}")
    if not queries:
        return pd.DataFrame(columns=_columns())
    p, offset, overlap = compare_columns([q.frequencies for q in queries], [t.frequencies for t in targets])
    order = np.argsort(p, axis=1, kind="stable")
    row = np.repeat(np.arange(len(queries)), len(targets))
    column = order.ravel()
    names = np.array([motif.name for motif in queries], dtype=object)
    return pd.DataFrame(
        {
            "query": names[row],
            "target": np.array([motif.name for motif in targets], dtype=object)[column],
            "target_name": np.array([motif.label for motif in targets], dtype=object)[column],
            "p": p[row, column],
            "e": p[row, column] * len(targets),
            "q": scipy.stats.false_discovery_control(p, axis=1)[row, column],
            "offset": offset[row, column],
            "overlap": overlap[row, column],
            "database": database,
            "targets": len(targets),
            "query_consensus": np.array([motif.consensus() for motif in queries], dtype=object)[row],
            "target_consensus": np.array([motif.consensus() for motif in targets], dtype=object)[column],
            "engine": BUILTIN,
        }
    )


def read_tomtom(
    path: str | Path, targets: Sequence[PWM], *, queries: Sequence[PWM] | None = None, database: str = ""
) -> pd.DataFrame:
    """What the MEME suite's ``tomtom`` wrote (``tomtom.tsv``, or ``-text``), as the library's own comparison gives it.

    Its offset is that of :func:`compare`. Only the pairs that it reported are there,
    sorted by query and p.

    Parameters
    ----------
    path : path-like
    targets : sequence of PWM
        The database that was searched: gives the targets' names.
    queries : sequence of PWM, optional
        Keep the matches of these only.
    database : str

    Raises
    ------
    InputError
        If a column is missing or malformed, a target is not in the database, or a match is on the other strand.
    """
    header: list[str] | None = None
    rows: list[dict[str, object]] = []
    by_name = {motif.name: motif for motif in targets}
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if not line.strip() or (header is not None and line.startswith("#")):
                continue
            fields = line.split("\t")
            if header is None:
                header = [_MEME_COLUMNS.get(re.sub(r"[^a-z]", "", field.lower()), "") for field in fields]
                wanted = sorted(set(_MEME_COLUMNS.values()))
                check_complete(header, wanted, "the table", "give tomtom's tomtom.tsv", path=path, line=number)
                continue
            rows.append(_meme_row(dict(zip(header, fields, strict=False)), by_name, path, number))
    if header is None:
        raise InputError("the table is empty", path=path, remedy="run tomtom again")
    frame = pd.DataFrame(rows, columns=_columns())
    frame = frame.assign(database=database, targets=len(targets), engine=MEME_SUITE)
    if queries is not None:
        frame = frame[frame["query"].isin([motif.name for motif in queries])]
    first = {query: at for at, query in enumerate(dict.fromkeys(frame["query"]))}
    order = np.lexsort((frame["p"], frame["query"].map(first)))
    return frame.iloc[order].reset_index(drop=True)


def _meme_row(row: dict[str, str], by_name: Mapping[str, PWM], path: str | Path, line: int) -> dict[str, object]:
    out: dict[str, object] = dict(row)
    for column, kind in (("p", float), ("e", float), ("q", float), ("offset", int), ("overlap", int)):
        try:
            out[column] = kind(row[column])
        except (KeyError, ValueError) as error:
            raise InputError(
                f"the {column} is malformed", path=path, line=line, value=row.get(column), remedy="run tomtom again"
            ) from error
    if row["orientation"] != "+":
        raise InputError(
            "the match is on the other strand",
            path=path,
            line=line,
            value=row["orientation"],
            remedy="run it with -norc",
        )
    if row["target"] not in by_name:
        raise InputError(
            "the target is not in the database",
            path=path,
            line=line,
            value=row["target"],
            remedy="give what was searched",
        )
    target = by_name[row["target"]]
    # tomtom writes the consensus as DNA for DNA databases
    return out | {
        "target_name": target.label,
        "query_consensus": str(row["query_consensus"]).replace("T", "U"),
        "target_consensus": target.consensus(),
    }


def _columns() -> list[str]:
    return column_names("motif_matches", first="query", last="engine")
