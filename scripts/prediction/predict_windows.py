from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    import torch

    from rnamarks.models.checkpoint import load_model
    from rnamarks.prediction.held_out import predict_held_out
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import write_parquet

    torch.set_num_threads(snakemake.threads)
    model, config = load_model(Path(snakemake.input.weights).parent)
    predictions = predict_held_out(
        model,
        dict(zip(config.task_names, snakemake.input.splits, strict=True)),
        snakemake.params.scheme,
        device=pick_device(snakemake.config["resources"]["device"]),
    )
    write_parquet(predictions, snakemake.output.predictions)
