from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    from rnamarks.evaluation.laboratories import compare_laboratories
    from rnamarks.sites.window_formats import at_paths
    from rnamarks.tables import write_tsv
    from rnamarks.tasks import Task, add_task_columns

    params = snakemake.params
    tasks = [Task.from_record(record) for record in params.tasks]
    files = iter(snakemake.input.files)
    table, drops = compare_laboratories(
        Path(snakemake.input.config).parent,
        [entry | {"files": at_paths(entry["files"], files)} for entry in params.sets],
        {task.name: path for task, path in zip(tasks, snakemake.input.splits, strict=True)},
        tasks=tasks,
        scheme=params.scheme,
        baseline=params.baseline,
        fewest=params.fewest,
        identity=params.identity,
        bootstrap=params.bootstrap,
        seed=params.seed,
        device=snakemake.config["resources"]["device"],
        threads=snakemake.threads,
        report=lambda line: print(f"compare_laboratories: {line}", file=terminal, flush=True),
    )
    write_tsv(add_task_columns(table, tasks), snakemake.output.table)
    drops.write(snakemake.output.drops)
