from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.sites.annotation import read_annotation
    from rnamarks.sites.drops import Drops
    from rnamarks.sites.transcript_fasta import read_transcript_fasta
    from rnamarks.tables import write_parquet

    name = snakemake.wildcards.transcripts
    drops = Drops()
    # an input function gives a list, of one file or none
    given = snakemake.input.get("annotation", [])
    path = given if isinstance(given, str) else next(iter(given), None)
    transcripts = read_transcript_fasta(
        snakemake.input.fasta,
        drops,
        subject=name,
        annotation=read_annotation(path, drops, subject=name) if path else None,
        annotation_path=path,
    )
    write_parquet(transcripts, snakemake.output.transcripts, {"transcripts": name})
    drops.write(snakemake.output.drops)
    print(drops.frame().to_string(index=False))
