from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.models.stack import PREDICTION_COLUMNS, WEIGHT_COLUMNS, apply_weights
    from rnamarks.tables import read_parquet, read_tsv, write_parquet

    weights, _ = read_tsv(snakemake.input.weights, WEIGHT_COLUMNS)
    members = {
        name: read_parquet(path, PREDICTION_COLUMNS)[0]
        for name, path in zip(snakemake.params.members, snakemake.input.predictions, strict=True)
    }
    write_parquet(apply_weights(weights, members), snakemake.output.predictions)
