from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from pathlib import Path

    import torch

    from rnamarks.interpretation.association import associate_marks
    from rnamarks.models.checkpoint import load_model
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import read_parquet, write_tsv

    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    model, config = load_model(Path(snakemake.input.weights).parent)
    frames = {}
    for head, path in zip(params.heads, snakemake.input.splits, strict=True):
        frame, _ = read_parquet(path, ["sequence", params.split])
        frames[head] = frame[frame[params.split].isin(list(params.parts))]
    table = associate_marks(
        model,
        config.heads,
        frames,
        per_head=params.per_head,
        permutations=params.permutations,
        seed=params.seed,
        device=pick_device(params.device),
    )
    write_tsv(table, snakemake.output.table)
    for measure, rows in table.groupby("measure", sort=False):
        print(f"{measure}: {int((rows['q'] < 0.05).sum())} of {len(rows)} pairs with q < 0.05", file=terminal)
