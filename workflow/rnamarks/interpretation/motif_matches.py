"""Which motifs are known: motifs of filters, de novo motifs and consensus motifs beside databases.

Pairs come from :func:`rnamarks.interpretation.tomtom.compare` or from the MEME suite. Of these the tables keep what a
rule accepts, each motif's best and those of the query's own task, and rank what a figure shows. Two nulls say what a
match is worth: filters with a match are counted beside the same filters shuffled, and consensus motifs are set beside
motifs of unmodified windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy

from ..dictionary import column_names
from ..errors import InputError, check_choice
from ..tables import stack_frames
from ..tasks import Task
from .pwm import PWM, logo_rows
from .tomtom import compare, compare_columns

FILTER, DE_NOVO = "filter", "de novo"
"""Methods that motifs come from, beside those of consensus motifs.

``de novo`` takes the place of the predictor, too, and is the name of the database that de novo motifs make.
"""
NO_DATABASE = "no database"
"""Stands for the database of logos of de novo motifs where a species has none."""
RULES: dict[str, tuple[str, float]] = {"q < 0.05": ("q", 0.05), "E < 10": ("e", 10.0)}
"""When a filter counts as annotated: by this column below this value. ``E < 10`` is the released code's."""
NULLS = ("columns", "nucleotides")


@dataclass(frozen=True)
class QuerySet:
    """Motifs of one predictor, task and method.

    Attributes
    ----------
    predictor : str
        :data:`DE_NOVO` for motifs that no model gave.
    task : Task
    method : str
        :data:`FILTER`, :data:`DE_NOVO`, or how nucleotides were weighed for consensus motifs.
    motifs : sequence of PWM
        Of filters those that pass the information filter.
    filters : int
        All filters of the network.
    null : sequence of sequence of PWM
        Motifs of each draw of unmodified windows.
    """

    predictor: str
    task: Task
    method: str
    motifs: Sequence[PWM]
    filters: int = 0
    null: Sequence[Sequence[PWM]] = ()


@dataclass(frozen=True)
class Database:
    """Known motifs.

    Attributes
    ----------
    name : str
    motifs : sequence of PWM
    species : str
        Whose tasks are compared with it; ``""`` for all.
    tasks : dict of str to str
        Task, or modification, that a motif belongs to; others belong to none.
    """

    name: str
    motifs: Sequence[PWM]
    species: str = ""
    tasks: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_known(cls, name: str, motifs: Sequence[PWM], species: str, tasks: Iterable[Task]) -> Database:
        """A database as published; a motif whose name or second name holds a modification belongs to it."""
        modifications = {task.modification for task in tasks} - {""}
        return cls(name, motifs, species, {motif.name: _modification_of(motif, modifications) for motif in motifs})

    @classmethod
    def of_discovered(cls, found: Iterable[tuple[str, Sequence[PWM]]]) -> Database:
        """De novo motifs of several tasks, (task, motifs), each led by its task's name."""
        named = [(task, motif.rename(f"{task}.{motif.name}")) for task, motifs in found for motif in motifs]
        return cls(DE_NOVO, [motif for _, motif in named], "", {motif.name: task for task, motif in named})


def _modification_of(motif: PWM, modifications: set[str]) -> str:
    for text in (motif.name, motif.alternative):
        for part in text.translate(str.maketrans("._:-", "    ")).split():
            if part in modifications:
                return part
    return ""


def pairs_to_compare(sets: Sequence[QuerySet], databases: Sequence[Database]) -> Iterator[tuple[QuerySet, Database]]:
    """Each set with the databases of its species."""
    for one in sets:
        for database in databases:
            if database.species in ("", one.task.species):
                yield one, database


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare_sets` gives.

    Attributes
    ----------
    matches : pandas.DataFrame
        Table ``motif_matches``.
    annotated : pandas.DataFrame
        Table ``motif_annotated``; of filters only.
    logos : pandas.DataFrame
        Table ``motif_logos``.
    """

    matches: pd.DataFrame
    annotated: pd.DataFrame
    logos: pd.DataFrame


def compare_sets(
    sets: Sequence[QuerySet],
    databases: Sequence[Database],
    *,
    pairs_of: Callable[[QuerySet, Database], pd.DataFrame] | None = None,
    maximum: int = 3,
    shuffles: int = 20,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> Comparison:
    """Motifs of several models and tasks against the databases of their species.

    Parameters
    ----------
    sets : sequence of QuerySet
    databases : sequence of Database
        One of fewer than two motifs is passed over, which is reported: p-values need the columns of several.
    pairs_of : callable, optional
        The pairs of a set and a database where the MEME suite computed them
        (:func:`rnamarks.interpretation.tomtom.read_tomtom`). No null is drawn then, and ``q_all`` and ``q_own`` are
        NaN, since not all pairs are known. Default: :func:`rnamarks.interpretation.tomtom.compare`.
    maximum : int
        Pairs of each set and database that get a rank and a logo, see :func:`rank_pairs`.
    shuffles, seed
        See :func:`annotation_table`.
    report : callable
        Given a line for each comparison and each warning.

    Raises
    ------
    InputError
        If there are databases and no set has one of its species.

    Returns
    -------
    Comparison
        ``q`` is over the targets of one query, ``q_all`` over all pairs of the set and the database, ``q_own`` over
        those with an own target, which counts that the best of several motifs is looked at. ``null_p`` is the fraction
        of draws, counted with one more, in which a motif of the null resembles the same target as well (p).
    """
    tables: dict[str, list[pd.DataFrame]] = {"matches": [], "annotated": [], "logos": []}
    compared = list(pairs_to_compare(sets, databases))
    if sets and databases and not compared:
        raise InputError(
            "no species has both motifs and a database",
            value=", ".join(sorted({one.task.species for one in sets})),
            remedy="name a motif database for a species of the run",
        )
    for one, database in compared:
        who = {"predictor": one.predictor, "task": one.task.name}
        named = who | {"method": one.method}
        if len(database.motifs) < 2:
            report(f"{database.name} has fewer than two motifs: {one.task.name} is not compared with it")
            pairs = pd.DataFrame(columns=column_names("motif_matches", task_columns=False))
        else:
            report(f"{one.predictor}, {one.task.name}: {len(one.motifs)} motifs against {database.name}")
            if pairs_of is None:
                pairs = compare(one.motifs, database.motifs, database=database.name, warn=report)
            else:
                pairs = pairs_of(one, database)
            pairs = _judged(pairs, one, database, complete=pairs_of is None)
            pairs = reported(pairs)
            pairs["rank"] = rank_pairs(pairs, one.method, maximum, own=any(database.tasks.values()))
            tables["matches"].append(pairs.assign(**named))
            if one.method == FILTER and one.filters:
                counts = annotation_table(
                    one.motifs,
                    database.motifs,
                    filters=one.filters,
                    database=database.name,
                    shuffles=shuffles,
                    seed=seed,
                    pairs=None if pairs_of is None else pairs,
                )
                tables["annotated"].append(counts.assign(**who))
        logos = match_logos(pairs, one.motifs, database.motifs)
        if logos.empty and one.motifs and one.method not in (FILTER, DE_NOVO):
            alone = {"database": database.name, "rank": 0, "role": "query", "motif": one.motifs[0].name, "name": ""}
            logos = pd.DataFrame([alone | row for row in logo_rows(one.motifs[0])])
        tables["logos"].append(logos.assign(**named))
    for one in sets:
        if one.method == DE_NOVO and not any(one is other for other, _ in compared):
            alone = _logos_alone(one.motifs)
            tables["logos"].append(alone.assign(predictor=one.predictor, task=one.task.name, method=one.method))
    columns = {
        "matches": column_names("motif_matches", task_columns=False),
        "annotated": column_names("motif_annotated", task_columns=False),
        "logos": column_names("motif_logos", task_columns=False),
    }
    return Comparison(**{name: stack_frames(tables[name], columns[name]) for name in columns})


def _judged(pairs: pd.DataFrame, one: QuerySet, database: Database, *, complete: bool) -> pd.DataFrame:
    """Pairs with what is known of them beyond their own score."""
    pairs["target_task"] = pairs["target"].map(lambda name: database.tasks.get(name, ""))
    own = pairs["target_task"].isin({one.task.name, one.task.modification} - {""}).to_numpy()
    pairs["own"], pairs["q_all"], pairs["q_own"] = own, np.nan, np.nan
    p = pairs["p"].to_numpy(dtype=np.float64)
    for column, rows in (("q_all", np.ones(len(p), dtype=bool)), ("q_own", own)):
        if complete and rows.any():
            pairs.loc[rows, column] = scipy.stats.false_discovery_control(p[rows])
    pairs["null_p"], pairs["null_draws"] = np.nan, len(one.null)
    if len(one.null) and complete and len(p):
        best = _null_p(one.null, database.motifs)
        at = {target.name: column for column, target in enumerate(database.motifs)}
        as_good = best[:, [at[target] for target in pairs["target"]]] <= p
        pairs["null_p"] = (1 + as_good.sum(axis=0)) / (1 + len(best))
    return pairs


def _null_p(null: Sequence[Sequence[PWM]], targets: Sequence[PWM]) -> np.ndarray:
    """Smallest p of each draw's motifs with each target, shape (draws, targets); 1 for a draw without motifs."""
    best = np.ones((len(null), len(targets)))
    draws = np.repeat(np.arange(len(null)), [len(motifs) for motifs in null])
    if len(draws):
        queries = [motif.frequencies for motifs in null for motif in motifs]
        np.minimum.at(best, draws, compare_columns(queries, [target.frequencies for target in targets])[0])
    return best


def reported(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs that any rule of :data:`RULES` accepts, each query's best pair, and those with an own target."""
    accepted = pairs["own"].to_numpy(dtype=bool) | ~pairs["query"].duplicated().to_numpy()
    for column, limit in RULES.values():
        accepted |= (pairs[column] < limit).to_numpy()
    return pairs[accepted].reset_index(drop=True)


def rank_pairs(pairs: pd.DataFrame, method: str, maximum: int = 3, *, own: bool = False) -> np.ndarray:
    """Which pairs a figure shows, shape (len(pairs),): 1 for the first, up to ``maximum``; 0 for all other pairs.

    Filters: the smallest p-values, no query, target or target's name twice. De novo motifs: each motif's best pair,
    however many. Consensus motifs: the best of the first motif; then as for filters. Where the database
    knows tasks, only pairs with own targets, the best of them first.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Sorted by query and p.
    method : str
    maximum : int
    own : bool
        The database knows which task a motif belongs to.
    """
    ranks = np.zeros(len(pairs), dtype=np.int64)
    best = ~pairs["query"].duplicated().to_numpy()
    if method == DE_NOVO:
        return np.where(best, np.cumsum(best), 0)
    order = np.lexsort((pairs["target"].astype(str), pairs["query"].astype(str), pairs["p"]))
    if method != FILTER and own:
        order = order[pairs["own"].to_numpy(dtype=bool)[order]]
    elif method != FILTER and len(pairs):
        order = [0, *order]
    used: set[tuple[str, str]] = set()
    for at in order:
        mine = {(column, str(pairs[column].iat[at])) for column in ("query", "target", "target_name")}
        if ranks.max(initial=0) < maximum and not mine & used:
            used |= mine
            ranks[at] = ranks.max() + 1
    return ranks


def shuffled(motifs: Sequence[PWM], null: str, generator: np.random.Generator) -> list[PWM]:
    """The motifs without what a database could know of them.

    Parameters
    ----------
    motifs : sequence of PWM
    null : {"columns", "nucleotides"}
        ``columns``: each motif's columns in random order, which keeps its composition. ``nucleotides``: the
        four nucleotides of each motif change places, the same way in all its columns, which keeps its pattern.
    generator : numpy.random.Generator
    """
    check_choice(null, NULLS, "no such null")
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


def annotation_table(
    queries: Sequence[PWM],
    targets: Sequence[PWM],
    *,
    filters: int,
    database: str = "",
    shuffles: int = 20,
    seed: int = 0,
    pairs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Number and fraction of filters with a match, beside the same of shuffled filters (Table S2 with a null).

    Parameters
    ----------
    queries : sequence of PWM
        The informative filters.
    targets : sequence of PWM
    filters : int
        All filters, of which shares are taken.
    database : str
    shuffles : int
        Of each null.
    seed : int
    pairs : pandas.DataFrame, optional
        The accepted pairs where the MEME suite compared: counted as they are, without a null (``null`` is ``""``).

    Returns
    -------
    pandas.DataFrame
        One row per rule and null; columns ``database``, ``targets``, ``rule``, ``filters``, ``informative``,
        ``annotated``, ``fraction``, ``null``, ``shuffles``, ``null_fraction`` (mean), ``null_low``, ``null_high`` (2.5
        and 97.5 % of the shuffles), ``p`` (shuffles with at least as many annotated filters, counted with one more).
    """
    if filters < 1:
        raise InputError("there are no filters", value=filters, remedy="extract some first")
    columns = [target.frequencies for target in targets]

    def count(motifs: Sequence[PWM]) -> dict[str, int]:
        if not motifs:
            return dict.fromkeys(RULES, 0)
        p = compare_columns([motif.frequencies for motif in motifs], columns)[0]
        least = {"q": scipy.stats.false_discovery_control(p, axis=1).min(axis=1), "e": p.min(axis=1) * p.shape[1]}
        return {rule: int((least[column] < limit).sum()) for rule, (column, limit) in RULES.items()}

    if pairs is None:
        observed = count(queries)
    else:
        observed = {
            rule: pairs.loc[pairs[column] < limit, "query"].nunique() for rule, (column, limit) in RULES.items()
        }
    rows = []
    for number, null in enumerate(NULLS if pairs is None else ("",)):
        drawn = {rule: np.zeros(shuffles if null else 0) for rule in RULES}
        for at in range(shuffles if null else 0):
            counts = count(shuffled(queries, null, np.random.default_rng([seed, number, at])))
            for rule in RULES:
                drawn[rule][at] = counts[rule]
        for rule, counts in drawn.items():
            shares = counts / filters
            low, high = np.quantile(shares, [0.025, 0.975]) if len(shares) else (np.nan, np.nan)
            rows.append(
                {
                    "database": database,
                    "targets": len(targets),
                    "rule": rule,
                    "filters": filters,
                    "informative": len(queries),
                    "annotated": observed[rule],
                    "fraction": observed[rule] / filters,
                    "null": null,
                    "shuffles": len(shares),
                    "null_fraction": shares.mean() if len(shares) else np.nan,
                    "null_low": low,
                    "null_high": high,
                    "p": (1 + int((counts >= observed[rule]).sum())) / (len(shares) + 1) if null else np.nan,
                }
            )
    return pd.DataFrame(rows)


def match_logos(pairs: pd.DataFrame, queries: Iterable[PWM], targets: Iterable[PWM]) -> pd.DataFrame:
    """Heights of the nucleotides of the pairs that have a rank, aligned by their offset.

    Parameters
    ----------
    pairs : pandas.DataFrame
        As :func:`~rnamarks.interpretation.tomtom.compare` gives them, and ``rank``; pairs of rank 0 are passed over.
    queries, targets : iterable of PWM
        Which the pairs name.

    Returns
    -------
    pandas.DataFrame
        ``database``, ``rank``, ``role`` (``query``, ``target``), ``motif``, ``name``, ``position`` (0 is the target's
        first column), and heights ``A C G U`` in bits against equal frequencies.
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
    return pd.DataFrame(rows, columns=column_names("motif_logos", first="database"))


def _logos_alone(motifs: Sequence[PWM]) -> pd.DataFrame:
    """As :func:`match_logos`, of motifs that there is no database for."""
    rows = [
        {"database": NO_DATABASE, "rank": rank, "role": "query", "motif": motif.name, "name": motif.label} | row
        for rank, motif in enumerate(motifs, 1)
        for row in logo_rows(motif)
    ]
    return pd.DataFrame(rows, columns=column_names("motif_logos", first="database"))


def name_discovered(discovered: pd.DataFrame, matches: pd.DataFrame) -> pd.DataFrame:
    """De novo motifs with their best match in the first database of their species.

    Parameters
    ----------
    discovered : pandas.DataFrame
        Columns ``task``, ``motif`` and others.
    matches : pandas.DataFrame
        Table ``motif_matches``.

    Returns
    -------
    pandas.DataFrame
        The table, and the best match as in ``motif_discovered``, empty or NaN where there is no database or the motif
        was not reported.
    """
    best = matches[(matches["method"] == DE_NOVO) & (matches["rank"] > 0)]
    best = best.drop_duplicates(["task", "query"]).rename(columns={"query": "motif", "p": "match_p", "q": "match_q"})
    named = discovered.merge(
        best[["task", "motif", *column_names("motif_discovered", first="database")]], how="left", on=["task", "motif"]
    )
    texts = ["database", "target", "target_name"]
    named[texts] = named[texts].fillna("")
    return named
