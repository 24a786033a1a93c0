from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    import torch

    from rnamarks.prediction.heads import load_scorer, predict_heads
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import write_parquet

    source, params = snakemake.input, snakemake.params
    torch.set_num_threads(snakemake.threads)
    model, heads = load_scorer(Path(source.weights).parent)
    splits = dict(zip(params.heads, source.splits, strict=True))
    table = predict_heads(model, heads, splits, params.split, device=pick_device(params.device))
    write_parquet(table, snakemake.output.heads)
