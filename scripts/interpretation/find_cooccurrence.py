from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    import torch

    from rnamarks.interpretation.elements import Element
    from rnamarks.interpretation.pair_discovery import cooccurrence_tables
    from rnamarks.tables import write_tsv
    from rnamarks.tasks import Task, add_task_columns

    torch.set_num_threads(snakemake.threads)
    params, given = snakemake.params, snakemake.input
    tasks = [Task.from_record(record) for record in params.tasks]
    known, found = cooccurrence_tables(
        [(*pair, Path(weights).parent) for pair, weights in zip(params.pairs, given.weights, strict=True)],
        dict(zip((task.name for task in tasks), given.windows, strict=True)),
        [Element.from_mapping(entry) for entry in params.elements],
        scheme=params.scheme,
        splits=params.splits,
        permutations=params.permutations,
        seed=params.seed,
        device=snakemake.config["resources"]["device"],
    )
    write_tsv(add_task_columns(known, tasks), snakemake.output.known)
    write_tsv(add_task_columns(found, tasks), snakemake.output.found)
