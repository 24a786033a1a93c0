"""Motifs of filters, motifs found without a model, and the proteins whose motifs they resemble."""

from __future__ import annotations

from ..columns import Table, columns
from ..design import Design
from ..entry import FigureEntry

_PREDICTOR = ("predictor", "text", "name of the model in the configuration")
_SPECIES = ("species", "text", "species whose windows the motif is counted in")
_DATABASE = ("database", "text", "name of the motif database in the configuration")
_LETTERS = tuple((base, "number", f"height of the letter {base}, bits") for base in "ACGU")

TABLES: dict[str, Table] = {
    "motif_filters": Table(
        "interpretation/filters/{predictor}.{species}.tsv",
        "First-layer filters of a model and the motif each is counted to; the first lines name the rule of the "
        "threshold and the windows.",
        columns(
            ("motif", "text", "`m<member>_d<dilation>_f<filter>`, as in the MEME file beside the table"),
            ("member", "count", "network of the ensemble, from 0"),
            ("layer", "text", "name of the convolution in the network"),
            ("filter", "count", "number of the filter, from 0"),
            ("dilation", "count", "distance of the nucleotides that the filter sees, nt"),
            ("width", "count", "nt from the first to the last nucleotide that it sees"),
            ("threshold", "number", "activation above which a subsequence is counted; no unit"),
            ("mean_activation", "number", "mean activation over all subsequences of the positive windows; no unit"),
            ("max_activation", "number", "largest activation; no unit"),
            ("sites", "count", "subsequences above the threshold"),
            ("site_share", "share", "their share of all subsequences without N"),
            ("information", "number", "bits of all columns, less what so few sites have by chance"),
            ("best_five", "number", "bits of the five neighbouring columns that have most"),
            ("informative", "flag", "whether it has the bits and sites that the configuration asks for"),
            ("consensus", "text", "IUPAC, RNA: letters with at least half the frequency of the commonest"),
            _PREDICTOR,
            _SPECIES,
        ),
    ),
    "motif_matches": Table(
        "interpretation/matches.tsv",
        "Motifs of filters, and de novo motifs, beside known motifs: every pair with q < 0.05 or E < 10, and the best "
        "of each motif.",
        columns(
            ("predictor", "text", "name of the model in the configuration; `de novo` where no model was used"),
            _SPECIES,
            ("query", "text", "the motif"),
            ("target", "text", "id of the known motif"),
            ("target_name", "text", "protein or gene of it"),
            ("p", "number", "Tomtom's p: chance of a score as good as the best of all offsets (0 to 1)"),
            ("e", "number", "p times the number of targets"),
            ("q", "number", "Benjamini and Hochberg's q over the targets of the query (0 to 1)"),
            (
                "offset",
                "number",
                "column of the target under the query's first column; negative: the query starts before",
            ),
            ("overlap", "count", "columns that lie over each other"),
            ("orientation", "text", "always `+`: the same strand"),
            _DATABASE,
            ("targets", "count", "motifs of the database"),
            ("query_consensus", "text", "IUPAC, RNA"),
            ("target_consensus", "text", "IUPAC, RNA"),
            ("method", "text", "`memelite`, `numpy` (the library's own) or `meme` (the MEME suite)"),
            ("rank", "count", "place among the pairs that the figure shows, 0 for the others"),
        ),
    ),
    "motif_annotated": Table(
        "interpretation/annotated.tsv",
        "Table S2: filters with a match, beside the same filters shuffled; one row per rule and kind of shuffling.",
        columns(
            _PREDICTOR,
            _SPECIES,
            _DATABASE,
            ("targets", "count", "motifs of the database"),
            ("rule", "text", "when a filter has a match: `q < 0.05`, or `E < 10` as in the released code"),
            ("filters", "count", "filters of the layer"),
            ("informative", "count", "filters that were compared"),
            ("annotated", "count", "filters with a match"),
            ("share", "share", "their share of all filters of the layer"),
            ("null", "text", "`columns` in random order, or `letters` exchanged for each other"),
            ("shuffles", "count", "times that all filters were shuffled"),
            ("null_share", "share", "mean share of shuffled filters with a match"),
            ("null_low", "share", "2.5 % quantile over shuffles"),
            ("null_high", "share", "97.5 % quantile over shuffles"),
            ("p", "number", "share of shuffles with as many matches, counted with one more (0 to 1)"),
        ),
    ),
    "motif_logos": Table(
        "interpretation/logos.tsv",
        "Letter heights of the pairs that figures show.",
        columns(
            ("predictor", "text", "name of the model in the configuration; `de novo` where no model was used"),
            _SPECIES,
            _DATABASE,
            ("rank", "count", "place of the pair in its species"),
            ("role", "text", "`query` (the filter or de novo motif) or `target` (the known motif)"),
            ("motif", "text", "id of the motif"),
            ("name", "text", "protein or gene, or the id again"),
            ("position", "number", "column, counted from the target's first as 0"),
            *_LETTERS,
        ),
    ),
    "motif_discovered": Table(
        "interpretation/discovered.tsv",
        "De novo motifs of positive against control windows; the last of a species may be the one at which the search "
        "stopped.",
        columns(
            _SPECIES,
            ("motif", "text", "in the order of discovery"),
            ("consensus", "text", "IUPAC, RNA"),
            ("width", "count", "nt"),
            ("sites", "count", "sites in the positive windows that made the motif"),
            ("p", "number", "Fisher's exact test, one-sided, in the windows held out (0 to 1)"),
            ("reported", "flag", "whether p is below the level"),
            ("enrichment", "number", "share of positive over share of control windows with a site, windows held out"),
            ("low", "number", "lower end of its 95 % interval"),
            ("high", "number", "upper end of that interval"),
            ("share_foreground", "share", "positive windows held out that have a site"),
            ("share_control", "share", "control windows held out that have a site"),
            ("n_foreground", "count", "positive windows held out"),
            ("n_control", "count", "control windows held out"),
            ("score_threshold", "number", "score from which on a site counts, log2 odds against the controls' letters"),
            ("information", "number", "bits of all columns"),
            _DATABASE,
            ("target", "text", "id of the known motif that it resembles most"),
            ("target_name", "text", "protein or gene of it"),
            ("match_p", "number", "Tomtom's p of that pair (0 to 1)"),
            ("match_q", "number", "its q (0 to 1)"),
        ),
    ),
}


def _shown(design: Design) -> bool:
    return "motifs" in design.analyses


FIGURES: tuple[FigureEntry, ...] = (
    FigureEntry(
        "figure_4",
        "Figure 4",
        "Filters and the RNA-binding proteins' motifs they resemble",
        "motifs",
        "Logos of the best matches between first-layer filters and known motifs, per species.",
        ("motif_matches", "motif_logos"),
        "motifs:local_motifs",
        shown=_shown,
    ),
    FigureEntry(
        "figure_s6",
        "Figure S6, Table S2",
        "Filters with a known motif",
        "motifs",
        "Number and share of first-layer filters that match a known motif, beside shuffled filters.",
        ("motif_annotated",),
        "motifs:annotated_filters",
        shown=_shown,
    ),
    FigureEntry(
        "de_novo_motifs",
        "De novo motifs",
        "Motifs found without a model",
        "motifs",
        "Motifs that positive windows hold more often than control windows, with the known motif each resembles most.",
        ("motif_discovered", "motif_logos"),
        "motifs:discovered_motifs",
        shown=_shown,
    ),
)
