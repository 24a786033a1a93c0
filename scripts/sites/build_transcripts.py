from rnamarks.scripting import logged

with logged(snakemake):
    import tempfile
    from pathlib import Path

    from rnamarks.sites.annotation import read_annotation
    from rnamarks.sites.drops import Drops
    from rnamarks.sites.transcripts import build_transcripts
    from rnamarks.tables import write_parquet

    name = snakemake.wildcards.transcripts
    drops = Drops()
    # an input function gives lists
    (path,), (genome,) = snakemake.input.annotation, snakemake.input.genome
    annotation = read_annotation(path, drops, subject=name)
    # beside the output, because a genome may not fit where the system keeps temporary files
    with tempfile.TemporaryDirectory(prefix=".genome.", dir=Path(snakemake.output.transcripts).parent) as workdir:
        transcripts = build_transcripts(
            annotation, genome, drops, workdir=workdir, subject=name, annotation_path=path, extend=snakemake.params.ends
        )
    write_parquet(
        transcripts, snakemake.output.transcripts, {"transcripts": name, "lengths": transcripts.attrs["lengths"]}
    )
    drops.write(snakemake.output.drops)
