from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    import shutil
    from pathlib import Path

    import torch

    from rnamarks.prediction.background import unmodified_windows
    from rnamarks.prediction.exact import load_engine
    from rnamarks.prediction.significance import build_null, write_null

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
    for mode in ("exact", "fast"):
        loaded = load_engine(folder, mode, device=params.device)
        null = build_null(loaded.engine, windows)
        write_null(folder, {loaded.prefix + head: logits for head, logits in null.items()}, source=words)
