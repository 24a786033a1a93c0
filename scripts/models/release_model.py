from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    from rnamarks.dictionary import column_names
    from rnamarks.evaluation.calibrate import calibrate
    from rnamarks.models.release import pack_release
    from rnamarks.tables import read_parquet, read_tsv, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    source, params, output = snakemake.input, snakemake.params, snakemake.output
    tasks = [Task.from_record(record) for record in params.tasks]
    frames = [read_parquet(path, column_names("predictions"))[0] for path in source.predictions]
    tables = calibrate(frames, **params.predictor, precisions=params.precisions)
    for table, path in zip(tables, (output.calibration, output.thresholds), strict=True):
        write_tsv(add_task_columns(table, tasks), path)
    pack_release(
        [Path(path).parent for path in source.weights],
        Path(output.weights).parent,
        # with the digits that the tables have
        calibration=read_tsv(output.calibration)[0],
        thresholds=read_tsv(output.thresholds)[0],
        scheme=params.predictor["scheme"],
        tasks=tasks,
        baselines=[Path(path).parent for path in source.baselines],
        ranks_only=params.ranks_only,
        weights=next((read_tsv(path)[0] for path in source.stack), None),
        combiner=next(iter(source.combiner), None),
    )
