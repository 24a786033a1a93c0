"""Motifs of filters, motifs found without a model, and the proteins whose motifs they resemble."""

from __future__ import annotations

from .columns import Table, columns
from .shared import TASK, WHO

_FOUND_BY = (
    ("predictor", "text", "name of the model in the configuration; `de novo` where no model was used"),
    *TASK,
    (
        "method",
        "text",
        "how the motif was found: `filter`, `de novo`, `optimised`, or what consensus motifs are made of: `attention` "
        "or `integrated_gradients`",
    ),
)

_DATABASE = ("database", "text", "name of the motif database in the configuration")

_MATCH = columns(
    *_FOUND_BY,
    ("query", "text", "the motif"),
    ("target", "text", "id of the known motif; de novo motifs are led by their task"),
    ("target_name", "text", "protein or gene of it, or the id again"),
    ("p", "number", "Tomtom's p: chance of a score as good as the best of all offsets (0 to 1)"),
    ("e", "number", "p times the number of targets"),
    ("q", "number", "Benjamini and Hochberg's q over the targets of the query (0 to 1)"),
    ("offset", "number", "column of the target under the query's first column; negative: the query starts before"),
    ("overlap", "count", "columns that lie over each other"),
    ("database", "text", "name of the motif database in the configuration, or `de novo`"),
    ("targets", "count", "motifs of the database"),
    ("query_consensus", "text", "IUPAC, RNA"),
    ("target_consensus", "text", "IUPAC, RNA"),
    ("engine", "text", "what compared: `builtin`, or `meme_suite` (its `tomtom`)"),
    ("target_task", "text", "task, or modification, that the target belongs to; empty if none"),
    ("own", "flag", "whether that is the query's"),
    ("q_all", "number", "q over all pairs of the model's and task's motifs and the database; empty with `meme_suite`"),
    ("q_own", "number", "q over those with an own target; empty for other targets"),
    (
        "null_p",
        "fraction",
        "draws of k-mers at the same places of unmodified windows in which a motif resembles the same target as well, "
        "counted with one more; empty without draws",
    ),
    ("null_draws", "count", "draws"),
    ("rank", "count", "place among the pairs that the figure shows, 0 for the others"),
)

_LOGO = columns(
    *_FOUND_BY,
    ("database", "text", "name of the motif database in the configuration, or `de novo`"),
    ("rank", "count", "place of the pair in its task; 0 for a motif without one"),
    ("role", "text", "`query` (the motif) or `target` (the known motif)"),
    ("motif", "text", "id of the motif"),
    ("name", "text", "protein or gene, or the id again"),
    ("position", "number", "column, counted from the target's first as 0"),
    *((base, "number", f"height of {base}, bits") for base in "ACGU"),
)

TABLES: dict[str, Table] = {
    "motif_filters": Table(
        "interpretation/filters/{predictor}.{task}.tsv",
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
            ("site_fraction", "fraction", "their fraction of all subsequences without N"),
            ("information", "number", "bits of all columns, less what so few sites have by chance"),
            ("best_five", "number", "bits of the five neighbouring columns that have most"),
            ("informative", "flag", "whether it has the bits and sites that the configuration asks for"),
            ("consensus", "text", "IUPAC, RNA: nucleotides with at least half the frequency of the commonest"),
            *WHO,
        ),
    ),
    "motif_matches": Table(
        "interpretation/matches.tsv",
        "Motifs of filters, de novo motifs and optimised windows beside known motifs: every pair with q < 0.05 or E < "
        "10, or with an own target, and the best of each motif.",
        _MATCH,
    ),
    "motif_annotated": Table(
        "interpretation/annotated.tsv",
        "Table S2: filters with a match, beside the same filters shuffled; one row per rule and kind of shuffling.",
        columns(
            *WHO,
            _DATABASE,
            ("targets", "count", "motifs of the database"),
            ("rule", "text", "when a filter has a match: `q < 0.05`, or `E < 10` as in the released code"),
            ("filters", "count", "filters of the layer"),
            ("informative", "count", "filters that were compared"),
            ("annotated", "count", "filters with a match"),
            ("fraction", "fraction", "their fraction of all filters of the layer"),
            (
                "null",
                "text",
                "`columns` in random order, or `nucleotides` exchanged for each other; empty where the MEME suite "
                "compared",
            ),
            ("shuffles", "count", "times that all filters were shuffled"),
            ("null_fraction", "fraction", "mean fraction of shuffled filters with a match"),
            ("null_low", "fraction", "2.5 % quantile over shuffles"),
            ("null_high", "fraction", "97.5 % quantile over shuffles"),
            ("p", "number", "fraction of shuffles with as many matches, counted with one more (0 to 1)"),
        ),
    ),
    "motif_logos": Table(
        "interpretation/logos.tsv", "Heights of the nucleotides of the pairs that have a rank.", _LOGO
    ),
    "motif_discovered": Table(
        "interpretation/discovered.tsv",
        "De novo motifs of positive against control windows; the last of a task may be the one at which the search "
        "stopped.",
        columns(
            *TASK,
            ("motif", "text", "in the order of discovery"),
            ("consensus", "text", "IUPAC, RNA"),
            ("width", "count", "nt"),
            ("sites", "count", "sites in the positive windows that made the motif"),
            ("p", "number", "Fisher's exact test, one-sided, in the windows held out (0 to 1)"),
            ("reported", "flag", "whether p is below the level"),
            (
                "enrichment",
                "number",
                "fraction of positive over fraction of control windows with a site, windows held out",
            ),
            ("low", "number", "lower end of its 95 % interval"),
            ("high", "number", "upper end of that interval"),
            ("fraction_foreground", "fraction", "positive windows held out that have a site"),
            ("fraction_control", "fraction", "control windows held out that have a site"),
            ("n_foreground", "count", "positive windows held out"),
            ("n_control", "count", "control windows held out"),
            (
                "score_threshold",
                "number",
                "score from which on a site counts, log2 odds against the controls' nucleotides",
            ),
            ("information", "number", "bits of all columns"),
            _DATABASE,
            ("target", "text", "id of the known motif that it resembles most"),
            ("target_name", "text", "protein or gene of it"),
            ("match_p", "number", "Tomtom's p of that pair (0 to 1)"),
            ("match_q", "number", "its q (0 to 1)"),
        ),
    ),
    "consensus": Table(
        "interpretation/consensus.tsv",
        "Figure 2: consensus motifs of the positions that weigh most, from alignment and clustering; a task without "
        "one has a row that gives the reason.",
        columns(
            *WHO,
            ("method", "text", "what the positions were weighed by: `attention` or `integrated_gradients`"),
            (
                "motif",
                "text",
                "`<predictor>.<task>.<method>.<rank>`, as in the MEME file beside the table; empty for none",
            ),
            ("rank", "count", "1 for the cluster whose subsequences have the highest mean weight; 0 for none"),
            ("consensus", "text", "IUPAC, RNA: letters with at least half the frequency of the commonest"),
            ("width", "count", "nt"),
            ("members", "count", "subsequences in the cluster"),
            ("mean_weight", "number", "their mean sum of weights"),
            ("mean_logit", "number", "mean logit of their windows"),
            ("offset", "number", "first column relative to the site in most members, nt"),
            ("offset_fraction", "fraction", "members that have it there"),
            ("information", "number", "bits of all columns against the task's background"),
            (
                "auroc",
                "fraction",
                "how the motif's best score ranks modified over unmodified windows of the judging split",
            ),
            ("auroc_p", "fraction", "rank-sum test, two-sided"),
            ("n_positive", "count", "modified windows that judge"),
            ("n_negative", "count", "unmodified windows that judge"),
            ("windows", "count", "windows explained"),
            ("subsequences", "count", "subsequences with most weight, laid out and clustered"),
            ("clusters", "count", "clusters of the task and method; the table holds the first of them"),
            ("unclustered", "count", "subsequences in none"),
            *(
                (f"background_{base}", "fraction", f"frequency of {base} in the task's unmodified windows")
                for base in "ACGU"
            ),
            ("reason", "text", "why there is no motif; empty where there is one"),
        ),
    ),
    "consensus_matches": Table(
        "interpretation/consensus_matches.tsv",
        "Consensus motifs beside known motifs and de novo motifs: every pair with q < 0.05 or E < 10, or with an own "
        "target, and the best of each motif.",
        _MATCH,
    ),
    "consensus_logos": Table(
        "interpretation/consensus_logos.tsv",
        "Heights of the nucleotides of the pairs that have a rank, and of the first motif where none has.",
        _LOGO,
    ),
}
