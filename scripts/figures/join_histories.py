from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.figures.collect import join_histories
    from rnamarks.tables import read_tsv, write_tsv
    from rnamarks.tasks import Task

    histories = [read_tsv(path)[0] for path in snakemake.input.histories]
    tasks = [Task.from_record(record) for record in snakemake.params.tasks]
    write_tsv(join_histories(snakemake.params.runs, histories, tasks), snakemake.output.histories)
