from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.sites.drops import Drops
    from rnamarks.sites.transcript_fasta import read_transcript_files
    from rnamarks.tables import write_parquet

    name = snakemake.wildcards.transcripts
    drops = Drops()
    transcripts = read_transcript_files(
        snakemake.input.transcripts, snakemake.input.get("annotation", []), drops, subject=name
    )
    write_parquet(transcripts, snakemake.output.transcripts, {"transcripts": name})
    drops.write(snakemake.output.drops)
    print(drops.frame().to_string(index=False))
