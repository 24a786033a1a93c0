"""The keys of a configuration: for each its kind, default, range and meaning.

One class per section: here the outermost, by subject in :mod:`rnamarks.keys_sites`, :mod:`rnamarks.keys_models`,
:mod:`rnamarks.keys_analyses` and :mod:`rnamarks.keys_language` the others. From them follow the JSON schema that a
configuration is checked against (:func:`schema`), the defaults (:func:`with_defaults`) and the reference of all keys
(:func:`reference`, ``rnamarks keys``). Names of what is registered (readers, networks, baselines …) are read from the
library's source by :func:`rnamarks.registry.registered`, so that a new one needs no entry here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from .key_fields import MOTIF, NAME, NAME_, key, reference_of, schema_of, section, with_defaults_of
from .keys_analyses import (
    Association,
    Attention,
    Capacity,
    Consensus,
    Landscape,
    Motifs,
    Mutations,
    Ontology,
    Optimisation,
    Proximity,
    Regulation,
    Transcriptome,
)
from .keys_language import Corpus, Downstream, Families, LanguageModel
from .keys_models import (
    CombinerEntry,
    Evaluation,
    External,
    Laboratories,
    LineSearch,
    Network,
    Predictor,
    Release,
    Setting,
    Significance,
    StackEntry,
    Student,
    Training,
)
from .keys_sites import ModificationEntry, Orthologues, Simulation, Sources, SpeciesEntry, Splits, TaskEntry

# fields are only described here, no section is ever made: ruff: noqa: RUF009
SCHEMES = ("paper", "guarded")
SPLITS = ("train", "valid", "test")


@section
class Resources:
    """Where and how jobs run; nothing here is a reason to compute a result again."""

    device: str = key("auto, cpu or cuda.", "auto", pattern="^(auto|cpu|cuda(:[0-9]+)?)$")
    training_threads: int = key("CPU threads per training; part of what repeats.", 1, minimum=1)
    training_processes: int = key("Processes of a pre-training; with cuda each takes a GPU.", 1, minimum=1)
    checkpoints: str = key("Folder that survives killed jobs.", ".checkpoints")


@section
class Configuration:
    """All keys."""

    run: str = key("Name of the run; results go to results/<run>.", pattern="^[A-Za-z0-9_]+$")
    seed: int = key("Seed of the sampling of negatives, of the splits and of the bootstrap.", 1, minimum=0)
    modification: str = key("Modification of the tasks under species: MODOMICS short name.", "m6A")
    motif: str = key("IUPAC motif of the tasks under species; empty for none.", "DRACH", pattern=MOTIF)
    motif_offset: int = key("0-based position of the modified nucleotide within it.", 2, minimum=0)
    window: int = key("Width of the windows in nt; odd, the site in the middle.", 101, minimum=5, maximum=100_000)
    negatives_per_positive: float = key("Unmodified sites sampled per modified one; 0 for all.", 10, minimum=0)
    negatives_from: str = key(
        "Transcripts that unmodified sites are sampled from.",
        "transcriptome",
        choices=("modified_transcripts", "transcriptome"),
    )
    isoforms: str = key(
        "Transcripts that sites are shown on: any isoform, or of each gene the longest alone.",
        "all",
        choices=("all", "longest"),
    )
    species_sheet: str = key("Sheet of species.", "config/species.tsv")
    modification_sheet: str = key("Sheet of modifications.", "config/modifications.tsv")
    tree: str = key("Newick file with branch lengths, which orders the curriculum; empty for the order of species.", "")
    root_species: str = key("Species that the curriculum starts from; default the first.", None)
    species: dict[str, SpeciesEntry] = key(
        "Species by name. One with sites or windows is a task of the run's modification.", {}, names=NAME, fewest=1
    )
    modifications: dict[str, ModificationEntry] = key(
        "Modifications by name: each a task in every species.", {}, names=NAME
    )
    tasks: dict[str, TaskEntry] = key("Further tasks by name, spelled out.", {}, names=NAME_)
    orthologues: Orthologues = key("Table of orthologous genes.", None)
    sources: Sources = key("Where published files come from.", {})
    simulation: Simulation = key("A world to simulate first.", None)
    null_world: bool = key("Labels of the simulated world are random; run and world end in _null.", False)
    splits: Splits = key("How windows are split.", {})
    baselines: list[str] = key(
        "Names of baselines.",
        ["prevalence", "kmer_frequency", "naive_bayes_trinucleotide", "kmer_logistic"],
        registry="BASELINES",
    )
    models: dict[str, Network] = key("Named networks.", {}, names=NAME_)
    settings: dict[str, Setting] = key(
        "Sets of tasks trained together; single is always known.", {}, names="^(?!single)[A-Za-z][A-Za-z0-9_]*$"
    )
    trainings: list[Training] = key("What to train.", [])
    stacks: dict[str, StackEntry] = key("Sums of a network and baselines, by name.", {}, names=NAME_)
    combiners: dict[str, CombinerEntry] = key(
        "Trees over a network's logits, neighbouring sites and gene structure, by name.", {}, names=NAME_
    )
    line_search: LineSearch = key("Hyperparameters to try.", None)
    release: Release = key("The training, stack or combiner that becomes results/<run>/model.", None)
    predictors: dict[str, Predictor] = key(
        "Trained models that score transcripts; default the release.", None, names=NAME, fewest=1
    )
    external: list[External] = key("Further test sets for the released model.", [])
    laboratories: Laboratories = key("Sets of windows that are tested on one another, and by the released model.", None)
    evaluation: Evaluation = key("Intervals and thresholds.", {})
    student: Student = key("Fast mode of the released model.", None)
    significance: Significance = key("p and q of the released model.", None)
    transcriptome: Transcriptome = key("Score transcripts.", None)
    landscape: Landscape = key("Where sites lie.", None)
    motifs: Motifs = key("Motifs of filters, and without a model.", None)
    attention: Attention = key("What raises a logit.", None)
    consensus: Consensus = key("Consensus motifs of what is attended; needs attention.", None)
    association: Association = key("How alike tasks are.", None)
    mutations: Mutations = key("Substitutions of what is attended; needs attention.", None)
    proximity: Proximity = key("Distances between modifications.", None)
    optimisation: Optimisation = key("Global motifs.", None)
    capacity: Capacity = key("Capacity of genes.", None)
    ontology: Ontology = key("Terms of genes; needs capacity.", None)
    regulation: Regulation = key("Expression, half-life and so on; needs capacity.", None)
    corpus: Corpus = key("RNA that language models learn from.", None)
    language_models: dict[str, LanguageModel] = key("Language models by name.", None, names=NAME_, fewest=1)
    downstream: dict[str, Downstream] = key("What language models are tuned for, by name.", None, names=NAME_, fewest=1)
    families: Families = key("How well language models keep families of RNA apart.", None)
    resources: Resources = key("Where and how jobs run.", {})


@cache
def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a configuration."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema_of(Configuration)


def with_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """A checked configuration in which every key that has a default and was left out is filled in.

    Sections without a default stay absent; those that are given get the defaults of their own keys.
    """
    return with_defaults_of(schema(), config)


def reference(top: str = "") -> str:
    """The reference of all keys, or of one top-level section, as Markdown tables."""
    return reference_of(Configuration, top)


if __name__ == "__main__":
    print(reference(*sys.argv[1:2]), end="")
