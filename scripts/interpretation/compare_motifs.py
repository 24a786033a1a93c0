from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from rnamarks.interpretation.discovery import read_discovered
    from rnamarks.interpretation.filter_files import read_filters
    from rnamarks.interpretation.motif_files import read_own
    from rnamarks.interpretation.motif_matches import DE_NOVO, FILTER, Database, QuerySet, compare_sets, name_discovered
    from rnamarks.interpretation.tomtom import MEME_SUITE, read_tomtom
    from rnamarks.tables import write_tsv
    from rnamarks.tasks import Task, add_task_columns, find_task

    params, given, output = snakemake.params, snakemake.input, snakemake.output
    tasks = [Task.from_record(record) for record in params.tasks]
    sets = []
    for (predictor, task), motifs, table in zip(params.pairs, given.queries, given.filters, strict=True):
        filters = read_filters(motifs, table)
        found = find_task(tasks, task)
        sets.append(QuerySet(predictor, found, FILTER, filters.informative(), len(filters.motifs)))
    sets += [
        QuerySet(DE_NOVO, task, DE_NOVO, read_own(motifs)) for task, motifs in zip(tasks, given.discovered, strict=True)
    ]
    databases = [
        Database.of_known(name, read_own(path), species, tasks)
        for name, species, path in zip(params.databases, params.database_species, given.databases, strict=True)
    ]
    pairs_of = None
    if params.engine == MEME_SUITE:
        tomtom = dict(zip(map(tuple, params.compared), given.tomtom, strict=True))

        def pairs_of(one, database):
            path = tomtom[one.predictor, one.task.name, database.name]
            return read_tomtom(path, database.motifs, queries=one.motifs, database=database.name)

    compared = compare_sets(
        sets,
        databases,
        pairs_of=pairs_of,
        seed=params.seed,
        report=lambda line: print(f"motifs: {line}", file=terminal),
    )
    for frame, path in (
        (compared.matches, output.matches),
        (compared.annotated, output.annotated),
        (compared.logos, output.logos),
        (name_discovered(read_discovered(given.discovered_tables), compared.matches), output.discovered),
    ):
        write_tsv(add_task_columns(frame, tasks), path)
