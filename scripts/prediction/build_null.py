from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    import torch

    from rnamarks.prediction.background import add_null, unmodified_windows
    from rnamarks.sites.window_formats import at_paths

    torch.set_num_threads(snakemake.threads)
    source, params = snakemake.input, snakemake.params
    folder = Path(source.weights).parent
    tables = iter(source.get("sites", []))
    windows, words = unmodified_windows(
        folder,
        dict(zip(params.tasks, source.splits, strict=True)),
        scheme=params.scheme,
        n=params.bases,
        seed=params.seed,
        files=at_paths(params.files, source.get("files", [])),
        transcripts={task: source.transcripts[number] for task, number in params.transcripts.items()},
        sites={task: [next(tables) for _ in range(number)] for task, number in params.sites.items()},
    )
    add_null(folder, windows, source=words, device=snakemake.config["resources"]["device"])
