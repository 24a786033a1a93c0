"""Modifications of an organism: those of the demo world of twelve, and those of a clade beside its m6A.

Motifs are written into the untranslated parts of genes (:mod:`~rnamarks_simulation.planting`). Rules give how likely
each base is to be modified by the sequence around it (:mod:`~rnamarks_simulation.modification_rules`); experiments
see a part of the modified bases and some that are not (:mod:`~rnamarks_simulation.modification_tables`). In the null
world as many bases are modified, drawn at random from the candidates.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from rnamarks.sites.modifications import Modification, find_modification
from rnamarks.sites.species import Species

from .annotation import Layout, Transcript, lay_out
from .evolution import Genome, ancestor
from .files import EXPERIMENTS
from .modification_rules import NEAR, RULES, Bases, Rule, candidates, distance_to, motif_matches, terms
from .parameters import OrganismParameters
from .planting import plant

SITE_COLUMNS = (
    *("modification", "chrom", "genome_start", "genome_end", "strand", "gene", "gene_name", "biotype"),
    *("transcript", "start", "end", "region"),
    *("logit", "label", "support", "experiments", "partner_distance"),
)
SUMMARY_COLUMNS = (
    *("modification", "base", "candidates", "sites", "reported", "false_calls", "once", "false_once"),
    *("bayes_auroc", "bayes_auroc_reported", "window_auroc", "motif_auroc", "composition_auroc", "half_motifs"),
)
PAIR_COLUMNS = ("first", "second", "kind", "detail", "close", "expected")
WINDOW = 51
"""Width of the windows whose composition is held against the rule, nt."""

_MIXED = 10


@dataclass(frozen=True)
class ModifiedOrganism:
    """Modified bases of one genome, and who reports them.

    Attributes
    ----------
    organism : Species
    layout : Layout
    rules : tuple of Rule
    modifications : dict of str to Modification
        By name, in the order of the rules.
    sites : pandas.DataFrame
        :data:`SITE_COLUMNS`: one row per modified or reported base. ``genome_start``, ``genome_end`` 0-based half-open
        on the genome, ``start``, ``end`` on the gene's fullest transcript; ``logit`` the log odds of the rule;
        ``label`` 1 where modified; ``support`` how many experiments report it and ``experiments`` which, as bits;
        ``partner_distance`` nt to the nearest site of the partner on the transcript, -1 beyond
        :data:`~rnamarks_simulation.modification_rules.NEAR`.
    summary : pandas.DataFrame
        :data:`SUMMARY_COLUMNS`, see :func:`summarise`.
    pairs : pandas.DataFrame
        :data:`PAIR_COLUMNS`, see :func:`planted_pairs`.
    parameters : OrganismParameters
    seed : int
    null : bool
    stream : str
    """

    organism: Species
    layout: Layout
    rules: tuple[Rule, ...]
    modifications: dict[str, Modification]
    sites: pd.DataFrame
    summary: pd.DataFrame
    pairs: pd.DataFrame
    parameters: OrganismParameters
    seed: int
    null: bool
    stream: str = ""


@dataclass(frozen=True)
class Drawn:
    """One modification's candidates, their log odds, and what was drawn."""

    places: np.ndarray
    parts: dict[str, np.ndarray]
    logit: np.ndarray
    label: np.ndarray
    seen: np.ndarray


def simulate_organism(
    organism: Species,
    modifications: Mapping[str, Modification],
    parameters: OrganismParameters | None = None,
    *,
    seed: int = 1,
    null: bool = False,
) -> ModifiedOrganism:
    """Make genes with all of :data:`~rnamarks_simulation.modification_rules.RULES`.

    Parameters
    ----------
    organism : Species
    modifications : mapping of str to Modification
        The sheet of modifications.
    parameters : OrganismParameters, optional
    seed : int
        Same arguments and seed, same world.
    null : bool
        See :func:`modify`; the genes stay the same.

    Raises
    ------
    InputError
        If a modification is missing in the sheet, or the genes have too few slots for the motifs.
    """
    parameters = parameters or OrganismParameters()
    genome = ancestor(parameters, 0, seed)
    plant_rules(genome, organism.species, RULES, modifications, parameters, seed)
    return modify(organism, lay_out(organism.species, genome), RULES, modifications, parameters, seed=seed, null=null)


def plant_rules(
    genome: Genome,
    species: str,
    rules: Sequence[Rule],
    modifications: Mapping[str, Modification],
    parameters: OrganismParameters,
    seed: int,
) -> None:
    """Write the motifs and words of rules into a genome, see :func:`~rnamarks_simulation.planting.plant`."""
    found = {rule.name: find_modification(modifications, rule.name) for rule in rules}
    bare = lay_out(species, genome).representatives()
    plant(genome, species, bare, rules, found, parameters.site_factor, np.random.default_rng([seed, 9]))


def modify(
    organism: Species,
    layout: Layout,
    rules: Sequence[Rule],
    modifications: Mapping[str, Modification],
    parameters: OrganismParameters,
    *,
    seed: int,
    null: bool,
    stream: str = "",
) -> ModifiedOrganism:
    """Modify bases of an organism by rules and decide what is reported.

    Parameters
    ----------
    organism : Species
    layout : Layout
    rules : sequence of Rule
    modifications : mapping of str to Modification
    parameters : OrganismParameters
    seed : int
        Each modification draws from its own stream.
    null : bool
        Modify as many bases at random among the candidates.
    stream : str
        What tells the streams of one organism from those of others.
    """
    found = {rule.name: find_modification(modifications, rule.name) for rule in rules}
    transcripts = layout.representatives()
    bases = Bases.lay(transcripts)
    places_of: dict[str, np.ndarray] = {}
    taken = np.zeros(0, dtype=np.int64)
    tables, rows = [], []
    for rule in rules:
        # zlib.crc32 is stable between runs, which hash() of a text is not
        rng = np.random.default_rng([seed, 6, zlib.crc32(f"{stream}{rule.name}".encode())])
        partner = places_of.get(rule.partner, np.zeros(0, dtype=np.int64))
        drawn = _draw(bases, rule, found[rule.name], partner, taken, parameters, rng, null)
        places_of[rule.name] = drawn.places[drawn.label]
        taken = np.concatenate([taken, drawn.places[drawn.label]])
        tables.append(_site_rows(bases, transcripts, rule, drawn, partner))
        rows.append(summarise(bases, rule, found[rule.name], drawn, rng))
    return ModifiedOrganism(
        organism=organism,
        layout=layout,
        rules=tuple(rules),
        modifications=found,
        sites=pd.concat(tables, ignore_index=True)[list(SITE_COLUMNS)],
        summary=pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS)),
        pairs=planted_pairs(bases, rules, places_of, found),
        parameters=parameters,
        seed=seed,
        null=null,
        stream=stream,
    )


def _draw(
    bases: Bases,
    rule: Rule,
    modification: Modification,
    partner: np.ndarray,
    taken: np.ndarray,
    parameters: OrganismParameters,
    rng: np.random.Generator,
    null: bool,
) -> Drawn:
    places = candidates(bases, modification)
    places = places[~np.isin(places, taken)]
    experiments = EXPERIMENTS[rule.name]
    wanted = rule.sites * parameters.site_factor
    parts = terms(bases, places, rule, modification, partner)
    total = np.sum(list(parts.values()), axis=0)
    logit = total + brentq(lambda base: expit(total + base).sum() - wanted, -60, 60)
    label = rng.random(places.size) < expit(logit)
    if null:
        label = rng.permutation(label)
    seen = (rng.random((places.size, experiments)) < parameters.sensitivity) & label[:, None]
    unmodified = np.flatnonzero(~label)
    for experiment in range(experiments):
        count = rng.poisson(parameters.false_fraction * seen[:, experiment].sum())
        seen[rng.choice(unmodified, size=count, replace=False), experiment] = True
    return Drawn(places, parts, logit, label, seen)


def _site_rows(
    bases: Bases, transcripts: Sequence[Transcript], rule: Rule, drawn: Drawn, partner: np.ndarray
) -> pd.DataFrame:
    kept = np.flatnonzero(drawn.label | drawn.seen.any(axis=1))
    places, seen = drawn.places[kept], drawn.seen[kept]
    owner, position = bases.owner(places)
    distance = distance_to(places, partner)
    own = [transcripts[number] for number in owner]
    genome = np.array(
        [int(transcript.genome[at]) for transcript, at in zip(own, position, strict=True)], dtype=np.int64
    )
    return pd.DataFrame(
        {
            "modification": rule.name,
            "chrom": [transcript.chrom for transcript in own],
            "genome_start": genome,
            "genome_end": genome + 1,
            "strand": [transcript.strand for transcript in own],
            "gene": [transcript.gene for transcript in own],
            "gene_name": [transcript.gene_name for transcript in own],
            "biotype": [transcript.biotype for transcript in own],
            "transcript": [transcript.transcript for transcript in own],
            "start": position,
            "end": position + 1,
            "region": [transcript.region(at) for transcript, at in zip(own, position, strict=True)],
            "logit": drawn.logit[kept],
            "label": drawn.label[kept].astype(np.int8),
            "support": seen.sum(axis=1),
            "experiments": seen @ (1 << np.arange(seen.shape[1])),
            "partner_distance": np.where(distance <= NEAR, distance, -1),
        }
    )


def summarise(
    bases: Bases, rule: Rule, modification: Modification, drawn: Drawn, rng: np.random.Generator
) -> dict[str, object]:
    """A row of :data:`SUMMARY_COLUMNS`.

    ``candidates`` are the bases that could bear the rule, ``sites`` those that do. ``reported`` bases are in a table,
    ``false_calls`` of them are unmodified; ``once`` and ``false_once`` are those that one experiment alone reports.
    AUROC are against all other candidates. ``bayes_auroc`` is of the rule's log odds, which no model can pass;
    ``bayes_auroc_reported`` the same for the reported bases, false calls included, which is what a model is tested on;
    ``window_auroc`` of motif and word alone, which a window holds whatever its place; ``motif_auroc`` of the motif;
    ``composition_auroc`` of a logistic regression on the fraction of each nucleotide in 51 nt, cross-validated.
    ``half_motifs`` is how many unmodified candidates per site have at least half of the motif's nucleotides.
    """
    label, reported = drawn.label, drawn.seen.any(axis=1)
    once = drawn.seen.sum(axis=1) == 1
    matches, telling = motif_matches(bases, drawn.places, rule)
    return {
        "modification": rule.name,
        "base": modification.base,
        "candidates": drawn.places.size,
        "sites": int(label.sum()),
        "reported": int(reported.sum()),
        "false_calls": int((reported & ~label).sum()),
        "once": int(once.sum()),
        "false_once": int((once & ~label).sum()),
        "bayes_auroc": _auroc(label, drawn.logit),
        "bayes_auroc_reported": _auroc(reported, drawn.logit),
        "window_auroc": _auroc(label, drawn.parts["motif"] + drawn.parts["word"]),
        "motif_auroc": _auroc(label, drawn.parts["motif"]),
        "composition_auroc": _composition_auroc(bases, drawn.places, label, rng),
        "half_motifs": ((2 * matches >= telling) & ~label).sum() / label.sum(),
    }


def _auroc(label: np.ndarray, score: np.ndarray) -> float:
    """Chance that a modified base scores above another one, ties half; sorts once, as there are few modified ones."""
    others = np.sort(score[~label])
    below = np.searchsorted(others, score[label]) + np.searchsorted(others, score[label], side="right")
    return float(below.mean() / (2 * others.size))


def _composition_auroc(bases: Bases, places: np.ndarray, label: np.ndarray, rng: np.random.Generator) -> float:
    """Cross-validated AUROC of the counts of nucleotides around a base, at ten unmodified bases to a modified one."""
    others = np.flatnonzero(~label)
    chosen = rng.choice(others, size=min(others.size, _MIXED * int(label.sum())), replace=False)
    rows = np.concatenate([np.flatnonzero(label), chosen])
    counts = np.zeros((4, bases.codes.size + 1), dtype=np.int64)
    for letter in range(4):
        np.cumsum(bases.codes == letter, out=counts[letter, 1:])
    ends = places[rows] + WINDOW // 2 + 1
    shares = (counts[:, ends] - counts[:, ends - WINDOW]).T / WINDOW
    scores = cross_val_predict(LogisticRegression(C=100.0), shares, label[rows], cv=5, method="decision_function")
    return _auroc(label[rows], scores)


def planted_pairs(
    bases: Bases, rules: Sequence[Rule], places_of: Mapping[str, np.ndarray], modifications: Mapping[str, Modification]
) -> pd.DataFrame:
    """What ties modifications to each other.

    Parameters
    ----------
    bases : Bases
    rules : sequence of Rule
    places_of : mapping of str to numpy.ndarray
        Modified places of each, ascending.
    modifications : mapping of str to Modification

    Returns
    -------
    pandas.DataFrame
        :data:`PAIR_COLUMNS`, a row per pair that shares a word (``kind`` = ``word``) or whose second lies near
        the first (``near``). ``close`` counts sites of the second within 30 nt of a site of the first, ``expected`` how
        many there would be if the second's sites were any of its candidates.
    """
    pairs = [
        (first, second, "word", first.element.word)
        for number, first in enumerate(rules)
        for second in rules[number + 1 :]
        if first.element == second.element
    ]
    by_name = {rule.name: rule for rule in rules}
    pairs += [
        (by_name[second.partner], second, "near", f"within {NEAR} nt") for second in rules if second.partner in by_name
    ]
    rows = []
    for first, second, kind, detail in pairs:
        sites, others = places_of[first.name], places_of[second.name]
        possible = candidates(bases, modifications[second.name])
        share = (distance_to(possible, sites) <= NEAR).mean()
        close = int((distance_to(others, sites) <= NEAR).sum())
        rows.append((first.name, second.name, kind, detail, close, share * others.size))
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))
