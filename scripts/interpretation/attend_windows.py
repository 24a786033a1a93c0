from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from functools import cache
    from pathlib import Path

    import pandas as pd
    import torch

    from rnamarks.dictionary import column_names
    from rnamarks.interpretation.attended import EXPLAINED_SPLITS, profile_table
    from rnamarks.interpretation.attention import attends
    from rnamarks.interpretation.explanation import TaskWindows, explain_task
    from rnamarks.models.checkpoint import load_model
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import read_parquet, stack_frames, write_parquet, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    torch.set_num_threads(snakemake.threads)
    params, output = snakemake.params, snakemake.output
    tasks = [Task.from_record(record) for record in params.tasks]
    splits = dict(zip((task.name for task in tasks), snakemake.input.splits, strict=True))
    load, device = cache(load_model), pick_device(snakemake.config["resources"]["device"])
    attended, summaries, profiles = [], [], []
    for (predictor, task, scheme), weights in zip(params.pairs, snakemake.input.weights, strict=True):
        model, config = load(Path(weights).parent)
        frame, _ = read_parquet(splits[task], ["window", "sequence", "label", scheme])
        rows = frame[frame[scheme].isin(EXPLAINED_SPLITS)]
        one = explain_task(
            TaskWindows(model, config.task_names, task, rows, predictor, seed=params.seed, device=device),
            fraction=params.fraction,
            minimum=params.minimum,
            maximum=params.maximum,
            mean=params.mean,
            gradients=params.gradients,
            maximum_gradients=params.maximum_gradients,
            mutated=params.mutated,
            reach=params.reach,
        )
        how = "attention and gradients" if attends(model) else "gradients alone, as the network does not attend"
        print(f"{predictor}, {task}: {one.attended['window'].nunique()} windows explained by {how}", file=terminal)
        attended.append(one.attended)
        summaries.append(one.summary)
        profiles.append(one.profile)
    table = stack_frames(attended, column_names("explained"))
    write_parquet(table, output.attended, {"splits": EXPLAINED_SPLITS})
    for frame, path in (
        (profile_table(table), output.attention),
        (pd.DataFrame(summaries, columns=column_names("attribution", task_columns=False)), output.explained),
        (stack_frames(profiles, column_names("attribution_profile", task_columns=False)), output.profile),
    ):
        write_tsv(add_task_columns(frame, tasks), path)
