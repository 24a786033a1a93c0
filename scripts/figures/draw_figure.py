from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.figures.collect import read_table
    from rnamarks.figures.design import Design
    from rnamarks.figures.register import find_figure
    from rnamarks.figures.style import save_figure

    entry = find_figure(snakemake.wildcards.figure)
    tables = [read_table(name, path) for name, path in zip(entry.tables, snakemake.input.tables, strict=True)]
    save_figure(entry.draw(tables, Design.from_record(snakemake.params.design)), snakemake.output.figure)
