from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    from rnamarks.models.directory import read_config
    from rnamarks.tables import read_parquet
    from rnamarks.training.finetune import finetune
    from rnamarks.training.settings import FinetuneSettings

    params, resources = snakemake.params, snakemake.config["resources"]
    model = snakemake.input.get("model")
    sizes = params.sizes
    if snakemake.input.get("config"):
        sizes = read_config(Path(snakemake.input.config).parent)[0].hyperparameters["sizes"]
    checkpoints = Path(resources["checkpoints"])
    finetune(
        read_parquet(snakemake.input.examples)[0],
        params.fold,
        Path(snakemake.output.weights).parent,
        target=params.target,
        model=Path(model).parent if model else None,
        sizes=None if model else sizes,
        way=params.way,
        head=params.head,
        settings=FinetuneSettings.for_target(params.target, params.training, params.way),
        seed=params.seed,
        checkpoints=checkpoints,
        device=resources["device"],
        threads=snakemake.threads,
        cache=checkpoints / "vectors",
        report=lambda line: print(f"{params.name}: {line}", file=terminal, flush=True),
    )
