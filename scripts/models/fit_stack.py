from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.dictionary import column_names
    from rnamarks.models.stack import fit_weights
    from rnamarks.tables import read_parquet, write_tsv

    members = {}
    for name, path in zip(snakemake.params.members, snakemake.input.predictions, strict=True):
        members.setdefault(name, []).append(read_parquet(path, column_names("predictions"))[0])
    write_tsv(fit_weights(members), snakemake.output.weights)
