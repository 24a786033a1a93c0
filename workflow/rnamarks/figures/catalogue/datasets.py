"""Sites, windows, splits and leaks."""

from __future__ import annotations

from ..columns import Table, columns
from ..entry import FigureEntry
from .shared import SPLIT

TABLES: dict[str, Table] = {
    "sources": Table(
        "sources.tsv",
        "Files that the run read, with their checksums and where these come from.",
        columns(
            ("species", "text", "species, `all` for files that serve all of them"),
            ("role", "text", "`genome`, `annotation`, `sites`, `veto`, `windows`, `orthologues` or `external`"),
            ("reference", "text", "as written in the configuration"),
            ("version", "text", "release or commit of a published file"),
            ("url", "text", "address of a published file"),
            ("sha256", "text", "checksum of the file"),
            (
                "checksum",
                "text",
                "`published` (stated by the publisher), `recorded now` (none is published; written down on first "
                "download, with the date), `measured` (a local or simulated file)",
            ),
            ("bytes", "count", "size of the file"),
            ("licence", "text", "licence of a published file"),
            ("citation", "text", "what to cite"),
        ),
    ),
    "sites": Table(
        "sites/{species}.sites.tsv.gz",
        "Modified sites of a species after merging its tables; the first line names the assembly.",
        columns(
            ("chrom", "text", "chromosome as the genome file has it"),
            ("start", "count", "position on the genome, 0-based"),
            ("end", "count", "start + 1, half-open"),
            ("strand", "text", "`+` or `-`"),
            ("modification", "text", "MODOMICS short name"),
            ("source", "text", "names of the tables that have the site, joined by `,`"),
            ("support", "count", "number of experiments, at least 1"),
        ),
    ),
    "splits": Table(
        "datasets/{species}.split.parquet",
        "Windows of a species with their part in both splits.",
        columns(
            ("window", "text", "name, unique in the file"),
            ("species", "text", "species"),
            ("sequence", "text", "RNA, 5' to 3', N where the transcript ends"),
            ("label", "count", "1 modified site, 0 other"),
            ("chrom", "text", "chromosome, empty if not known"),
            ("start", "count", "position of the site on the genome, 0-based; -1 if not known"),
            ("strand", "text", "`+`, `-` or empty"),
            ("transcript", "text", "transcript, empty if not known"),
            ("gene", "text", "gene, empty if not known"),
            ("position", "count", "position of the site on the transcript, 0-based; -1 if not known"),
            ("region", "text", "`utr5`, `cds`, `utr3`, `noncoding` or `unknown`"),
            ("orthogroup", "text", "group of orthologues, empty if not known"),
            ("support", "count", "number of experiments"),
            ("given", "text", "part in the data as they came, empty if they came unsplit"),
            ("paper", "text", "part in the paper split, empty if left out"),
            ("guarded", "text", "part in the guarded split, empty if left out"),
        ),
    ),
    "counts": Table(
        "datasets/counts.tsv",
        "Windows by split, species, part and label.",
        columns(
            SPLIT,
            ("species", "text", "species"),
            ("part", "text", "`train`, `valid`, `test`, or empty for windows left out of the split"),
            ("label", "count", "1 modified site, 0 other"),
            ("windows", "count", "number of windows"),
        ),
    ),
    "drops": Table(
        "evaluation/drops.tsv",
        "Every row of the input that was dropped, counted by reason.",
        columns(
            ("stage", "text", "step that dropped the rows"),
            ("species", "text", "species"),
            ("source", "text", "source or file the rows come from; for splits the name of the split"),
            ("reason", "text", "why; `kept` for rows that remain, `note: …` for odd rows that stay"),
            ("rows", "count", "number of rows"),
        ),
    ),
    "identity": Table(
        "datasets/identity.parquet",
        "Each test window's nearest training window.",
        columns(
            SPLIT,
            ("species", "text", "species of the test window"),
            ("window", "text", "the test window"),
            ("label", "count", "1 modified site, 0 other"),
            ("max_identity", "share", "highest identity with a training window of any species"),
            ("max_identity_own", "share", "the same within its own species"),
            ("exact", "flag", "whether training has the same sequence in any species"),
            ("exact_own", "flag", "the same within its own species"),
            ("bin", "text", "bin of `max_identity`, %"),
        ),
    ),
    "leaks": Table(
        "datasets/leaks.tsv",
        "The leak meter: test windows that have a relative in the training part.",
        columns(
            SPLIT,
            ("species", "text", "species of the test windows"),
            ("label", "text", "`all`, `1` modified sites, `0` others"),
            (
                "kind",
                "text",
                "`exact` same sequence, `similar` at least the configured identity on the same strand, each in `own` "
                "or `any` species; `gene_own` same gene; `orthogroup_own` another gene of the orthogroup in the same "
                "species; `orthogroup_other` in another species",
            ),
            ("n", "count", "test windows for which the question can be asked"),
            ("n_leaky", "count", "those that have such a relative in training"),
            ("share", "share", "`n_leaky` / `n`, empty where `n` is 0"),
        ),
    ),
}

FIGURES: tuple[FigureEntry, ...] = (
    FigureEntry(
        "window_counts",
        "Windows",
        "Windows by species and part",
        "data",
        "Sites and others of each species in training, validation and test part, for both splits.",
        ("counts",),
        "data:counts",
    ),
    FigureEntry(
        "drops",
        "Drops",
        "What was dropped, and why",
        "data",
        "Rows of the input dropped by stage, reason and species.",
        ("drops",),
        "data:drops",
    ),
    FigureEntry(
        "leaks",
        "Leak meter",
        "Leak meter",
        "splits",
        "Share of test windows with a relative in training, by kind of relative and species.",
        ("leaks",),
        "splits:leaks",
    ),
)
