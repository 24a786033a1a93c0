from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from rnamarks.interpretation.discovery import read_discovered
    from rnamarks.interpretation.filters import read_filters
    from rnamarks.interpretation.motif_files import read_own
    from rnamarks.interpretation.motif_matches import DE_NOVO, Database, QuerySet, compare_sets, name_discovered
    from rnamarks.tables import write_tsv

    params, given = snakemake.params, snakemake.input
    sets = []
    for predictor, species, motifs, table in zip(
        params.predictors, params.species, given.queries, given.filters, strict=True
    ):
        filters = read_filters(motifs, table)
        sets.append(QuerySet(predictor, species, filters.informative(), len(filters.motifs)))
    for species, motifs in zip(params.discovered_species, given.discovered, strict=True):
        own = read_own(motifs)
        sets.append(QuerySet(DE_NOVO, species, own, len(own)))
    databases = [
        Database(species, name, read_own(motifs))
        for species, name, motifs in zip(params.target_species, params.databases, given.targets, strict=True)
    ]
    tables = compare_sets(
        sets,
        databases,
        method=params.method,
        most=params.most,
        shuffles=params.shuffles,
        seed=params.seed,
        jobs=snakemake.threads,
        report=lambda line: print(f"motifs: {line}", file=terminal),
    )
    write_tsv(tables.matches, snakemake.output.matches)
    write_tsv(tables.annotated, snakemake.output.annotated)
    write_tsv(tables.logos, snakemake.output.logos)
    write_tsv(name_discovered(read_discovered(given.discovered_tables), tables.matches), snakemake.output.discovered)
