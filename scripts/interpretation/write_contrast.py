from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.interpretation.discovery import contrast, write_windows
    from rnamarks.tables import read_parquet

    params = snakemake.params
    frame, _ = read_parquet(snakemake.input.splits, ["window", "sequence", "label", "gene", params.scheme])
    windows = contrast(frame, params.scheme, list(params.splits))
    write_windows(windows.foreground, snakemake.output.foreground)
    write_windows(windows.control, snakemake.output.control)
