from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from pathlib import Path

    from rnamarks.training.fit import fit_from_splits
    from rnamarks.training.trainer import TrainingSettings
    from rnamarks.training.warm_start import Start

    params = snakemake.params
    start = snakemake.input.get("start")
    training = params.network.get("training", {}) | {"curriculum": params.curriculum}
    fit_from_splits(
        dict(zip(params.species, snakemake.input.splits, strict=True)),
        params.species,
        split=params.split,
        network=params.network["network"],
        hyperparameters=params.network.get("hyperparameters", {}),
        settings=TrainingSettings.from_mapping(training),
        seed=params.seed,
        checkpoints=params.checkpoints,
        folder=Path(snakemake.output.weights).parent,
        start=Start(Path(start).parent, params.network["start"].get("head", "")) if start else None,
        modification=params.modification,
        motif=params.motif,
        modifications=params.modifications,
        device=params.device,
        threads=snakemake.threads,
        report=lambda line: print(f"{params.name}: {line}", file=terminal, flush=True),
    )
