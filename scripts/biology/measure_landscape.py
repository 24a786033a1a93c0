from rnamarks.scripting import logged

with logged(snakemake):
    import logging

    import pandas as pd

    from rnamarks.biology.candidates import (
        MEASURED,
        TRANSCRIPT_COLUMNS,
        call_measured,
        coding_transcripts,
        read_candidates,
        read_exons,
    )
    from rnamarks.biology.landscape import make_axes, measure_landscape
    from rnamarks.tables import read_tsv, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    tasks = [Task.from_record(record) for record in params.tasks]
    # a set has the same transcripts whatever was predicted on them
    tables, sites = {}, {}
    for entry, path, scanned in zip(params.entries, files.sites, files.tables, strict=True):
        name = entry["transcripts"]
        sites.setdefault((name, entry["task"]), {})[entry["predictor"]] = path
        if name not in tables:
            frame, _ = read_tsv(scanned, TRANSCRIPT_COLUMNS, dtype={"transcript": str, "gene": str})
            tables[name] = coding_transcripts(frame)
    axes = make_axes(list(tables.values()), bins=params.bins, stop_bin=params.stop_bin)
    measured = {
        (entry["transcripts"], entry["task"]): paths
        for entry, *paths in zip(params.measured, files.get("transcripts", []), files.get("measured", []), strict=True)
    }
    landscape, statistics = [], []
    for (name, task), paths in sites.items():
        calls = {
            predictor: read_candidates(path, tables[name], call=params.call, threshold=params.threshold)
            for predictor, path in paths.items()
        }
        if (name, task) in measured:
            transcripts, positions = measured[name, task]
            known, _ = read_tsv(positions, ["chrom", "start", "strand"], dtype={"chrom": str, "strand": str})
            calls[MEASURED] = call_measured(next(iter(calls.values())), tables[name], read_exons(transcripts), known)
        parts = measure_landscape(
            tables[name], calls, axes, transcripts=name, task=task, resamples=params.bootstrap, seed=params.seed
        )
        landscape.append(parts[0])
        statistics.append(parts[1])
    write_tsv(add_task_columns(pd.concat(landscape, ignore_index=True), tasks), output.landscape)
    write_tsv(add_task_columns(pd.concat(statistics, ignore_index=True), tasks), output.statistics)
