"""Columns that tables of several stages have."""

from __future__ import annotations

MODEL = (
    ("model", "text", "name of the network, stack or baseline in the configuration"),
    ("setting", "text", "tasks trained together: `single` for one at a time, else a name in the configuration"),
)
SCHEME = (
    "scheme",
    "text",
    "`paper` (random, similar test windows removed) or `guarded` (genes and orthologues together)",
)
SPLIT = ("split", "text", "`valid` or `test`")
TASK = (
    ("task", "text", "task: one modification in one species"),
    ("species", "text", "species of the task, empty if not known"),
    ("modification", "text", "modification of the task, MODOMICS short name"),
)
PREDICTOR = ("predictor", "text", "name of the model in the configuration")
WHO = (PREDICTOR, *TASK)
SEED_KINDS = "a number, `mean` (over seeds) or `ensemble` (of the mean logit)"
RUN = (*MODEL, SCHEME, *TASK, ("seed", "text", f"seed of the training: {SEED_KINDS}"))
COUNTS = (
    ("n_positive", "count", "modified sites measured, windows"),
    ("n_negative", "count", "other windows measured"),
)
PREVALENCE = ("prevalence", "fraction", "modified sites among the windows measured; the AUPRC of a random order")


DIFFERENCE = (
    ("value_a", "number", "metric of the first model"),
    ("value_b", "number", "metric of the second model"),
    ("difference", "number", "first minus second"),
    ("low", "number", "lower end of its 95 % interval from the paired bootstrap"),
    ("high", "number", "upper end of that interval"),
    ("p", "fraction", "two-sided p-value from the resamples"),
)


def pair(scheme: tuple[str, str, str]) -> tuple[tuple[str, str, str], ...]:
    """The two models of a difference, and the scheme."""
    return (
        ("model_a", "text", "first model"),
        ("setting_a", "text", "its setting"),
        ("model_b", "text", "second model"),
        ("setting_b", "text", "its setting"),
        scheme,
    )
