"""Motifs against databases of motifs (Tomtom: Gupta et al. 2007, with the complete scores of Tanaka et al. 2011).

The score of an alignment is the sum, over the query's columns, of the negative Euclidean distance to the target's
column less that query column's median over all columns of the database; a column that the target does not reach counts
0. A pair's score is the best over all offsets. Its p-value is the chance that a target of the same width reaches it
whose columns are drawn at random from all columns of the database, with the offsets taken as independent. RNA has one
strand, so no reverse complement is tried.

E is p times the number of targets. q is Benjamini and Hochberg's, over the targets of one query, so about one query in
twenty that resembles nothing still has a q below 0.05: :func:`annotation_table` counts how many. A word of w letters is
found by chance in about every 4**w-th place, so a motif of five letters seldom reaches q < 0.01 among 60 targets.

The released code compares by Pearson correlation, which does not see how much information a column holds; the
Euclidean distance does, so that motifs counted above the mean activation, nearly flat, resemble nothing.

Two comparers give the same p-values: ``memelite`` (compiled when first used on a machine, which takes one to two
minutes; numba keeps the result beside the package, or, where that folder cannot be written, in the user's cache folder,
and ``NUMBA_CACHE_DIR`` names another place), and ``numpy``, which is here, needs no compiling and no further package,
takes a few times as long, and resolves p-values down to 1e-12.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.fft import irfft, next_fast_len, rfft
from scipy.stats import false_discovery_control

from ..errors import InputError
from ..files import open_text
from ..registry import Register
from ..sequences import ALPHABET
from .pwm import PWM, logo_rows

PAIR_COLUMNS = (
    "query",
    "target",
    "target_name",
    "p",
    "e",
    "q",
    "offset",
    "overlap",
    "orientation",
    "database",
    "targets",
    "query_consensus",
    "target_consensus",
    "method",
)
MATCH_COLUMNS = ("predictor", "species", *PAIR_COLUMNS, "rank")
BEST_COLUMNS = ("database", "target", "target_name", "match_p", "match_q")
ANNOTATION_COLUMNS = (
    "predictor",
    "species",
    "database",
    "targets",
    "rule",
    "filters",
    "informative",
    "annotated",
    "share",
    "null",
    "shuffles",
    "null_share",
    "null_low",
    "null_high",
    "p",
)
LOGO_COLUMNS = ("predictor", "species", "database", "rank", "role", "motif", "name", "position", *ALPHABET)
DE_NOVO = "de novo"
"""What stands for the predictor of motifs that were found in windows, without a model."""
RULES: dict[str, tuple[str, float]] = {"q < 0.05": ("q", 0.05), "E < 10": ("e", 10.0)}
"""When a filter counts as annotated: by this column below this value. ``E < 10`` is the released code's."""
NULLS = ("columns", "letters")
RELIABLE = 50
"""Targets below which p-values depend strongly on which targets there are."""
TOMTOM_OPTIONS = "-no-ssc -norc -dist ed -min-overlap 1 -evalue -thresh 10"
"""Of the MEME suite's ``tomtom``, for the statistic above.

``tomtom OPTIONS -oc FOLDER queries.meme targets.meme``; :func:`read_tomtom` reads ``tomtom.tsv`` in the folder.
"""

_WIDE = 32
_BINS = 100
_AT_ONCE = 64
_FLOOR = 1e-12

Comparer = Callable[[Sequence[np.ndarray], Sequence[np.ndarray], int], tuple[np.ndarray, np.ndarray, np.ndarray]]
COMPARERS: Register[Comparer] = Register("motif comparer")


@COMPARERS.add("memelite")
def compare_memelite(
    queries: Sequence[np.ndarray], targets: Sequence[np.ndarray], jobs: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p-value, offset and overlap of all pairs with ``memelite.tomtom``; see :func:`compare_numpy`."""
    import warnings

    try:
        import numba
        from memelite import tomtom
    except ImportError as error:
        raise InputError(
            "memelite is not installed", value="memelite", remedy="install it, or set the comparer to numpy"
        ) from error
    shape = (len(queries), len(targets))
    p, offset, overlap = np.ones(shape), np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    widths = np.array([len(query) for query in queries])
    columns = [np.asfortranarray(target.T) for target in targets]
    # the workspace grows with the cube of the widest query, once per thread
    jobs = max(1, min(jobs, numba.config.NUMBA_NUM_THREADS))
    for rows, threads in ((np.flatnonzero(widths <= _WIDE), jobs), (np.flatnonzero(widths > _WIDE), 1)):
        if len(rows):
            with warnings.catch_warnings():
                # compare() says so itself
                warnings.filterwarnings("ignore", message="tomtom was given")
                result = tomtom(
                    [np.asfortranarray(queries[at].T) for at in rows], columns, reverse_complement=False, n_jobs=threads
                )
            p[rows], offset[rows], overlap[rows] = result[0], result[2], result[3]
    return p, offset, overlap


@COMPARERS.add("numpy")
def compare_numpy(
    queries: Sequence[np.ndarray], targets: Sequence[np.ndarray], jobs: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p-value, offset and overlap of all pairs.

    Parameters
    ----------
    queries, targets : sequences of numpy.ndarray, shape=(width, 4)
    jobs : int
        Not used here.

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
    """:func:`compare_numpy` for queries of one width, shape (n, width, 4)."""
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
    queries: Sequence[PWM],
    targets: Sequence[PWM],
    *,
    database: str = "",
    method: str = "memelite",
    jobs: int = 1,
    warn: Callable[[str], None] = print,
) -> pd.DataFrame:
    """All pairs of queries and targets.

    Parameters
    ----------
    queries, targets : sequences of PWM
    database : str
        Name of the targets' database.
    method : str
        One of :data:`COMPARERS`.
    jobs : int
        Threads of ``memelite``.
    warn : callable
        Given one line where there are fewer than :data:`RELIABLE` targets.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`PAIR_COLUMNS`, sorted by query (in the given order) and p. ``offset`` is the target's column
        under the query's first column, ``orientation`` always ``+``.

    Raises
    ------
    InputError
        If there are fewer than two targets, or no such comparer.
    """
    comparer = COMPARERS[method]
    if len(targets) < 2:
        raise InputError(
            "p-values need the columns of several targets", value=len(targets), remedy="give a whole database"
        )
    if len(targets) < RELIABLE:
        warn(f"{database or 'the database'} has {len(targets)} motifs: p-values are rough below {RELIABLE}")
    if not queries:
        return pd.DataFrame(columns=list(PAIR_COLUMNS))
    p, offset, overlap = comparer([q.frequencies for q in queries], [t.frequencies for t in targets], jobs)
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
            "q": false_discovery_control(p, axis=1)[row, column],
            "offset": offset[row, column],
            "overlap": overlap[row, column],
            "orientation": "+",
            "database": database,
            "targets": len(targets),
            "query_consensus": np.array([motif.consensus() for motif in queries], dtype=object)[row],
            "target_consensus": np.array([motif.consensus() for motif in targets], dtype=object)[column],
            "method": method,
        }
    )


def reported(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs that any rule of :data:`RULES` accepts, and each query's best pair."""
    accepted = np.zeros(len(pairs), dtype=bool)
    for column, limit in RULES.values():
        accepted |= (pairs[column] < limit).to_numpy()
    accepted |= ~pairs["query"].duplicated().to_numpy()
    return pairs[accepted].reset_index(drop=True)


def rank_matches(pairs: pd.DataFrame, most: int = 3) -> np.ndarray:
    """Which pairs a figure shows: the smallest p-values, no query, target or target's name twice.

    Returns
    -------
    numpy.ndarray, shape=(len(pairs),), dtype=int64
        1 for the best, up to ``most``; 0 for all other pairs.
    """
    ranks = np.zeros(len(pairs), dtype=np.int64)
    used: set[tuple[str, str]] = set()
    rank = 0
    for at in np.lexsort((pairs["target"].astype(str), pairs["query"].astype(str), pairs["p"])):
        if rank == most:
            break
        mine = {(column, str(pairs[column].iat[at])) for column in ("query", "target", "target_name")}
        if not mine & used:
            used |= mine
            rank += 1
            ranks[at] = rank
    return ranks


def rank_queries(pairs: pd.DataFrame) -> np.ndarray:
    """Each query's best pair: 1 for the first query of the table, 2 for the next; 0 for all other pairs."""
    first = ~pairs["query"].duplicated().to_numpy()
    return np.where(first, np.cumsum(first), 0)


def shuffled(motifs: Sequence[PWM], null: str, generator: np.random.Generator) -> list[PWM]:
    """The motifs without what a database could know of them.

    Parameters
    ----------
    motifs : sequence of PWM
    null : {"columns", "letters"}
        ``columns``: each motif's columns in random order, which keeps its composition. ``letters``: the four letters of
        each motif change places, the same way in all its columns, which keeps its pattern.
    generator : numpy.random.Generator
    """
    if null not in NULLS:
        raise InputError("no such null", value=null, remedy=f"choose one of {', '.join(NULLS)}")
    out = []
    for motif in motifs:
        if null == "columns":
            changed = motif.frequencies[generator.permutation(motif.width)]
        else:
            places = np.arange(4)
            while (places == np.arange(4)).all():
                places = generator.permutation(4)
            changed = motif.frequencies[:, places]
        out.append(PWM(motif.name, changed, motif.sites, motif.alternative, motif.source))
    return out


def annotated_numbers(p: np.ndarray) -> dict[str, int]:
    """Queries with a match, by rule.

    Parameters
    ----------
    p : numpy.ndarray, shape=(queries, targets)
    """
    if not len(p):
        return dict.fromkeys(RULES, 0)
    least = {"q": false_discovery_control(p, axis=1).min(axis=1), "e": p.min(axis=1) * p.shape[1]}
    return {rule: int((least[column] < limit).sum()) for rule, (column, limit) in RULES.items()}


def annotation_table(
    queries: Sequence[PWM],
    targets: Sequence[PWM],
    *,
    filters: int | None = None,
    database: str = "",
    shuffles: int = 100,
    seed: int = 0,
    method: str = "memelite",
    jobs: int = 1,
) -> pd.DataFrame:
    """Number and share of filters with a match, beside the same of shuffled filters (Table S2 with a null).

    Parameters
    ----------
    queries : sequence of PWM
        The informative filters.
    targets : sequence of PWM
    filters : int, optional
        All filters, of which shares are taken; default the number of queries.
    database : str
    shuffles : int
        Of each null.
    seed : int
    method, jobs
        See :func:`compare`.

    Returns
    -------
    pandas.DataFrame
        One row per rule and null; columns ``database``, ``targets``, ``rule``, ``filters``, ``informative``,
        ``annotated``, ``share``, ``null``, ``shuffles``, ``null_share`` (mean), ``null_low``, ``null_high`` (2.5 and
        97.5 % of the shuffles), ``p`` (shuffles with at least as many annotated filters, counted with one more).
    """
    comparer = COMPARERS[method]
    filters = len(queries) if filters is None else filters
    if filters < 1:
        raise InputError("there are no filters", value=filters, remedy="extract some first")
    columns = [target.frequencies for target in targets]

    def count(motifs: Sequence[PWM]) -> dict[str, int]:
        return annotated_numbers(comparer([m.frequencies for m in motifs], columns, jobs)[0] if motifs else np.ones(0))

    observed = count(queries)
    rows = []
    for number, null in enumerate(NULLS):
        drawn = {rule: np.zeros(shuffles) for rule in RULES}
        for at in range(shuffles):
            counts = count(shuffled(queries, null, np.random.default_rng([seed, number, at])))
            for rule in RULES:
                drawn[rule][at] = counts[rule]
        for rule in RULES:
            shares = drawn[rule] / filters
            low, high = np.quantile(shares, [0.025, 0.975]) if shuffles else (np.nan, np.nan)
            rows.append(
                {
                    "database": database,
                    "targets": len(targets),
                    "rule": rule,
                    "filters": filters,
                    "informative": len(queries),
                    "annotated": observed[rule],
                    "share": observed[rule] / filters,
                    "null": null,
                    "shuffles": shuffles,
                    "null_share": shares.mean() if shuffles else np.nan,
                    "null_low": low,
                    "null_high": high,
                    "p": (1 + int((drawn[rule] >= observed[rule]).sum())) / (shuffles + 1),
                }
            )
    return pd.DataFrame(rows)


def match_logos(pairs: pd.DataFrame, queries: Iterable[PWM], targets: Iterable[PWM]) -> pd.DataFrame:
    """Letter heights of the pairs that have a rank, aligned by their offset.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Columns :data:`PAIR_COLUMNS` and ``rank``; pairs of rank 0 are passed over.
    queries, targets : iterable of PWM
        Which the pairs name.

    Returns
    -------
    pandas.DataFrame
        ``database``, ``rank``, ``role`` (``query``, ``target``), ``motif``, ``name``, ``position`` (0 is the target's
        first column), and heights ``A C G U`` in bits against equal letter frequencies.
    """
    by_query, by_target = ({motif.name: motif for motif in motifs} for motifs in (queries, targets))
    rows = []
    for pair in pairs[pairs["rank"] > 0].sort_values("rank").to_dict("records"):
        for role, motif, start in (
            ("target", by_target[pair["target"]], 0),
            ("query", by_query[pair["query"]], int(pair["offset"])),
        ):
            head = {"database": pair["database"], "rank": pair["rank"], "role": role, "motif": motif.name}
            rows += [{**head, "name": motif.label, **row} for row in logo_rows(motif, start)]
    return pd.DataFrame(rows, columns=["database", "rank", "role", "motif", "name", "position", *ALPHABET])


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


def read_tomtom(
    path: str | Path, targets: Sequence[PWM], *, queries: Sequence[PWM] | None = None, database: str = ""
) -> pd.DataFrame:
    """What the MEME suite's ``tomtom`` wrote (``tomtom.tsv``, or ``-text``), as :func:`compare` gives it.

    Its offset is the same as here. Only the pairs that it reported are there, sorted by query and p.

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
                lacking = sorted(set(_MEME_COLUMNS.values()) - set(header))
                if lacking:
                    raise InputError(
                        f"the table lacks {', '.join(lacking)}",
                        path=path,
                        line=number,
                        remedy="give tomtom's tomtom.tsv",
                    )
                continue
            rows.append(_meme_row(dict(zip(header, fields, strict=False)), by_name, path, number))
    if header is None:
        raise InputError("the table is empty", path=path, remedy="run tomtom again")
    frame = pd.DataFrame(rows, columns=[name for name in PAIR_COLUMNS if name not in ("database", "targets", "method")])
    frame = frame.assign(database=database, targets=len(targets), method="meme")[list(PAIR_COLUMNS)]
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
    # tomtom writes the consensus in DNA letters for DNA databases
    return out | {
        "target_name": target.label,
        "query_consensus": str(row["query_consensus"]).replace("T", "U"),
        "target_consensus": target.consensus(),
    }


@dataclass(frozen=True)
class QuerySet:
    """Motifs of one predictor and species.

    Attributes
    ----------
    predictor : str
        :data:`DE_NOVO` for motifs that no model gave: each of them is ranked, and no null is drawn.
    species : str
    motifs : sequence of PWM
        For a network, those that pass the information filter.
    filters : int
        All filters of the network.
    """

    predictor: str
    species: str
    motifs: Sequence[PWM]
    filters: int


@dataclass(frozen=True)
class Database:
    """Known motifs for one species."""

    species: str
    name: str
    motifs: Sequence[PWM]


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare_sets` gives.

    Attributes
    ----------
    matches : pandas.DataFrame
        Columns :data:`MATCH_COLUMNS`.
    annotated : pandas.DataFrame
        Columns :data:`ANNOTATION_COLUMNS`.
    logos : pandas.DataFrame
        Columns :data:`LOGO_COLUMNS`.
    """

    matches: pd.DataFrame
    annotated: pd.DataFrame
    logos: pd.DataFrame


def compare_sets(
    sets: Sequence[QuerySet],
    databases: Sequence[Database],
    *,
    pairs_of: Callable[[QuerySet, Database], pd.DataFrame] | None = None,
    method: str = "memelite",
    most: int = 3,
    shuffles: int = 100,
    seed: int = 0,
    jobs: int = 1,
    report: Callable[[str], None] = print,
) -> Comparison:
    """Motifs of several models and species against the databases of their species.

    Parameters
    ----------
    sets : sequence of QuerySet
    databases : sequence of Database
    pairs_of : callable, optional
        The pairs of a set and a database where they were computed elsewhere (:func:`read_tomtom`); ``annotated`` then
        has no row, since no null can be drawn. Default: :func:`compare`.
    method, jobs
        See :func:`compare`.
    most : int
        Pairs of each model, species and database that get a rank and a logo.
    shuffles, seed
        See :func:`annotation_table`.
    report : callable
        Given a line for each comparison and each warning.

    Raises
    ------
    InputError
        If no set has a database of its species.
    """
    tables: dict[str, list[pd.DataFrame]] = {"matches": [], "annotated": [], "logos": []}
    compared = False
    for one in sets:
        for database in databases:
            if database.species != one.species:
                continue
            compared = True
            head = {"predictor": one.predictor, "species": one.species}
            report(f"{one.predictor}, {one.species}: {len(one.motifs)} motifs against {database.name}")
            if pairs_of is None:
                pairs = compare(
                    one.motifs, database.motifs, database=database.name, method=method, jobs=jobs, warn=report
                )
            else:
                pairs = pairs_of(one, database)
            pairs = reported(pairs)
            pairs["rank"] = rank_queries(pairs) if one.predictor == DE_NOVO else rank_matches(pairs, most)
            tables["matches"].append(pairs.assign(**head))
            tables["logos"].append(match_logos(pairs, one.motifs, database.motifs).assign(**head))
            if one.predictor != DE_NOVO and pairs_of is None:
                annotated = annotation_table(
                    one.motifs,
                    database.motifs,
                    filters=one.filters,
                    database=database.name,
                    shuffles=shuffles,
                    seed=seed,
                    method=method,
                    jobs=jobs,
                )
                tables["annotated"].append(annotated.assign(**head))
    if not compared:
        raise InputError(
            "no species has both motifs and a database",
            value=", ".join(sorted({one.species for one in sets})),
            remedy="name a motif database for a species of the run",
        )
    columns = {"matches": MATCH_COLUMNS, "annotated": ANNOTATION_COLUMNS, "logos": LOGO_COLUMNS}
    return Comparison(**{name: _stack(tables[name], columns[name]) for name in columns})


def _stack(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    kept = [frame for frame in frames if len(frame)]
    return pd.concat(kept, ignore_index=True)[list(columns)] if kept else pd.DataFrame(columns=list(columns))


def name_discovered(discovered: pd.DataFrame, matches: pd.DataFrame) -> pd.DataFrame:
    """De novo motifs with their best match in the first database of their species.

    Parameters
    ----------
    discovered : pandas.DataFrame
        Columns ``species``, ``motif`` and others.
    matches : pandas.DataFrame
        Columns :data:`MATCH_COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        The table and :data:`BEST_COLUMNS`, empty or NaN where there is no database or the motif was not reported.
    """
    best = matches[(matches["predictor"] == DE_NOVO) & (matches["rank"] > 0)]
    best = best.drop_duplicates(["species", "query"]).rename(columns={"query": "motif", "p": "match_p", "q": "match_q"})
    named = discovered.merge(best[["species", "motif", *BEST_COLUMNS]], how="left", on=["species", "motif"])
    texts = ["database", "target", "target_name"]
    named[texts] = named[texts].fillna("")
    return named
