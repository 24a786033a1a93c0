"""The demo world and the null world: raw files in published formats with a truth that is known.

Genomes evolve along the species tree (:mod:`~rnamarks_simulation.evolution`), a rule methylates their transcripts
(:mod:`~rnamarks_simulation.rule`), and what public databases would hold of it is written out
(:mod:`~rnamarks_simulation.formats`). In the null world the same labels are dealt out at random.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, ndtr
from sklearn.metrics import roc_auc_score

from rnamarks.errors import InputError
from rnamarks.sequences import decode
from rnamarks.sites.modifications import Modification
from rnamarks.sites.species import Species
from rnamarks.tables import write_parquet, write_tsv
from rnamarks.training.tree import Clade, subtree

from . import formats
from .annotation import Candidates, Layout, candidates, lay_out
from .evolution import ancestor, evolve
from .files import SECOND_LAB
from .modification_rules import RULES
from .modification_tables import write_modified
from .modifications import ModifiedOrganism, modify, plant_rules
from .parameters import MixedParameters, WorldParameters
from .rule import CLADE, TERMS, standardise

TRUTH_COLUMNS = [
    *("species", "chrom", "genome_start", "genome_end", "strand", "gene", "gene_name", "biotype"),
    *("transcript", "start", "end", "region"),
    *("motif", "logit", "label", "reported", "second_lab"),
]


@dataclass(frozen=True)
class World:
    """A simulated world.

    Attributes
    ----------
    species : list of Species
    layouts : dict of str to Layout
    truth : pandas.DataFrame
        One row per DRACH A: :data:`TRUTH_COLUMNS`. ``genome_start``, ``genome_end`` 0-based half-open
        on the genome, ``start``, ``end`` on the transcript, ``logit`` what the rule says, ``label`` 1 where
        methylated, ``reported`` and ``second_lab`` whether
        the RMBase and the BED table have it. In the null world the label does not depend on the logit.
    parameters : WorldParameters
    seed : int
    null : bool
    second_lab_species : str or None
    modified : list of ModifiedOrganism
        The species with what is planted beside m6A, if anything is.
    """

    species: list[Species]
    layouts: dict[str, Layout]
    truth: pd.DataFrame
    parameters: WorldParameters
    seed: int
    null: bool
    second_lab_species: str | None
    modified: list[ModifiedOrganism] = field(default_factory=list)


def simulate(
    species: Sequence[Species],
    tree: Clade,
    parameters: WorldParameters | None = None,
    *,
    seed: int = 1,
    null: bool = False,
    second_lab_species: str | None = None,
    modifications: Mapping[str, Modification] | None = None,
) -> World:
    """Evolve genomes, methylate them and decide what is reported.

    Parameters
    ----------
    species : sequence of Species
    tree : rnamarks.training.tree.Clade
        Branch lengths in millions of years.
    parameters : WorldParameters, optional
    seed : int
        Same arguments and seed, same world.
    null : bool
        Deal the labels out anew at random among the DRACH A's of each species; the genomes stay the same.
    second_lab_species : str, optional
        The species with a second table.
    modifications : mapping of str to Modification, optional
        Modifications beside m6A, whose motifs are planted in the ancestor; needs
        :class:`~rnamarks_simulation.parameters.MixedParameters`, and no partner of theirs favours them.

    Raises
    ------
    InputError
        If a species is not in the tree, or ``second_lab_species`` is none of the species.
    """
    modifications = modifications or {}
    parameters = parameters or (MixedParameters() if modifications else WorldParameters())
    rules = [rule for rule in RULES if rule.name in modifications]
    names = [entry.species for entry in species]
    if second_lab_species is not None and second_lab_species not in names:
        raise InputError(
            "the second lab's species is not simulated",
            value=second_lab_species,
            remedy=f"choose from {', '.join(names)}",
        )
    clades = subtree(tree, {entry.species: entry.tree_name for entry in species})
    root = ancestor(parameters, len(CLADE), seed)
    if rules:
        plant_rules(root, "ancestor", rules, modifications, parameters, seed)
    reference = candidates(lay_out("ancestor", root)).terms
    mean, deviation = np.nanmean(reference, axis=0), np.nanstd(reference, axis=0)
    genomes = evolve(root, clades, parameters, seed)
    layouts, parts = {}, []
    for name in names:
        layouts[name] = lay_out(name, genomes[name])
        found = candidates(layouts[name])
        # zlib.crc32 is stable between runs, which hash() of a text is not
        rng = np.random.default_rng([seed, 3, zlib.crc32(name.encode())])
        logit = _logits(standardise(found.terms, mean, deviation), genomes[name].weights, parameters)
        label = (ndtr(found.hidden) < expit(logit)).astype(np.int8)
        if null:
            label = rng.permutation(label)
        part = _truth(name, found, logit, label)
        parts.append(_reported(part, parameters, rng, two=name == second_lab_species))
    truth = pd.concat(parts, ignore_index=True)[TRUTH_COLUMNS]
    modified = [
        modify(
            entry,
            layouts[entry.species],
            rules,
            modifications,
            parameters,
            seed=seed,
            null=null,
            stream=f"{entry.species}.",
        )
        for entry in (species if rules else [])
    ]
    return World(list(species), layouts, truth, parameters, seed, null, second_lab_species, modified)


def _logits(terms: np.ndarray, clade_weights: np.ndarray, parameters: WorldParameters) -> np.ndarray:
    shared = [
        parameters.letters_weight,
        parameters.upstream_weight,
        parameters.downstream_weight,
        parameters.stop_weight,
    ]
    assert len(shared) + len(clade_weights) == len(TERMS)
    total = terms @ np.concatenate([shared, clade_weights])
    return total + brentq(lambda base: expit(total + base).mean() - parameters.prevalence, -40, 40)


def _truth(species: str, found: Candidates, logit: np.ndarray, label: np.ndarray) -> pd.DataFrame:
    pairs = list(zip(found.transcripts, found.positions, strict=True))
    genome = np.array([int(transcript.genome[at]) for transcript, at in pairs], dtype=np.int64)
    return pd.DataFrame(
        {
            "species": species,
            "chrom": [transcript.chrom for transcript in found.transcripts],
            "genome_start": genome,
            "genome_end": genome + 1,
            "strand": [transcript.strand for transcript in found.transcripts],
            "gene": [transcript.gene for transcript in found.transcripts],
            "gene_name": [transcript.gene_name for transcript in found.transcripts],
            "biotype": [transcript.biotype for transcript in found.transcripts],
            "transcript": [transcript.transcript for transcript in found.transcripts],
            "start": found.positions,
            "end": found.positions + 1,
            "region": [transcript.region(at) for transcript, at in pairs],
            "motif": [decode(transcript.codes[at - 2 : at + 3]) for transcript, at in pairs],
            "logit": logit,
            "label": label,
        }
    )


def _reported(part: pd.DataFrame, parameters: WorldParameters, rng: np.random.Generator, *, two: bool) -> pd.DataFrame:
    """Which table has which methylated site; every one is in at least one."""
    methylated = part["label"].to_numpy() == 1
    if not two:
        return part.assign(reported=methylated, second_lab=False)
    first = methylated & (rng.random(len(part)) < parameters.reported_fraction)
    second = methylated & (~first | (rng.random(len(part)) < parameters.second_lab_fraction))
    return part.assign(reported=first, second_lab=second)


def summarise(truth: pd.DataFrame) -> pd.DataFrame:
    """How much there is to find, per species and for ``all``.

    Parameters
    ----------
    truth : pandas.DataFrame
        Of a :class:`World`.

    Returns
    -------
    pandas.DataFrame
        Columns ``species``, ``sites``, ``positives``, ``prevalence``, ``rule_auroc`` (the rule's own log odds: no model
        can expect more on new genes), ``fivemer_auroc`` (fraction of methylated sites among equal DRACH words, counted
        on every other gene and scored on the rest).
    """
    rows = []
    for name, part in [*truth.groupby("species", sort=False), ("all", truth)]:
        # the number at the end of the name is the family: orthologues fall on one side
        held_out = part["gene"].str[-5:].astype(int) % 2 == 0
        kept = part[~held_out]
        prior = kept["label"].mean()
        counts = kept.groupby("motif")["label"].agg(["sum", "count"])
        share = (counts["sum"] + 10 * prior) / (counts["count"] + 10)
        scores = part.loc[held_out, "motif"].map(share).fillna(prior)
        rows.append(
            {
                "species": name,
                "sites": len(part),
                "positives": int(part["label"].sum()),
                "prevalence": part["label"].mean(),
                "rule_auroc": roc_auc_score(part["label"], part["logit"]),
                "fivemer_auroc": roc_auc_score(part.loc[held_out, "label"], scores),
            }
        )
    return pd.DataFrame(rows)


def orthologues(world: World) -> pd.DataFrame:
    """Columns ``orthogroup``, ``species``, ``gene``: one row per gene; groups mostly hold one gene per species."""
    rows = [
        (f"OG{family:05d}", entry.species, gene)
        for entry in world.species
        for gene, family in sorted(world.layouts[entry.species].families.items())
    ]
    frame = pd.DataFrame(rows, columns=["orthogroup", "species", "gene"])
    return frame.sort_values("orthogroup", kind="stable", ignore_index=True)


def write_world(world: World, folder: str | Path) -> list[Path]:
    """Write the world's files, each atomically; the same world gives the same bytes.

    Per species ``{species}.genome.fa.gz``, ``{species}.annotation.gtf.gz`` and ``{species}.rmbase.tsv.gz``; for the
    species of the second lab ``{species}.miclip.bed.gz``; ``orthologues.tsv`` and ``truth.parquet``.

    Returns
    -------
    list of pathlib.Path
    """
    folder = Path(folder)
    written = []

    def path(name: str) -> Path:
        written.append(folder / name)
        return written[-1]

    traps: dict[str, dict[str, int]] = {}
    for entry in world.species:
        name, layout = entry.species, world.layouts[entry.species]
        part = world.truth[world.truth["species"] == name]
        rng = np.random.default_rng([world.seed, 4, zlib.crc32(name.encode())])
        formats.write_genome(layout, path(f"{name}.genome.fa.gz"))
        formats.write_gtf(
            layout, entry.assembly, path(f"{name}.annotation.gtf.gz"), chr_prefix=world.parameters.chr_prefix
        )
        reported = part[part["reported"]]
        reported = reported.assign(strength=0.0 if world.null else reported["logit"])
        rows = formats.rmbase_rows(layout, reported, world.parameters.traps, rng)
        traps[name] = {kind: int(count) for kind, count in rows["trap"].value_counts().items() if kind}
        formats.write_rmbase(rows, layout, entry.assembly, path(f"{name}.rmbase.tsv.gz"))
        if name == world.second_lab_species:
            formats.write_bed(part[part["second_lab"]], path(f"{name}.{SECOND_LAB}"), rng)
    write_tsv(orthologues(world), path("orthologues.tsv"))
    metadata = {
        "seed": world.seed,
        "null": world.null,
        "parameters": asdict(world.parameters),
        "traps": traps,
        "summary": summarise(world.truth).round(6).to_dict("records"),
    }
    write_parquet(world.truth, path("truth.parquet"), metadata)
    if world.modified:
        write_modified(world.modified, folder)
    return written
