from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.sites.drops import Drops
    from rnamarks.sites.labelling import label_sites, read_orthologues
    from rnamarks.sites.site_tables import SITE_COLUMNS
    from rnamarks.sites.transcripts import TRANSCRIPT_COLUMNS
    from rnamarks.tables import read_parquet, read_tsv, write_parquet

    params = snakemake.params
    transcripts, _ = read_parquet(snakemake.input.transcripts, TRANSCRIPT_COLUMNS)
    sites, metadata = read_tsv(snakemake.input.sites, SITE_COLUMNS, dtype={"chrom": str, "source": str})
    orthologues = [read_orthologues(path, params.species) for path in snakemake.input.orthologues]
    veto = [read_tsv(path, SITE_COLUMNS, dtype={"chrom": str, "source": str})[0] for path in snakemake.input.veto]
    drops = Drops()
    windows = label_sites(
        transcripts,
        sites,
        drops=drops,
        species=params.species,
        seed=params.seed,
        motif=params.place[0],
        offset=params.place[1],
        width=params.window,
        negatives_per_positive=params.negatives_per_positive,
        negatives_from=params.negatives_from,
        veto=veto,
        orthologues=orthologues[0] if orthologues else None,
    )
    write_parquet(windows, snakemake.output.windows, {"species": params.species, **metadata})
    drops.write(snakemake.output.drops)
