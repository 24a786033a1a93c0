from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.downstream.evaluate import evaluate
    from rnamarks.tables import read_parquet, write_tsv

    params = snakemake.params
    predictions = [read_parquet(path)[0] for path in snakemake.input.predictions]
    metrics, differences = evaluate(
        list(zip(params.runs, predictions, strict=True)), bootstrap=params.bootstrap, seed=params.seed
    )
    write_tsv(metrics, snakemake.output.metrics)
    write_tsv(differences, snakemake.output.differences)
