"""Terms of the gene ontology among genes of high capacity."""

from __future__ import annotations

from .columns import Table, columns
from .transcriptome import SCANNED

_MODIFICATION = ("modification", "text", "modification of the tasks, MODOMICS short name")

_NAMESPACE = ("namespace", "text", "`molecular_function`, `biological_process` or `cellular_component`")

_TERM = (("term", "text", "identifier of the term"), ("name", "text", "its name"))

TABLES: dict[str, Table] = {
    "terms": Table(
        "biology/terms.tsv",
        "Terms of the gene ontology among the genes of highest capacity, every term that was tested.",
        columns(
            *SCANNED,
            _NAMESPACE,
            *_TERM,
            ("depth", "count", "longest way from the root of the namespace, steps"),
            ("study", "count", "genes of highest capacity with the term"),
            ("study_size", "count", "genes of highest capacity"),
            ("population", "count", "background genes with the term"),
            ("population_size", "count", "background genes"),
            ("fold", "number", "fraction of the study with the term over that of the background"),
            ("fold_low", "number", "lower end of its 95 % interval (Clopper-Pearson, the background taken as known)"),
            ("fold_high", "number", "upper end"),
            (
                "odds_ratio",
                "number",
                "odds of the term in the study over those outside it, one half added to each cell",
            ),
            ("odds_low", "number", "lower end of its 95 % interval (Woolf)"),
            ("odds_high", "number", "upper end"),
            ("p", "fraction", "p-value of Fisher's exact test, as in the paper"),
            ("q", "fraction", "Benjamini-Hochberg q-value over the terms of this set, task, model and namespace"),
            ("raw", "flag", "whether p is below 0.05"),
            ("significant", "flag", "whether q is below 0.05"),
            ("genes", "list", "genes of highest capacity with the term, joined by `, `"),
        ),
    ),
    "terms_shared": Table(
        "biology/terms_shared.tsv",
        "Terms with p below 0.05 in at least one set of transcripts (mostly a species), by the number of sets.",
        columns(
            _MODIFICATION,
            SCANNED[-1],
            _NAMESPACE,
            *_TERM,
            ("tested", "count", "sets in which the term was tested"),
            ("raw", "count", "sets with p below 0.05"),
            ("significant", "count", "sets with q below 0.05"),
            ("raw_transcripts", "list", "the former, joined by `, `"),
            ("significant_transcripts", "list", "the latter, joined by `, `"),
            ("fold", "number", "median fold enrichment over the sets in which the term was tested"),
        ),
    ),
    "terms_mapping": Table(
        "biology/terms_mapping.tsv",
        "How many genes were tested and how many of them are annotated.",
        columns(
            *SCANNED,
            _NAMESPACE,
            ("tested", "count", "genes with a capacity"),
            ("mapped", "count", "of these, genes that the annotation names"),
            ("unmapped_fraction", "fraction", "tested genes that it does not name"),
            ("annotated", "count", "tested genes with a term of the namespace"),
            ("fraction", "fraction", "tested genes, highest capacity first, that are the study"),
            ("study", "count", "genes of the study"),
            ("background", "text", "`tested` or `annotated`: which genes the study is compared with"),
            ("population", "count", "their number"),
            ("ancestors", "flag", "whether genes also have the ancestors of their terms"),
            ("terms", "count", "terms tested"),
            ("raw", "count", "terms with p below 0.05"),
            ("significant", "count", "terms with q below 0.05"),
            ("identifier", "text", "`gene` or `gene_name`: what the annotation names genes by"),
            ("notes", "text", "lines of the annotation by what became of them"),
        ),
    ),
}
