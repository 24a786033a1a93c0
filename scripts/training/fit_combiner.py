from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    from rnamarks.models.combiner import write_combiner
    from rnamarks.models.settings.combiner import CombinerSettings
    from rnamarks.tables import write_parquet
    from rnamarks.tasks import Task
    from rnamarks.training.combining import Networks, fit_combiner
    from rnamarks.training.settings import SiteSettings
    from rnamarks.training.warm_start import Start

    params, resources, source = snakemake.params, snakemake.config["resources"], snakemake.input
    (task,) = (Task.from_record(record) for record in params.tasks)
    # an input function gives a list
    (splits,) = source.splits
    networks = None
    if params.network:
        begun = params.network.get("start", {}).get("task", "")
        networks = Networks(
            [Path(path).parent for path in source.weights],
            params.heads,
            params.network["network"],
            params.network.get("hyperparameters", {}),
            SiteSettings.from_mapping(params.network.get("training", {}) | {"curriculum": params.curriculum}),
            params.seeds,
            [Start(Path(path).parent, begun) for path in source.starts],
        )
    combiner, predictions = fit_combiner(
        splits,
        source.transcripts,
        task,
        CombinerSettings.from_mapping(params.combiner["settings"]),
        scheme=params.scheme,
        networks=networks,
        folds=params.combiner["folds"],
        seed=params.seed,
        checkpoints=resources["checkpoints"],
        device=resources["device"],
        threads=snakemake.threads,
        report=lambda line: print(f"{params.name}: {line}", file=terminal, flush=True),
    )
    write_combiner(snakemake.output.combiner, combiner)
    write_parquet(predictions, snakemake.output.predictions)
