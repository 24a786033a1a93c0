from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.dictionary import column_names
    from rnamarks.evaluation.curves import curve_table
    from rnamarks.evaluation.panels import build_panels
    from rnamarks.evaluation.pools import build_pools
    from rnamarks.evaluation.seeds import Run
    from rnamarks.evaluation.tables import (
        calibration_table,
        metrics_table,
        noise_table,
        paired_table,
        reliability_tables,
        similarity_table,
        summary_table,
        threshold_tables,
    )
    from rnamarks.tables import read_parquet, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    params, output = snakemake.params, snakemake.output

    def read_runs(records, paths, columns):
        return [
            Run(**record, frame=read_parquet(path, columns)[0]) for record, path in zip(records, paths, strict=True)
        ]

    tasks = [Task.from_record(record) for record in params.tasks]
    pools = build_pools(read_runs(params.task_runs, snakemake.input.tasks, column_names("tasks_predictions")), tasks)
    runs = read_runs(params.runs, snakemake.input.predictions, column_names("predictions"))
    genes = {
        task: read_parquet(path, only=["window", "gene"])[0].set_index("window")["gene"]
        for task, path in zip(params.resampled, snakemake.input.splits, strict=True)
    }
    panels = build_panels(runs, pools, splits=("test", "valid"), genes=genes)
    tests = [panel for panel in panels if (panel.split, panel.against) == ("test", "own")]
    identity, _ = read_parquet(snakemake.input.identity, ["scheme", "task", "window", "max_identity"])
    resampling = {"n": params.bootstrap, "seed": params.seed}
    reference = (params.release["model"], params.release["setting"]) if params.release else None
    metrics, paired = metrics_table(panels, **resampling), paired_table(panels, reference=reference, **resampling)
    tables = {
        "metrics": metrics,
        "paired": paired,
        "noise": noise_table(metrics, paired),
        "curves": curve_table(panels),
        "calibration": calibration_table(tests),
        "reliability": reliability_tables(tests),
        "thresholds": threshold_tables(tests, precisions=params.precisions),
        "similarity": similarity_table(tests, identity, **resampling),
    }
    for name, table in tables.items():
        write_tsv(add_task_columns(table, tasks), output[name])
    write_tsv(summary_table(panels, params.settings, **resampling), output.summary)
