from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.prediction.site_files import read_site_metadata
    from rnamarks.prediction.summaries import write_summaries

    metadata = read_site_metadata(snakemake.input.sites)
    write_summaries(
        snakemake.input.sites,
        snakemake.input.transcripts,
        snakemake.output.transcripts,
        snakemake.output.genes,
        {key: str(metadata[key]) for key in ("predictor", "head", "modification", "motif", "model_sha256")},
    )
