from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from rnamarks.biology.proximity import SITE_COLUMNS, TRANSCRIPT_COLUMNS, measure_proximity
    from rnamarks.tables import read_parquet, write_tsv
    from rnamarks.tasks import Task

    files, params = snakemake.input, snakemake.params
    tasks = [Task.from_record(record) for record in params.tasks]
    table = measure_proximity(
        {task.name: read_parquet(path, SITE_COLUMNS)[0] for task, path in zip(tasks, files.windows, strict=True)},
        {
            name: read_parquet(path, TRANSCRIPT_COLUMNS)[0]
            for name, path in zip(params.species, files.get("transcripts", []), strict=True)
        },
        tasks,
        seed=params.seed,
        report=lambda line: print(line, file=terminal),
    )
    reasons = sorted(set(table["reason"]) - {""}) if table["p"].isna().all() else []
    write_tsv(table, snakemake.output.table, {"reason": "; ".join(reasons)} if reasons else None)
