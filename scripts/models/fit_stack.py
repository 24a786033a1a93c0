from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.models.stack import PREDICTION_COLUMNS, fit_weights
    from rnamarks.tables import read_parquet, write_tsv

    members = {}
    for name, path in zip(snakemake.params.members, snakemake.input.predictions, strict=True):
        members.setdefault(name, []).append(read_parquet(path, PREDICTION_COLUMNS)[0])
    write_tsv(fit_weights(members), snakemake.output.weights)
