"""The demo world of twelve marks: one organism, published tables of twelve modifications, and the truth behind them.

Genes are those of the demo world before they evolve (:mod:`~rnamarks.simulation.genes`), with motifs written into their
untranslated parts (:mod:`~rnamarks.simulation.mark_planting`). Rules say how likely each base is to bear a mark by the
letters around it (:mod:`~rnamarks.simulation.mark_rules`); experiments see a part of the marked bases and some that are
not (:mod:`~rnamarks.simulation.mark_tables`). In the null world as many bases are marked, drawn at random from the
candidates.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from ..errors import InputError
from ..sites.modifications import Modification, find_modification
from ..sites.species import Species
from .annotation import Layout, Transcript, lay_out
from .evolution import ancestor
from .mark_planting import plant
from .mark_rules import MARKS, NEAR, Bases, Mark, candidates, distance_to, motif_matches, terms
from .parameters import WorldParameters
from .truth import representatives

SITE_COLUMNS = (
    *("modification", "chrom", "start", "strand", "gene", "gene_name", "biotype", "transcript", "position", "region"),
    *("logit", "label", "support", "experiments", "partner_distance"),
)
MARK_COLUMNS = (
    *("modification", "base", "candidates", "sites", "reported", "false_calls", "once", "false_once"),
    *("bayes_auroc", "bayes_auroc_reported", "window_auroc", "motif_auroc", "composition_auroc", "half_motifs"),
)
PAIR_COLUMNS = ("first", "second", "kind", "detail", "close", "expected")
WINDOW = 51
"""Width of the windows whose composition is held against the rule, nt."""

_MIXED = 10


@dataclass(frozen=True)
class MarksParameters(WorldParameters):
    """What the world is like. Genes as in :class:`~rnamarks.simulation.parameters.WorldParameters`.

    Attributes
    ----------
    site_factor : float
        Multiplies the number of sites of every mark.
    sensitivity : float
        Share of the marked bases that an experiment sees.
    false_share : float
        Unmarked bases that an experiment reports, as a share of the marked ones that it sees.
    """

    genes: int = 560
    chromosomes: int = 4
    site_factor: float = 1.0
    sensitivity: float = 0.7
    false_share: float = 0.04

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, good in {
            "site_factor": 0 < self.site_factor <= 3,
            "sensitivity": 0 < self.sensitivity <= 1,
            "false_share": 0 <= self.false_share <= 1,
        }.items():
            if not good:
                raise InputError(
                    f"the world of twelve marks cannot have this {name}",
                    value=getattr(self, name),
                    remedy="give a share from 0 to 1, or a factor up to 3",
                )

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> MarksParameters:
        """Parameters from a configuration; what is not given keeps its default.

        Raises
        ------
        InputError
            If a key is unknown or says how genomes evolve or where m6A of the other demo lies, a value is of the wrong
            kind, or values do not fit together.
        """
        idle = sorted(set(given) & set(_IDLE))
        if idle:
            raise InputError(
                "the world of twelve marks has one genome that does not evolve",
                value=idle[0],
                remedy=f"choose from {', '.join(sorted({field.name for field in fields(cls)} - set(_IDLE)))}",
            )
        return super().from_mapping(given)


_IDLE = (
    *("substitution_rate", "kappa", "omega", "indel_rate", "inversion_rate", "loss_rate", "duplication_rate"),
    *("prevalence", "letters_weight", "upstream_weight", "downstream_weight", "stop_weight"),
    *("clade_weight", "clade_memory", "hidden_memory", "reported_share", "second_lab_share"),
)


@dataclass(frozen=True)
class MarksWorld:
    """A simulated world of twelve marks.

    Attributes
    ----------
    organism : Species
    layout : Layout
    modifications : dict of str to Modification
        Of the marks, in their order.
    sites : pandas.DataFrame
        :data:`SITE_COLUMNS`: one row per marked or reported base. ``start`` is 0-based on the genome, ``position``
        0-based on the gene's fullest transcript; ``logit`` what the rule says; ``label`` 1 where marked; ``support``
        how many experiments report it and ``experiments`` which, as bits; ``partner_distance`` nt to the nearest site
        of the partner mark on the transcript, -1 beyond :data:`~rnamarks.simulation.mark_rules.NEAR` or without one.
    marks : pandas.DataFrame
        :data:`MARK_COLUMNS`, see :func:`summarise`.
    pairs : pandas.DataFrame
        :data:`PAIR_COLUMNS`, see :func:`planted_pairs`.
    parameters : MarksParameters
    seed : int
    null : bool
    """

    organism: Species
    layout: Layout
    modifications: dict[str, Modification]
    sites: pd.DataFrame
    marks: pd.DataFrame
    pairs: pd.DataFrame
    parameters: MarksParameters
    seed: int
    null: bool


@dataclass(frozen=True)
class Drawn:
    """One mark's candidates, what the rule says of them, and what was drawn."""

    places: np.ndarray
    parts: dict[str, np.ndarray]
    logit: np.ndarray
    label: np.ndarray
    seen: np.ndarray


def simulate_marks(
    organism: Species,
    modifications: Mapping[str, Modification],
    experiments: Mapping[str, int],
    parameters: MarksParameters | None = None,
    *,
    seed: int = 1,
    null: bool = False,
) -> MarksWorld:
    """Make genes, mark their bases and decide what is reported.

    Parameters
    ----------
    organism : Species
    modifications : mapping of str to Modification
        The sheet of modifications.
    experiments : mapping of str to int
        How many experiments look for each mark.
    parameters : MarksParameters, optional
    seed : int
        Same arguments and seed, same world. Each mark draws from its own stream.
    null : bool
        Mark as many bases at random among the candidates; the genes stay the same.

    Raises
    ------
    InputError
        If a modification is missing in the sheet, or the genes have too little room for the motifs.
    """
    parameters = parameters or MarksParameters()
    found = {mark.name: find_modification(modifications, mark.name) for mark in MARKS}
    genome = ancestor(parameters, 0, seed)
    bare = representatives(lay_out(organism.species, genome))
    plant(genome, organism.species, bare, found, parameters.site_factor, np.random.default_rng([seed, 9]))
    layout = lay_out(organism.species, genome)
    transcripts = representatives(layout)
    bases = Bases.lay(transcripts)
    places_of: dict[str, np.ndarray] = {}
    taken = np.zeros(0, dtype=np.int64)
    tables, rows = [], []
    for mark in MARKS:
        # zlib.crc32 is stable between runs, which hash() of a text is not
        rng = np.random.default_rng([seed, 6, zlib.crc32(mark.name.encode())])
        partner = places_of.get(mark.partner, np.zeros(0, dtype=np.int64))
        drawn = _draw(bases, mark, found[mark.name], partner, taken, parameters, experiments[mark.name], rng, null)
        places_of[mark.name] = drawn.places[drawn.label]
        taken = np.concatenate([taken, drawn.places[drawn.label]])
        tables.append(_site_rows(bases, transcripts, mark, drawn, partner))
        rows.append(summarise(bases, mark, found[mark.name], drawn, rng))
    return MarksWorld(
        organism=organism,
        layout=layout,
        modifications=found,
        sites=pd.concat(tables, ignore_index=True)[list(SITE_COLUMNS)],
        marks=pd.DataFrame(rows, columns=list(MARK_COLUMNS)),
        pairs=planted_pairs(bases, places_of, found),
        parameters=parameters,
        seed=seed,
        null=null,
    )


def _draw(
    bases: Bases,
    mark: Mark,
    modification: Modification,
    partner: np.ndarray,
    taken: np.ndarray,
    parameters: MarksParameters,
    experiments: int,
    rng: np.random.Generator,
    null: bool,
) -> Drawn:
    places = candidates(bases, modification)
    places = places[~np.isin(places, taken)]
    wanted = mark.sites * parameters.site_factor
    parts = terms(bases, places, mark, modification, partner)
    total = np.sum(list(parts.values()), axis=0)
    logit = total + brentq(lambda base: expit(total + base).sum() - wanted, -60, 60)
    label = rng.random(places.size) < expit(logit)
    if null:
        label = rng.permutation(label)
    seen = (rng.random((places.size, experiments)) < parameters.sensitivity) & label[:, None]
    unmarked = np.flatnonzero(~label)
    for experiment in range(experiments):
        count = rng.poisson(parameters.false_share * seen[:, experiment].sum())
        seen[rng.choice(unmarked, size=count, replace=False), experiment] = True
    return Drawn(places, parts, logit, label, seen)


def _site_rows(
    bases: Bases, transcripts: Sequence[Transcript], mark: Mark, drawn: Drawn, partner: np.ndarray
) -> pd.DataFrame:
    kept = np.flatnonzero(drawn.label | drawn.seen.any(axis=1))
    places, seen = drawn.places[kept], drawn.seen[kept]
    owner, position = bases.owner(places)
    distance = distance_to(places, partner)
    own = [transcripts[number] for number in owner]
    return pd.DataFrame(
        {
            "modification": mark.name,
            "chrom": [transcript.chrom for transcript in own],
            "start": [int(transcript.genome[at]) for transcript, at in zip(own, position, strict=True)],
            "strand": [transcript.strand for transcript in own],
            "gene": [transcript.gene for transcript in own],
            "gene_name": [transcript.gene_name for transcript in own],
            "biotype": [transcript.biotype for transcript in own],
            "transcript": [transcript.transcript for transcript in own],
            "position": position,
            "region": [_region(transcript.coding, at) for transcript, at in zip(own, position, strict=True)],
            "logit": drawn.logit[kept],
            "label": drawn.label[kept].astype(np.int8),
            "support": seen.sum(axis=1),
            "experiments": seen @ (1 << np.arange(seen.shape[1])),
            "partner_distance": np.where(distance <= NEAR, distance, -1),
        }
    )


def _region(coding: tuple[int, int] | None, position: int) -> str:
    if coding is None:
        return "noncoding"
    return "utr5" if position < coding[0] else "cds" if position < coding[1] else "utr3"


def summarise(
    bases: Bases, mark: Mark, modification: Modification, drawn: Drawn, rng: np.random.Generator
) -> dict[str, object]:
    """A row of :data:`MARK_COLUMNS`.

    ``candidates`` are the bases that could bear the mark, ``sites`` those that do. ``reported`` bases are in a table,
    ``false_calls`` of them bear no mark; ``once`` and ``false_once`` are those that one experiment alone reports.
    AUROC are against all other candidates. ``bayes_auroc`` is of the rule's log odds, which no model can pass;
    ``bayes_auroc_reported`` the same for the reported bases, false calls included, which is what a model is tested on;
    ``window_auroc`` of motif and word alone, which a window holds whatever its place; ``motif_auroc`` of the motif;
    ``composition_auroc`` of a logistic regression on the share of each letter in 51 nt, cross-validated.
    ``half_motifs`` is how many unmarked candidates per site have at least half of the motif's letters.
    """
    label, reported = drawn.label, drawn.seen.any(axis=1)
    once = drawn.seen.sum(axis=1) == 1
    matches, telling = motif_matches(bases, drawn.places, mark)
    return {
        "modification": mark.name,
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
    """Chance that a marked base scores above another one, ties half; sorts once, as there are few marked ones."""
    others = np.sort(score[~label])
    below = np.searchsorted(others, score[label]) + np.searchsorted(others, score[label], side="right")
    return float(below.mean() / (2 * others.size))


def _composition_auroc(bases: Bases, places: np.ndarray, label: np.ndarray, rng: np.random.Generator) -> float:
    """Cross-validated AUROC of the letters' counts around a base, at ten unmarked bases to a marked one."""
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
    bases: Bases, places_of: Mapping[str, np.ndarray], modifications: Mapping[str, Modification]
) -> pd.DataFrame:
    """What ties marks to each other.

    Parameters
    ----------
    bases : Bases
    places_of : mapping of str to numpy.ndarray
        Marked places of each mark, ascending.
    modifications : mapping of str to Modification

    Returns
    -------
    pandas.DataFrame
        :data:`PAIR_COLUMNS`, a row per pair that shares a word (``kind`` = ``word``) or whose second mark lies near
        the first (``near``). ``close`` counts sites of the second within 30 nt of a site of the first, ``expected`` how
        many there would be if the second's sites were any of its candidates.
    """
    pairs = [
        (first, second, "word", first.element.word)
        for number, first in enumerate(MARKS)
        for second in MARKS[number + 1 :]
        if first.element == second.element
    ]
    by_name = {mark.name: mark for mark in MARKS}
    pairs += [(by_name[second.partner], second, "near", f"within {NEAR} nt") for second in MARKS if second.partner]
    rows = []
    for first, second, kind, detail in pairs:
        sites, others = places_of[first.name], places_of[second.name]
        possible = candidates(bases, modifications[second.name])
        share = (distance_to(possible, sites) <= NEAR).mean()
        close = int((distance_to(others, sites) <= NEAR).sum())
        rows.append((first.name, second.name, kind, detail, close, share * others.size))
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))
