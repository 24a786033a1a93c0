"""Terms of the gene ontology among genes of high capacity."""

from __future__ import annotations

from ..columns import Table, columns
from ..design import Design
from ..entry import FigureEntry

_SPECIES = ("species", "text", "species")
_PREDICTOR = ("predictor", "text", "name of the model in the configuration")
_NAMESPACE = ("namespace", "text", "`molecular_function`, `biological_process` or `cellular_component`")
_TERM = (("term", "text", "identifier of the term"), ("name", "text", "its name"))

TABLES: dict[str, Table] = {
    "terms": Table(
        "biology/terms.tsv",
        "Terms of the gene ontology among the genes of highest capacity, every term that was tested.",
        columns(
            _SPECIES,
            _PREDICTOR,
            _NAMESPACE,
            *_TERM,
            ("depth", "count", "longest way from the root of the namespace, steps"),
            ("study", "count", "genes of highest capacity with the term"),
            ("study_size", "count", "genes of highest capacity"),
            ("population", "count", "background genes with the term"),
            ("population_size", "count", "background genes"),
            ("fold", "number", "share of the study with the term over that of the background"),
            ("fold_low", "number", "lower end of its 95 % interval (Clopper-Pearson, the background taken as known)"),
            ("fold_high", "number", "upper end"),
            (
                "odds_ratio",
                "number",
                "odds of the term in the study over those outside it, one half added to each cell",
            ),
            ("odds_low", "number", "lower end of its 95 % interval (Woolf)"),
            ("odds_high", "number", "upper end"),
            ("p", "share", "p-value of Fisher's exact test, as in the paper"),
            ("q", "share", "Benjamini-Hochberg q-value over the terms of this species, model and namespace"),
            ("raw", "flag", "whether p is below 0.05"),
            ("significant", "flag", "whether q is below 0.05"),
            ("genes", "list", "genes of highest capacity with the term, joined by `, `"),
        ),
    ),
    "terms_shared": Table(
        "biology/terms_shared.tsv",
        "Terms with p below 0.05 in at least one species, by the number of species.",
        columns(
            _PREDICTOR,
            _NAMESPACE,
            *_TERM,
            ("tested", "count", "species in which the term was tested"),
            ("raw", "count", "species with p below 0.05"),
            ("significant", "count", "species with q below 0.05"),
            ("raw_species", "list", "the former, joined by `, `"),
            ("significant_species", "list", "the latter, joined by `, `"),
            ("fold", "number", "median fold enrichment over the species in which the term was tested"),
        ),
    ),
    "terms_mapping": Table(
        "biology/terms_mapping.tsv",
        "How many genes were tested and how many of them are annotated.",
        columns(
            _SPECIES,
            _PREDICTOR,
            _NAMESPACE,
            ("tested", "count", "genes with a capacity"),
            ("mapped", "count", "of these, genes that the annotation names"),
            ("unmapped_share", "share", "tested genes that it does not name"),
            ("annotated", "count", "tested genes with a term of the namespace"),
            ("share", "share", "tested genes, highest capacity first, that are the study"),
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


def _shown(design: Design) -> bool:
    return "ontology" in design.analyses


_ABOUT = "Fold enrichment of terms among the genes of highest capacity, with q-value and the paper's P < 0.05."

FIGURES: tuple[FigureEntry, ...] = (
    FigureEntry(
        "figure_7",
        "Figure 7",
        "Terms of genes with high capacity",
        "ontology",
        _ABOUT,
        ("terms", "terms_mapping"),
        "ontology:terms",
        _shown,
        {"first": 0, "last": 4},
    ),
    FigureEntry(
        "figure_s3_terms",
        "Figures 7, S3",
        "Terms of genes with high capacity, further species",
        "ontology",
        _ABOUT,
        ("terms", "terms_mapping"),
        "ontology:terms",
        lambda design: _shown(design) and len(design.species) > 4,
        {"first": 4, "last": None},
    ),
    FigureEntry(
        "figure_s4_terms",
        "Figures 7, S4",
        "Terms that recur over species",
        "ontology",
        "Terms by species and model: fold enrichment, p-value and q-value.",
        ("terms_shared", "terms"),
        "ontology:shared",
        lambda design: _shown(design) and len(design.species) > 1,
    ),
)
