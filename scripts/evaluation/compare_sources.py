from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.evaluation.sources_apart import read_negatives, sources_apart
    from rnamarks.tables import write_tsv
    from rnamarks.tasks import Task

    params = snakemake.params
    names = [Task.from_record(record).name for record in params.tasks]
    negatives = read_negatives(dict(zip(names, snakemake.input.splits, strict=True)))
    write_tsv(sources_apart(negatives, n=params.bootstrap, seed=params.seed), snakemake.output.sources)
