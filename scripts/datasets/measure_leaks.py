"""Measure how much of each test split the training split already holds."""

from rnamarks.scripting import logged

with logged(snakemake):
    import pandas as pd

    from rnamarks.datasets.leaks import measure_leaks
    from rnamarks.dictionary import column_names
    from rnamarks.tables import read_parquet, write_parquet, write_tsv

    windows = pd.concat(
        [read_parquet(path, column_names("splits"))[0] for path in snakemake.input.splits], ignore_index=True
    )
    leaks, identities = measure_leaks(
        windows, schemes=snakemake.params.schemes, identity=snakemake.params.identity, threads=snakemake.threads
    )
    write_tsv(leaks, snakemake.output.leaks)
    write_parquet(identities, snakemake.output.identity)
