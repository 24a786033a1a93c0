from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.figures.catalogue import find_figure
    from rnamarks.figures.collect import read_table
    from rnamarks.figures.design import Design
    from rnamarks.figures.style import save_figure

    params = snakemake.params
    design = Design.from_record(params.design)
    tables = {name: read_table(name, path) for name, path in zip(params.tables, snakemake.input.tables, strict=True)}
    for name, path in snakemake.output.items():
        entry = find_figure(name)
        save_figure(entry.draw([tables[table] for table in entry.tables], design), path)
