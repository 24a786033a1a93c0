"""Tables of the transcriptome-wide prediction."""

from __future__ import annotations

from ..columns import Table, columns
from ..entry import FigureEntry

_TRANSCRIPT = ("transcript", "text", "id of the transcript, with its version where the annotation has one")
_GENE = ("gene", "text", "id of the gene")
_GENE_NAME = ("gene_name", "text", "its symbol")
_LENGTH = ("length", "count", "length of the transcript, nt")
_GC = ("gc", "share", "G and C among A, C, G and U of the transcript")
_PROBABILITY = (
    ("sites", "count", "occurrences of the motif (DRACH) on the transcript, all scored"),
    ("mean_probability", "share", "mean calibrated probability over them; empty without one"),
    ("sum_probability", "number", "sum of the same: modified sites to be expected"),
    ("called", "count", "sites with a probability above 0.5"),
    ("called_fdr", "count", "sites with `q` below 0.1"),
)

TABLES: dict[str, Table] = {
    "predicted_sites": Table(
        "transcriptome/{transcriptome}/{predictor}.sites.parquet",
        "Every occurrence of the motif on every transcript, scored. Its metadata name model, head, motif and numbers.",
        columns(
            _TRANSCRIPT,
            _GENE,
            _GENE_NAME,
            ("position", "count", "place of the site on the transcript, 5' to 3', from 0"),
            _LENGTH,
            ("chrom", "text", "chromosome; empty where the transcript has no coordinates"),
            ("start", "count", "place of the site on the genome's forward strand, from 0; -1 where not known"),
            ("strand", "text", "strand of the transcript, `+` or `-`"),
            (
                "region",
                "text",
                "`utr5`, `cds` (with the stop codon), `utr3`, `noncoding` (transcript without coding sequence) or "
                "`unknown` (no annotation)",
            ),
            ("kmer", "text", "the five letters around the site, RNA, N beyond the transcript"),
            ("logit", "number", "natural-log odds as trained, at one site per other"),
            ("probability", "share", "calibrated probability, at the prevalence that the metadata name"),
            (
                "q",
                "share",
                "false calls to be expected among the sites of this file that are at least as probable: their mean of "
                "1 − probability",
            ),
        ),
    ),
    "predicted_transcripts": Table(
        "transcriptome/{transcriptome}/{predictor}.transcripts.tsv",
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
        "transcriptome/{transcriptome}/{predictor}.genes.tsv",
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

FIGURES: tuple[FigureEntry, ...] = ()
