from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.dictionary import column_names
    from rnamarks.models.stack import apply_weights
    from rnamarks.tables import read_parquet, read_tsv, write_parquet

    weights, _ = read_tsv(snakemake.input.weights, column_names("stack_weights"))
    members = {
        name: read_parquet(path, column_names("predictions"))[0]
        for name, path in zip(snakemake.params.members, snakemake.input.predictions, strict=True)
    }
    write_parquet(apply_weights(weights, members), snakemake.output.predictions)
