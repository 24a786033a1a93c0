from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.evaluation.mark_panels import WINDOW_COLUMNS
    from rnamarks.prediction.heads import stack_heads
    from rnamarks.tables import read_parquet, read_tsv, write_parquet

    members = [read_parquet(path, WINDOW_COLUMNS)[0] for path in snakemake.input.members]
    named = dict(zip(snakemake.params.members, members, strict=True))
    write_parquet(stack_heads(read_tsv(snakemake.input.weights)[0], named), snakemake.output.heads)
