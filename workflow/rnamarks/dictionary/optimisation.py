"""Optimised windows and co-occurrence of elements."""

from __future__ import annotations

from .columns import Table, columns
from .shared import TASK, WHO

_CALLER = (
    ("predictor", "text", "name of the model whose calls are meant; `measured` for the labels themselves"),
    *TASK,
)

_PAIR = (
    ("element_a", "text", "first element; a k-mer that was found is written with its range of first nucleotides"),
    ("element_b", "text", "second element"),
    ("n_called", "count", "windows called (logit above the threshold), or measured as sites"),
    ("n_other", "count", "other windows"),
    ("a_called", "count", "called windows that hold the first element"),
    ("a_other", "count", "others that do"),
    ("b_called", "count", "called windows that hold the second element"),
    ("b_other", "count", "others that do"),
    ("both_called", "count", "called windows that hold both"),
    ("both_other", "count", "others that do"),
    ("fraction_called", "fraction", "`both_called` / `n_called`"),
    ("fraction_other", "fraction", "`both_other` / `n_other`"),
    ("enrichment", "number", "log2 of the ratio of the two shares, half a count added to each"),
    ("enrichment_low", "number", "lower end of its 95 % Wald interval"),
    ("enrichment_high", "number", "upper end"),
    (
        "p_together",
        "fraction",
        "one-sided P of the number of called windows with both when calls are permuted (known elements: among windows "
        "with the same five nucleotides at the site), ties counted half",
    ),
    ("odds_given_a", "number", "log2 odds ratio of a call, second element against not, among windows with the first"),
    ("odds_given_a_low", "number", "lower end of its 95 % Wald interval"),
    ("odds_given_a_high", "number", "upper end"),
    ("odds_given_b", "number", "the same for the first element among windows with the second"),
    ("odds_given_b_low", "number", "lower end of its 95 % Wald interval"),
    ("odds_given_b_high", "number", "upper end"),
    ("p_each", "fraction", "one-sided P that both these odds ratios are above 1: the larger of their two P"),
    (
        "interaction",
        "number",
        "log2 of the odds ratio among windows with the first element over that among windows without; 0 where the two "
        "add up",
    ),
    ("interaction_low", "number", "lower end of its 95 % Wald interval"),
    ("interaction_high", "number", "upper end"),
    ("p_interaction", "fraction", "two-sided P that the interaction is 0"),
    (
        "synergy",
        "number",
        "mean logit of windows with both, less that with the first alone, less that with the second alone, plus that "
        "with neither, nats; empty for measured sites or fewer than two windows in a group",
    ),
    ("synergy_low", "number", "lower end of its 95 % interval"),
    ("synergy_high", "number", "upper end"),
    ("p_synergy", "fraction", "two-sided P that the synergy is 0"),
)

TABLES: dict[str, Table] = {
    "optimised": Table(
        "interpretation/optimised.tsv",
        "Windows that climbed the logit of a task by class optimisation, as fractions of nucleotides.",
        columns(
            *WHO,
            ("start", "text", "number of the random start, or `mean` over the starts"),
            ("position", "count", "position in the window, from 1"),
            ("offset", "number", "position relative to the site, nt, negative upstream"),
            ("A", "fraction", "fraction of A"),
            ("C", "fraction", "fraction of C"),
            ("G", "fraction", "fraction of G"),
            ("U", "fraction", "fraction of U"),
            ("bits", "number", "information of the row's fractions against equal ones, 0 to 2 bits"),
            ("mean_bits", "number", "mean over starts of the starts' own information, bits; `mean` rows only"),
            ("sd", "number", "standard deviation of the starts' own information, bits; `mean` rows only"),
            ("low", "number", "5 % quantile of the starts' own information, bits; `mean` rows only"),
            ("high", "number", "95 % quantile; `mean` rows only"),
            ("held", "flag", "whether nucleotides were forbidden here, because the site sits in a motif"),
        ),
    ),
    "optimised_starts": Table(
        "interpretation/optimised_starts.tsv",
        "How far each start of the class optimisation got.",
        columns(
            *WHO,
            ("start", "text", "number of the random start"),
            ("objective", "number", "logit (or probability) less the penalty, at the end"),
            ("last_gain", "number", "what the last tenth of the steps added to the objective"),
            ("logit", "number", "logit of the window at the end, natural-log odds as trained"),
            ("penalty", "number", "gamma times the squared norm of the matrix"),
            ("consensus_logit", "number", "logit of `consensus`"),
            ("bits", "number", "information summed over positions, bits"),
            ("agreement", "number", "Pearson correlation with the mean of the other starts; empty for one start"),
            ("consensus", "text", "commonest nucleotide of each position, RNA"),
        ),
    ),
    "optimised_pairs": Table(
        "interpretation/optimised_pairs.tsv",
        "Whether the optimised windows hold two elements at their places.",
        columns(
            *WHO,
            (
                "null",
                "text",
                "`columns`: positions in any order; `rotation`: the window turned, which keeps k-mers but not places",
            ),
            ("element_a", "text", "first element"),
            ("element_b", "text", "second element"),
            ("starts", "count", "number of starts"),
            ("both", "count", "starts whose commonest nucleotides hold both elements in their ranges"),
            (
                "score_a",
                "fraction",
                "best mean probability of the first element's nucleotides in its range, mean over starts",
            ),
            ("score_b", "fraction", "the same for the second"),
            ("score", "fraction", "the smaller of the two, mean over starts"),
            ("score_low", "fraction", "lower end of the 95 % bootstrap interval over starts"),
            ("score_high", "fraction", "upper end"),
            ("null_mean", "fraction", "mean score under the null"),
            ("null_high", "fraction", "its 95 % quantile"),
            (
                "p",
                "fraction",
                "one-sided P; under `rotation` at least the fraction of turns that keep both in their ranges",
            ),
        ),
    ),
    "cooccurrence": Table(
        "interpretation/cooccurrence.tsv",
        "Pairs of elements that were named beforehand, in windows of the test split.",
        columns(*_CALLER, *_PAIR),
    ),
    "cooccurrence_found": Table(
        "interpretation/cooccurrence_found.tsv",
        "Pairs of k-mers found in called windows: chosen on one half of the test split, tested on the other.",
        columns(
            *_CALLER,
            *_PAIR,
            ("kmer_a", "text", "first k-mer, RNA"),
            ("first_a", "number", "first distance from the site to its first nucleotide, nt"),
            ("last_a", "number", "last distance"),
            ("kmer_b", "text", "second k-mer, RNA"),
            ("first_b", "number", "first distance"),
            ("last_b", "number", "last distance"),
            ("q_each", "fraction", "`p_each` adjusted for all pairs of the model and task, Benjamini-Hochberg"),
            ("q_interaction", "fraction", "`p_interaction` adjusted likewise"),
        ),
    ),
}
