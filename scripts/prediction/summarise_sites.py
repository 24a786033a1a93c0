from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.prediction.site_files import read_site_metadata
    from rnamarks.prediction.summaries import summarise_genes, summarise_transcripts
    from rnamarks.tables import write_tsv

    metadata = read_site_metadata(snakemake.input.sites)
    shown = {key: str(metadata[key]) for key in ("predictor", "head", "modification", "motif", "model_sha256")}
    transcripts = summarise_transcripts(snakemake.input.sites, snakemake.input.transcripts)
    write_tsv(transcripts, snakemake.output.transcripts, shown)
    write_tsv(summarise_genes(transcripts), snakemake.output.genes, shown)
