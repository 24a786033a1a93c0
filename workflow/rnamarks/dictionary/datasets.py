"""Sites, windows, splits and leaks."""

from __future__ import annotations

from .columns import Table, columns
from .shared import SCHEME, TASK

_WINDOW = (
    ("window", "text", "name, unique in the file"),
    *TASK,
    ("sequence", "text", "RNA, 5' to 3', N where the transcript ends"),
    ("label", "count", "1 modified site, 0 other"),
    ("chrom", "text", "chromosome, empty if not known"),
    ("genome_start", "count", "the site on the genome, 0-based; -1 if not known"),
    ("genome_end", "count", "genome_start + 1, half-open; -1 if not known"),
    ("strand", "text", "`+`, `-` or empty"),
    ("transcript", "text", "transcript, empty if not known"),
    ("gene", "text", "gene, empty if not known"),
    ("start", "count", "the site on the transcript, 5' to 3', 0-based; -1 if not known"),
    ("end", "count", "start + 1, half-open; -1 if not known"),
    ("region", "text", "`utr5`, `cds`, `utr3`, `noncoding` or `unknown`"),
    ("orthogroup", "text", "group of orthologues, empty if not known"),
    ("support", "count", "number of experiments"),
    ("given", "text", "split in the data as they came, empty if they came unsplit"),
)

TABLES: dict[str, Table] = {
    "sources": Table(
        "sources.tsv",
        "Files that the run read, with their checksums and where these come from.",
        columns(
            ("subject", "text", "task, species, transcripts or section that it serves; `all` if it serves all"),
            (
                "role",
                "text",
                "what it is read as: `genome`, `annotation`, `sites`, `veto`, `windows`, `orthologues`, `external`, "
                "`null`, `motifs`, `ontology` and so on",
            ),
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
    "figures": Table(
        "figures.tsv",
        "Every panel of every figure, the table that it is drawn from, and its caption; then every table.",
        columns(
            ("figure", "text", "number in the paper where it has one, else a name; `Table` for a table"),
            ("panel", "text", "letter of the panel, `all` for a figure of one piece; the table's name for a table"),
            ("file", "text", "path relative to the folder of `figures.tsv`"),
            ("table", "text", "path of the table that it is drawn from, relative to the same folder"),
            ("caption", "text", "axes, units, numbers of windows, test or interval"),
        ),
    ),
    "sites": Table(
        "sites/{task}.sites.tsv.gz",
        "Modified sites of a task after merging its tables; the first line names the assembly.",
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
    "transcripts": Table(
        "sites/{transcripts}.transcripts.parquet",
        "Transcripts with their sequences; the metadata hold the lengths of the genome's contigs.",
        columns(
            ("transcript", "text", "id of the transcript"),
            ("gene", "text", "id of its gene"),
            ("gene_name", "text", "symbol of the gene, or its id again"),
            ("biotype", "text", "kind of transcript, as the annotation names it"),
            ("chrom", "text", "chromosome as the genome file has it"),
            ("strand", "text", "`+` or `-`"),
            ("exon_starts", "list", "first bases of the exons on the genome, 0-based, ascending"),
            ("exon_ends", "list", "bases behind the exons"),
            ("cds_start", "count", "first base of the coding sequence on the transcript, 0-based; -1 for none"),
            ("cds_end", "count", "base behind its stop codon; -1 for none"),
            ("sequence", "text", "spliced RNA, 5' to 3'"),
        ),
    ),
    "windows": Table(
        "datasets/{task}.windows.parquet",
        "Windows of a task: its sites, and others.",
        columns(*_WINDOW),
    ),
    "splits": Table(
        "datasets/{task}.split.parquet",
        "Windows of a task with their split in both schemes.",
        columns(
            *_WINDOW,
            ("paper", "text", "split in the paper scheme, empty if left out"),
            ("guarded", "text", "split in the guarded scheme, empty if left out"),
        ),
    ),
    "counts": Table(
        "datasets/counts.tsv",
        "Windows by scheme, task, split and label.",
        columns(
            SCHEME,
            *TASK,
            ("split", "text", "`train`, `valid`, `test`, or empty for windows left out of the scheme"),
            ("label", "count", "1 modified site, 0 other"),
            ("windows", "count", "number of windows"),
        ),
    ),
    "drops": Table(
        "evaluation/drops.tsv",
        "Every row of the input that was dropped, counted by reason.",
        columns(
            ("stage", "text", "step that dropped the rows"),
            ("subject", "text", "task or set of transcripts"),
            ("source", "text", "source or file the rows come from; for splits the name of the scheme"),
            ("reason", "text", "why; `kept` for rows that remain, `note: …` for odd rows that stay"),
            ("rows", "count", "number of rows"),
        ),
    ),
    "identity": Table(
        "datasets/identity.parquet",
        "Each test window's nearest training window.",
        columns(
            SCHEME,
            TASK[0],
            ("window", "text", "the test window"),
            ("label", "count", "1 modified site, 0 other"),
            ("max_identity", "fraction", "highest identity with a training window of any task"),
            ("max_identity_own", "fraction", "the same within its own task"),
            ("exact", "flag", "whether training has the same sequence in any task"),
            ("exact_own", "flag", "the same within its own task"),
            ("bin", "text", "bin of `max_identity`, %"),
        ),
    ),
    "leaks": Table(
        "datasets/leaks.tsv",
        "The leak meter: test windows that have a relative in the training split.",
        columns(
            SCHEME,
            *TASK,
            ("label", "text", "`all`, `1` modified sites, `0` others"),
            (
                "kind",
                "text",
                "`exact` same sequence, `similar` at least the configured identity on the same strand, each among "
                "training windows of its `own` or of `any` task; `gene_own` same gene of the same species; "
                "`orthogroup_own` another gene of the orthogroup in the same species; `orthogroup_other` in another "
                "species",
            ),
            ("n", "count", "test windows for which the question can be asked"),
            ("n_leaky", "count", "those that have such a relative in training"),
            ("fraction", "fraction", "`n_leaky` / `n`, empty where `n` is 0"),
        ),
    ),
}
