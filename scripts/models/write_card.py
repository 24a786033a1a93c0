from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    from rnamarks.models.card import write_card
    from rnamarks.tables import read_tsv

    write_card(
        Path(snakemake.input.config).parent,
        run=snakemake.params.run,
        release=snakemake.params.release,
        metrics=read_tsv(snakemake.input.metrics)[0],
        leaks=read_tsv(snakemake.input.leaks)[0],
        sources=read_tsv(snakemake.input.sources)[0],
        laboratories=next((read_tsv(path)[0] for path in snakemake.input.laboratories), None),
        licence=snakemake.params.licence,
        resampled=snakemake.params.resampled,
        limits=snakemake.params.limits,
    )
