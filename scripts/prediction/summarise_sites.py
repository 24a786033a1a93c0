from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.prediction.summaries import write_summaries

    write_summaries(
        snakemake.input.sites, snakemake.input.transcripts, snakemake.output.transcripts, snakemake.output.genes
    )
