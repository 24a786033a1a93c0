"""How well the sites of each task are found, by which model, and how far that can be trusted."""

from __future__ import annotations

from .columns import Table, columns
from .shared import COUNTS, DIFFERENCE, MODEL, PREVALENCE, RUN, SCHEME, SPLIT, TASK, pair

_ENSEMBLE = ("seed", "text", "`ensemble` throughout")

_TWO_KINDS = ("seed", "text", "`mean` (of the metric over seeds) or `ensemble` (of the mean logit)")

_KIND = RUN[-1]

_AGAINST = (
    "against",
    "text",
    "`own`: the task's own negatives (AUROC: AUCb of Song et al. 2021); `all`: every other held-out window, too "
    "(AUCm), without sites of the same modification in other tasks",
)

_METRIC = (
    "metric",
    "text",
    "`auroc`, `auprc` (at the windows' own prevalence), `auprc_ratio` (over prevalence), `auprc_1to1`, `auprc_1to10` "
    "(windows weighted to that ratio), `sensitivity`, `specificity`, `precision`, `accuracy`, `mcc` of calls, `brier`, "
    "`log_loss`, `ece`, `ece_noise` (calibrated probability)",
)

_CHOICE = (
    "choice",
    "text",
    "threshold of calls: empty: logit above 0; `validation`: largest √(sensitivity · specificity) on own validation "
    "windows; `published`: the same on test windows against all others, as in the paper",
)

_VALUE = (
    ("value", "number", "the metric; no unit"),
    ("low", "number", "lower end of its 95 % bootstrap interval over windows, for `mean` over seeds and windows"),
    ("high", "number", "upper end of that interval"),
)

_BOUNDS = (("low", "number", "lower end of its 95 % bootstrap interval over windows"), ("high", "number", "upper end"))

TABLES: dict[str, Table] = {
    "tasks_predictions": Table(
        "predictions/{model}/{setting}/{scheme}/{seed}.tasks.parquet",
        "Logits of all tasks on all validation and test windows; after these columns one column of logits (natural-log "
        "odds as trained) per task.",
        columns(
            ("window", "text", "name of the window in the file of the first task that has it"),
            SPLIT,
            ("own", "list", "tasks whose file has the window, joined by `,`"),
            ("positive", "list", "those of them that it was found to be modified for, joined by `,`"),
            ("base", "text", "RNA base in the middle"),
            ("seen", "flag", "whether a training split of any task has the same sequence"),
        ),
    ),
    "metrics": Table(
        "evaluation/metrics.tsv",
        "Metrics of every model, setting, scheme, task, seed and split, with 95 % bootstrap intervals and prevalence.",
        columns(
            *RUN[:-1],
            _AGAINST,
            _KIND,
            SPLIT,
            _METRIC,
            _CHOICE,
            ("threshold", "number", "windows at and above this logit are called; empty for means"),
            *_VALUE,
            (
                "chance",
                "fraction",
                "AUROC or AUPRC of a random order; against `all` that of the base in the middle alone",
            ),
            *COUNTS,
            PREVALENCE,
        ),
    ),
    "paired": Table(
        "evaluation/paired.tsv",
        "Differences between models on the same test windows and resamples, for each task and the mean over tasks, "
        "every pair once.",
        columns(
            *pair(SCHEME),
            ("task", "text", "a task, or `mean` over those that both models know"),
            *TASK[1:],
            _AGAINST,
            _TWO_KINDS,
            SPLIT,
            ("metric", "text", "`auroc` or `auprc`"),
            *DIFFERENCE,
            *COUNTS,
        ),
    ),
    "summary": Table(
        "evaluation/summary.tsv",
        "Mean and median over tasks of every metric, mean rank among models, and how the networks differ.",
        columns(
            *MODEL,
            SCHEME,
            _AGAINST,
            _KIND,
            _METRIC,
            _CHOICE,
            ("tasks", "count", "tasks that the model knows"),
            ("mean", "number", "mean of the metric over tasks"),
            ("mean_low", "number", "lower end of its 95 % bootstrap interval"),
            ("mean_high", "number", "upper end"),
            ("median", "number", "median over tasks"),
            ("median_low", "number", "lower end of its 95 % bootstrap interval"),
            ("median_high", "number", "upper end"),
            ("rank", "number", "mean over tasks of the rank among models that know all of them, 1 the highest value"),
            ("first", "count", "tasks on which no model is better"),
            ("network", "text", "kind of network, empty for a baseline or a stack"),
            ("width", "count", "nucleotides that the network reads"),
            ("embedding", "text", "how it reads them"),
            ("objective", "text", "what its training minimises"),
            ("otherwise", "text", "all else that the configuration says of the network, JSON"),
        ),
    ),
    "noise": Table(
        "evaluation/noise.tsv",
        "How many pairs of models differ by more than the number of test windows can tell.",
        columns(
            SCHEME,
            ("task", "text", "a task, or `mean` over tasks"),
            *TASK[1:],
            _AGAINST,
            _TWO_KINDS,
            ("metric", "text", "`auroc` or `auprc`"),
            *COUNTS,
            ("standard_error", "number", "median over models of the standard error of the metric; empty for `mean`"),
            ("pairs", "count", "pairs of models"),
            ("differ", "count", "those whose interval of the difference leaves out zero; 5 % by chance alone"),
            ("neighbours", "count", "pairs next to each other in rank"),
            ("neighbours_differ", "count", "those of them that differ"),
        ),
    ),
    "curves": Table(
        "evaluation/curves.tsv",
        "ROC and precision-recall curves of the ensembles on the test split, at most 200 points each.",
        columns(
            *RUN[:-1],
            _AGAINST,
            _ENSEMBLE,
            ("curve", "text", "`roc` or `pr`"),
            ("x", "fraction", "`roc`: fraction of others called (1 − specificity); `pr`: recall"),
            (
                "y",
                "fraction",
                "`roc`: fraction of sites called (sensitivity); `pr`: precision at the windows' own prevalence",
            ),
        ),
    ),
    "calibration": Table(
        "evaluation/calibration.tsv",
        "Constants that turn logits into probabilities, and calibration errors on the test split before and after.",
        columns(
            *RUN[:-1],
            ("seed", "text", "seed of the training: a number or `ensemble`"),
            SPLIT,
            ("prevalence", "fraction", "fraction of sites that the probability is for"),
            ("slope", "number", "factor on the prior-corrected logit"),
            ("intercept", "number", "added after that, natural-log odds"),
            (
                "method",
                "text",
                "`platt` (slope and intercept fitted), `prior` (prior undone only), `flat` (no ranking)",
            ),
            ("n_positive", "count", "sites of the validation split that were fitted on"),
            ("n_negative", "count", "other windows of the validation split"),
            ("fitted_on", "text", "which windows the constants come from"),
            ("ece_raw", "fraction", "expected calibration error of the network's own output, trained at 1:1"),
            ("ece_prior", "fraction", "the same with the prior undone"),
            ("ece", "fraction", "the same, calibrated"),
            ("ece_noise", "fraction", "what a perfectly calibrated model would show on as many windows"),
            ("brier_raw", "fraction", "mean squared error of the network's own output"),
            ("brier", "fraction", "the same, calibrated"),
        ),
    ),
    "reliability": Table(
        "evaluation/reliability.tsv",
        "Reliability: observed fraction of sites by bins of calibrated probability on the test split.",
        columns(
            *RUN[:-1],
            ("seed", "text", "seed of the training: a number or `ensemble`"),
            SPLIT,
            ("bin", "count", "number of the bin; bins hold equally many windows"),
            ("from", "fraction", "lowest probability in the bin"),
            ("to", "fraction", "highest probability in the bin"),
            ("predicted", "fraction", "mean probability in the bin"),
            ("observed", "fraction", "fraction of sites among its windows"),
            ("low", "fraction", "lower end of the 95 % Wilson interval of that fraction"),
            ("high", "fraction", "upper end"),
            ("n", "count", "windows in the bin"),
            ("n_positive", "count", "sites among them"),
        ),
    ),
    "thresholds": Table(
        "evaluation/thresholds.tsv",
        "Thresholds chosen on the validation split to reach a precision, and what they bring on the test split.",
        columns(
            *RUN[:-1],
            ("seed", "text", "seed of the training: a number or `ensemble`"),
            SPLIT,
            ("target_precision", "fraction", "precision asked for"),
            ("prevalence", "fraction", "fraction of sites that precisions are for"),
            ("logit", "number", "call sites at and above this logit (natural-log odds, trained at 1:1)"),
            ("probability", "fraction", "the same threshold as a calibrated probability"),
            ("precision_valid", "fraction", "precision on the validation split"),
            ("recall_valid", "fraction", "recall on the validation split"),
            ("precision", "fraction", "precision on the test split, at `prevalence`"),
            ("precision_low", "fraction", "lower end of its 95 % Wilson interval"),
            ("precision_high", "fraction", "upper end"),
            ("recall", "fraction", "recall on the test split"),
            ("recall_low", "fraction", "lower end of its 95 % Wilson interval"),
            ("recall_high", "fraction", "upper end"),
            ("called", "count", "test windows called"),
            *COUNTS,
            ("note", "text", "empty, or why there is no threshold or no trust in it"),
        ),
    ),
    "similarity": Table(
        "evaluation/similarity.tsv",
        "AUROC and AUPRC of test windows by the identity of their nearest training window.",
        columns(
            *RUN[:-1],
            _TWO_KINDS,
            SPLIT,
            ("metric", "text", "`auroc`, `auprc`, `auprc_1to1` (windows weighted to that ratio)"),
            *_VALUE,
            *COUNTS,
            PREVALENCE,
            ("identity_from", "fraction", "lower edge of the bin of identity, belongs to it"),
            ("identity_to", "fraction", "upper edge"),
        ),
    ),
    "external": Table(
        "evaluation/external.tsv",
        "The released model on test sets from elsewhere.",
        columns(
            ("name", "text", "name of the set in the configuration"),
            ("task", "text", "task that the model was asked for"),
            *TASK[1:],
            ("width", "count", "width of the set's windows, nt"),
            ("metric", "text", "as in the table of metrics"),
            ("value", "number", "the metric; no unit"),
            ("low", "number", "lower end of its 95 % bootstrap interval over windows"),
            ("high", "number", "upper end"),
            *COUNTS,
            PREVALENCE,
            ("removed_seen_in_training", "count", "windows removed because training has the same sequence"),
            (
                "removed_within_training",
                "count",
                "windows removed because they lie inside one of training, or one inside them",
            ),
            ("removed_both_labels", "count", "windows removed because the set has the sequence with both labels"),
        ),
    ),
    "multilabel": Table(
        "evaluation/multilabel.tsv",
        "Precision, recall, F1 and Hamming loss over all test windows and tasks, of ensembles.",
        columns(
            *MODEL,
            SCHEME,
            _ENSEMBLE,
            ("choice", "text", "threshold of calls: `validation` or `published`, as in the table of metrics"),
            ("called", "text", "`any`: every task may be called at every base; `fitting`: only where its base is"),
            ("average", "text", "`micro`: over all labels; `macro`: mean over tasks"),
            ("metric", "text", "`precision`, `recall`, `f1`, `hamming` (fraction of wrong labels)"),
            ("value", "number", "the metric; no unit"),
            *_BOUNDS,
            ("tasks", "count", "tasks"),
            ("windows", "count", "test windows, without those that a training split has under another task"),
            ("labels", "count", "labels of modified among windows times tasks"),
        ),
    ),
    "imbalance": Table(
        "evaluation/imbalance.tsv",
        "Average precision and calls when there are as many negatives per site as in the whole data set.",
        columns(
            *RUN[:-1],
            _ENSEMBLE,
            _AGAINST,
            (
                "method",
                "text",
                "`weighted`: negatives get weight, windows are bootstrapped; `resampled`: as in the paper, negatives "
                "are drawn with replacement up to the ratio, which hides how few they are",
            ),
            ("metric", "text", "`auprc`; `precision`, `recall` at the validation threshold"),
            ("value", "number", "the metric; for `resampled` its mean over resamples"),
            ("low", "number", "lower end of the interval that holds 95 % of resamples"),
            ("high", "number", "upper end"),
            ("ratio", "number", "negatives per site: windows of all tasks less the task's sites, over the latter"),
            ("prevalence", "fraction", "1 / (1 + ratio), the average precision of a random order"),
            *COUNTS,
            ("resamples", "count", "number of resamples"),
        ),
    ),
    "sources_apart": Table(
        "evaluation/sources.tsv",
        "Whether unmodified windows of two tasks with the same base can be told apart, cross-validated.",
        columns(
            ("task_a", "text", "first task"),
            ("task_b", "text", "second task"),
            ("base", "text", "RNA base in the middle of both"),
            (
                "auroc",
                "fraction",
                "AUROC of telling the two sets apart; 0.5 where they are alike; empty with few windows",
            ),
            ("low", "number", "lower end of its 95 % interval: bootstrap of windows, widened for cross-validation"),
            ("high", "number", "upper end"),
            ("n_a", "count", "unmodified windows of the first set that were used"),
            ("n_b", "count", "of the second"),
            ("shared", "count", "sequences that both sets have, left out"),
            ("folds", "count", "folds of the cross-validation; windows of one gene share a fold"),
        ),
    ),
    "modes": Table(
        "evaluation/modes.tsv",
        "The released model in exact mode and its student in fast mode on the same windows.",
        columns(
            *TASK,
            ("exact", "fraction", "AUCb of the model"),
            ("fast", "fraction", "AUCb of the student"),
            ("difference", "number", "fast minus exact"),
            *_BOUNDS,
            ("p", "fraction", "two-sided p-value from the resamples"),
            ("agreement", "number", "rank correlation (Spearman) of the two logits"),
            *COUNTS,
        ),
    ),
}
