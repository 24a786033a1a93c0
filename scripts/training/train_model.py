from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    from rnamarks.tasks import Task
    from rnamarks.training.fit import fit_from_splits
    from rnamarks.training.settings import SiteSettings
    from rnamarks.training.trunks import Pretrained
    from rnamarks.training.warm_start import Start

    params, resources = snakemake.params, snakemake.config["resources"]
    tasks = [Task.from_record(record) for record in params.tasks]
    start, trunk = snakemake.input.get("start"), snakemake.input.get("trunk")
    fit_from_splits(
        {task.name: path for task, path in zip(tasks, snakemake.input.splits, strict=True)},
        tasks,
        scheme=params.scheme,
        network=params.network["network"],
        hyperparameters=params.network.get("hyperparameters", {}),
        settings=SiteSettings.from_mapping(params.network.get("training", {}) | {"curriculum": params.curriculum}),
        seed=params.seed,
        checkpoints=resources["checkpoints"],
        folder=Path(snakemake.output.weights).parent,
        start=Start(Path(start).parent, params.network["start"].get("task", "")) if start else None,
        trunk=Pretrained(Path(trunk).parent, params.network["trunk"]["way"]) if trunk else None,
        device=resources["device"],
        threads=snakemake.threads,
        report=lambda line: print(f"{params.name}: {line}", file=terminal, flush=True),
    )
