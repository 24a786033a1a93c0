from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.figures.collect import count_windows
    from rnamarks.tables import read_parquet, write_tsv

    needed = ["task", "species", "modification", "label", *snakemake.params.schemes]
    windows = [read_parquet(path, needed)[0] for path in snakemake.input.splits]
    write_tsv(count_windows(windows, snakemake.params.schemes), snakemake.output.counts)
