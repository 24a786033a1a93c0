from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    from rnamarks.prediction.heads import load_scorer, predict_heads
    from rnamarks.tables import write_parquet

    source, params = snakemake.input, snakemake.params
    model, heads = load_scorer(Path(source.weights).parent, snakemake.threads)
    splits = dict(zip(params.heads, source.splits, strict=True))
    write_parquet(predict_heads(model, heads, splits, params.split, device=params.device), snakemake.output.heads)
