from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.figures.collect import join_histories
    from rnamarks.tables import read_tsv, write_tsv

    histories = [read_tsv(path)[0] for path in snakemake.input.histories]
    write_tsv(join_histories(snakemake.params.runs, histories), snakemake.output.histories)
