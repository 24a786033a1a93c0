from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    from rnamarks.evaluation.external import evaluate_external
    from rnamarks.sites.window_formats import at_paths
    from rnamarks.tables import write_tsv
    from rnamarks.tasks import Task, add_task_columns

    params = snakemake.params
    files = iter(snakemake.input.files)
    sets = [entry | {"files": at_paths(entry["files"], files)} for entry in params.sets]
    table, drops = evaluate_external(
        Path(snakemake.input.config).parent,
        sets,
        snakemake.input.splits,
        scheme=params.scheme,
        bootstrap=params.bootstrap,
        seed=params.seed,
        device=snakemake.config["resources"]["device"],
        threads=snakemake.threads,
        report=lambda line: print(f"evaluate_external: {line}", file=terminal, flush=True),
    )
    tasks = [Task.from_record(record) for record in params.tasks]
    write_tsv(add_task_columns(table, tasks), snakemake.output.table)
    drops.write(snakemake.output.drops)
