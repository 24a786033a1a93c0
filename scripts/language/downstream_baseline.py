from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.downstream.baselines import fit_baseline
    from rnamarks.tables import read_parquet, write_parquet

    params = snakemake.params
    examples, _ = read_parquet(snakemake.input.examples)
    predictions = fit_baseline(
        params.baseline, examples, params.fold, params.target, seed=params.seed, threads=snakemake.threads
    )
    write_parquet(predictions, snakemake.output.predictions, {})
