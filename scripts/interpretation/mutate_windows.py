from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    import torch

    from rnamarks.interpretation.attention import attentive, view_of
    from rnamarks.interpretation.mutations import mutate_marks
    from rnamarks.interpretation.positives import ATTENDED_COLUMNS
    from rnamarks.models.checkpoint import load_model
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import read_parquet, write_tsv

    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    model, config = load_model(Path(snakemake.input.weights).parent)
    attended, _ = read_parquet(snakemake.input.attended, ATTENDED_COLUMNS)
    table = mutate_marks(
        model,
        attended,
        calibration=config.calibration,
        view=view_of(attentive(model)[0], config.window),
        width=params.width,
        count=params.tops,
        margin=params.margin,
        substitutions=params.substitutions,
        most=params.most,
        resamples=params.resamples,
        seed=params.seed,
        device=pick_device(params.device),
    )
    write_tsv(table, snakemake.output.table)
