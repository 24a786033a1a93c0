from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    import torch

    from rnamarks.interpretation.association import associate_tasks
    from rnamarks.models.checkpoint import load_model
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import read_parquet, write_tsv

    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    model, config = load_model(Path(snakemake.input.weights).parent)
    frames = {}
    for task, path in zip(params.tasks, snakemake.input.splits, strict=True):
        frame, _ = read_parquet(path, ["sequence", params.scheme])
        frames[task] = frame[frame[params.scheme].isin(["valid", "test"])]
    table = associate_tasks(
        model, config.task_names, frames, seed=params.seed, device=pick_device(snakemake.config["resources"]["device"])
    )
    write_tsv(table, snakemake.output.table)
    for measure, rows in table.groupby("measure", sort=False):
        told = rows["reason"].iloc[0] or f"{int((rows['q'] < 0.05).sum())} of {len(rows)} pairs with q < 0.05"
        print(f"{measure or 'association'}: {told}", file=terminal)
