from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from rnamarks.interpretation.filters import read_filters
    from rnamarks.interpretation.motif_files import read_own
    from rnamarks.interpretation.motif_matches import Database, QuerySet, compare_sets
    from rnamarks.interpretation.tomtom_files import read_tomtom
    from rnamarks.tables import write_tsv

    params, given = snakemake.params, snakemake.input
    filters = read_filters(given.queries, given.filters)
    targets = read_own(given.targets)
    tables = compare_sets(
        [QuerySet(params.predictor, params.species, filters.informative(), len(filters.motifs))],
        [Database(params.species, params.database, targets)],
        pairs_of=lambda one, database: read_tomtom(
            given.tomtom, database.motifs, database=database.name, queries=one.motifs
        ),
        most=params.most,
        report=lambda line: print(f"tomtom: {line}", file=terminal),
    )
    write_tsv(tables.matches, snakemake.output.matches)
    write_tsv(tables.logos, snakemake.output.logos)
