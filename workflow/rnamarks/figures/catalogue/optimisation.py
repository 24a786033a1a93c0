"""Optimised windows, co-occurrence of elements, and attributions."""

from __future__ import annotations

from ..columns import Table, columns
from ..entry import FigureEntry

_WHO = (
    ("species", "text", "species, the head of the model"),
    ("predictor", "text", "name of the model in the configuration"),
)
_CALLER = (
    ("species", "text", "species, the head of the model"),
    ("predictor", "text", "name of the model whose calls are meant; `measured` for the labels themselves"),
)
_PAIR = (
    ("element_a", "text", "first element; a word that was found is written with its range of first letters"),
    ("element_b", "text", "second element"),
    ("n_called", "count", "windows called (logit above the threshold), or measured as sites"),
    ("n_other", "count", "other windows"),
    ("a_called", "count", "called windows that hold the first element"),
    ("a_other", "count", "others that do"),
    ("b_called", "count", "called windows that hold the second element"),
    ("b_other", "count", "others that do"),
    ("both_called", "count", "called windows that hold both"),
    ("both_other", "count", "others that do"),
    ("share_called", "share", "`both_called` / `n_called`"),
    ("share_other", "share", "`both_other` / `n_other`"),
    ("enrichment", "number", "log2 of the ratio of the two shares, half a count added to each"),
    ("enrichment_low", "number", "lower end of its 95 % Wald interval"),
    ("enrichment_high", "number", "upper end"),
    (
        "p_together",
        "share",
        "one-sided P of the number of called windows with both when calls are permuted (known elements: among windows "
        "with the same five letters at the site), ties counted half",
    ),
    ("odds_given_a", "number", "log2 odds ratio of a call, second element against not, among windows with the first"),
    ("odds_given_a_low", "number", "lower end of its 95 % Wald interval"),
    ("odds_given_a_high", "number", "upper end"),
    ("odds_given_b", "number", "the same for the first element among windows with the second"),
    ("odds_given_b_low", "number", "lower end of its 95 % Wald interval"),
    ("odds_given_b_high", "number", "upper end"),
    ("p_each", "share", "one-sided P that both these odds ratios are above 1: the larger of their two P"),
    (
        "interaction",
        "number",
        "log2 of the odds ratio among windows with the first element over that among windows without; 0 where the two "
        "add up",
    ),
    ("interaction_low", "number", "lower end of its 95 % Wald interval"),
    ("interaction_high", "number", "upper end"),
    ("p_interaction", "share", "two-sided P that the interaction is 0"),
    (
        "synergy",
        "number",
        "mean logit of windows with both, less that with the first alone, less that with the second alone, plus that "
        "with neither, nats; empty for measured sites or fewer than two windows in a group",
    ),
    ("synergy_low", "number", "lower end of its 95 % interval"),
    ("synergy_high", "number", "upper end"),
    ("p_synergy", "share", "two-sided P that the synergy is 0"),
)

TABLES: dict[str, Table] = {
    "optimised": Table(
        "interpretation/optimised.tsv",
        "Windows that climbed the logit of a species' head by class optimisation, as shares of letters.",
        columns(
            *_WHO,
            ("start", "text", "number of the random start, or `mean` over the starts"),
            ("position", "count", "position in the window, from 1"),
            ("offset", "number", "position relative to the site, nt, negative upstream"),
            ("A", "share", "share of A"),
            ("C", "share", "share of C"),
            ("G", "share", "share of G"),
            ("U", "share", "share of U"),
            ("bits", "number", "information of the row's shares against equal ones, 0 to 2 bits"),
            ("mean_bits", "number", "mean over starts of the starts' own information, bits; `mean` rows only"),
            ("sd", "number", "standard deviation of the starts' own information, bits; `mean` rows only"),
            ("low", "number", "5 % quantile of the starts' own information, bits; `mean` rows only"),
            ("high", "number", "95 % quantile; `mean` rows only"),
            ("held", "flag", "whether letters were forbidden here, because the site sits in a motif"),
        ),
    ),
    "optimised_starts": Table(
        "interpretation/optimised_starts.tsv",
        "How far each start of the class optimisation got.",
        columns(
            *_WHO,
            ("start", "text", "number of the random start"),
            ("objective", "number", "logit (or probability) less the penalty, at the end"),
            ("last_gain", "number", "what the last tenth of the steps added to the objective"),
            ("logit", "number", "logit of the window at the end, natural-log odds as trained"),
            ("penalty", "number", "gamma times the squared norm of the matrix"),
            ("consensus_logit", "number", "logit of `consensus`"),
            ("bits", "number", "information summed over positions, bits"),
            ("agreement", "number", "Pearson correlation with the mean of the other starts; empty for one start"),
            ("consensus", "text", "commonest letter of each position, RNA"),
        ),
    ),
    "optimised_pairs": Table(
        "interpretation/optimised_pairs.tsv",
        "Whether the optimised windows hold two elements at their places.",
        columns(
            *_WHO,
            (
                "null",
                "text",
                "`columns`: positions in any order; `rotation`: the window turned, which keeps words but not places",
            ),
            ("element_a", "text", "first element"),
            ("element_b", "text", "second element"),
            ("starts", "count", "number of starts"),
            ("both", "count", "starts whose commonest letters hold both elements in their ranges"),
            ("score_a", "share", "best mean probability of the first element's letters in its range, mean over starts"),
            ("score_b", "share", "the same for the second"),
            ("score", "share", "the smaller of the two, mean over starts"),
            ("score_low", "share", "lower end of the 95 % bootstrap interval over starts"),
            ("score_high", "share", "upper end"),
            ("null_mean", "share", "mean score under the null"),
            ("null_high", "share", "its 95 % quantile"),
            ("p", "share", "one-sided P; under `rotation` at least the share of turns that keep both in their ranges"),
        ),
    ),
    "cooccurrence": Table(
        "interpretation/cooccurrence.tsv",
        "Pairs of elements that were named beforehand, in windows of the test part.",
        columns(*_CALLER, *_PAIR),
    ),
    "cooccurrence_found": Table(
        "interpretation/cooccurrence_found.tsv",
        "Pairs of words found in called windows: chosen on one half of the test part, tested on the other.",
        columns(
            *_CALLER,
            *_PAIR,
            ("word_a", "text", "first word, RNA"),
            ("first_a", "number", "first distance from the site to its first letter, nt"),
            ("last_a", "number", "last distance"),
            ("word_b", "text", "second word, RNA"),
            ("first_b", "number", "first distance"),
            ("last_b", "number", "last distance"),
            ("q_each", "share", "`p_each` adjusted for all pairs of the model and species, Benjamini-Hochberg"),
            ("q_interaction", "share", "`p_interaction` adjusted likewise"),
        ),
    ),
    "attributions": Table(
        "interpretation/attributions/{species}.{predictor}.parquet",
        "Attributions of the letters of single windows, in nats of log odds.",
        columns(
            ("window", "text", "name of the window"),
            ("head", "text", "head of the model whose logit is explained"),
            ("method", "text", "`integrated_gradients` or `mutagenesis`"),
            ("position", "count", "position in the model's window, from 1"),
            ("offset", "number", "position relative to the centre, nt, negative upstream"),
            ("letter", "text", "RNA letter at the position; positions with N are left out"),
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
        "interpretation/attributions/{species}.{predictor}.checks.tsv",
        "One row per attributed window: what the attributions sum to.",
        columns(
            ("window", "text", "name of the window"),
            ("head", "text", "head of the model"),
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

FIGURES: tuple[FigureEntry, ...] = (
    FigureEntry(
        name="figure_5",
        label="Figure 5",
        title="Windows that the heads like best",
        section="optimisation",
        about="Class optimisation: the sequence that raises each species' logit most, for models of all species and of "
        "one.",
        tables=("optimised",),
        functions="optimisation:optimised",
        shown=lambda design: "optimisation" in design.analyses,
    ),
    FigureEntry(
        name="optimised_spread",
        label="Starts",
        title="Spread of the optimised windows over starts",
        section="optimisation",
        about="How much information each position gets, and how far random starts agree.",
        tables=("optimised",),
        functions="optimisation:optimised_spread",
        shown=lambda design: "optimisation" in design.analyses,
    ),
    FigureEntry(
        name="cooccurrence",
        label="Co-occurrence",
        title="Elements that called windows hold together",
        section="optimisation",
        about="Pairs of elements in measured and in called windows: together more often, and more than the sum.",
        tables=("cooccurrence",),
        functions="optimisation:cooccurrence",
        shown=lambda design: "optimisation" in design.analyses,
    ),
)
