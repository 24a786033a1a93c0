from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    from rnamarks.models.baseline_files import save_baselines
    from rnamarks.models.baselines import fit_baselines
    from rnamarks.tables import read_parquet, write_parquet
    from rnamarks.tasks import Task

    params = snakemake.params
    tasks = [Task.from_record(record) for record in params.tasks]
    columns = ["window", "task", "sequence", "label", params.scheme]
    frames = {
        task.name: read_parquet(path, columns)[0] for task, path in zip(tasks, snakemake.input.splits, strict=True)
    }
    fitted, predictions = fit_baselines(frames, params.baseline, tasks=tasks, scheme=params.scheme, seed=params.seed)
    save_baselines(
        Path(snakemake.output.weights).parent,
        params.baseline,
        fitted,
        tasks,
        training={"scheme": params.scheme, "seed": params.seed},
    )
    write_parquet(predictions, snakemake.output.predictions)
