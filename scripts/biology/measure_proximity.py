from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from rnamarks.biology.proximity import SITE_COLUMNS, TRANSCRIPT_COLUMNS, measure_proximity
    from rnamarks.tables import read_parquet, write_tsv

    params = snakemake.params
    windows = {
        head: read_parquet(path, SITE_COLUMNS)[0]
        for head, path in zip(params.heads, snakemake.input.windows, strict=True)
    }
    # marks that came as windows without coordinates have no transcripts
    given = snakemake.input.get("transcripts", [])
    given = [given] if isinstance(given, str) else list(given)
    transcripts = read_parquet(given[0], TRANSCRIPT_COLUMNS)[0] if given else None
    table = measure_proximity(
        windows,
        transcripts,
        {head: (motif, int(offset)) for head, (motif, offset) in params.fits.items()},
        nulls=list(params.nulls),
        permutations=params.permutations,
        fewest=params.fewest,
        seed=params.seed,
        report=lambda line: print(line, file=terminal),
    )
    reasons = sorted(set(table["reason"]) - {""}) if table["p"].isna().all() else []
    write_tsv(table, snakemake.output.table, {"reason": "; ".join(reasons)} if reasons else None)
