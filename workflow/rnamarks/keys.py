"""The keys of a configuration: for each its kind, default, range and meaning.

One class per section. From them follow the JSON schema that a configuration is checked against (:func:`schema`), the
defaults (:func:`with_defaults`) and the reference of all keys (:func:`reference`, ``rnamarks keys``). Names of what is
registered (readers, networks, baselines …) are read from the library's source by
:func:`rnamarks.registry.registered`, so that a new one needs no entry here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from .key_fields import MOTIF, NAME, NAME_, key, reference_of, schema_of, section, with_defaults_of
from .keys_language import Corpus, Downstream, Families, LanguageModel
from .models.settings.combiner import CombinerSettings
from .models.settings.student import StudentSettings
from .registry import registered
from .training.settings import TRUNK_WAYS, DistillationSettings, SiteSettings

# fields are only described here, no section is ever made: ruff: noqa: RUF009
SCHEMES = ("paper", "guarded")
SPLITS = ("train", "valid", "test")


def _predictors() -> Any:
    return key("Names in predictors; default all.", None, fewest=1)


def _matched() -> Any:
    return key("Smallest fraction of identifiers that must be found; 0 goes on with any.", 0.5, minimum=0, maximum=1)


@section
class SiteTable:
    """One table of modified sites."""

    table: str = key("A path, or source:NAME.")
    format: str = key(
        "Name of a site reader.",
        choices=lambda: [
            name for register in ("READERS", "LAYOUT_READERS", "GENOME_READERS") for name in registered(register)
        ],
    )
    name: str = key("Name of the source in later tables.")
    technology: str = key("Technology that found the sites; sites then say how many support them.", None)
    layout: dict[str, Any] = key("Of table, bedmethyl and windows: what is where in the file.", None)


@section
class LabelledWindows:
    """Files of windows that are already cut."""

    positives: str = key("File of modified windows.", None)
    negatives: str = key("File of unmodified windows.", None)
    labelled: str = key("File whose records carry their labels.", None)
    codes: str = key("Of the format modomics: MODOMICS' table of symbols.", None)


@section
class WindowFile(LabelledWindows):
    """One file, or one pair of files, of windows."""

    format: str = key("Name of a window reader.", "lines", registry="WINDOW_FORMATS")


@section
class Windows:
    """Ready-made windows instead of site tables."""

    format: str = key("Name of the window reader of all, train, valid and test.", "lines", registry="WINDOW_FORMATS")
    all: LabelledWindows = key("Windows that come without a split.", None, fewest=1)
    train: LabelledWindows = key("Training windows.", None, fewest=1)
    valid: LabelledWindows = key("Validation windows.", None, fewest=1)
    test: LabelledWindows = key("Test windows.", None, fewest=1)
    files: list[WindowFile] = key(
        "Files, all splits together: exact copies and contradictions across them are dropped and counted.",
        None,
        fewest=1,
    )
    centred: bool = key("The site is in the middle; windows whose middle does not fit the motif are dropped.", None)
    negatives_per_positive: float = key("Largest number of negatives per positive; default all.", None, above=0)
    match_gc: bool = key(
        "Positives and negatives get the same distribution of GC; those without a partner are left out.", False
    )


@section
class Data:
    """Where the modified and unmodified sites of a task are read."""

    sites: list[SiteTable] = key("Site tables, merged.", None, fewest=1)
    veto: list[SiteTable] = key("Further tables of modified sites; none of them becomes a negative.", None, fewest=1)
    windows: Windows = key("Ready-made windows instead of site tables.", None)


@section
class TranscriptFiles:
    """Spliced transcripts and where their exons lie."""

    fasta: str = key("Transcript FASTA.")
    annotation: str = key("GTF or UCSC gene table of the same transcripts.")


@section
class Extension:
    """Untranslated regions for an annotation that has none: transcripts that end with their coding sequence go on."""

    five: int = key("Genome nt upstream of a start codon with which a transcript begins.", 0, minimum=0, maximum=10_000)
    three: int = key("Genome nt downstream of a stop codon with which it ends.", 0, minimum=0, maximum=10_000)


@section
class SpeciesEntry(Data):
    """A species: its genome, and the sites of the run's modification if it has a task of its own."""

    assembly: str = key("Genome assembly; default the one in the sheet of species.", None)
    genome: str = key("Genome FASTA.", None)
    annotation: str = key("Gene annotation, GTF or UCSC gene table.", None)
    transcripts: list[TranscriptFiles] = key(
        "In place of genome and annotation: transcripts with their positions on the genome.", None, fewest=1
    )
    extend: Extension = key(
        "Make transcripts longer that end with their coding sequence; never into the next gene.", None
    )


@section
class ModificationEntry(Data):
    """A modification: a task in every species of the run, or in those named."""

    species: list[str] = key("Species of the run; default all.", None, fewest=1)


@section
class TaskEntry(Data):
    """A task, spelled out."""

    species: str = key("A name in species.")
    modification: str = key("MODOMICS short name, as in the sheet of modifications.")
    motif: str = key("IUPAC motif that a site lies in; default that of the sheet.", None, pattern=MOTIF)
    motif_offset: int = key("0-based position of the modified nucleotide within the motif.", None, minimum=0)
    label: str = key("What figures call it.", None)


@section
class Orthologues:
    """Table of orthologous genes, which the guarded scheme keeps together."""

    table: str = key("A path, or source:NAME.")
    format: str = key("How the table is laid out.", registry="ORTHOLOGUE_FORMATS")


@section
class Sources:
    """Where published files come from."""

    sheet: str = key("Sheet of published files.", "config/sources.tsv")
    lock: str = key("Hashes recorded on first download.", "config/sources.lock.tsv")
    mirror: str = key("Folder or http root that replaces every host.", "")


@section
class Simulation:
    """A simulated world, whose files are then read like published ones."""

    world: str = key("Name; files go to resources/<world>.", pattern="^[A-Za-z0-9_]+$")
    kind: str = key(
        "What is simulated: genomes that evolve along the tree, with m6A; one genome with twelve modifications; or "
        "families of RNA, for language models.",
        "clade",
        choices=("clade", "organism", "families"),
    )
    modifications: list[str] = key("Of a clade: modifications besides m6A.", [])
    seed: int = key("Seed of the world.", 1, minimum=0)
    second_lab: str = key("Species with a second site table.", None)
    sizes: dict[str, Any] = key("Parameters of the simulator that differ from its defaults, docs/demo_world.md.", {})


@section
class Counts:
    """Windows of each label and task in two splits of the paper scheme, in place of fractions."""

    valid: int = key("Validation windows of each label.", minimum=1)
    test: int = key("Test windows of each label.", minimum=1)


@section
class Apart:
    """Ready-made windows that leave the training and validation splits, because transcripts hold a part of them."""

    transcripts: list[str] = key("Species whose transcripts are compared.", fewest=1)
    shared: int = key("Consecutive nt that a window and a transcript have in common.", 41, minimum=16)


@section
class Splits:
    """How windows are split; the schemes paper and guarded are always applied."""

    train: float = key("Fraction of training windows.", 0.7, above=0, below=1)
    valid: float = key("Fraction of validation windows.", 0.1, above=0, below=1)
    test: float = key("Fraction of test windows.", 0.2, above=0, below=1)
    counts: Counts = key("Numbers of windows instead; similar windows then stay, as in MultiRM.", None)
    clustering: str = key("How the guarded scheme joins similar windows.", "neighbours", registry="CLUSTERINGS")
    identity: float = key("Identity above which windows are alike.", 0.8, minimum=0.75, maximum=1)
    chromosomes: dict[str, list[str]] = key(
        "Further schemes by name: the chromosomes whose windows are their test split.",
        {},
        names="^(?!(?:paper|guarded)$)[A-Za-z][A-Za-z0-9_]*$",
    )
    apart: Apart = key("Ready-made windows that leave training.", None)


@section
class Start:
    """Trained weights to begin with: a model and a setting of this run, or a folder."""

    model: str = key("Name in models; one of its trainings is taken.", None)
    setting: str = key("Setting of that training.", None)
    scheme: str = key("Scheme of that training; default the same.", None)
    seed: int = key("Seed of that training; default the same.", None, minimum=0)
    folder: str = key("A model directory, such as a released one.", None)
    task: str = key("Task whose head a task that is new to it begins with.", None)


@section
class Trunk:
    """A pre-trained language model in place of a network's own trunk."""

    language: str = key("Name in language_models, or a folder, written with a /, that holds a language model.")
    seed: int = key("Seed of its pre-training; default the first; 0 for an imported one.", None, minimum=0)
    way: str = key(
        "What becomes of its weights: they stay; are trained on, at training.learning_rate, by default 1e-4; or, as a "
        "control, are replaced by random ones that are trained likewise.",
        "frozen",
        choices=TRUNK_WAYS,
    )


@section
class Network:
    """A network with its hyperparameters and training settings."""

    network: str = key("Name in the registry of networks.", registry="MODELS")
    hyperparameters: dict[str, Any] = key("Arguments of the network.", {})
    training: dict[str, Any] = key(
        "Settings of the trainer.", {}, known=lambda: [*SiteSettings.kinds().keys() - {"curriculum"}]
    )
    start: Start = key("Trained weights to begin with.", None, fewest=1)
    trunk: Trunk = key("A language model under the network's heads.", None)


@section
class Setting:
    """A set of tasks trained together."""

    tasks: list[str] = key("Names.", None, fewest=1)
    nearest: int = key("Tasks of the root species and of its nearest on the tree, so many in all.", None, minimum=1)
    curriculum: str = key("Order in which the tasks are met.", "tree", registry="CURRICULA")


@section
class Training:
    """Trainings of one model in one setting."""

    model: str = key("Name in models.")
    setting: str = key("Name in settings, or single for one model per task.")
    tasks: list[str] = key("For single, which tasks; default all.", None)
    schemes: list[str] = key("Schemes of splitting: paper, guarded, or of splits.chromosomes.", fewest=1)
    seeds: list[int] = key("One training each.", minimum=0, fewest=1)


@section
class StackEntry:
    """A weighted sum of the logits of a network and of baselines; weights are fitted to the validation split."""

    members: list[str] = key("One name in models and one or more in baselines.", fewest=2)
    setting: str = key("A setting that the network is trained in, or single.")
    schemes: list[str] = key("Schemes that the network is trained on.", fewest=1)


@section
class CombinerEntry:
    """Trees that judge the sites of tasks with site tables by more than a window, fitted to the training split."""

    model: str = key("Name in models whose logits are read.", None)
    setting: str = key("Setting of its training; single: on the task itself.", "single")
    scheme: str = key("Scheme of its training; default the same.", None)
    tasks: list[str] = key("Tasks.", fewest=1)
    schemes: list[str] = key("Schemes of splitting, with a model those that it is trained on.", fewest=1)
    folds: int = key(
        "Folds of genes of the training split; where the model was trained on the task, networks of the other folds "
        "give the logits that the trees learn from.",
        4,
        minimum=2,
    )
    settings: dict[str, Any] = key("What is read, and sizes of the trees.", {}, known=CombinerSettings.kinds)


@section
class Predictor:
    """A trained model, all seeds together."""

    model: str = key("Name in models, stacks or combiners.")
    setting: str = key("Name in settings, or single for one model per task.")
    scheme: str = key("Scheme of splitting.")
    licence: str = key("Licence of the weights for the model card, such as MIT.", "", pattern="^[A-Za-z0-9 .+-]*$")
    limits: list[str] = key("Sentences for the model card on where not to trust the model, Markdown.", [], pattern=".+")


@section
class Release(Predictor):
    """The training, stack or combiner whose seeds become results/<run>/model."""

    ranks_only: list[str] = key("Tasks that rank nucleotides and call none: scans give them no q.", [])
    also: list[str] = key("Names in predictors that get a card and a null distribution, too.", [])


@section
class LineSearch:
    """Hyperparameters tried one after the other, for the target results/<run>/training/line_search.tsv."""

    model: str = key("Name in models.")
    setting: str = key("Name in settings.")
    scheme: str = key("Scheme of splitting.")
    folds: int = key("Folds of the cross-validation.", 5, minimum=2)
    grid: dict[str, list[Any]] = key("Values of each parameter.")


@section
class External(LabelledWindows):
    """A further test set for the released model."""

    name: str = key("Name of the set.")
    task: str = key("Task that it is scored for.")
    format: str = key("Name of a window reader.", "lines", registry="WINDOW_FORMATS")


@section
class LaboratorySet:
    """Windows of one modification from one laboratory."""

    name: str = key("Name of the set.", pattern=NAME_)
    task: str = key("Task that it is about.")
    windows: Windows = key("Its windows, centred on the site; splits are not looked at.")


@section
class Laboratories:
    """Trained here, tested there: each set trains a baseline that all sets of its task test, and so does the model."""

    baseline: str = key("Name of the baseline that each set trains.", "kmer_blend", registry="BASELINES")
    fewest: int = key("Tests with fewer windows of either label have no AUROC.", 30, minimum=2)
    sets: list[LaboratorySet] = key(
        "Sets, of each task one or more; those that the run trains on among them.", fewest=1
    )


@section
class TranscriptSet:
    """Transcripts beside those of the species."""

    task: str = key("Task that they are scored for.")
    genome: str = key("Genome FASTA.", None)
    annotation: str = key("GTF, with genome or beside transcripts.", None)
    transcripts: str = key("Transcript FASTA.", None)
    taxid: int = key("NCBI taxon; with assembly and annotation, sites are written on the genome.", None, minimum=1)
    assembly: str = key("Genome assembly of the annotation.", None)


@section
class Transcriptome:
    """Score every site of every transcript."""

    tasks: list[str] = key("Tasks that the transcripts of the species are scored for; default all.", None, fewest=1)
    more: dict[str, TranscriptSet] = key("Transcripts beside those of the species, by name.", {}, names=NAME_)
    probability: float = key("Smallest probability of a site in BED and bedRMod.", 0.5, minimum=0, maximum=1)
    fdr: float = key(
        "Sites in BED and bedRMod have a false_fraction below it, besides; default no limit.", None, above=0, maximum=1
    )


@section
class Student:
    """The network of fast mode, distilled from the released model."""

    hyperparameters: dict[str, Any] = key("Arguments of the student network.", {}, known=StudentSettings.kinds)
    training: dict[str, Any] = key("Settings of the distillation.", {}, known=DistillationSettings.kinds)


@section
class Significance:
    """Unmodified nucleotides that p-values of the released model are counted against."""

    bases: int = key("Of each task; the smallest p is 1 / (1 + bases).", 10000, minimum=100)
    windows: list[WindowFile] = key(
        "Files whose unmodified windows, uncropped, hold them; default the run's transcripts.", []
    )


@section
class Landscape:
    """Where the called sites lie on transcripts (Figure 3 of MASS)."""

    call: str = key("What the threshold is of; logit above 0 is the paper's call.", "logit", registry="CALLS")
    threshold: float = key("A site is called above it, for false_fraction below it.", 0)
    bins: int = key("Bins of the metagene.", 60, minimum=5)
    stop_bin: int = key("Width of a bin around the stop codon in nt.", 50, minimum=1)


@section
class Database:
    """A motif database."""

    format: str = key("Name of a motif reader.", registry="MOTIF_FORMATS")
    files: list[str] = key("Files; {species} stands for the species.", fewest=1)
    organism: str = key("Organism to keep; {scientific} stands for the species' scientific name.", None)
    species: list[str] = key("Species it is for; default all.", None, fewest=1)


@section
class Motifs:
    """Motifs of first-layer filters and de novo motifs, compared with databases (Figures 4, S6, Table S2 of MASS)."""

    predictors: list[str] = _predictors()
    databases: dict[str, Database] = key("Motif databases by name.", {}, names=NAME_)
    engine: str = key(
        "Who compares and finds motifs: the library, or the MEME suite's tomtom and streme.",
        "builtin",
        choices=("builtin", "meme_suite"),
    )
    threshold: str = key(
        "Activation that counts: above the filter's mean (paper) or half way to its maximum (released code).",
        "mean",
        registry="THRESHOLDS",
    )


@section
class Attention:
    """What raises the logit of a task: the nucleotides that networks attend to, integrated gradients, mutagenesis."""

    predictors: list[str] = _predictors()
    fraction: float = key(
        "Fraction of the modified windows with logits above 0, highest first, that is explained.",
        0.1,
        minimum=0,
        maximum=1,
    )
    minimum: int = key("But so many, where there are.", 200, minimum=0)
    maximum: int = key("Modified windows scored per task; 0 for all.", 5000, minimum=0)
    mean: bool = key("Divide a nucleotide's weight by the k-mers that cover it; the original does not.", True)
    gradients: dict[str, Any] = key("Options of integrated gradients.", {})
    maximum_gradients: int = key("Windows that integrated gradients explain; 0 for all.", 100, minimum=0)
    mutated: int = key("The first so many windows that are mutated.", 50, minimum=0)
    reach: int = key("Farthest substitution from the middle of the window in nt.", 12, minimum=1)


@section
class Consensus:
    """Consensus motifs of what is attended (Figure 2 of MultiRM), compared with the databases of motifs."""

    settings: dict[str, Any] = key("Settings of consensus motifs.", {})
    draws: int = key("Draws of unmodified windows behind the null of the matches; 0 for none.", 99, minimum=0)


@section
class Association:
    """How alike the tasks are to the released model (Figure 3 of MultiRM)."""


@section
class Mutations:
    """Substitutions inside and outside the attended elements (Figure S3 of MultiRM)."""

    maximum: int = key("Windows per task; 0 for all.", 50, minimum=0)


@section
class Proximity:
    """Distances between sites of two modifications of one species (Figure S4 of MultiRM)."""


@section
class Element:
    """A k-mer whose joint presence with others is tested."""

    name: str = key("Name.")
    kmer: str = key("The k-mer.", pattern="^[ACGTU]+$")
    first: int = key("Smallest distance of its first nucleotide from the site in nt, negative upstream.")
    last: int = key("Largest distance.")
    mismatches: int = key("Nucleotides that may differ.", 0, minimum=0)


@section
class Optimisation:
    """Global motifs by class optimisation, and co-occurrence (Figure 5 of MASS)."""

    predictors: list[str] = _predictors()
    settings: dict[str, Any] = key("Arguments of the optimisation.", {})
    elements: list[Element] = key("K-mers whose joint presence is tested.", [])
    permutations: int = key("Permutations behind p-values.", 9999, minimum=99)


@section
class Capacity:
    """Modification capacity of genes and its conservation (Figure 6, Table 1 of MASS)."""

    definition: str = key("What capacity is.", "mean", registry="CAPACITIES")
    high: str = key("Above what a gene counts as high.", "median", registry="HIGH")
    permutations: int = key("Permutations behind the null.", 1000, minimum=100)
    support: str = key("Table of literature support: gene, support, reference.", None)
    minimum: float = _matched()


@section
class GeneAnnotation:
    """Which gene has which term."""

    file: str = key("File; {species} stands for the species.")
    identifier: str = key("Which name of a GAF's gene counts.", "symbol", choices=("symbol", "object", "synonym"))
    transcripts: list[str] = key("Species or transcripts it is for; default all species.", None, fewest=1)


@section
class Ontology:
    """Terms of genes of high capacity (Figures 7, S3, S4 of MASS)."""

    ontology: str = key("OBO file.")
    annotations: list[GeneAnnotation] = key("Which gene has which term.", fewest=1)
    fraction: float = key("Fraction of genes, highest capacity first, that is studied.", 0.1, above=0, below=1)
    background: str = key("Genes that the study is held against.", "tested", choices=("tested", "annotated"))
    namespaces: list[str] = key(
        "Parts of the ontology.",
        ["molecular_function"],
        choices=("molecular_function", "biological_process", "cellular_component"),
        fewest=1,
    )
    minimum: float = _matched()


@section
class Measured:
    """A table of genes that capacity is held against."""

    name: str = key("Name in tables and figures.")
    kind: str = key("What it is.", choices=("expression", "half_life", "translation", "structure", "peaks"))
    files: list[str] = key("File; for pars_pair the tracks of V1 and S1.", fewest=1, longest=2)
    format: str = key("Name of a reader.", None)
    id: str = key("Column of identifiers.", None)
    value: str = key("Column of values.", None)
    transform: str = key("none, log2 or log2p1.", None)
    assembly: str = key("Genome assembly of peaks; default that in the sheet of sources.", None)


@section
class Regulation:
    """Capacity against expression, half-life, translation, structure and histone marks (Figure 8 of MASS)."""

    transcripts: str = key("The species, or the name under transcriptome.more, that the tables are about.")
    predictor: str = key("Name in predictors; default the first.", None)
    tables: list[Measured] = key("What capacity is held against.", fewest=1)
    minimum: float = _matched()


@section
class Evaluation:
    """Intervals and thresholds."""

    bootstrap: int = key("Resamples.", 1000, minimum=1)
    resample: str = key(
        "What the bootstrap draws: windows within their labels, or genes with all their windows, where they are known.",
        "windows",
        choices=("windows", "genes"),
    )
    against: list[str] = key(
        "Negatives that tasks are judged by: their own, or those of all tasks, too.",
        ["own"],
        choices=("own", "all"),
        fewest=1,
    )
    precisions: list[float] = key("Precisions that thresholds are given for.", [0.5, 0.7, 0.9], above=0, maximum=1)


@section
class Resources:
    """Where and how jobs run; nothing here is a reason to compute a result again."""

    device: str = key("auto, cpu or cuda.", "auto", pattern="^(auto|cpu|cuda(:[0-9]+)?)$")
    training_threads: int = key("CPU threads per training; part of what repeats.", 1, minimum=1)
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
