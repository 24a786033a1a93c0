from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.figures.collect import join_language_histories
    from rnamarks.tables import read_tsv, write_tsv

    histories = [read_tsv(path)[0] for path in snakemake.input.histories]
    write_tsv(join_language_histories(snakemake.params.models, histories), snakemake.output.histories)
