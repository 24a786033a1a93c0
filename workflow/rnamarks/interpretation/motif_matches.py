"""Which motifs of models are known: their matches in databases, beside those of shuffled motifs.

Pairs come from :func:`rnamarks.interpretation.tomtom.compare` or from the MEME suite. Of these the tables keep what a
rule accepts and each motif's best, rank what a figure shows, and count the filters with a match; the same count of
shuffled filters says how many of them a match by chance would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from ..errors import InputError
from ..sequences import ALPHABET
from .pwm import PWM, logo_rows
from .tomtom import COMPARERS, PAIR_COLUMNS, compare

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
        See :func:`rnamarks.interpretation.tomtom.compare`.

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
        Columns :data:`rnamarks.interpretation.tomtom.PAIR_COLUMNS` and ``rank``; pairs of rank 0 are passed over.
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
        The pairs of a set and a database where they were computed elsewhere
        (:func:`rnamarks.interpretation.tomtom_files.read_tomtom`); ``annotated`` then has no row, since no null can be
        drawn. Default: :func:`rnamarks.interpretation.tomtom.compare`.
    method, jobs
        See :func:`rnamarks.interpretation.tomtom.compare`.
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
