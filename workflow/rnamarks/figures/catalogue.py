"""The sections of the report and the figures in them, in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .design import Design
from .entry import FigureEntry

SECTIONS = {
    "data": "Data",
    "splits": "Splits and leaks",
    "training": "Training",
    "metrics": "Metrics",
    "together": "All tasks together",
    "variants": "Variants of the networks",
    "calibration": "Calibration",
    "thresholds": "Thresholds",
    "similarity": "Similarity to training",
    "external": "Test sets from elsewhere",
    "attention": "What the networks attend to",
    "landscape": "Where the sites lie",
    "proximity": "Distances between sites",
    "motifs": "Local motifs",
    "optimisation": "Global motifs",
    "capacity": "Conserved genes",
    "ontology": "Gene ontology",
    "regulation": "Gene regulation",
}
"""Sections of the report that hold figures, in their order, with their titles."""

CONDITIONS: dict[str, Callable[[Design], bool]] = {
    "models": lambda design: bool(design.series),
    "several_models": lambda design: len(design.on(design.scheme)) > 1,
    "trained": lambda design: design.recommended is not None,
    "both_schemes": lambda design: any(len(series.schemes) > 1 for series in design.series),
    "several_of_one_task": lambda design: not design.several_modifications and len(design.single()) > 1,
    "ladder": lambda design: not design.several_modifications and len(design.ladder()) > 1,
    "one_by_one": lambda design: not (design.several_modifications and "all_tasks" in design.offers),
    "over_four_tasks": lambda design: len(design.tasks) > 4,
    "several_species": lambda design: design.several_species,
}
"""What a figure may need of a run besides what :attr:`Design.offers <rnamarks.figures.design.Design.offers>` names."""


def _shown(needs: str) -> Callable[[Design], bool]:
    """Whether a run has all of some offers and conditions, which spaces separate."""
    return lambda design: all(
        need in design.offers or (need in CONDITIONS and CONDITIONS[need](design)) for need in needs.split()
    )


def _head(label: str, section: str, functions: str, tables: str, needs: str = "", **options: Any) -> dict[str, Any]:
    fields = {"label": label, "section": section, "functions": functions, "tables": tuple(tables.split())}
    return fields | {"shown": _shown(needs), "options": options}


_FIGURES: dict[str, tuple[dict[str, Any], str, str]] = {
    "window_counts": (
        _head("Windows", "data", "data:counts", "counts"),
        "Windows by {word} and split",
        "Sites and others of each {word} in training, validation and test split, for both schemes.",
    ),
    "drops": (
        _head("Drops", "data", "data:drops", "drops"),
        "What was dropped, and why",
        "Rows of the input dropped by stage, reason and {word}.",
    ),
    "leaks": (
        _head("Leak meter", "splits", "splits:leaks", "leaks"),
        "Leak meter",
        "Fraction of test windows with a relative in training, by kind of relative and {word}.",
    ),
    "training": (
        _head("Training", "training", "training:training", "histories", "trained"),
        "Training curves",
        "AUROC on the validation split by epoch of training, with the stages of the curriculum.",
    ),
    "figure_2ab": (
        _head("Figure 2", "metrics", "comparisons:models", "metrics", "several_of_one_task"),
        "Models trained on one {word}",
        "AUPRC and AUROC of models of one {word} on two {words}, with 95 % intervals.",
    ),
    "figure_2cd": (
        _head("Figure 2", "metrics", "comparisons:settings", "metrics", "ladder"),
        "One {word} or many",
        "AUPRC by the number of {words} trained together, on the first of them and the nearest to it.",
    ),
    "differences": (
        _head("Differences", "metrics", "comparisons:differences", "paired metrics", "trained several_models"),
        "The recommended model against the others, paired",
        "Differences in AUPRC and AUROC on the same windows, with 95 % intervals.",
    ),
    "roc_curves": (
        _head("Figure S1", "metrics", "curves:curves", "curves metrics", "one_by_one", curve="roc"),
        "ROC curves",
        "ROC curves of the main models, one panel per {word}.",
    ),
    "pr_curves": (
        _head("Figure S1", "metrics", "curves:curves", "curves metrics", "one_by_one", curve="pr"),
        "Precision-recall curves",
        "Precision-recall curves of the main models, one panel per {word}.",
    ),
    "auroc_all": (
        _head("Figure S2", "metrics", "comparisons:heat_map", "metrics", "several_models one_by_one", metric="auroc"),
        "AUROC of all models on all {words}",
        "AUROC of every model and setting on every {word}.",
    ),
    "auprc_all": (
        _head("Figure S3", "metrics", "comparisons:heat_map", "metrics", "several_models", metric="auprc"),
        "AUPRC of all models on all {words}",
        "AUPRC of every model and setting on every {word}.",
    ),
    "both_schemes": (
        _head("Schemes", "metrics", "splits:both_schemes", "metrics", "both_schemes"),
        "Paper scheme against guarded scheme",
        "AUPRC and AUROC of the same models on the paper scheme and on the guarded scheme.",
    ),
    "reliability": (
        _head("Calibration", "calibration", "calibration:reliability", "reliability calibration", "trained"),
        "Reliability of the probabilities",
        "Observed fraction of sites against calibrated probability, one panel per {word}.",
    ),
    "thresholds": (
        _head("Thresholds", "thresholds", "calibration:thresholds", "thresholds", "trained"),
        "Thresholds at a stated precision",
        "Precision kept and recall reached on the test split by thresholds chosen on the validation split.",
    ),
    "similarity": (
        _head("Similarity", "similarity", "splits:similarity", "similarity metrics", "models"),
        "Performance by similarity to training",
        "AUPRC at 1:1 by identity of the nearest training window, one panel per {word}.",
    ),
    "external": (
        _head("External", "external", "comparisons:external", "external", "external release"),
        "Test sets from elsewhere",
        "AUPRC and AUROC of the released model on further test sets.",
    ),
    "auc": (
        _head("AUCb, AUCm", "together", "against_all:auc", "metrics summary", "all_tasks"),
        "AUCb and AUCm of every model and {word}",
        "AUROC of the sites of each {word} against own negatives and against every other test window.",
    ),
    "models": (
        _head("Table 3", "together", "task_means:models", "metrics summary", "all_tasks"),
        "AUCb of every model",
        "AUCb of every model on every {word}, with mean, median and mean rank.",
    ),
    "mean_differences": (
        _head("Differences", "together", "task_means:mean_differences", "paired noise", "all_tasks several_models"),
        "The recommended model against the others, mean over {words}",
        "Differences in mean AUCb and AUCm on the same resamples, with 95 % intervals.",
    ),
    "calls": (
        _head("Table 4", "thresholds", "task_means:calls", "metrics summary", "all_tasks"),
        "Calls of the recommended model",
        "Sensitivity, specificity, accuracy, MCC, AUCb and AUCm of each {word}.",
    ),
    "widths": (
        _head("Table 1", "variants", "task_means:varied", "metrics summary paired", "width", by="width"),
        "Input length",
        "AUCb by the number of nucleotides that the network reads.",
    ),
    "embeddings": (
        _head("Embeddings", "variants", "task_means:varied", "metrics summary paired", "embedding", by="embedding"),
        "Embedding of the sequence",
        "AUCb by the embedding of the sequence.",
    ),
    "objectives": (
        _head("Table 2", "variants", "task_means:varied", "metrics summary paired", "objective", by="objective"),
        "Training objective",
        "AUCb by what the training minimises.",
    ),
    "pr_of_tasks": (
        _head("Figure S1", "together", "against_all:curves", "curves metrics", "all_tasks", curve="pr"),
        "Precision-recall curves of all {words} together",
        "Precision-recall curves against own negatives and against every other window.",
    ),
    "roc_of_tasks": (
        _head("Figure S2", "together", "against_all:curves", "curves metrics", "all_tasks", curve="roc"),
        "ROC curves of all {words} together",
        "ROC curves against own negatives and against every other window.",
    ),
    "multilabel": (
        _head("Table S3", "together", "against_all:multilabel", "multilabel", "all_tasks"),
        "All {words} at once",
        "Multi-label precision, recall, F1 and Hamming loss of every model.",
    ),
    "imbalance": (
        _head("Figure S5", "together", "against_all:imbalance", "imbalance metrics", "all_tasks"),
        "Natural imbalance",
        "Precision at the rarity that the sites of each {word} have in the data set.",
    ),
    "sources": (
        _head("Sources", "together", "against_all:sources", "sources_apart", "all_tasks"),
        "Telling the sources apart",
        "AUROC of telling from an unmodified window which data set it came from.",
    ),
    "modes": (
        _head("Modes", "metrics", "task_means:modes", "modes", "student"),
        "Exact against fast",
        "AUCb of the released model in exact and in fast mode.",
    ),
    "attention": (
        _head("Attention", "attention", "attribution:attention", "attention", "attention"),
        "Where the networks look",
        "Mean attention and integrated gradients at each position of the window, per {word}.",
    ),
    "attribution": (
        _head("Attribution", "attention", "attribution:attribution", "attribution_profile attribution", "attention"),
        "Nucleotides that raise the logit",
        "Integrated gradients and in-silico mutagenesis of each nucleotide around the site, per {word}.",
    ),
    "association": (
        _head("Figure 3", "attention", "attribution:association", "association", "association"),
        "Tasks that the network reads alike",
        "Correlation of the attention weights of two {words} and of their attention in the same windows.",
    ),
    "mutations": (
        _head("Figure S3", "attention", "attribution:mutations", "mutations", "mutations"),
        "Mutations inside and outside the positions that weigh most",
        "Change of the probability under single substitutions inside and outside what is attended, per {word}.",
    ),
    "figure_3": (
        _head("Figure 3", "landscape", "landscape:metagene", "landscape landscape_statistics", "landscape"),
        "Landscape of predicted sites",
        "Density of called sites along 5'UTR, CDS and 3'UTR by {word}, and of models beside measured sites.",
    ),
    "stop_codon": (
        _head("Stop codon", "landscape", "landscape:stop", "landscape landscape_statistics", "landscape"),
        "Sites around the stop codon",
        "Fraction of motif positions that are called by distance to the stop codon, and the shift with its interval.",
    ),
    "proximity": (
        _head("Figure S4", "proximity", "proximity:proximity", "proximity", "proximity"),
        "Distances between sites of different modifications",
        "Distance to the nearest site of another modification on the same transcript, against random positions.",
    ),
    "figure_4": (
        _head("Figure 4", "motifs", "motifs:local_motifs", "motif_matches motif_logos", "filters"),
        "Filters and the RNA-binding proteins' motifs they resemble",
        "Logos of the best matches between first-layer filters and known motifs, per {word}.",
    ),
    "figure_s6": (
        _head("Figure S6, Table S2", "motifs", "motifs:annotated_filters", "motif_annotated", "filters"),
        "Filters with a known motif",
        "Number and fraction of first-layer filters that match a known motif, beside shuffled filters.",
    ),
    "de_novo_motifs": (
        _head("De novo motifs", "motifs", "motifs:discovered_motifs", "motif_discovered motif_logos", "motifs"),
        "Motifs found without a model",
        "Motifs that positive windows hold more often than control windows, with the known motif each resembles most.",
    ),
    "consensus": (
        _head("Figure 2", "attention", "motifs:consensus", "consensus consensus_matches consensus_logos", "consensus"),
        "Consensus motifs of what is attended, and motifs found without a model",
        "Logos of the consensus motif of each {word} above the de novo motif that it resembles most.",
    ),
    "consensus_motifs": (
        _head(
            "Consensus motifs",
            "attention",
            "motifs:known_consensus",
            "consensus consensus_matches consensus_logos",
            "consensus motifs",
        ),
        "Motifs of the positions that raise the logit",
        "Logos of consensus motifs of integrated gradients and the known motifs they resemble, per {word}.",
    ),
    "figure_5": (
        _head("Figure 5", "optimisation", "optimisation:optimised", "optimised", "optimisation"),
        "Windows that raise the logit most",
        "Class optimisation: the sequence that raises the logit of each {word} most, for models of all "
        "{words} and of one.",
    ),
    "optimised_spread": (
        _head("Starts", "optimisation", "optimisation:optimised_spread", "optimised", "optimisation"),
        "Spread of the optimised windows over starts",
        "How much information each position gets, and how far random starts agree.",
    ),
    "cooccurrence": (
        _head("Co-occurrence", "optimisation", "optimisation:cooccurrence", "cooccurrence", "optimisation"),
        "Elements that called windows hold together",
        "Pairs of elements in measured and in called windows: together more often, and more than the sum.",
    ),
    "capacity_definitions": (
        _head("Capacity", "capacity", "conservation:definitions", "capacity_definitions", "capacity"),
        "What capacity goes along with",
        "Correlation of each definition of capacity with length, motif positions and GC of the transcript.",
    ),
    "figure_6": (
        _head(
            "Figure 6",
            "capacity",
            "conservation:conservation",
            "conservation conservation_differences capacity_similarity",
            "conservation",
        ),
        "High capacity shared by species",
        "Orthogroups of high capacity in two and more species by model, against chance, and agreement between species.",
    ),
    "table_1": (
        _head(
            "Table 1", "capacity", "conservation:conserved_genes", "conserved_genes conserved_capacity", "conservation"
        ),
        "Genes of high capacity in all species",
        "Orthogroups that a model finds high in every species, with their capacity and literature support.",
    ),
    "figure_7": (
        _head("Figure 7", "ontology", "ontology:terms", "terms terms_mapping", "ontology", first=0, last=4),
        "Terms of genes with high capacity",
        "Fold enrichment of terms among the genes of highest capacity, with q-value and the paper's P < 0.05.",
    ),
    "figure_s3_terms": (
        _head(
            "Figures 7, S3",
            "ontology",
            "ontology:terms",
            "terms terms_mapping",
            "ontology over_four_tasks",
            first=4,
            last=None,
        ),
        "Terms of genes with high capacity, further {words}",
        "Fold enrichment of terms among the genes of highest capacity, with q-value and the paper's P < 0.05.",
    ),
    "figure_s4_terms": (
        _head("Figures 7, S4", "ontology", "ontology:shared", "terms_shared terms", "ontology several_species"),
        "Terms that recur over species",
        "Terms by species and model: fold enrichment, p-value and q-value.",
    ),
    "figure_8": (
        _head(
            "Figure 8",
            "regulation",
            "regulation:regulation",
            "regulation regulation_quantiles regulation_bins regulation_trends",
            "regulation",
        ),
        "Methylation and gene regulation",
        "Expression, half-life, translation by capacity; probability by structure class; peaks by potential.",
    ),
    "figure_8_controlled": (
        _head("Figure 8, controlled", "regulation", "regulation:controlled", "regulation", "regulation"),
        "The same with covariates held fixed",
        "Effects as the paper tests them, and with length, number of motif positions and GC content held fixed.",
    ),
    "figure_s1_regulation": (
        _head("Figure 8, trends", "regulation", "regulation:trends", "regulation_trends regulation", "regulation"),
        "Gene regulation by tenths of capacity",
        "Mean expression, half-life and translation by tenths of capacity, with 95 % intervals.",
    ),
}
"""By name: label, section, functions, tables, needs and options; title; what it shows."""

FIGURES = {name: FigureEntry(name, title, about, **head) for name, (head, title, about) in _FIGURES.items()}
