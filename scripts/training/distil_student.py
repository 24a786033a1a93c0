from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from pathlib import Path

    import pandas as pd

    from rnamarks.models.checkpoint import load_model
    from rnamarks.models.student import add_student
    from rnamarks.prediction.fast import compare_modes
    from rnamarks.tables import write_tsv
    from rnamarks.training.distillation import DistillationSettings, distil_student
    from rnamarks.training.fit import read_part

    params = snakemake.params
    source = Path(snakemake.input.weights).parent
    splits = dict(zip(params.heads, snakemake.input.splits, strict=True))
    settings = dict(params.student)
    done = distil_student(
        source,
        splits,
        split=params.split,
        settings=DistillationSettings.from_mapping(settings.get("training", {})),
        hyperparameters=settings.get("hyperparameters", {}),
        seed=params.seed,
        checkpoints=params.checkpoints,
        device=params.device,
        threads=snakemake.threads,
        report=lambda line: print(line, file=terminal, flush=True),
    )
    add_student(
        Path(snakemake.output.student).parent,
        done.student,
        calibration=done.calibration,
        agreement=done.agreement,
        training=done.training,
        source=source,
    )
    write_tsv(pd.DataFrame(done.history), snakemake.output.history)
    tests = {head: read_part(path, params.split, "test") for head, path in splits.items()}
    write_tsv(
        compare_modes(load_model(source)[0], done.student, tests, n=params.bootstrap, seed=params.seed),
        snakemake.output.modes,
    )
