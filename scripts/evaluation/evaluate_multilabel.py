from rnamarks.scripting import logged

with logged(snakemake):
    import pandas as pd

    from rnamarks.dictionary import column_names
    from rnamarks.evaluation.multilabel import imbalance_table, multilabel_table, natural_ratios
    from rnamarks.evaluation.pools import build_pools
    from rnamarks.evaluation.seeds import Run
    from rnamarks.tables import read_parquet, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    params, output = snakemake.params, snakemake.output
    tasks = [Task.from_record(record) for record in params.tasks]
    ratios = natural_ratios({task.name: path for task, path in zip(tasks, snakemake.input.splits, strict=True)})
    runs = [
        Run(**record, frame=read_parquet(path, column_names("tasks_predictions"))[0])
        for record, path in zip(params.runs, snakemake.input.predictions, strict=True)
    ]
    pools = build_pools(runs, tasks)
    multilabel = [multilabel_table(pool, n=params.bootstrap, seed=params.seed) for pool in pools]
    imbalance = [imbalance_table(pool, ratios, n=2 * params.bootstrap, seed=params.seed) for pool in pools]
    write_tsv(pd.concat(multilabel, ignore_index=True), output.multilabel)
    write_tsv(add_task_columns(pd.concat(imbalance, ignore_index=True), tasks), output.imbalance)
