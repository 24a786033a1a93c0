from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from functools import cache
    from pathlib import Path

    import torch

    from rnamarks.dictionary import column_names
    from rnamarks.interpretation.attended import ATTENTION, GRADIENTS
    from rnamarks.interpretation.attention import attends, view_of
    from rnamarks.interpretation.mutations import mutate_task, mutation_table
    from rnamarks.models.checkpoint import load_model
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import read_parquet, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    torch.set_num_threads(snakemake.threads)
    params, rows = snakemake.params, []
    load, device = cache(load_model), pick_device(snakemake.config["resources"]["device"])
    attended, _ = read_parquet(snakemake.input.attended, column_names("explained"))
    number = dict.fromkeys((predictor for predictor, _ in params.pairs), 0)
    for (predictor, task), weights in zip(params.pairs, snakemake.input.weights, strict=True):
        model, config = load(Path(weights).parent)
        method = ATTENTION if attends(model) else GRADIENTS
        mine = attended[(attended[["predictor", "task", "method"]] == [predictor, task, method]).all(axis=1)]
        if mine.empty:
            print(f"{predictor}, {task}: no window called, so none is mutated", file=terminal)
            continue
        rows += mutate_task(
            model,
            mine,
            calibration=config.calibration.get(task),
            view=view_of(model.networks.members[0], config.window),
            maximum=params.maximum,
            number=number[predictor],
            seed=params.seed,
            device=device,
        )
        number[predictor] += 1
    tasks = [Task.from_record(record) for record in params.tasks]
    write_tsv(add_task_columns(mutation_table(rows), tasks), snakemake.output.table)
