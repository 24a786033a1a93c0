"""Predicted methylation against expression, stability, translation, structure and chromatin."""

from __future__ import annotations

from .columns import Table, columns
from .transcriptome import SCANNED

_HEAD = (
    *SCANNED,
    ("name", "text", "name of the data in the configuration"),
    ("kind", "text", "`expression`, `half_life`, `translation`, `structure` or `peaks`"),
    ("panel", "text", "panel of the paper's Figure 8 with this kind of data"),
)

_UNIT = (
    "unit",
    "text",
    "what the value is: column of the published table, with the transform; `probability` of a site",
)

TABLES: dict[str, Table] = {
    "regulation": Table(
        "biology/regulation.tsv",
        "Tests of predicted methylation against gene regulation, each as the paper does it and with covariates held "
        "fixed.",
        columns(
            *_HEAD,
            ("comparison", "text", "the two groups, first − second; or what is correlated with the value"),
            (
                "test",
                "text",
                "`rank_sum` (Wilcoxon), `rank_regression` (of ranks on group and covariates), `matched_rank_sum` "
                "(within cells of like covariates), `pearson`, `spearman`, `partial_pearson`, `partial_spearman`",
            ),
            (
                "measure",
                "text",
                "what `effect` is: `cliffs_delta` (probability that a value of the first group is the larger one, less "
                "that of the smaller) or a correlation, `..._r`",
            ),
            (
                "adjusted",
                "text",
                "`none` (as the paper), `clusters` (errors allow for sites or peaks of one gene), `controls` "
                "(covariates held fixed, and clusters where there are any), `matched`",
            ),
            ("controls", "text", "covariates held fixed: `length` (nt), `sites` (motif positions), `gc` (fraction)"),
            _UNIT,
            ("n", "count", "values used: genes, sites or peaks"),
            ("n_first", "count", "of these in the first group; 0 for a correlation"),
            ("n_second", "count", "in the second"),
            ("statistic", "number", "U of the first group for `rank_sum`, else t"),
            ("p", "fraction", "two-sided p-value"),
            ("q", "fraction", "Benjamini-Hochberg q-value over all tests of the set, task and model"),
            ("effect", "number", "effect size, -1 to 1; see `measure`"),
            ("low", "number", "lower end of its 95 % interval"),
            ("high", "number", "upper end"),
            ("shift", "number", "Hodges-Lehmann estimate of first minus second, in the unit of the value"),
            ("shift_low", "number", "lower end of its 95 % interval"),
            ("shift_high", "number", "upper end"),
        ),
    ),
    "regulation_quantiles": Table(
        "biology/regulation_quantiles.tsv",
        "Distributions of the groups that are compared.",
        columns(
            *_HEAD,
            ("group", "text", "`high` or `low` capacity; `SS`, `poised` or `DS` (structure class of a site)"),
            _UNIT,
            ("n", "count", "genes or sites of the group"),
            ("fraction", "fraction", "fraction of the group at or below the value"),
            ("value", "number", "quantile, in the unit"),
        ),
    ),
    "regulation_trends": Table(
        "biology/regulation_trends.tsv",
        "Mean value in tenths of capacity, or of the potential of peaks.",
        columns(
            *_HEAD,
            _UNIT,
            ("bin", "count", "number of the tenth, from the lowest"),
            ("n", "count", "genes or peaks in it"),
            ("x", "number", "their mean capacity, or mean potential in expected sites per nt of the peak"),
            ("value", "number", "their mean value, in the unit"),
            ("low", "number", "lower end of its 95 % t interval"),
            ("high", "number", "upper end"),
        ),
    ),
    "regulation_bins": Table(
        "biology/regulation_bins.tsv",
        "How many peaks have which potential and which signal; cells without a peak are left out.",
        columns(
            *_HEAD,
            _UNIT,
            ("x_from", "number", "lower edge of the cell, expected sites per nt of the peak"),
            ("x_to", "number", "upper edge; the last column also has the highest 0.5 % of the peaks"),
            ("y_from", "number", "lower edge of the cell, log2 signal"),
            ("y_to", "number", "upper edge"),
            ("n", "count", "peaks in the cell"),
        ),
    ),
    "regulation_matches": Table(
        "biology/regulation_matches.tsv",
        "How much of each published table was matched.",
        columns(
            *_HEAD,
            ("item", "text", "`genes`, `transcripts` or `peaks`"),
            ("wanted", "count", "items of the shorter list (published table or prediction); peaks of the file"),
            ("matched", "count", "of these, found in the other list; peaks on chromosomes with sites"),
            ("fraction", "fraction", "matched over wanted"),
            ("used", "count", "genes, sites or peaks with all that the tests need"),
            ("warning", "text", "what is doubtful, such as peaks off the transcripts; else empty"),
            ("notes", "text", "rows and items by what became of them"),
        ),
    ),
}
