"""What raises the logit of a network's head around its sites, and the motifs of it, for the heads of several species.

The windows explained are the modified ones that the model calls with most confidence. They may be of the parts that the
model was trained on, since motifs are judged, and the network was tested, on others.

A letter's attribution is read against the letters of the head's unmodified windows (baseline ``composition`` of
:func:`~rnamarks.interpretation.attribution.integrated_gradients`): where all windows hold one motif, such as DRACH, the
letters that it fixes tell nothing and get nothing, and G before the site counts for as much as it beats A and U there.

Consensus motifs come from the words with most attribution (:mod:`rnamarks.interpretation.consensus`). Words that lie on
the site resemble its motif whatever the network has learned. So the words at the same places of unmodified windows,
drawn at random, are clustered and compared in the same way: what matches as well in many draws is no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control
from scipy.stats import t as student

from ..sequences import ALPHABET, UNKNOWN, decode_windows
from .attribution import Attribution, agreement, integrated_gradients, mutagenesis
from .consensus import CONSENSUS_COLUMNS, ConsensusSettings, find_consensus
from .motif_matches import LOGO_COLUMNS, MATCH_COLUMNS, Database, match_logos, rank_matches, reported
from .positives import ATTENDED_COLUMNS, Head
from .pwm import PWM
from .tomtom import COMPARERS, compare

METHOD = "integrated_gradients"
GRADIENTS = {"baseline": "composition", "steps": 16, "most_steps": 128, "tolerance": 0.05}
"""Options of integrated gradients that hold unless others are given."""
CONSENSUS = {"clustering": "words", "width": 5, "count": 4, "reach": 0, "flank": 1, "trim": 0.0, "members": 10}
"""The same of :class:`~rnamarks.interpretation.consensus.ConsensusSettings`.

Short words, since few copies of a long one are left with one letter changed. A column on either side is kept, whatever
it holds: to Tomtom five letters that agree are within chance among 60 motifs (q 0.01), five that agree between two
columns as free as the target's are not.
"""
EXPLAINED_COLUMNS = (
    "predictor",
    "species",
    "windows",
    "mutated",
    "baseline",
    "logit",
    "difference",
    "error_median",
    "error_largest",
    "steps",
    "complete",
    "agreement",
)
PROFILE_COLUMNS = ("predictor", "species", "method", "offset", "letter", "mean", "low", "high", "windows")
MOTIF_COLUMNS = (
    "predictor",
    "species",
    *(name for name in CONSENSUS_COLUMNS if name not in ("modification", "method")),
)
PAIR_COLUMNS = (*MATCH_COLUMNS, "q_all", "null_p", "null_draws")


@dataclass(frozen=True)
class Explanation:
    """One head explained.

    Attributes
    ----------
    attended : pandas.DataFrame
        Columns :data:`~rnamarks.interpretation.positives.ATTENDED_COLUMNS`, nats of log odds.
    summary : dict
        Keys :data:`EXPLAINED_COLUMNS` without predictor and species.
    profile : pandas.DataFrame
        Columns :data:`PROFILE_COLUMNS` without predictor and species.
    """

    attended: pd.DataFrame
    summary: dict[str, object]
    profile: pd.DataFrame


def explain_head(
    given: Head,
    *,
    windows: int = 200,
    mutated: int = 50,
    reach: int = 12,
    most: int = 5000,
    gradients: Mapping[str, Any] | None = None,
    warn: Callable[[str], None] = print,
) -> Explanation:
    """Integrated gradients and in-silico mutagenesis of a head's most confident true positives.

    Parameters
    ----------
    given : Head
    windows : int
        Windows explained at most, those with the highest logits above 0.
    mutated : int
        The first so many of them that are mutated, too.
    reach : int
        Farthest substitution from the middle of the window, nt.
    most : int
        Modified windows that are scored; more are drawn from at random. 0 takes all.
    gradients : mapping, optional
        Options of :func:`~rnamarks.interpretation.attribution.integrated_gradients` beside :data:`GRADIENTS`.
    warn : callable

    Returns
    -------
    Explanation
        Without a row, and ``windows`` 0, where the head calls no modified window.
    """
    # a share next to nothing: the number of windows decides
    positives = given.positives(share=1e-9, least=windows, most=most).first(windows)
    options = given.gradient_options(GRADIENTS | dict(gradients or {}))
    baseline = options["baseline"]
    if not len(positives):
        summary = {name: np.nan for name in EXPLAINED_COLUMNS[2:]} | {"baseline": baseline, "windows": 0, "mutated": 0}
        return Explanation(pd.DataFrame(columns=list(ATTENDED_COLUMNS)), summary, _profile([], []))
    codes = positives.codes
    network = given.model.networks
    parts = integrated_gradients(network, codes, given.name, **({"warn": warn} | options))
    middle = codes.shape[1] // 2
    places = np.arange(max(0, middle - reach), min(codes.shape[1], middle + reach + 1))
    changes = mutagenesis(network, codes[:mutated], given.name, places=places, **given.where)
    summary = {
        "windows": len(codes),
        "mutated": len(changes.logits),
        "baseline": baseline,
        "logit": float(np.median(parts.logits)),
        "difference": float(np.median(parts.logits - parts.baseline_logits)),
        "error_median": float(np.median(np.abs(parts.errors))),
        "error_largest": float(np.abs(parts.errors).max()),
        "steps": float(parts.steps.mean()),
        "complete": float(parts.complete.mean()),
        "agreement": _agreement(parts, changes, places),
    }
    profile = _profile(
        [METHOD, "mutagenesis"],
        [_by_letter(parts.letters, codes), _by_change(changes.contributions, codes[:mutated], places)],
    )
    return Explanation(positives.table(given.name, METHOD, parts.letters), summary, profile)


def _agreement(parts: Attribution, changes: Attribution, places: np.ndarray) -> float:
    """Median over windows of the rank correlation of the two methods' letters."""
    n = len(changes.logits)
    if not n or len(places) < 3:
        return float("nan")

    def at_places(part: Attribution) -> Attribution:
        return Attribution(
            part.contributions[:n],
            part.letters[:n, places],
            *(getattr(part, name)[:n] for name in ("logits", "baseline_logits", "errors", "steps", "complete")),
        )

    return float(np.nanmedian(agreement(at_places(parts), at_places(changes))))


def _by_letter(weights: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Weights by letter, shape (n, 4, window); NaN where a window has another letter."""
    return np.where(codes[:, None] == np.arange(UNKNOWN)[:, None], weights[:, None], np.nan)


def _by_change(changes: np.ndarray, codes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Changes of the logit, NaN for the window's own letter and beyond the places."""
    known = np.zeros(codes.shape, dtype=bool)
    known[:, places] = codes[:, places] < UNKNOWN
    return np.where(known[:, None] & (codes[:, None] != np.arange(UNKNOWN)[:, None]), changes, np.nan)


def _profile(methods: Sequence[str], values: Sequence[np.ndarray]) -> pd.DataFrame:
    """Mean over windows of each letter at each position, with its 95 % interval (Student's t)."""
    tables = []
    for method, each in zip(methods, values, strict=True):
        n = np.isfinite(each).sum(axis=0)
        letter, place = np.nonzero(n)
        n = n[letter, place]
        total = np.nansum(each, axis=0, dtype=np.float64)[letter, place]
        squares = np.nansum(np.square(each, dtype=np.float64), axis=0)[letter, place]
        mean = total / n
        spread = np.sqrt(np.maximum(squares - n * mean**2, 0) / np.maximum(n - 1, 1))
        half = np.where(n > 1, student.ppf(0.975, np.maximum(n - 1, 1)) * spread / np.sqrt(n), np.nan)
        tables.append(
            pd.DataFrame(
                {
                    "method": method,
                    "offset": place - each.shape[2] // 2,
                    "letter": np.array(list(ALPHABET))[letter],
                    "mean": mean,
                    "low": mean - half,
                    "high": mean + half,
                    "windows": n,
                }
            )
        )
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(PROFILE_COLUMNS[2:]))


@dataclass(frozen=True)
class HeadMotifs:
    """Consensus motifs of one predictor and species.

    Attributes
    ----------
    predictor, species : str
    motifs : list of PWM
        Named ``<predictor>.<species>.integrated_gradients.<rank>``.
    table : pandas.DataFrame
        Columns :data:`MOTIF_COLUMNS`.
    null : list of list of PWM
        The motifs of each draw of unmodified windows.
    """

    predictor: str
    species: str
    motifs: list[PWM]
    table: pd.DataFrame
    null: list[list[PWM]]


def find_head_motifs(
    predictor: str,
    species: str,
    attended: pd.DataFrame,
    modified: np.ndarray,
    unmodified: np.ndarray,
    drawn_from: np.ndarray,
    *,
    settings: Mapping[str, Any] | None = None,
    draws: int = 99,
    seed: int = 0,
) -> HeadMotifs:
    """Consensus motifs of a head, and those of words at the same places of unmodified windows.

    Parameters
    ----------
    predictor, species : str
    attended : pandas.DataFrame
        Of :func:`explain_head`.
    modified, unmodified : numpy.ndarray, shape=(n, window), dtype=uint8
        Windows that judge the motifs.
    drawn_from : numpy.ndarray, shape=(n, window), dtype=uint8
        Unmodified windows of the null, of the parts that ``attended`` is of.
    settings : mapping, optional
        Of :class:`~rnamarks.interpretation.consensus.ConsensusSettings`, beside :data:`CONSENSUS`.
    draws : int
        Of the null.
    seed : int
    """
    settings = ConsensusSettings(**(CONSENSUS | dict(settings or {})))
    name = {"modification": f"{predictor}.{species}"}
    if attended.empty:
        row = {"motif": "", "consensus": "", "rank": 0, "windows": 0, "clusters": 0, "reason": "no window called"}
        table, motifs, null = pd.DataFrame([row], columns=list(CONSENSUS_COLUMNS)), [], [[] for _ in range(draws)]
    else:
        found = find_consensus(attended.assign(**name), modified, unmodified, settings=settings, seed=seed)
        table, motifs, null = found.table, found.motifs, []
        nobody = modified[:0]
        for draw in range(draws):
            rows = np.random.default_rng([seed, draw]).integers(len(drawn_from), size=len(attended))
            other = attended.assign(sequence=decode_windows(drawn_from[rows]), **name)
            null.append(find_consensus(other, nobody, unmodified, settings=settings, seed=seed).motifs)
    return HeadMotifs(
        predictor, species, motifs, table.assign(predictor=predictor, species=species)[list(MOTIF_COLUMNS)], null
    )


def compare_head_motifs(
    found: Sequence[HeadMotifs],
    databases: Sequence[Database],
    *,
    method: str = "memelite",
    most: int = 4,
    jobs: int = 1,
    report: Callable[[str], None] = print,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Consensus motifs against the databases of their species.

    Parameters
    ----------
    found : sequence of HeadMotifs
    databases : sequence of Database
    method, jobs
        See :func:`rnamarks.interpretation.tomtom.compare`.
    most : int
        Pairs of each predictor, species and database that get a rank and a logo: the best of the motif with most
        attribution, then those with the smallest p, no motif and no target twice.
    report : callable

    Returns
    -------
    matches : pandas.DataFrame
        Columns :data:`PAIR_COLUMNS`: each motif's best pair and those with q < 0.05 or E < 10. ``q`` is over the
        targets of one motif, ``q_all`` over all pairs of the head's motifs and the database. ``null_p`` is the share of
        draws, counted with one more, in which a motif of the null resembles the same target as well (p).
    logos : pandas.DataFrame
        Columns :data:`rnamarks.interpretation.motif_matches.LOGO_COLUMNS`.
    """
    matches, logos = [], []
    for one in found:
        head = {"predictor": one.predictor, "species": one.species}
        for database in databases:
            if database.species != one.species or not one.motifs:
                continue
            pairs = compare(one.motifs, database.motifs, database=database.name, method=method, jobs=jobs, warn=report)
            pairs["q_all"] = false_discovery_control(pairs["p"].to_numpy())
            best = _null_p(one.null, database.motifs, method, jobs)
            at = {target.name: column for column, target in enumerate(database.motifs)}
            as_good = best[:, [at[target] for target in pairs["target"]]] <= pairs["p"].to_numpy()
            pairs["null_p"], pairs["null_draws"] = (1 + as_good.sum(axis=0)) / (1 + len(best)), len(best)
            pairs = reported(pairs)
            pairs["rank"] = _rank_pairs(pairs, most)
            matches.append(pairs.assign(**head)[list(PAIR_COLUMNS)])
            logos.append(match_logos(pairs, one.motifs, database.motifs).assign(**head)[list(LOGO_COLUMNS)])
            report(f"{one.predictor}, {one.species}: {len(one.motifs)} motifs against {database.name}")
    empty = (pd.DataFrame(columns=list(columns)) for columns in (PAIR_COLUMNS, LOGO_COLUMNS))
    return tuple(
        pd.concat(tables, ignore_index=True) if tables else none
        for tables, none in zip((matches, logos), empty, strict=True)
    )


def _rank_pairs(pairs: pd.DataFrame, most: int) -> np.ndarray:
    first = pairs.iloc[0]
    others = np.ones(len(pairs), dtype=bool)
    for column in ("query", "target", "target_name"):
        others &= (pairs[column] != first[column]).to_numpy()
    ranks = np.zeros(len(pairs), dtype=np.int64)
    ranks[0] = 1
    if most > 1:
        rest = rank_matches(pairs[others], most - 1)
        ranks[others] = np.where(rest > 0, rest + 1, 0)
    return ranks


def _null_p(null: Sequence[Sequence[PWM]], targets: Sequence[PWM], method: str, jobs: int) -> np.ndarray:
    """Smallest p of each draw's motifs with each target, shape (draws, targets); 1 for a draw without motifs."""
    best = np.ones((len(null), len(targets)))
    draws = np.repeat(np.arange(len(null)), [len(motifs) for motifs in null])
    if len(draws):
        queries = [motif.frequencies for motifs in null for motif in motifs]
        np.minimum.at(best, draws, COMPARERS[method](queries, [target.frequencies for target in targets], jobs)[0])
    return best
