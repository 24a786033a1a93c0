from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    import yaml

    from rnamarks.files import write_text
    from rnamarks.tables import write_tsv
    from rnamarks.training.fit import digest_splits, read_split
    from rnamarks.training.line_search import line_search
    from rnamarks.training.trunks import Pretrained

    params, resources = snakemake.params, snakemake.config["resources"]
    trunk = snakemake.input.get("trunk")
    splits = dict(zip(params.tasks, snakemake.input.splits, strict=True))
    table, best = line_search(
        params.network["network"],
        params.network.get("hyperparameters", {}),
        params.network.get("training", {}) | {"curriculum": params.curriculum},
        params.search["grid"],
        {task: read_split(path, params.search["scheme"], "train") for task, path in splits.items()},
        digests=digest_splits(splits, params.search["scheme"], "train"),
        folds=params.search["folds"],
        seed=params.seed,
        checkpoints=resources["checkpoints"],
        trunk=Pretrained(Path(trunk).parent, params.network["trunk"]["way"]) if trunk else None,
        device=resources["device"],
        threads=snakemake.threads,
        report=lambda line: print(f"line search: {line}", file=terminal, flush=True),
    )
    write_tsv(table, snakemake.output.table)
    with write_text(snakemake.output.best) as handle:
        yaml.safe_dump(best, handle)
