from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.sites.annotation import read_annotation
    from rnamarks.sites.drops import Drops
    from rnamarks.sites.transcript_fasta import read_transcript_fasta
    from rnamarks.tables import write_parquet

    species = snakemake.params.species
    drops = Drops()
    # an input function gives a list, of one file or none
    given = snakemake.input.get("annotation", [])
    path = given if isinstance(given, str) else next(iter(given), None)
    transcripts = read_transcript_fasta(
        snakemake.input.fasta,
        drops,
        species=species,
        annotation=read_annotation(path, drops, species=species) if path else None,
        annotation_path=path,
        least_matched=snakemake.params.get("least_matched", 0.5),
    )
    write_parquet(transcripts, snakemake.output.transcripts, {"species": species})
    drops.write(snakemake.output.drops)
    print(drops.frame().to_string(index=False))
