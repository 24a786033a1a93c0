from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.dictionary import column_names
    from rnamarks.sites.drops import Drops
    from rnamarks.sites.labelling import label_sites
    from rnamarks.sites.orthologues import read_orthologues
    from rnamarks.tables import read_parquet, read_tsv, write_parquet
    from rnamarks.tasks import Task

    params = snakemake.params
    task = Task.from_record(params.task)
    transcripts, _ = read_parquet(snakemake.input.transcripts, column_names("transcripts"))
    sites, metadata = read_tsv(snakemake.input.sites, column_names("sites"), dtype={"chrom": str, "source": str})
    orthologues = [read_orthologues(path, task.species) for path in snakemake.input.orthologues]
    veto = [
        read_tsv(path, column_names("sites"), dtype={"chrom": str, "source": str})[0] for path in snakemake.input.veto
    ]
    drops = Drops()
    windows = label_sites(
        transcripts,
        sites,
        drops=drops,
        task=task,
        seed=params.seed,
        width=params.window,
        negatives_per_positive=params.negatives_per_positive,
        isoforms=params.isoforms,
        negatives_from=params.negatives_from,
        veto=veto,
        orthologues=orthologues[0] if orthologues else None,
    )
    write_parquet(windows, snakemake.output.windows, {"task": task.name, **metadata})
    drops.write(snakemake.output.drops)
