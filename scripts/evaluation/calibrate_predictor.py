from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.dictionary import column_names
    from rnamarks.evaluation.calibrate import calibrate
    from rnamarks.tables import read_parquet, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    params, output = snakemake.params, snakemake.output
    frames = [read_parquet(path, column_names("predictions"))[0] for path in snakemake.input.predictions]
    tables = calibrate(
        frames, model=params.model, setting=params.setting, scheme=params.scheme, precisions=params.precisions
    )
    tasks = [Task.from_record(record) for record in params.tasks]
    for table, path in zip(tables, (output.calibration, output.thresholds), strict=True):
        write_tsv(add_task_columns(table, tasks), path)
