from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from rnamarks.interpretation.discovery import contrast, discover, read_streme
    from rnamarks.interpretation.motif_files import write_meme
    from rnamarks.interpretation.tomtom import MEME_SUITE
    from rnamarks.tables import read_parquet, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    params = snakemake.params
    task = Task.from_record(params.task)
    frame, _ = read_parquet(snakemake.input.splits, ["window", "sequence", "label", "gene", params.scheme])
    windows = contrast(frame, params.scheme, list(params.splits))
    both = windows.foreground, windows.control
    if params.engine == MEME_SUITE:
        (streme,) = snakemake.input.streme
        found = read_streme(streme, *both, source=task.name)
    else:
        found = discover(*both, groups=windows.groups, seed=params.seed, source=task.name)
    write_meme(found.motifs, snakemake.output.motifs)
    write_tsv(add_task_columns(found.table.assign(task=task.name), [task]), snakemake.output.table)
    print(f"{task.name}: {len(found.motifs)} motifs found without a model", file=terminal)
