from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from pathlib import Path

    import torch

    from rnamarks.interpretation.filters import filter_motifs, positive_windows
    from rnamarks.interpretation.motif_files import write_meme
    from rnamarks.models.checkpoint import load_model
    from rnamarks.sequences import encode_windows
    from rnamarks.tables import read_parquet, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    params = snakemake.params
    torch.set_num_threads(snakemake.threads)
    task = Task.from_record(params.task)
    model, _ = load_model(Path(snakemake.input.weights).parent)
    frame, _ = read_parquet(snakemake.input.splits, ["sequence", "label", params.scheme])
    sequences = positive_windows(frame, params.scheme, params.split, params.maximum_windows, params.seed)
    filters = filter_motifs(
        list(model.networks.members),
        encode_windows(sequences),
        threshold=params.threshold,
        branches=params.branches,
        member=params.member,
        pseudocount=params.pseudocount,
        minimum_information=params.minimum_information,
        minimum_sites=params.minimum_sites,
        source=params.predictor,
    )
    write_meme(filters.motifs, snakemake.output.motifs)
    write_tsv(
        add_task_columns(filters.table.assign(predictor=params.predictor, task=task.name), [task]),
        snakemake.output.filters,
        {"threshold": params.threshold, "split": params.split, "windows": str(len(sequences))},
    )
    told = "no filters, as no convolution reads the sequence itself"
    if filters.motifs:
        told = f"{len(filters.motifs)} filters, {len(filters.informative())} of them informative"
    print(f"{params.predictor}, {task.name}: {told}, from {len(sequences)} windows", file=terminal)
