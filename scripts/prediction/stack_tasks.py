from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.dictionary import column_names
    from rnamarks.prediction.all_tasks import stack_tasks
    from rnamarks.tables import read_parquet, read_tsv, write_parquet

    members = [read_parquet(path, column_names("tasks_predictions"))[0] for path in snakemake.input.members]
    named = dict(zip(snakemake.params.members, members, strict=True))
    write_parquet(stack_tasks(read_tsv(snakemake.input.weights)[0], named), snakemake.output.tasks)
