"""How near the sites of two tasks lie on the same transcripts."""

from __future__ import annotations

from .columns import Table, columns

TABLES: dict[str, Table] = {
    "proximity": Table(
        "biology/proximity.tsv",
        "Figure S4: distances between sites of two tasks on the same transcripts, against random positions; pairs that "
        "cannot be measured have the reason.",
        columns(
            ("species", "text", "species of both"),
            ("task_a", "text", "one task"),
            ("task_b", "text", "the other"),
            ("modification_a", "text", "modification of the first, MODOMICS short name"),
            ("modification_b", "text", "modification of the second"),
            (
                "null",
                "text",
                "`transcript`: positions of the same base or motif drawn anywhere on the transcript; `region`: within "
                "5'UTR, CDS or 3'UTR; `rotation`: all sites of a task in a region moved together",
            ),
            ("sites_a", "count", "sites of the first on transcripts that hold both"),
            ("sites_b", "count", "sites of the second"),
            ("transcripts", "count", "transcripts that hold both"),
            ("coincident", "count", "positions that bear both"),
            ("distance", "number", "to the nearest site of the other, both ways, geometric mean, nt"),
            ("null_distance", "number", "the same of random positions"),
            ("null_low", "number", "2.5 % quantile over arrangements, nt"),
            ("null_high", "number", "97.5 % quantile"),
            ("ratio", "number", "distance over null distance, both with 1 nt added"),
            ("z", "number", "difference of their logarithms in standard deviations of the null"),
            ("permutations", "count", "arrangements drawn"),
            ("p_rank", "fraction", "two-sided, by rank among the arrangements"),
            ("p", "fraction", "two-sided, of z on the normal distribution"),
            ("q", "fraction", "Benjamini and Hochberg's of p over the pairs of one null"),
            ("reason", "text", "why the pair could not be measured; else empty"),
        ),
    ),
}
