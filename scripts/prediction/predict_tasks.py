from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    from rnamarks.prediction.all_tasks import load_scorer, predict_tasks
    from rnamarks.tables import write_parquet

    source, params = snakemake.input, snakemake.params
    model, tasks = load_scorer(Path(source.weights).parent, snakemake.threads)
    splits = dict(zip(params.tasks, source.splits, strict=True))
    predictions = predict_tasks(model, tasks, splits, params.scheme, device=snakemake.config["resources"]["device"])
    write_parquet(predictions, snakemake.output.tasks)
