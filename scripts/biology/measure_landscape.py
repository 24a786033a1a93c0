from rnamarks.scripting import logged

with logged(snakemake.log[0]):
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

    logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    # one coding transcript table per species: that of its first predictor
    tables, sites = {}, {}
    for entry, path, scanned in zip(params.entries, files.sites, files.tables, strict=True):
        species = entry["species"]
        sites.setdefault(species, {})[entry["predictor"]] = path
        if species not in tables:
            frame, _ = read_tsv(scanned, TRANSCRIPT_COLUMNS, dtype={"transcript": str, "gene": str})
            tables[species] = coding_transcripts(frame, one_per_gene=params.one_per_gene)
    axes = make_axes(list(tables.values()), bins=params.bins, reach=params.reach, stop_bin=params.stop_bin)
    measured = dict(
        zip(params.measured, zip(files.get("transcripts", []), files.get("measured", []), strict=True), strict=True)
    )
    landscape, statistics = [], []
    for species, table in tables.items():
        calls = {
            predictor: read_candidates(path, table, call=params.call, threshold=params.threshold)
            for predictor, path in sites[species].items()
        }
        if species in measured:
            transcripts, positions = measured[species]
            known, _ = read_tsv(positions, ["chrom", "start", "strand"], dtype={"chrom": str, "strand": str})
            calls[MEASURED] = call_measured(next(iter(calls.values())), table, read_exons(transcripts), known)
        parts = measure_landscape(table, calls, axes, species=species, resamples=params.bootstrap, seed=params.seed)
        landscape.append(parts[0])
        statistics.append(parts[1])
    write_tsv(pd.concat(landscape, ignore_index=True), output.landscape)
    write_tsv(pd.concat(statistics, ignore_index=True), output.statistics)
