from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.figures.collect import index_rows, read_table
    from rnamarks.figures.design import Design
    from rnamarks.tables import write_tsv

    params = snakemake.params
    tables = {name: read_table(name, path) for name, path in zip(params.tables, snakemake.input.tables, strict=True)}
    write_tsv(index_rows(Design.from_record(params.design), tables, params.names), snakemake.output.table)
