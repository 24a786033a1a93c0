from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from pathlib import Path

    import pandas as pd
    import torch

    from rnamarks.interpretation.attention import attend_positives, profile_table, top_table
    from rnamarks.interpretation.positives import ATTENDED_COLUMNS, Head
    from rnamarks.models.checkpoint import load_model
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import read_parquet, write_parquet, write_tsv

    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    model, config = load_model(Path(snakemake.input.weights).parent)
    tables = []
    for head, path in zip(params.heads, snakemake.input.splits, strict=True):
        frame, _ = read_parquet(path, ["window", "sequence", "label", params.split])
        rows = frame[frame[params.split].isin(list(params.parts))]
        table = attend_positives(
            Head(model, config.heads, head, rows, seed=params.seed, device=pick_device(params.device)),
            methods=list(params.methods),
            share=params.share,
            least=params.least,
            most=params.most,
            mean=params.mean,
            gradients=params.gradients,
            most_gradients=params.most_gradients,
        )
        print(f"{head}: {table['window'].nunique()} confident true positives explained", file=terminal)
        if len(table):
            tables.append(table)
    attended = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(ATTENDED_COLUMNS))
    write_parquet(attended, snakemake.output.attended, {"split": params.split, "parts": list(params.parts)})
    write_tsv(top_table(attended, width=params.width, count=params.tops, margin=params.margin), snakemake.output.top)
    write_tsv(profile_table(attended), snakemake.output.profile)
