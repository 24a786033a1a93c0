from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    import pandas as pd

    from rnamarks.dictionary import column_names
    from rnamarks.interpretation.attended import EXPLAINED_SPLITS, GRADIENTS
    from rnamarks.interpretation.consensus import ConsensusSettings, find_consensus, no_consensus
    from rnamarks.interpretation.discovery import contrast
    from rnamarks.interpretation.motif_files import read_own, write_meme
    from rnamarks.interpretation.motif_matches import Database, QuerySet, compare_sets
    from rnamarks.sequences import encode_windows
    from rnamarks.tables import read_parquet, write_tsv
    from rnamarks.tasks import Task, add_task_columns, find_task

    params, given, output = snakemake.params, snakemake.input, snakemake.output
    tasks = [Task.from_record(record) for record in params.tasks]
    splits = dict(zip((task.name for task in tasks), given.splits, strict=True))
    attended, _ = read_parquet(given.attended, column_names("explained"))
    sets, tables = [], []
    for predictor, task, scheme in params.pairs:
        mine = attended[(attended["predictor"] == predictor) & (attended["task"] == task)]
        frame, _ = read_parquet(splits[task], ["window", "sequence", "label", "gene", scheme])
        judging = contrast(frame, scheme, ["test"])
        explained = frame[frame[scheme].isin(EXPLAINED_SPLITS) & (frame["label"] == 0)]
        for method, rows in mine.groupby("method", sort=False):
            found = find_consensus(
                rows,
                judging.foreground,
                judging.control,
                settings=ConsensusSettings.from_mapping(params.settings),
                drawn_from=encode_windows(explained["sequence"]),
                draws=params.draws,
                seed=params.seed,
            )
            tables.append(found.table)
            sets.append(QuerySet(predictor, find_task(tasks, task), method, found.motifs, null=found.null))
            print(f"{predictor}, {task}, {method}: {len(found.motifs)} consensus motifs", file=terminal)
        if mine.empty:
            who = {"predictor": predictor, "task": task, "method": GRADIENTS}
            tables.append(no_consensus(who, "no window called"))
    databases = [
        Database.of_known(name, read_own(path, name), species, tasks)
        for name, species, path in zip(params.databases, params.database_species, given.databases, strict=True)
    ]
    databases.append(
        Database.of_discovered(
            (task.name, read_own(path, task.name)) for task, path in zip(tasks, given.discovered, strict=True)
        )
    )
    compared = compare_sets(sets, databases, maximum=4)
    write_meme([motif for one in sets for motif in one.motifs], output.motifs)
    for frame, path in (
        (pd.concat(tables, ignore_index=True), output.consensus),
        (compared.matches, output.matches),
        (compared.logos, output.logos),
    ):
        write_tsv(add_task_columns(frame, tasks), path)
