"""The keys of a configuration about transcripts that are scored, and about what the scores and the models say."""

from __future__ import annotations

from typing import Any

from .key_fields import NAME_, key, section

# fields are only described here, no section is ever made: ruff: noqa: RUF009


def _predictors() -> Any:
    return key("Names in predictors; default all.", None, fewest=1)


def _matched() -> Any:
    return key("Smallest fraction of identifiers that must be found; 0 goes on with any.", 0.5, minimum=0, maximum=1)


@section
class TranscriptSet:
    """Transcripts beside those of the species."""

    task: str = key("Task that they are scored for.")
    genome: str = key("Genome FASTA.", None)
    annotation: str = key("GTF, GFF3 or UCSC gene table, with genome or beside transcripts.", None)
    transcripts: str = key("Transcript FASTA.", None)
    taxid: int = key("NCBI taxon; with assembly and annotation, sites are written on the genome.", None, minimum=1)
    assembly: str = key("Genome assembly of the annotation.", None)


@section
class Transcriptome:
    """Score every site of every transcript."""

    tasks: list[str] = key("Tasks that the transcripts of the species are scored for; default all.", None, fewest=1)
    more: dict[str, TranscriptSet] = key("Transcripts beside those of the species, by name.", {}, names=NAME_)
    chunks: int = key(
        "Jobs that share a scan, with the same results; about one for 20 million nt is good.", 1, minimum=1
    )
    probability: float = key("Smallest probability of a site in BED and bedRMod.", 0.5, minimum=0, maximum=1)
    fdr: float = key(
        "Sites in BED and bedRMod have a false_fraction below it, besides; default no limit.", None, above=0, maximum=1
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
