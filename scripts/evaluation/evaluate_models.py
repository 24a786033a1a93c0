from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.evaluation.tables import (
        PREDICTION_COLUMNS,
        Run,
        build_panels,
        calibration_table,
        metrics_table,
        paired_table,
        reliability_tables,
        similarity_table,
        threshold_tables,
    )
    from rnamarks.tables import read_parquet, write_tsv

    params, output = snakemake.params, snakemake.output
    runs = [
        Run(**record, frame=read_parquet(path, PREDICTION_COLUMNS)[0])
        for record, path in zip(params.runs, snakemake.input.predictions, strict=True)
    ]
    identity, _ = read_parquet(snakemake.input.identity, ["window", "max_identity"])
    resampling = {"n": params.bootstrap, "seed": params.seed}
    reference = (params.release["model"], params.release["setting"]) if params.release else None
    panels = build_panels(runs, parts=("test", "valid"))
    tests = [panel for panel in panels if panel.part == "test"]
    write_tsv(metrics_table(panels, **resampling), output.metrics)
    write_tsv(calibration_table(tests), output.calibration)
    write_tsv(reliability_tables(tests), output.reliability)
    write_tsv(threshold_tables(tests, precisions=params.precisions), output.thresholds)
    write_tsv(paired_table(tests, reference=reference, **resampling), output.paired)
    write_tsv(similarity_table(tests, identity, **resampling), output.similarity)
