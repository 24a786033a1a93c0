from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    from rnamarks.models.language_import import import_checkpoint

    folder = Path(snakemake.output.weights).parent
    import_checkpoint(snakemake.input.checkpoint, folder, snakemake.params.heads)
