"""How well species' sites are found, by which model, and how far that can be trusted."""

from __future__ import annotations

from ..columns import Table, columns
from ..design import Design
from ..entry import FigureEntry
from .shared import COUNTS, DIFFERENCE, PART, PREVALENCE, RUN, SPLIT, pair

_METRIC = (
    *RUN,
    PART,
    (
        "metric",
        "text",
        "`auroc`, `auprc` (at the windows' own prevalence), `auprc_ratio` (over prevalence), `auprc_1to1`, "
        "`auprc_1to10` (windows weighted to that ratio), `sensitivity`, `specificity`, `precision`, `accuracy`, `mcc` "
        "(logit above 0), `brier`, `log_loss`, `ece`, `ece_noise` (calibrated probability)",
    ),
    ("value", "number", "the metric; no unit"),
    ("low", "number", "lower end of its 95 % bootstrap interval over windows, for `mean` over seeds and windows"),
    ("high", "number", "upper end of that interval"),
    *COUNTS,
    PREVALENCE,
)


def _trains(design: Design) -> bool:
    return design.recommended is not None


def _about_species(design: Design) -> bool:
    return design.heads_are == "species"


def _has_ladder(design: Design) -> bool:
    return _about_species(design) and len(design.ladder()) > 1


def _has_several(design: Design) -> bool:
    return _about_species(design) and len(design.on(design.split)) > 1


def _has_rivals(design: Design) -> bool:
    return _trains(design) and len(design.on(design.split)) > 1


def _both_splits(design: Design) -> bool:
    return any(len(series.splits) > 1 for series in design.series)


TABLES: dict[str, Table] = {
    "metrics": Table(
        "evaluation/metrics.tsv",
        "Metrics of every model, setting, split, species, seed and part, with 95 % bootstrap intervals and prevalence.",
        columns(*_METRIC),
    ),
    "paired": Table(
        "evaluation/paired.tsv",
        "Differences between models on the same test windows and resamples, every pair once.",
        columns(
            *pair(SPLIT),
            ("species", "text", "species whose windows are measured"),
            ("seed", "text", "`mean` (of the metric over seeds) or `ensemble` (of the mean logit)"),
            PART,
            ("metric", "text", "`auroc` or `auprc`"),
            *DIFFERENCE,
            *COUNTS,
        ),
    ),
    "curves": Table(
        "evaluation/curves.tsv",
        "ROC and precision-recall curves of the ensembles on the test part, at most 200 points each.",
        columns(
            *RUN[:4],
            ("seed", "text", "`ensemble` throughout"),
            ("curve", "text", "`roc` or `pr`"),
            ("x", "share", "`roc`: share of others called (1 − specificity); `pr`: recall"),
            (
                "y",
                "share",
                "`roc`: share of sites called (sensitivity); `pr`: precision at the windows' own prevalence",
            ),
        ),
    ),
    "calibration": Table(
        "evaluation/calibration.tsv",
        "Constants that turn logits into probabilities, and calibration errors on the test part before and after.",
        columns(
            *RUN[:4],
            ("seed", "text", "seed of the training: a number or `ensemble`"),
            PART,
            ("prevalence", "share", "share of sites that the probability is for"),
            ("slope", "number", "factor on the prior-corrected logit"),
            ("intercept", "number", "added after that, natural-log odds"),
            (
                "method",
                "text",
                "`platt` (slope and intercept fitted), `prior` (prior undone only), `flat` (no ranking)",
            ),
            ("n_positive", "count", "sites of the validation part that were fitted on"),
            ("n_negative", "count", "other windows of the validation part"),
            ("fitted_on", "text", "which windows the constants come from"),
            ("ece_raw", "share", "expected calibration error of the network's own output, trained at 1:1"),
            ("ece_prior", "share", "the same with the prior undone"),
            ("ece", "share", "the same, calibrated"),
            ("ece_noise", "share", "what a perfectly calibrated model would show on as many windows"),
            ("brier_raw", "share", "mean squared error of the network's own output"),
            ("brier", "share", "the same, calibrated"),
        ),
    ),
    "reliability": Table(
        "evaluation/reliability.tsv",
        "Reliability: observed share of sites by bins of calibrated probability on the test part.",
        columns(
            *RUN[:4],
            ("seed", "text", "seed of the training: a number or `ensemble`"),
            PART,
            ("bin", "count", "number of the bin; bins hold equally many windows"),
            ("from", "share", "lowest probability in the bin"),
            ("to", "share", "highest probability in the bin"),
            ("predicted", "share", "mean probability in the bin"),
            ("observed", "share", "share of sites among its windows"),
            ("low", "share", "lower end of the 95 % Wilson interval of that share"),
            ("high", "share", "upper end"),
            ("n", "count", "windows in the bin"),
            ("n_positive", "count", "sites among them"),
        ),
    ),
    "thresholds": Table(
        "evaluation/thresholds.tsv",
        "Thresholds chosen on the validation part to reach a precision, and what they bring on the test part.",
        columns(
            *RUN[:4],
            ("seed", "text", "seed of the training: a number or `ensemble`"),
            PART,
            ("target_precision", "share", "precision asked for"),
            ("prevalence", "share", "share of sites that precisions are for"),
            ("logit", "number", "call sites at and above this logit (natural-log odds, trained at 1:1)"),
            ("probability", "share", "the same threshold as a calibrated probability"),
            ("precision_valid", "share", "precision on the validation part"),
            ("recall_valid", "share", "recall on the validation part"),
            ("precision", "share", "precision on the test part, at `prevalence`"),
            ("precision_low", "share", "lower end of its 95 % Wilson interval"),
            ("precision_high", "share", "upper end"),
            ("recall", "share", "recall on the test part"),
            ("recall_low", "share", "lower end of its 95 % Wilson interval"),
            ("recall_high", "share", "upper end"),
            ("called", "count", "test windows called"),
            *COUNTS,
            ("note", "text", "empty, or why there is no threshold or no trust in it"),
        ),
    ),
    "similarity": Table(
        "evaluation/similarity.tsv",
        "AUROC and AUPRC of test windows by the identity of their nearest training window.",
        columns(
            *_METRIC,
            ("identity_from", "share", "lower edge of the bin of identity, belongs to it"),
            ("identity_to", "share", "upper edge"),
        ),
    ),
    "external": Table(
        "evaluation/external.tsv",
        "The released model on test sets from elsewhere.",
        columns(
            ("name", "text", "name of the set in the configuration"),
            ("head", "text", "species head that scored it"),
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
}

FIGURES: tuple[FigureEntry, ...] = (
    FigureEntry(
        "figure_2ab",
        "Figure 2",
        "Models trained on one species",
        "metrics",
        "AUPRC and AUROC of models of one species on two species, with 95 % intervals.",
        ("metrics",),
        "comparisons:models",
        lambda design: _about_species(design) and len(design.single()) > 1,
    ),
    FigureEntry(
        "figure_2cd",
        "Figure 2",
        "One species or many",
        "metrics",
        "AUPRC by the number of species trained together, on the root species and its nearest relative.",
        ("metrics",),
        "comparisons:settings",
        _has_ladder,
    ),
    FigureEntry(
        "differences",
        "Differences",
        "The recommended model against the others, paired",
        "metrics",
        "Differences in AUPRC and AUROC on the same windows, with 95 % intervals.",
        ("paired", "metrics"),
        "comparisons:differences",
        _has_rivals,
    ),
    FigureEntry(
        "roc_curves",
        "Figure S1",
        "ROC curves",
        "metrics",
        "ROC curves of the main models, one panel per species.",
        ("curves", "metrics"),
        "curves:curves",
        _about_species,
        options={"curve": "roc"},
    ),
    FigureEntry(
        "pr_curves",
        "Figure S1",
        "Precision-recall curves",
        "metrics",
        "Precision-recall curves of the main models, one panel per species.",
        ("curves", "metrics"),
        "curves:curves",
        _about_species,
        options={"curve": "pr"},
    ),
    FigureEntry(
        "auroc_all",
        "Figure S2",
        "AUROC of all models on all species",
        "metrics",
        "AUROC of every model and setting on every species.",
        ("metrics",),
        "comparisons:heat_map",
        _has_several,
        {"metric": "auroc"},
    ),
    FigureEntry(
        "auprc_all",
        "Figure S3",
        "AUPRC of all models on all species",
        "metrics",
        "AUPRC of every model and setting on every species.",
        ("metrics",),
        "comparisons:heat_map",
        _has_several,
        {"metric": "auprc"},
    ),
    FigureEntry(
        "both_splits",
        "Splits",
        "Paper split against guarded split",
        "metrics",
        "AUPRC and AUROC of the same models on the paper split and on the guarded split.",
        ("metrics",),
        "splits:both_splits",
        _both_splits,
    ),
    FigureEntry(
        "reliability",
        "Calibration",
        "Reliability of the probabilities",
        "calibration",
        "Observed share of sites against calibrated probability, one panel per species.",
        ("reliability", "calibration"),
        "calibration:reliability",
        _trains,
    ),
    FigureEntry(
        "thresholds",
        "Thresholds",
        "Thresholds at a stated precision",
        "thresholds",
        "Precision kept and recall reached on the test part by thresholds chosen on the validation part.",
        ("thresholds",),
        "calibration:thresholds",
        _trains,
    ),
    FigureEntry(
        "similarity",
        "Similarity",
        "Performance by similarity to training",
        "similarity",
        "AUPRC at 1:1 by identity of the nearest training window, one panel per species.",
        ("similarity", "metrics"),
        "splits:similarity",
        lambda design: bool(design.series),
    ),
    FigureEntry(
        "external",
        "External",
        "Test sets from elsewhere",
        "external",
        "AUPRC and AUROC of the released model on further test sets.",
        ("external",),
        "comparisons:external",
        lambda design: design.external and design.released,
    ),
)
