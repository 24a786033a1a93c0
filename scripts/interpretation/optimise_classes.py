from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    import pandas as pd
    import torch

    from rnamarks.dictionary import column_names
    from rnamarks.interpretation.elements import NULLS, Element, pairs_in_optimised
    from rnamarks.interpretation.optimisation import OptimisationSettings, motif_table, optimise_models, start_table
    from rnamarks.tables import stack_frames, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    torch.set_num_threads(snakemake.threads)
    params, output = snakemake.params, snakemake.output
    tasks = [Task.from_record(record) for record in params.tasks]
    optima = optimise_models(
        [(*pair, Path(weights).parent) for pair, weights in zip(params.pairs, snakemake.input.weights, strict=True)],
        OptimisationSettings.from_mapping(params.settings),
        seed=params.seed,
        device=snakemake.config["resources"]["device"],
        report=lambda line: print(f"class optimisation: {line}", file=terminal),
    )
    elements = [Element.from_mapping(entry) for entry in params.elements]
    pairs = [
        pairs_in_optimised(optimum.pwms, elements, null=null, held=optimum.held, seed=params.seed).assign(
            predictor=predictor, task=task, null=null
        )
        for (predictor, task), optimum in optima.items()
        for null in NULLS
        if elements
    ]
    for table, path in (
        (pd.concat([motif_table(optimum, *who) for who, optimum in optima.items()], ignore_index=True), output.motifs),
        (pd.concat([start_table(optimum, *who) for who, optimum in optima.items()], ignore_index=True), output.starts),
        (stack_frames(pairs, column_names("optimised_pairs", task_columns=False)), output.pairs),
    ):
        write_tsv(add_task_columns(table, tasks), path)
