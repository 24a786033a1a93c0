from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.evaluation.structures import pairs_of_structures, score_structures, spread_of_structures
    from rnamarks.tables import read_parquet, write_tsv

    params = snakemake.params
    predictions = [
        (run, read_parquet(path)[0]) for run, path in zip(params.runs, snakemake.input.predictions, strict=True)
    ]
    scores = score_structures(predictions)
    write_tsv(spread_of_structures(scores, bootstrap=params.bootstrap, seed=params.seed), snakemake.output.spread)
    write_tsv(pairs_of_structures(predictions, scores, params.shown), snakemake.output.pairs)
