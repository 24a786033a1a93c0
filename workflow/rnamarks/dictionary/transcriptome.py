"""Tables of the transcriptome-wide prediction."""

from __future__ import annotations

from .columns import Table, columns
from .shared import PREDICTOR, TASK

SCANNED = (
    ("transcripts", "text", "set of transcripts: a species, or a name under `transcriptome.more`"),
    *TASK,
    PREDICTOR,
)
"""First columns of tables of what was predicted on transcripts."""

_TRANSCRIPT = ("transcript", "text", "id of the transcript, with its version where the annotation has one")

_GENE = ("gene", "text", "id of the gene")

_GENE_NAME = ("gene_name", "text", "its symbol")

_LENGTH = ("length", "count", "length of the transcript, nt")

_GC = ("gc", "fraction", "G and C among A, C, G and U of the transcript")

_PROBABILITY = (
    ("sites", "count", "occurrences of the motif on the transcript, all scored"),
    ("mean_probability", "fraction", "mean calibrated probability over them; empty without one"),
    ("sum_probability", "number", "sum of the same: modified sites to be expected"),
    ("called", "count", "sites with a probability above 0.5"),
    ("called_fdr", "count", "sites with `false_fraction` below 0.1"),
)

TABLES: dict[str, Table] = {
    "predicted_sites": Table(
        "transcriptome/{transcripts}/{task}.{predictor}.sites.parquet",
        "Every occurrence of the task's motif on every transcript, scored. Its metadata name model, task and numbers.",
        columns(
            ("sequence", "text", "id of the transcript"),
            ("start", "count", "place of the site on the transcript, 5' to 3', from 0"),
            ("end", "count", "the place behind it"),
            ("strand", "text", "strand of the transcript on the genome, `+` or `-`; `+` where not known"),
            ("task", "text", "task that is predicted"),
            ("modification", "text", "its modification, MODOMICS short name"),
            ("base", "text", "the unmodified nucleotide"),
            ("probability", "fraction", "calibrated probability, at the prevalence that the metadata name"),
            ("p", "fraction", "fraction of unmodified nucleotides with a logit as high; empty without a null"),
            ("q", "fraction", "Benjamini-Hochberg q-value over the sites of the task; empty without a null"),
            (
                "false_fraction",
                "fraction",
                "false calls to be expected among the sites of this file that are at least as probable: their mean of "
                "1 − probability",
            ),
            ("logit", "number", "natural-log odds as trained, at one site per other"),
            _LENGTH,
            _GENE,
            _GENE_NAME,
            (
                "region",
                "text",
                "`utr5`, `cds` (with the stop codon), `utr3`, `noncoding` (transcript without coding sequence) or "
                "`unknown` (no annotation)",
            ),
            ("kmer", "text", "the five nucleotides around the site, RNA, N beyond the transcript"),
            ("chrom", "text", "chromosome; empty where the transcript has no coordinates"),
            ("genome_start", "count", "place of the site on the genome's forward strand, from 0; -1 where not known"),
            ("genome_end", "count", "the place behind it; -1 where not known"),
        ),
    ),
    "predicted_transcripts": Table(
        "transcriptome/{transcripts}/{task}.{predictor}.transcripts.tsv",
        "Predicted sites by transcript; transcripts without a site have a row, too.",
        columns(
            _TRANSCRIPT,
            _GENE,
            _GENE_NAME,
            ("biotype", "text", "kind of transcript, as the annotation names it"),
            _LENGTH,
            ("cds_start", "count", "first base of the coding sequence on the transcript, from 0; -1 for none"),
            ("cds_end", "count", "base behind its stop codon; -1 for none"),
            _GC,
            *_PROBABILITY,
        ),
    ),
    "predicted_genes": Table(
        "transcriptome/{transcripts}/{task}.{predictor}.genes.tsv",
        "Predicted sites by gene, on the transcript that represents it: the one with the longest coding sequence, of "
        "equal ones the longest, of equal ones the first in the file.",
        columns(
            ("gene", "text", "id of the gene; the transcript's where the gene is not known"),
            _GENE_NAME,
            ("transcript", "text", "the transcript that represents it; the columns below are about that one"),
            ("transcripts", "count", "transcripts of the gene"),
            _LENGTH,
            ("cds_length", "count", "coding sequence with the stop codon, nt; 0 for none"),
            _GC,
            *_PROBABILITY,
        ),
    ),
}
