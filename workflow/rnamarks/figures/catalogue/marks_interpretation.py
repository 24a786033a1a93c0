"""What a network of several modifications attends to, which marks it reads alike, and how near their sites lie."""

from __future__ import annotations

from ..columns import Table, columns
from ..design import Design
from ..entry import FigureEntry

_MARK = ("modification", "text", "MODOMICS short name of the mark")
_METHOD = (
    "method",
    "text",
    "`attention` (a word's weight goes to each of its nucleotides) or `integrated_gradients` (nats of log odds)",
)
_PAIR = (
    ("modification_a", "text", "one mark"),
    ("modification_b", "text", "the other"),
)

TABLES: dict[str, Table] = {
    "marks_attention": Table(
        "interpretation/marks.attention.tsv",
        "Mean weight of each place of the window in every mark's most confident true positives.",
        columns(
            _MARK,
            _METHOD,
            ("offset", "number", "position relative to the site, nt, negative upstream"),
            ("mean", "number", "mean weight over windows; attention of a window sums to the letters of a word"),
            ("low", "number", "lower end of the mean's 95 % interval, normal approximation"),
            ("high", "number", "upper end"),
            ("relative", "number", "the mean over the largest absolute mean of the mark and method"),
            ("windows", "count", "windows explained"),
        ),
    ),
    "marks_attended": Table(
        "interpretation/marks.attended.tsv",
        "The windows with most weight in each explained window, one after the other without touching.",
        columns(
            _MARK,
            _METHOD,
            ("window", "text", "name of the window"),
            ("logit", "number", "logit of the window, natural-log odds as trained"),
            ("rank", "count", "1 for the highest sum"),
            ("first", "number", "first nucleotide relative to the site, nt"),
            ("last", "number", "last nucleotide relative to the site, nt"),
            ("letters", "text", "RNA letters"),
            ("weight", "number", "sum of the nucleotides' weights"),
            ("share", "number", "the sum over that of all absolute weights of the window"),
        ),
    ),
    "marks_explained": Table(
        "interpretation/marks.attended.parquet",
        "Weights of all nucleotides of each explained window.",
        columns(
            _MARK,
            _METHOD,
            ("window", "text", "name of the window"),
            ("sequence", "text", "RNA, 5' to 3', the site in the middle"),
            ("logit", "number", "logit of the window, natural-log odds as trained"),
            ("weights", "list", "one number per nucleotide; attention is 0 where the network does not read"),
        ),
    ),
    "marks_consensus": Table(
        "interpretation/marks.consensus.tsv",
        "Figure 2: consensus motifs of the subsequences with most weight, from alignment, UMAP and DBSCAN; a mark "
        "without one has a row that gives the reason.",
        columns(
            _MARK,
            _METHOD,
            ("motif", "text", "`<mark>.<method>.<rank>`, as in the MEME file beside the table; empty for none"),
            ("rank", "count", "1 for the cluster whose subsequences have the highest mean weight; 0 for none"),
            ("consensus", "text", "IUPAC, RNA: letters with at least half the frequency of the commonest"),
            ("width", "count", "nt"),
            ("members", "count", "subsequences in the cluster"),
            ("mean_weight", "number", "their mean sum of weights"),
            ("mean_logit", "number", "mean logit of their windows"),
            ("offset", "number", "first column relative to the site in most members, nt"),
            ("offset_share", "share", "members that have it there"),
            ("information", "number", "bits of all columns against the mark's background"),
            ("auroc", "share", "how the motif's best score ranks modified over unmodified windows of the judging part"),
            ("auroc_p", "share", "rank-sum test, two-sided"),
            ("n_positive", "count", "modified windows that judge"),
            ("n_negative", "count", "unmodified windows that judge"),
            ("windows", "count", "windows explained"),
            ("subsequences", "count", "subsequences with most weight, laid out and clustered"),
            ("clusters", "count", "clusters of the mark and method; the table holds the first of them"),
            ("unclustered", "count", "subsequences in none"),
            *(
                (f"background_{base}", "share", f"frequency of {base} in the mark's unmodified windows")
                for base in "ACGU"
            ),
            ("reason", "text", "why there is no motif; empty where there is one"),
        ),
    ),
    "marks_consensus_matches": Table(
        "interpretation/marks.consensus_matches.tsv",
        "Consensus motifs beside motifs from elsewhere: every pair.",
        columns(
            _MARK,
            _METHOD,
            ("database", "text", "`de novo` (positive against control windows, without the network), or a name"),
            ("query", "text", "the consensus motif"),
            ("target", "text", "the other motif; de novo motifs are led by their mark"),
            ("target_name", "text", "its second name, or the id again"),
            ("target_modification", "text", "mark that the target belongs to, empty if none"),
            ("own", "flag", "whether that is the consensus motif's mark"),
            ("p", "number", "Tomtom's p: chance of a score as good as the best of all offsets (0 to 1)"),
            ("e", "number", "p times the number of targets"),
            ("q", "number", "Benjamini and Hochberg's q over the targets of the query (0 to 1)"),
            (
                "q_mark",
                "number",
                "the same over all pairs of the mark's motifs and own targets; empty for other targets",
            ),
            ("rank", "count", "1 for the best pair of a mark, method and database with an own target, else 0"),
            ("offset", "number", "column of the target under the query's first column"),
            ("overlap", "count", "columns that lie over each other"),
            ("targets", "count", "motifs of the database"),
            ("query_consensus", "text", "IUPAC, RNA"),
            ("target_consensus", "text", "IUPAC, RNA"),
            ("comparer", "text", "`memelite` or `numpy` (the library's own)"),
        ),
    ),
    "marks_consensus_logos": Table(
        "interpretation/marks.consensus_logos.tsv",
        "Letter heights of the pairs of rank 1, and of the first motif where there is no such pair.",
        columns(
            _MARK,
            _METHOD,
            ("database", "text", "of the pair"),
            ("role", "text", "`query` (the consensus motif) or `target`"),
            ("motif", "text", "id of the motif"),
            ("name", "text", "its second name, or the id again"),
            ("position", "number", "column, counted from the target's first as 0"),
            *((base, "number", f"height of the letter {base}, bits") for base in "ACGU"),
        ),
    ),
    "marks_association": Table(
        "interpretation/marks.association.tsv",
        "Figure 3: how alike two heads are, by the rows of the attention's last layer and by what they attend to.",
        columns(
            (
                "measure",
                "text",
                "`score_rows` (rows of the layer that scores words, as published) or `attention` (over the words of "
                "the same windows)",
            ),
            *_PAIR,
            ("place_a", "count", "place of the first in the order of the figure, from 1"),
            ("place_b", "count", "place of the second"),
            ("r", "number", "Pearson correlation, mean over networks (and windows)"),
            ("sd", "number", "standard deviation over networks; empty for one"),
            ("low", "number", "lowest of the networks"),
            ("high", "number", "highest of the networks"),
            ("networks", "count", "networks, which differ in their seed"),
            ("null_mean", "number", "mean r of the null: units permuted within rows, or windows of a mark exchanged"),
            ("null_low", "number", "2.5 % quantile of the null"),
            ("null_high", "number", "97.5 % quantile"),
            ("excess", "number", "`r` less `null_mean`"),
            ("permutations", "count", "draws of the null"),
            ("p", "share", "two-sided, by permutation"),
            ("q", "share", "Benjamini and Hochberg's over the pairs of the measure"),
            ("n", "count", "hidden units, or windows"),
        ),
    ),
    "marks_mutations": Table(
        "interpretation/marks.mutations.tsv",
        "Figure S3: random single substitutions inside and outside the attended windows, paired within windows.",
        columns(
            _MARK,
            (
                "control",
                "text",
                "`outside` the attended windows, or `elsewhere`: the part of it that another window of the mark "
                "attends to",
            ),
            ("unit", "text", "`probability` (calibrated) or `logit` (nats)"),
            ("inside", "number", "mean absolute change, substitutions inside, mean over windows"),
            ("inside_low", "number", "lower end of its 95 % bootstrap interval over windows"),
            ("inside_high", "number", "upper end"),
            ("control_mean", "number", "the same for substitutions in the control"),
            ("control_low", "number", "lower end"),
            ("control_high", "number", "upper end"),
            ("difference", "number", "inside less control, mean over windows"),
            ("low", "number", "lower end of its 95 % bootstrap interval"),
            ("high", "number", "upper end"),
            ("share_larger", "share", "windows in which inside is larger"),
            ("windows", "count", "windows that have both"),
            ("substitutions", "count", "per window and region"),
            ("p", "share", "Wilcoxon's signed-rank test, two-sided; empty below 6 windows"),
            ("q", "share", "Benjamini and Hochberg's over the marks of one control and unit"),
        ),
    ),
    "marks_proximity": Table(
        "biology/marks.proximity.tsv",
        "Figure S4: distances between sites of two marks on the same transcripts, against random positions; pairs that "
        "cannot be measured have the reason.",
        columns(
            *_PAIR,
            (
                "null",
                "text",
                "`transcript`: positions of the same base or motif drawn anywhere on the transcript; `region`: within "
                "5'UTR, CDS or 3'UTR; `rotation`: all sites of a mark in a region moved together",
            ),
            ("sites_a", "count", "sites of the first on transcripts that hold both"),
            ("sites_b", "count", "sites of the second"),
            ("transcripts", "count", "transcripts that hold both"),
            ("coincident", "count", "positions that bear both marks"),
            ("distance", "number", "to the nearest site of the other mark, both ways, geometric mean, nt"),
            ("null_distance", "number", "the same of random positions"),
            ("null_low", "number", "2.5 % quantile over arrangements, nt"),
            ("null_high", "number", "97.5 % quantile"),
            ("ratio", "number", "distance over null distance, both with 1 nt added"),
            ("z", "number", "difference of their logarithms in standard deviations of the null"),
            ("permutations", "count", "arrangements drawn"),
            ("p_rank", "share", "two-sided, by rank among the arrangements"),
            ("p", "share", "two-sided, of z on the normal distribution"),
            ("q", "share", "Benjamini and Hochberg's of p over the pairs of one null"),
            ("reason", "text", "why the pair could not be measured; else empty"),
        ),
    ),
}

_SECTION = "marks"


def _explained(design: Design) -> bool:
    # the section of the configuration that asks for a student asks for all of this
    return design.heads_are == "modification" and "student" in design.varied


FIGURES: tuple[FigureEntry, ...] = (
    FigureEntry(
        "marks_attention",
        "Attention",
        "Where the heads look",
        _SECTION,
        "Mean attention and integrated gradients at each position of the window, per mark.",
        ("marks_attention",),
        "marks_interpretation:attention",
        _explained,
    ),
    FigureEntry(
        "marks_consensus",
        "Figure 2",
        "Consensus motifs of what is attended, and motifs found without a model",
        _SECTION,
        "Logos of each mark's consensus motif above the de novo motif that it resembles most.",
        ("marks_consensus", "marks_consensus_matches", "marks_consensus_logos"),
        "marks_consensus:consensus",
        _explained,
    ),
    FigureEntry(
        "marks_association",
        "Figure 3",
        "Marks that the network reads alike",
        _SECTION,
        "Correlation of the heads' attention weights and of their attention in the same windows.",
        ("marks_association",),
        "marks_interpretation:association",
        _explained,
    ),
    FigureEntry(
        "marks_mutations",
        "Figure S3",
        "Mutations inside and outside the attended windows",
        _SECTION,
        "Change of the probability under single substitutions inside and outside what is attended, per mark.",
        ("marks_mutations",),
        "marks_interpretation:mutations",
        _explained,
    ),
    FigureEntry(
        "marks_proximity",
        "Figure S4",
        "Distances between sites of different marks",
        _SECTION,
        "Distance to the nearest site of another mark on the same transcript, against random positions.",
        ("marks_proximity",),
        "marks_interpretation:proximity",
        _explained,
    ),
)
