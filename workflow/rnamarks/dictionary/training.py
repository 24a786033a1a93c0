"""Trainings, and what comes out of them."""

from __future__ import annotations

from .columns import Table, columns
from .shared import MODEL, SCHEME, TASK

TABLES: dict[str, Table] = {
    "histories": Table(
        "training/histories.tsv",
        "Loss and validation metrics of every epoch of every training.",
        columns(
            *MODEL,
            SCHEME,
            ("seed", "text", "seed of the training"),
            ("epoch", "count", "epoch of training, from 1"),
            ("stage", "count", "stage of the curriculum, from 1"),
            *TASK,
            ("loss", "number", "mean training loss (cross-entropy, nats) of the task in the epoch"),
            ("auroc", "fraction", "AUROC on the task's validation split"),
            ("auprc", "fraction", "AUPRC on the task's validation split"),
            ("score", "fraction", "mean AUROC over the tasks of the stage; the best epoch is kept by it"),
            ("seconds", "number", "wall time of the epoch's training, s"),
            ("windows_per_second", "number", "training windows per second"),
        ),
    ),
    "line_search": Table(
        "training/line_search.tsv",
        "Hyperparameters tried one after the other by cross-validation; made on request.",
        columns(
            ("parameter", "text", "name, led by `hyperparameters.` or `training.`"),
            ("value", "text", "value tried, as JSON"),
            ("fold", "count", "fold of the cross-validation, from 1"),
            ("auroc", "fraction", "validation AUROC of the fold"),
            ("chosen", "flag", "whether the value has the best mean over folds"),
        ),
    ),
    "predictions": Table(
        "predictions/{model}/{setting}/{scheme}/{seed}.parquet",
        "Scores of the validation and test windows.",
        columns(
            ("window", "text", "name of the window"),
            TASK[0],
            ("split", "text", "`valid` or `test`"),
            ("label", "count", "1 modified site, 0 other"),
            ("logit", "number", "natural-log odds as trained, at one site per other"),
        ),
    ),
    "stack_weights": Table(
        "models/{model}/{setting}/{scheme}/weights.tsv",
        "Weights of a stack's members, fitted to the validation split; all seeds share them.",
        columns(
            TASK[0],
            ("member", "text", "name of the network or baseline"),
            ("weight", "number", "factor on the member's logit, at least 0; the stack's logit is the sum"),
        ),
    ),
}
