"""Which positions carry a task's logit: attention, gradients, mutations, and how alike tasks are to a network."""

from __future__ import annotations

from .columns import Table, columns
from .shared import PREDICTOR, TASK, WHO

_METHOD = (
    "method",
    "text",
    "`attention` (a k-mer's weight goes to each of its nucleotides; only of networks that attend) or "
    "`integrated_gradients` (nats of log odds)",
)

_WINDOW = (
    ("window", "text", "name of the window"),
    ("logit", "number", "logit of the window, natural-log odds as trained"),
)

TABLES: dict[str, Table] = {
    "explained": Table(
        "interpretation/attended.parquet",
        "Weights of all nucleotides of each task's most confident true positives.",
        columns(
            PREDICTOR,
            TASK[0],
            _METHOD,
            ("window", "text", "name of the window"),
            ("sequence", "text", "RNA, 5' to 3', the site in the middle"),
            ("logit", "number", "logit of the window, natural-log odds as trained"),
            ("weights", "list", "one number per nucleotide; attention is 0 where the network does not read"),
        ),
    ),
    "attended": Table(
        "interpretation/attended.tsv",
        "The parts with most weight of each explained window, one after the other without touching.",
        columns(
            *WHO,
            _METHOD,
            *_WINDOW,
            ("rank", "count", "1 for the highest sum"),
            ("first", "number", "first nucleotide relative to the site, nt"),
            ("last", "number", "last nucleotide relative to the site, nt"),
            ("nucleotides", "text", "RNA"),
            ("weight", "number", "sum of the nucleotides' weights"),
            ("fraction", "number", "the sum over that of all absolute weights of the window"),
        ),
    ),
    "attention": Table(
        "interpretation/attention.tsv",
        "Mean weight of each position of the window in each task's most confident true positives.",
        columns(
            *WHO,
            _METHOD,
            ("offset", "number", "position relative to the site, nt, negative upstream"),
            ("mean", "number", "mean weight over windows; attention of a window sums to the nucleotides of a k-mer"),
            ("low", "number", "lower end of the mean's 95 % interval, normal approximation"),
            ("high", "number", "upper end"),
            ("relative", "number", "the mean over the largest absolute mean of the task and method"),
            ("windows", "count", "windows explained"),
        ),
    ),
    "attribution": Table(
        "interpretation/attribution.tsv",
        "How well the integrated gradients of each task's most confident true positives add up.",
        columns(
            *WHO,
            ("windows", "count", "windows explained by integrated gradients"),
            ("mutated", "count", "of them, windows mutated, too"),
            (
                "baseline",
                "text",
                "`composition` (nucleotides of the unmodified windows), `uniform`, `zeros` or `shuffled`",
            ),
            ("logit", "number", "median logit of the windows, natural-log odds as trained"),
            ("difference", "number", "median logit less the baseline's, nats: what the attributions should sum to"),
            ("error_median", "number", "median of the absolute difference between sum and that, nats"),
            ("error_largest", "number", "largest of them, nats"),
            ("steps", "number", "mean number of points on the path"),
            ("complete", "fraction", "windows whose error is within the tolerance"),
            (
                "agreement",
                "number",
                "median over windows of the rank correlation of integrated gradients and mutagenesis over positions",
            ),
        ),
    ),
    "attribution_profile": Table(
        "interpretation/attribution_profile.tsv",
        "Mean attribution of each nucleotide at each position of the window.",
        columns(
            *WHO,
            (
                "method",
                "text",
                "`integrated_gradients` (the nucleotide's part of the logit, in windows that hold it) or `mutagenesis` "
                "(change of the logit with the nucleotide put there, in windows that hold another)",
            ),
            ("offset", "number", "position relative to the middle of the window, nt, negative upstream"),
            ("nucleotide", "text", "A, C, G or U"),
            ("mean", "number", "mean over windows, nats of log odds"),
            ("low", "number", "lower end of the mean's 95 % interval, Student's t; empty for one window"),
            ("high", "number", "upper end"),
            ("windows", "count", "windows of the mean"),
        ),
    ),
    "association": Table(
        "interpretation/association.tsv",
        "Figure 3: how alike two tasks are to a network, by the rows of the attention's last layer and by what they "
        "attend to; a model of one task, or without attention, has a row that gives the reason.",
        columns(
            (
                "measure",
                "text",
                "`score_rows` (rows of the layer that scores k-mers, as published) or `attention` (over the k-mers of "
                "the same windows)",
            ),
            ("task_a", "text", "one task"),
            ("task_b", "text", "the other"),
            ("place_a", "count", "place of the first in the order of the figure, from 1"),
            ("place_b", "count", "place of the second"),
            ("r", "number", "Pearson correlation, mean over networks (and windows)"),
            ("sd", "number", "standard deviation over networks; empty for one"),
            ("low", "number", "lowest of the networks"),
            ("high", "number", "highest of the networks"),
            ("networks", "count", "networks, which differ in their seed"),
            ("null_mean", "number", "mean r of the null: units permuted within rows, or windows of a task exchanged"),
            ("null_low", "number", "2.5 % quantile of the null"),
            ("null_high", "number", "97.5 % quantile"),
            ("excess", "number", "`r` less `null_mean`"),
            ("permutations", "count", "draws of the null"),
            ("p", "fraction", "two-sided, by permutation"),
            ("q", "fraction", "Benjamini and Hochberg's over the pairs of the measure"),
            ("n", "count", "hidden units, or windows"),
            ("reason", "text", "why there is no association; empty where there is one"),
        ),
    ),
    "mutations": Table(
        "interpretation/mutations.tsv",
        "Figure S3: random single substitutions inside and outside the positions that weigh most, paired within "
        "windows.",
        columns(
            *WHO,
            (
                "method",
                "text",
                "what the positions were weighed by: `attention`, or `integrated_gradients` where the network does not "
                "attend",
            ),
            (
                "control",
                "text",
                "`outside` the attended positions, or `elsewhere`: the part of it that another window of the task "
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
            ("fraction_larger", "fraction", "windows in which inside is larger"),
            ("windows", "count", "windows that have both"),
            ("substitutions", "count", "per window and region"),
            ("p", "fraction", "Wilcoxon's signed-rank test, two-sided; empty below 6 windows"),
            ("q", "fraction", "Benjamini and Hochberg's over the tasks of one model, control and unit"),
        ),
    ),
    "attributions": Table(
        "TABLE of `rnamarks explain`",
        "Attributions of the nucleotides of single windows, in nats of log odds.",
        columns(
            ("window", "text", "name of the window"),
            ("task", "text", "task whose logit is explained"),
            ("method", "text", "`integrated_gradients` or `mutagenesis`"),
            ("position", "count", "position in the model's window, from 1"),
            ("offset", "number", "position relative to the centre, nt, negative upstream"),
            ("nucleotide", "text", "nucleotide at the position, RNA; positions with N are left out"),
            (
                "attribution",
                "number",
                "integrated gradients: the position's part of the logit's difference to the baseline; mutagenesis: "
                "minus the mean change of the logit over the three substitutions",
            ),
            ("A", "number", "part of the A entry (integrated gradients), or change of the logit with A here"),
            ("C", "number", "the same for C"),
            ("G", "number", "the same for G"),
            ("U", "number", "the same for U"),
        ),
    ),
    "attribution_checks": Table(
        "CHECKS of `rnamarks explain`",
        "One row per attributed window: what the attributions sum to.",
        columns(
            ("window", "text", "name of the window"),
            ("task", "text", "task whose logit is explained"),
            ("method", "text", "`integrated_gradients` or `mutagenesis`"),
            ("baseline", "text", "`uniform`, `zeros` or `shuffled`; empty for mutagenesis"),
            ("logit", "number", "logit of the window, natural-log odds as trained"),
            ("baseline_logit", "number", "mean logit of the baselines; empty for mutagenesis"),
            ("total", "number", "sum of all contributions, nats"),
            ("error", "number", "`total` less (`logit` less `baseline_logit`), nats; empty for mutagenesis"),
            ("steps", "count", "points on the path; 0 for mutagenesis"),
            ("complete", "flag", "whether the error is within the tolerance; mutagenesis has no such sum"),
            (
                "agreement",
                "number",
                "Spearman correlation over positions with the other method; empty if not asked for",
            ),
        ),
    ),
}
