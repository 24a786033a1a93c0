from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.figures.provenance import source_table
    from rnamarks.sources.lock import read_lock
    from rnamarks.sources.sheet import read_sources
    from rnamarks.tables import write_tsv

    params = snakemake.params
    table = source_table(
        params.inputs,
        list(snakemake.input.files),
        {source.name: source for source in read_sources(params.sheet)},
        read_lock(params.lock),
    )
    write_tsv(table, snakemake.output.table)
