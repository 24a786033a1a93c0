from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    from rnamarks.started import start_together
    from rnamarks.training.checks import pretraining_settings
    from rnamarks.training.pretrain import pretrain
    from rnamarks.training.settings import MaskingSettings

    params, resources = snakemake.params, snakemake.config["resources"]
    if not start_together(resources["training_processes"], snakemake.threads, terminal):
        pretrain(
            snakemake.input.corpus,
            Path(snakemake.output.weights).parent,
            params.sizes,
            pretraining_settings(params.training),
            MaskingSettings.from_mapping(params.masking),
            seed=params.seed,
            checkpoints=resources["checkpoints"],
            device=resources["device"],
            threads=snakemake.threads,
            report=lambda line: print(f"{params.name}: {line}", file=terminal, flush=True),
        )
