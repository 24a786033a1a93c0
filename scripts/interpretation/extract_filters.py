from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from functools import cache
    from pathlib import Path

    import torch

    from rnamarks.interpretation.filters import FILTER_SPLIT, filter_motifs, positive_windows
    from rnamarks.interpretation.motif_files import write_meme
    from rnamarks.models.checkpoint import load_model
    from rnamarks.sequences import encode_windows
    from rnamarks.tables import read_parquet, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    params, source, output = snakemake.params, snakemake.input, snakemake.output
    torch.set_num_threads(snakemake.threads)
    tasks = [Task.from_record(record) for record in params.tasks]
    splits = dict(zip((task.name for task in tasks), source.splits, strict=True))
    load = cache(load_model)
    for (predictor, task, scheme), weights, motifs, table in zip(
        params.pairs, source.weights, output.motifs, output.filters, strict=True
    ):
        model, _ = load(Path(weights).parent)
        frame, _ = read_parquet(splits[task], ["sequence", "label", scheme])
        sequences = positive_windows(frame, scheme, params.seed)
        filters = filter_motifs(
            model.networks.members[0], encode_windows(sequences), threshold=params.threshold, source=predictor
        )
        write_meme(filters.motifs, motifs)
        write_tsv(
            add_task_columns(filters.table.assign(predictor=predictor, task=task), tasks),
            table,
            {"threshold": params.threshold, "split": FILTER_SPLIT, "windows": str(len(sequences))},
        )
        told = "no filters, as no convolution reads the sequence itself"
        if filters.motifs:
            told = f"{len(filters.motifs)} filters, {len(filters.informative())} of them informative"
        print(f"{predictor}, {task}: {told}, from {len(sequences)} windows", file=terminal)
