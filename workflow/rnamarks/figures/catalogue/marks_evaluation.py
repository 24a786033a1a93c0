"""How well each of several modifications is found, by which model, and what the numbers rest on."""

from __future__ import annotations

from ..columns import Table, columns
from ..design import Design
from ..entry import FigureEntry
from .shared import DIFFERENCE, pair

_MODEL = (
    ("model", "text", "name of the network, stack or baseline in the configuration"),
    ("setting", "text", "marks trained together: `single` for one at a time, else a name in the configuration"),
)
_SPLIT = ("split", "text", "`paper` or `guarded`")
_MARK = ("modification", "text", "MODOMICS short name of the mark")
_SEED = ("seed", "text", "seed of the training: a number, `mean` (over seeds) or `ensemble` (of the mean logit)")
_METRIC = (
    "metric",
    "text",
    "`auc_b`, `ap_b`: AUROC (AUCb) and average precision of the mark's sites against its own negatives; `auc_m`, "
    "`ap_m`: against every other test window (AUCm); `sensitivity`, `specificity`, `accuracy`, `mcc` of calls on own "
    "windows",
)
_CHOICE = (
    "choice",
    "text",
    "where the threshold of largest √(sensitivity · specificity) comes from: `validation` (own validation windows) or "
    "`published` (as in the paper: test windows, against all others); empty where there is no threshold",
)
_COUNTS = (
    ("n_positive", "count", "sites measured, windows"),
    ("n_negative", "count", "other windows measured"),
)
_AGAINST = ("against", "text", "`own`: the mark's own negatives; `all`: every other test window")
_BOUNDS = (
    ("low", "number", "lower end of its 95 % interval, from resamples of windows within mark and label"),
    ("high", "number", "upper end"),
)

TABLES: dict[str, Table] = {
    "marks_heads": Table(
        "heads/{model}/{setting}/{split}/{seed}.parquet",
        "What every head says of every validation and test window; after these columns one column of logits "
        "(natural-log odds as trained) per mark.",
        columns(
            ("window", "text", "name of the window in the file of the first mark that has it"),
            ("part", "text", "`valid` or `test`"),
            ("own", "list", "marks whose file has the window, joined by `,`"),
            ("positive", "list", "those of them that it was found to have, joined by `,`"),
            ("base", "text", "RNA base in the centre"),
            ("seen", "flag", "whether a training part of any mark has the same sequence"),
        ),
    ),
    "marks_metrics": Table(
        "evaluation/marks.metrics.tsv",
        "AUCb and AUCm of every model and mark, and its calls at a threshold, with 95 % bootstrap intervals.",
        columns(
            *_MODEL,
            _SPLIT,
            _MARK,
            _SEED,
            _METRIC,
            _CHOICE,
            ("threshold", "number", "windows at and above this logit are called; empty for means"),
            ("value", "number", "the metric; no unit"),
            *_BOUNDS,
            (
                "chance",
                "share",
                "what a random order gives; for `auc_m`, `ap_m` what the base in the centre alone gives",
            ),
            *_COUNTS,
            ("prevalence", "share", "sites among the windows measured"),
        ),
    ),
    "marks_summary": Table(
        "evaluation/marks.summary.tsv",
        "Mean and median over marks of every metric, mean rank among models, and how the networks differ.",
        columns(
            *_MODEL,
            _SPLIT,
            _SEED,
            _METRIC,
            _CHOICE,
            ("marks", "count", "marks that the model knows"),
            ("mean", "number", "mean of the metric over marks"),
            ("mean_low", "number", "lower end of its 95 % bootstrap interval"),
            ("mean_high", "number", "upper end"),
            ("median", "number", "median over marks"),
            ("median_low", "number", "lower end of its 95 % bootstrap interval"),
            ("median_high", "number", "upper end"),
            ("rank", "number", "mean over marks of the rank among models that know all of them, 1 the highest value"),
            ("first", "count", "marks on which no model is better"),
            ("network", "text", "kind of network, empty for a baseline or a stack"),
            ("width", "count", "nucleotides that the network reads"),
            ("embedding", "text", "how it reads them"),
            ("objective", "text", "what its training minimises"),
            ("otherwise", "text", "all else that the configuration says of the network, JSON"),
        ),
    ),
    "marks_paired": Table(
        "evaluation/marks.paired.tsv",
        "Differences between models on the same resamples, for each mark and the mean over marks, every pair once.",
        columns(
            *pair(_SPLIT),
            ("seed", "text", "`mean` (of the metric over seeds) or `ensemble` (of the mean logit)"),
            ("metric", "text", "`auc_b` or `auc_m`"),
            ("modification", "text", "a mark, or `mean` over the marks that both models know"),
            *DIFFERENCE,
        ),
    ),
    "marks_noise": Table(
        "evaluation/marks.noise.tsv",
        "How many pairs of models differ by more than the number of test windows can tell.",
        columns(
            _SPLIT,
            ("seed", "text", "`mean` or `ensemble`"),
            ("metric", "text", "`auc_b` or `auc_m`"),
            ("modification", "text", "a mark, or `mean` over marks"),
            *_COUNTS,
            ("standard_error", "number", "median over models of the standard error of the metric; empty for `mean`"),
            ("pairs", "count", "pairs of models"),
            ("differ", "count", "those whose interval of the difference leaves out zero; 5 % by chance alone"),
            ("neighbours", "count", "pairs next to each other in rank"),
            ("neighbours_differ", "count", "those of them that differ"),
        ),
    ),
    "marks_multilabel": Table(
        "evaluation/marks.multilabel.tsv",
        "Precision, recall, F1 and Hamming loss over all test windows and marks, of ensembles.",
        columns(
            *_MODEL,
            _SPLIT,
            ("seed", "text", "`ensemble` throughout"),
            _CHOICE,
            ("called", "text", "`any`: every mark may be called at every base; `fitting`: only where its base is"),
            ("average", "text", "`micro`: over all labels; `macro`: mean over marks"),
            ("metric", "text", "`precision`, `recall`, `f1`, `hamming` (share of wrong labels)"),
            ("value", "number", "the metric; no unit"),
            *_BOUNDS,
            ("marks", "count", "marks"),
            ("windows", "count", "test windows, without those that a training part has under another mark"),
            ("labels", "count", "labels of modified among windows times marks"),
        ),
    ),
    "marks_curves": Table(
        "evaluation/marks.curves.tsv",
        "ROC and precision-recall curves of the ensembles for each mark, at most 200 points each.",
        columns(
            *_MODEL,
            _SPLIT,
            _MARK,
            ("seed", "text", "`ensemble` throughout"),
            _AGAINST,
            ("curve", "text", "`roc` or `pr`"),
            ("x", "share", "`roc`: share of others called; `pr`: recall"),
            ("y", "share", "`roc`: share of sites called; `pr`: precision at the windows' own prevalence"),
        ),
    ),
    "marks_imbalance": Table(
        "evaluation/marks.imbalance.tsv",
        "Average precision and calls when there are as many negatives per site as in the whole data set.",
        columns(
            *_MODEL,
            _SPLIT,
            _MARK,
            ("seed", "text", "`ensemble` throughout"),
            _AGAINST,
            (
                "method",
                "text",
                "`weighted`: negatives get weight, windows are bootstrapped; `resampled`: as in the paper, negatives "
                "are drawn with replacement up to the ratio, which hides how few they are",
            ),
            ("metric", "text", "`ap` (average precision), `precision`, `recall` at the validation threshold"),
            ("value", "number", "the metric; for `resampled` its mean over resamples"),
            ("low", "number", "lower end of the interval that holds 95 % of resamples"),
            ("high", "number", "upper end"),
            ("ratio", "number", "negatives per site: windows of all marks less the mark's sites, over the latter"),
            ("prevalence", "share", "1 / (1 + ratio), the average precision of a random order"),
            *_COUNTS,
            ("resamples", "count", "number of resamples"),
        ),
    ),
    "marks_sources": Table(
        "evaluation/marks.sources.tsv",
        "Whether unmodified windows of two marks with the same base can be told apart, cross-validated.",
        columns(
            ("modification_a", "text", "first mark"),
            ("modification_b", "text", "second mark"),
            ("base", "text", "RNA base in the centre of both"),
            ("auroc", "share", "AUROC of telling the two sets apart; 0.5 where they are alike; empty with few windows"),
            ("low", "number", "lower end of its 95 % interval: bootstrap of windows, widened for cross-validation"),
            ("high", "number", "upper end"),
            ("n_a", "count", "unmodified windows of the first set that were used"),
            ("n_b", "count", "of the second"),
            ("shared", "count", "sequences that both sets have, left out"),
            ("folds", "count", "folds of the cross-validation; windows of one gene share a fold"),
        ),
    ),
    "marks_modes": Table(
        "evaluation/marks.modes.tsv",
        "The released model in exact mode and its student in fast mode on the same windows.",
        columns(
            ("modification", "text", "a mark, or `mean` over marks"),
            ("exact", "share", "AUCb of the model"),
            ("fast", "share", "AUCb of the student"),
            ("difference", "number", "fast minus exact"),
            ("low", "number", "lower end of its 95 % interval from the paired bootstrap"),
            ("high", "number", "upper end"),
            ("p", "share", "two-sided p-value from the resamples"),
            ("agreement", "number", "rank correlation (Spearman) of the two logits"),
            *_COUNTS,
        ),
    ),
}

_SECTION = "marks"
_SCORES = ("marks_metrics", "marks_summary")


def _has_marks(design: Design) -> bool:
    return design.heads_are == "modification"


def _has_rivals(design: Design) -> bool:
    return _has_marks(design) and len(design.on(design.split)) > 1


def _has_student(design: Design) -> bool:
    return _has_marks(design) and "student" in design.varied


def _varies(what: str):
    return lambda design: _has_marks(design) and what in design.varied


FIGURES: tuple[FigureEntry, ...] = (
    FigureEntry(
        "marks_auc",
        "AUCb, AUCm",
        "AUCb and AUCm of every model and mark",
        _SECTION,
        "AUROC of each mark's sites against its own negatives and against every other test window.",
        _SCORES,
        "marks_evaluation:auc",
        _has_marks,
    ),
    FigureEntry(
        "marks_models",
        "Table 3",
        "AUCb of every model",
        _SECTION,
        "AUCb of every model on every mark, with mean, median and mean rank.",
        _SCORES,
        "marks_evaluation:models_table",
        _has_marks,
    ),
    FigureEntry(
        "marks_differences",
        "Differences",
        "The recommended model against the others, mean over marks",
        _SECTION,
        "Differences in mean AUCb and AUCm on the same resamples, with 95 % intervals.",
        ("marks_paired", "marks_noise"),
        "marks_comparison:mean_differences",
        _has_rivals,
    ),
    FigureEntry(
        "marks_calls",
        "Table 4",
        "Calls of the recommended model",
        _SECTION,
        "Sensitivity, specificity, accuracy, MCC, AUCb and AUCm of each mark.",
        _SCORES,
        "marks_evaluation:thresholds_table",
        _has_marks,
    ),
    FigureEntry(
        "marks_widths",
        "Table 1",
        "Input length",
        _SECTION,
        "AUCb by the number of nucleotides that the network reads.",
        (*_SCORES, "marks_paired"),
        "marks_comparison:varied",
        _varies("width"),
        {"by": "width"},
    ),
    FigureEntry(
        "marks_embeddings",
        "Embeddings",
        "Embedding of the sequence",
        _SECTION,
        "AUCb by the embedding of the sequence.",
        (*_SCORES, "marks_paired"),
        "marks_comparison:varied",
        _varies("embedding"),
        {"by": "embedding"},
    ),
    FigureEntry(
        "marks_objectives",
        "Table 2",
        "Training objective",
        _SECTION,
        "AUCb by what the training minimises.",
        (*_SCORES, "marks_paired"),
        "marks_comparison:varied",
        _varies("objective"),
        {"by": "objective"},
    ),
    FigureEntry(
        "marks_pr",
        "Figure S1",
        "Precision-recall curves of every mark",
        _SECTION,
        "Precision-recall curves against own negatives and against every other window.",
        ("marks_curves", "marks_metrics"),
        "marks_evaluation:curves",
        _has_marks,
        {"curve": "pr"},
    ),
    FigureEntry(
        "marks_roc",
        "Figure S2",
        "ROC curves of every mark",
        _SECTION,
        "ROC curves against own negatives and against every other window.",
        ("marks_curves", "marks_metrics"),
        "marks_evaluation:curves",
        _has_marks,
        {"curve": "roc"},
    ),
    FigureEntry(
        "marks_multilabel",
        "Table S3",
        "All marks at once",
        _SECTION,
        "Multi-label precision, recall, F1 and Hamming loss of every model.",
        ("marks_multilabel",),
        "marks_comparison:multilabel",
        _has_marks,
    ),
    FigureEntry(
        "marks_imbalance",
        "Figure S5",
        "Natural imbalance",
        _SECTION,
        "Precision at the rarity that the marks have in the data set.",
        ("marks_imbalance", "marks_metrics"),
        "marks_evaluation:imbalance",
        _has_marks,
    ),
    FigureEntry(
        "marks_sources",
        "Sources",
        "Telling the sources apart",
        _SECTION,
        "AUROC of telling from an unmodified window which mark's set it came from.",
        ("marks_sources",),
        "marks_comparison:sources",
        _has_marks,
    ),
    FigureEntry(
        "marks_modes",
        "Modes",
        "Exact against fast",
        _SECTION,
        "AUCb of the released model in exact and in fast mode.",
        ("marks_modes",),
        "marks_comparison:modes",
        _has_student,
    ),
)
