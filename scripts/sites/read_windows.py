from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.sites.window_files import read_task_windows
    from rnamarks.sites.window_formats import at_paths
    from rnamarks.tables import write_parquet
    from rnamarks.tasks import Task

    params = snakemake.params
    task = Task.from_record(params.task)
    windows, drops = read_task_windows(
        at_paths(params.files, snakemake.input.files),
        task=task,
        width=params.window,
        **params.drawing,
        seed=params.seed,
    )
    write_parquet(windows, snakemake.output.windows, {"task": task.name})
    drops.write(snakemake.output.drops)
