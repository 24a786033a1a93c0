"""What every column of every table means; source of ``docs/tables.md`` and of the report's data dictionary.

``python -m rnamarks.figures.dictionary`` prints the document.
"""

from __future__ import annotations

from .catalogue import STAGES
from .columns import KINDS, Column, Table, columns

__all__ = ["KINDS", "TABLES", "Column", "Table", "document"]

_MODEL = (
    ("model", "text", "name of the network, stack or baseline in the configuration"),
    ("setting", "text", "species trained together: `single` for one at a time, else a name in the configuration"),
)
_SPLIT = (
    "split",
    "text",
    "`paper` (random, similar test windows removed) or `guarded` (genes and orthologues together)",
)
_SPECIES = ("species", "text", "species whose windows are measured")
_PART = ("part", "text", "`valid` or `test`")
_SEED_KINDS = "a number, `mean` (over seeds) or `ensemble` (of the mean logit)"
_RUN = (*_MODEL, _SPLIT, _SPECIES, ("seed", "text", f"seed of the training: {_SEED_KINDS}"))
_COUNTS = (
    ("n_positive", "count", "modified sites measured, windows"),
    ("n_negative", "count", "other windows measured"),
)
_PREVALENCE = ("prevalence", "share", "modified sites among the windows measured; the AUPRC of a random order")
_METRIC = (
    *_RUN,
    _PART,
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
    *_COUNTS,
    _PREVALENCE,
)

_TABLES: dict[str, Table] = {
    "metrics": Table(
        "evaluation/metrics.tsv",
        "Metrics of every model, setting, split, species, seed and part, with 95 % bootstrap intervals and prevalence.",
        columns(*_METRIC),
    ),
    "paired": Table(
        "evaluation/paired.tsv",
        "Differences between models on the same test windows and resamples, every pair once.",
        columns(
            ("model_a", "text", "first model"),
            ("setting_a", "text", "its setting"),
            ("model_b", "text", "second model"),
            ("setting_b", "text", "its setting"),
            _SPLIT,
            _SPECIES,
            ("seed", "text", "`mean` (of the metric over seeds) or `ensemble` (of the mean logit)"),
            _PART,
            ("metric", "text", "`auroc` or `auprc`"),
            ("value_a", "number", "metric of the first model"),
            ("value_b", "number", "metric of the second model"),
            ("difference", "number", "first minus second"),
            ("low", "number", "lower end of its 95 % interval from the paired bootstrap"),
            ("high", "number", "upper end of that interval"),
            ("p", "share", "two-sided p-value from the resamples"),
            *_COUNTS,
        ),
    ),
    "curves": Table(
        "evaluation/curves.tsv",
        "ROC and precision-recall curves of the ensembles on the test part, at most 200 points each.",
        columns(
            *_RUN[:4],
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
            *_RUN[:4],
            ("seed", "text", "seed of the training: a number or `ensemble`"),
            _PART,
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
            *_RUN[:4],
            ("seed", "text", "seed of the training: a number or `ensemble`"),
            _PART,
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
            *_RUN[:4],
            ("seed", "text", "seed of the training: a number or `ensemble`"),
            _PART,
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
            *_COUNTS,
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
            *_COUNTS,
            _PREVALENCE,
            ("removed_seen_in_training", "count", "windows removed because training has the same sequence"),
            (
                "removed_within_training",
                "count",
                "windows removed because they lie inside one of training, or one inside them",
            ),
            ("removed_both_labels", "count", "windows removed because the set has the sequence with both labels"),
        ),
    ),
    "drops": Table(
        "evaluation/drops.tsv",
        "Every row of the input that was dropped, counted by reason.",
        columns(
            ("stage", "text", "step that dropped the rows"),
            ("species", "text", "species"),
            ("source", "text", "source or file the rows come from; for splits the name of the split"),
            ("reason", "text", "why; `kept` for rows that remain, `note: …` for odd rows that stay"),
            ("rows", "count", "number of rows"),
        ),
    ),
    "counts": Table(
        "datasets/counts.tsv",
        "Windows by split, species, part and label.",
        columns(
            _SPLIT,
            ("species", "text", "species"),
            ("part", "text", "`train`, `valid`, `test`, or empty for windows left out of the split"),
            ("label", "count", "1 modified site, 0 other"),
            ("windows", "count", "number of windows"),
        ),
    ),
    "leaks": Table(
        "datasets/leaks.tsv",
        "The leak meter: test windows that have a relative in the training part.",
        columns(
            _SPLIT,
            ("species", "text", "species of the test windows"),
            ("label", "text", "`all`, `1` modified sites, `0` others"),
            (
                "kind",
                "text",
                "`exact` same sequence, `similar` at least the configured identity on the same strand, each in `own` "
                "or `any` species; `gene_own` same gene; `orthogroup_own` another gene of the orthogroup in the same "
                "species; `orthogroup_other` in another species",
            ),
            ("n", "count", "test windows for which the question can be asked"),
            ("n_leaky", "count", "those that have such a relative in training"),
            ("share", "share", "`n_leaky` / `n`, empty where `n` is 0"),
        ),
    ),
    "histories": Table(
        "training/histories.tsv",
        "Loss and validation metrics of every round of every training.",
        columns(
            *_MODEL,
            _SPLIT,
            ("seed", "text", "seed of the training"),
            ("round", "count", "round of training, from 1"),
            ("stage", "count", "stage of the curriculum, from 1"),
            ("head", "text", "species"),
            ("loss", "number", "mean training loss (cross-entropy, nats) of the species in the round"),
            ("auroc", "share", "AUROC on the species' validation part"),
            ("auprc", "share", "AUPRC on the species' validation part"),
            ("score", "share", "mean AUROC over the species of the stage; the best round is kept by it"),
            ("seconds", "number", "wall time of the round's training, s"),
            ("windows_per_second", "number", "training windows per second"),
        ),
    ),
    "sources": Table(
        "sources.tsv",
        "Files that the run read, with their checksums and where these come from.",
        columns(
            ("species", "text", "species, `all` for files that serve all of them"),
            ("role", "text", "`genome`, `annotation`, `sites`, `veto`, `windows`, `orthologues` or `external`"),
            ("reference", "text", "as written in the configuration"),
            ("version", "text", "release or commit of a published file"),
            ("url", "text", "address of a published file"),
            ("sha256", "text", "checksum of the file"),
            (
                "checksum",
                "text",
                "`published` (stated by the publisher), `recorded now` (none is published; written down on first "
                "download, with the date), `measured` (a local or simulated file)",
            ),
            ("bytes", "count", "size of the file"),
            ("licence", "text", "licence of a published file"),
            ("citation", "text", "what to cite"),
        ),
    ),
    "figures": Table(
        "figures.tsv",
        "Every panel of every figure, the table that it is drawn from, and its caption; then every table.",
        columns(
            ("figure", "text", "number in the paper where it has one, else a name; `Table` for a table"),
            ("panel", "text", "letter of the panel, `all` for a figure of one piece; the table's name for a table"),
            ("file", "text", "path relative to the folder of `figures.tsv`"),
            ("table", "text", "path of the table that it is drawn from, relative to the same folder"),
            ("caption", "text", "axes, units, numbers of windows, test or interval"),
        ),
    ),
    "line_search": Table(
        "training/line_search.tsv",
        "Hyperparameters tried one after the other by cross-validation; made on request.",
        columns(
            ("parameter", "text", "name, led by `hyperparameters.` or `training.`"),
            ("value", "text", "value tried, as JSON"),
            ("fold", "count", "fold of the cross-validation, from 1"),
            ("auroc", "share", "validation AUROC of the fold"),
            ("chosen", "flag", "whether the value has the best mean over folds"),
        ),
    ),
    "sites": Table(
        "sites/{species}.sites.tsv.gz",
        "Modified sites of a species after merging its tables; the first line names the assembly.",
        columns(
            ("chrom", "text", "chromosome as the genome file has it"),
            ("start", "count", "position on the genome, 0-based"),
            ("end", "count", "start + 1, half-open"),
            ("strand", "text", "`+` or `-`"),
            ("modification", "text", "MODOMICS short name"),
            ("source", "text", "names of the tables that have the site, joined by `,`"),
            ("support", "count", "number of experiments, at least 1"),
        ),
    ),
    "splits": Table(
        "datasets/{species}.split.parquet",
        "Windows of a species with their part in both splits.",
        columns(
            ("window", "text", "name, unique in the file"),
            ("species", "text", "species"),
            ("sequence", "text", "RNA, 5' to 3', N where the transcript ends"),
            ("label", "count", "1 modified site, 0 other"),
            ("chrom", "text", "chromosome, empty if not known"),
            ("start", "count", "position of the site on the genome, 0-based; -1 if not known"),
            ("strand", "text", "`+`, `-` or empty"),
            ("transcript", "text", "transcript, empty if not known"),
            ("gene", "text", "gene, empty if not known"),
            ("position", "count", "position of the site on the transcript, 0-based; -1 if not known"),
            ("region", "text", "`utr5`, `cds`, `utr3`, `noncoding` or `unknown`"),
            ("orthogroup", "text", "group of orthologues, empty if not known"),
            ("support", "count", "number of experiments"),
            ("given", "text", "part in the data as they came, empty if they came unsplit"),
            ("paper", "text", "part in the paper split, empty if left out"),
            ("guarded", "text", "part in the guarded split, empty if left out"),
        ),
    ),
    "identity": Table(
        "datasets/identity.parquet",
        "Each test window's nearest training window.",
        columns(
            _SPLIT,
            ("species", "text", "species of the test window"),
            ("window", "text", "the test window"),
            ("label", "count", "1 modified site, 0 other"),
            ("max_identity", "share", "highest identity with a training window of any species"),
            ("max_identity_own", "share", "the same within its own species"),
            ("exact", "flag", "whether training has the same sequence in any species"),
            ("exact_own", "flag", "the same within its own species"),
            ("bin", "text", "bin of `max_identity`, %"),
        ),
    ),
    "predictions": Table(
        "predictions/{model}/{setting}/{split}/{seed}.parquet",
        "Scores of the validation and test windows.",
        columns(
            ("window", "text", "name of the window"),
            ("species", "text", "species, and the head that scored it"),
            ("part", "text", "`valid` or `test`"),
            ("label", "count", "1 modified site, 0 other"),
            ("logit", "number", "natural-log odds as trained, at one site per other"),
        ),
    ),
    "stack_weights": Table(
        "models/{model}/{setting}/{split}/weights.tsv",
        "Weights of a stack's members, fitted to the validation part; all seeds share them.",
        columns(
            ("species", "text", "species, and the head that is weighted"),
            ("member", "text", "name of the network or baseline"),
            ("weight", "number", "factor on the member's logit, at least 0; the stack's logit is the sum"),
        ),
    ),
}

TABLES: dict[str, Table] = _TABLES | {name: table for stage in STAGES for name, table in stage.TABLES.items()}


def document() -> str:
    """The text of ``docs/tables.md``."""
    lines = [
        "# Tables",
        "",
        "Every table of a run, below `results/<run>/`. Text tables are tab-separated with a header line; an empty "
        "field is",
        "a value that is not known. Shares lie between 0 and 1. The report explains the same columns beside its "
        "figures.",
        "This page is written by `python -m rnamarks.figures.dictionary > docs/tables.md` (in `workflow/`).",
    ]
    for name, table in TABLES.items():
        lines += [
            "",
            f"## {name}",
            "",
            f"`{table.path}`. {table.about}",
            "",
            "| column | kind | meaning |",
            "| --- | --- | --- |",
        ]
        lines += [f"| `{column.name}` | {column.kind} | {column.meaning} |" for column in table.columns]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(document(), end="")
