from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    import pandas as pd

    from rnamarks.models.checkpoint import load_model
    from rnamarks.models.student import add_student
    from rnamarks.prediction.fast import compare_modes
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import write_tsv
    from rnamarks.tasks import add_task_columns
    from rnamarks.training.distillation import distil_student
    from rnamarks.training.fit import read_split
    from rnamarks.training.settings import DistillationSettings

    params, resources = snakemake.params, snakemake.config["resources"]
    folder = Path(snakemake.input.weights).parent
    splits = dict(zip(params.tasks, snakemake.input.splits, strict=True))
    done = distil_student(
        folder,
        splits,
        scheme=params.scheme,
        settings=DistillationSettings.from_mapping(params.student.get("training", {}), "student.training."),
        hyperparameters=params.student.get("hyperparameters", {}),
        seed=params.seed,
        checkpoints=resources["checkpoints"],
        device=resources["device"],
        threads=snakemake.threads,
        report=lambda line: print(line, file=terminal, flush=True),
    )
    values = {name: getattr(done, name) for name in ("calibration", "agreement", "training")}
    add_student(folder, done.student, **values)
    write_tsv(pd.DataFrame(done.history), snakemake.output.history)
    model, config = load_model(folder)
    # heads under a combiner are about windows of another task, and are compared on those of the model's own
    first = splits[config.task_names[0]]
    tests = {
        task.name: read_split(splits.get(task.name, first), params.scheme, "test") for task in config.network_tasks
    }
    options = {"n": params.bootstrap, "seed": params.seed, "device": pick_device(resources["device"])}
    modes = compare_modes(model.networks if config.combiner else model, done.student, tests, **options)
    write_tsv(add_task_columns(modes, config.network_tasks), snakemake.output.modes)
