from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.sites.window_sets import read_species_windows
    from rnamarks.tables import write_parquet

    params = snakemake.params
    windows, drops = read_species_windows(
        [entry | {"file": path} for entry, path in zip(params.files, snakemake.input.files, strict=True)],
        species=params.species,
        window=params.window,
        place=params.place,
        negatives_per_positive=params.negatives_per_positive,
        seed=params.seed,
    )
    write_parquet(windows, snakemake.output.windows)
    drops.write(snakemake.output.drops)
