from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.evaluation.curves import curve_table
    from rnamarks.evaluation.tables import PREDICTION_COLUMNS, Run, build_panels
    from rnamarks.tables import read_parquet, write_tsv

    runs = [
        Run(**record, frame=read_parquet(path, PREDICTION_COLUMNS)[0])
        for record, path in zip(snakemake.params.runs, snakemake.input.predictions, strict=True)
    ]
    write_tsv(curve_table(build_panels(runs)), snakemake.output.curves)
