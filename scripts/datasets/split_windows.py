"""Put the windows of all tasks into the splits of all schemes."""

from rnamarks.scripting import logged

with logged(snakemake):
    import pandas as pd

    from rnamarks.datasets.schemes import split_windows
    from rnamarks.dictionary import column_names
    from rnamarks.tables import read_parquet, write_parquet, write_tsv

    tables = [read_parquet(path, column_names("windows")) for path in snakemake.input.windows]
    transcripts = {
        name: read_parquet(path, only=["sequence"])[0]["sequence"].tolist()
        for name, path in zip(snakemake.params.apart["transcripts"], snakemake.input.transcripts, strict=True)
    }
    splits, drops, components = split_windows(
        pd.concat([frame for frame, _ in tables], ignore_index=True),
        fractions=(snakemake.params.train, snakemake.params.valid, snakemake.params.test),
        seed=snakemake.params.seed,
        identity=snakemake.params.identity,
        clustering=snakemake.params.clustering,
        counts=snakemake.params.counts,
        chromosomes=snakemake.params.chromosomes,
        apart=(transcripts, snakemake.params.apart["shared"]) if transcripts else None,
        threads=snakemake.threads,
    )
    first = 0
    for (frame, metadata), path in zip(tables, snakemake.output.splits, strict=True):
        rows = splits.iloc[first : first + len(frame)]
        write_parquet(rows, path, metadata | {"split_seed": snakemake.params.seed})
        first += len(frame)
    write_tsv(drops, snakemake.output.drops)
    write_tsv(components, snakemake.output.components)
