from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.sites.window_files import read_task_windows
    from rnamarks.tables import write_parquet
    from rnamarks.tasks import Task

    params = snakemake.params
    task = Task.from_record(params.task)
    windows, drops = read_task_windows(
        [entry | {"file": path} for entry, path in zip(params.files, snakemake.input.files, strict=True)],
        task=task,
        width=params.window,
        negatives_per_positive=params.negatives_per_positive,
        seed=params.seed,
    )
    write_parquet(windows, snakemake.output.windows, {"task": task.name})
    drops.write(snakemake.output.drops)
