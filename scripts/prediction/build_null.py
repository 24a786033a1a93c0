from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    import shutil
    from pathlib import Path

    import torch

    from rnamarks.prediction.background import add_nulls, unmodified_windows

    torch.set_num_threads(snakemake.threads)
    source, params = snakemake.input, snakemake.params
    folder = Path(snakemake.output.null).parent
    for path in (source.weights, source.config, source.student, source.card):
        shutil.copyfile(path, folder / Path(path).name)
    tables = iter(source.sites)
    windows, words = unmodified_windows(
        folder,
        dict(zip(params.heads, source.splits, strict=True)),
        split=params.split,
        n=params.bases,
        seed=params.seed,
        files=[entry | {"file": path} for entry, path in zip(params.files, source.files, strict=True)],
        transcripts=source.transcripts[0] if source.transcripts else None,
        sites={head: [next(tables) for _ in range(n)] for head, n in params.sites.items()} if source.sites else None,
    )
    add_nulls(folder, windows, source=words, device=params.device)
