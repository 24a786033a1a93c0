"""Capacity of genes, and genes of high capacity in several species."""

from __future__ import annotations

from .columns import Table, columns
from .shared import PREDICTOR
from .transcriptome import SCANNED

_MODIFICATION = ("modification", "text", "modification whose species are compared, MODOMICS short name")

_COUNTING = ("counting", "text", "`at least` or `exactly` so many species")

_NUMBER = ("n_species", "count", "number of species in which the orthogroup is high")

_GROUPS = ("orthogroups", "count", "orthogroups with a capacity in every species by every model")

TABLES: dict[str, Table] = {
    "capacity": Table(
        "biology/capacity.tsv",
        "Capacity of every gene with a motif position, from its representative transcript; the first lines name the "
        "definition and the rule of high capacity.",
        columns(
            *SCANNED,
            ("gene", "text", "id of the gene"),
            ("gene_name", "text", "its name, empty where none is known"),
            ("capacity", "number", "capacity; for the definition `mean` the mean calibrated probability"),
            ("rank", "fraction", "quantile of the capacity among the genes of the set"),
            ("sites", "count", "motif positions of the representative transcript"),
            ("length", "count", "its length, nt"),
            ("gc", "fraction", "fraction of G and C in it"),
            ("high", "flag", "whether the capacity is above the bar, by default the median"),
        ),
    ),
    "capacity_definitions": Table(
        "biology/capacity_definitions.tsv",
        "What each definition of capacity goes along with.",
        columns(
            *SCANNED,
            (
                "definition",
                "text",
                "`mean` (of the calibrated probability over motif positions), `sum` (expected sites), `per_kb` "
                "(expected sites per 1000 nt), `called_per_kb` (sites with a probability above 0.5 per 1000 nt)",
            ),
            ("genes", "count", "genes with a capacity"),
            ("noncoding", "count", "genes left out because their transcript has no coding sequence"),
            ("left_out", "count", "other genes left out because it has no motif position"),
            ("median", "number", "median capacity, in the unit of the definition"),
            ("mean", "number", "mean capacity"),
            ("covariate", "text", "`length` (nt), `sites` (motif positions) or `gc` (fraction) of the transcript"),
            ("spearman", "number", "Spearman's correlation of capacity and covariate over genes, -1 to 1"),
            ("low", "number", "lower end of its 95 % interval"),
            ("high", "number", "upper end"),
        ),
    ),
    "conservation": Table(
        "biology/conservation.tsv",
        "Orthogroups of high capacity in 2 and more species, against high genes dealt anew within species.",
        columns(
            _MODIFICATION,
            PREDICTOR,
            _COUNTING,
            _NUMBER,
            _GROUPS,
            ("observed", "count", "orthogroups that are high in so many species"),
            ("low", "number", "lower end of its 95 % bootstrap interval over orthogroups"),
            ("high", "number", "upper end"),
            ("null_mean", "number", "mean number over the permutations"),
            ("null_low", "number", "2.5 % quantile of the permutations"),
            ("null_high", "number", "97.5 % quantile"),
            ("fold", "number", "observed over the mean of the permutations"),
            ("fold_low", "number", "lower end of its interval, that of the observed number"),
            ("fold_high", "number", "upper end"),
            ("p", "fraction", "fraction of permutations with as many or more, one added to both"),
        ),
    ),
    "conservation_differences": Table(
        "biology/conservation_differences.tsv",
        "The same numbers of two models on the same orthogroups.",
        columns(
            _MODIFICATION,
            ("predictor_a", "text", "first model"),
            ("predictor_b", "text", "second model"),
            _COUNTING,
            _NUMBER,
            _GROUPS,
            ("observed_a", "count", "orthogroups by the first model"),
            ("observed_b", "count", "orthogroups by the second"),
            ("difference", "number", "first minus second"),
            ("low", "number", "lower end of its 95 % paired bootstrap interval over orthogroups"),
            ("high", "number", "upper end"),
            ("p", "fraction", "two-sided p-value from the resamples"),
        ),
    ),
    "capacity_similarity": Table(
        "biology/capacity_similarity.tsv",
        "Agreement of capacity between each two species over the orthogroups.",
        columns(
            _MODIFICATION,
            PREDICTOR,
            ("species_a", "text", "first species"),
            ("species_b", "text", "second species"),
            ("distance", "number", "path between them on the species tree, in its unit; empty without a tree"),
            _GROUPS,
            ("spearman", "number", "Spearman's correlation of the capacities, -1 to 1"),
            ("low", "number", "lower end of its 95 % interval"),
            ("high", "number", "upper end"),
        ),
    ),
    "conserved_genes": Table(
        "biology/conserved_genes.tsv",
        "Orthogroups that a model finds high in every species, with literature support where a table of it is given.",
        columns(
            _MODIFICATION,
            ("orthogroup", "text", "name of the orthogroup"),
            ("name", "text", "name of its gene in the first species, the id where there is none"),
            (
                "category",
                "text",
                "models that find it high everywhere: `both` (or `all`), or a model followed by `only`",
            ),
            ("genes", "list", "its gene in each species as `species:name`, joined by `, `"),
            ("mean_rank", "fraction", "mean quantile of the capacity over species and those models"),
            ("support", "text", "what the literature table says, joined by `; `; empty for nothing"),
            ("reference", "text", "its references, joined by `; `"),
        ),
    ),
    "conserved_capacity": Table(
        "biology/conserved_capacity.tsv",
        "Capacity of the conserved genes in every species by every model.",
        columns(
            _MODIFICATION,
            ("orthogroup", "text", "name of the orthogroup"),
            PREDICTOR,
            ("species", "text", "species"),
            ("gene", "text", "the species' gene of highest capacity in the orthogroup"),
            ("gene_name", "text", "its name, empty where none is known"),
            ("genes", "count", "genes of the species in the orthogroup"),
            ("capacity", "number", "capacity of that gene"),
            ("rank", "fraction", "its quantile among the genes of the species"),
            ("high", "flag", "whether it is high"),
        ),
    ),
}
