"""The keys of a configuration about data: species, tasks and their sites, sources, simulated worlds, splits."""

from __future__ import annotations

from typing import Any

from .key_fields import MOTIF, key, section
from .registry import registered

# fields are only described here, no section is ever made: ruff: noqa: RUF009


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
    annotation: str = key("GTF, GFF3 or UCSC gene table of the same transcripts.")


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
    annotation: str = key("Gene annotation, GTF, GFF3 or UCSC gene table.", None)
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
