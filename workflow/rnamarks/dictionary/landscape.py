"""Landscape of sites along transcripts."""

from __future__ import annotations

from .columns import Table, columns
from .transcriptome import SCANNED

_HEAD = (
    *SCANNED[:-1],
    ("predictor", "text", "name of the model in the configuration, or `measured` for the sites of the run"),
)

TABLES: dict[str, Table] = {
    "landscape": Table(
        "biology/landscape.tsv",
        "Density of called and of measured sites along transcripts, by fraction of each region and by distance to the "
        "stop codon, with 95 % bootstrap intervals over genes.",
        columns(
            *_HEAD,
            (
                "axis",
                "text",
                "`metagene` (fraction of each region) or `stop` (nt from the first nucleotide of the stop codon)",
            ),
            ("region", "text", "`utr5`, `cds` (with the stop codon), `utr3`; empty on the axis `stop`"),
            ("bin", "count", "number of the bin along the axis, from 0"),
            (
                "from",
                "number",
                "lower edge: fraction of the metagene, whose regions are as wide as their median lengths; or nt, "
                "negative upstream of the stop codon",
            ),
            ("to", "number", "upper edge, belongs to the next bin"),
            (
                "quantity",
                "text",
                "`density` (fraction of calls over fraction of the axis, 1 if evenly spread), `rate` (calls per motif "
                "position), `per_kb` (calls per 1000 nt of RNA in the bin)",
            ),
            ("value", "number", "the quantity; empty where its denominator is 0"),
            ("low", "number", "lower end of its pointwise 95 % interval"),
            ("high", "number", "upper end"),
            ("called", "count", "called or measured sites in the bin"),
            ("candidates", "count", "motif positions in the bin"),
        ),
    ),
    "landscape_statistics": Table(
        "biology/landscape_statistics.tsv",
        "Distance to the stop codon of called sites against other motif positions of the same transcripts.",
        columns(
            *_HEAD,
            ("genes", "count", "genes with a coding sequence, one transcript each unless configured otherwise"),
            ("called", "count", "called or measured sites on their transcripts"),
            ("candidates", "count", "motif positions on their transcripts"),
            ("median_called", "number", "median distance of called sites to the stop codon in either direction, nt"),
            ("median_other", "number", "the same of the other motif positions"),
            ("difference", "number", "first minus second, nt; negative where called sites lie nearer"),
            ("low", "number", "lower end of its 95 % bootstrap interval over genes"),
            ("high", "number", "upper end"),
            ("p", "fraction", "two-sided Mann-Whitney test of the distances, sites taken for independent"),
            ("delta", "number", "Cliff's delta of the distances, -1 to 1; negative where called sites lie nearer"),
            ("delta_low", "number", "lower end of its 95 % bootstrap interval over genes"),
            ("delta_high", "number", "upper end"),
            (
                "nearer",
                "fraction",
                "of all pairs of a called and another motif position of one transcript, those in which the called one "
                "is nearer; 0.5 without a landscape",
            ),
            ("nearer_low", "fraction", "lower end of its 95 % bootstrap interval over genes"),
            ("nearer_high", "fraction", "upper end"),
            ("peak_from", "number", "lower edge of the bin of highest density on the axis `stop`, nt"),
            ("peak_to", "number", "upper edge, nt"),
        ),
    ),
}
