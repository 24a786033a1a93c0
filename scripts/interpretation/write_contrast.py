from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.interpretation.discovery import contrast, write_windows
    from rnamarks.tables import read_parquet

    params = snakemake.params
    frame, _ = read_parquet(snakemake.input.split, ["window", "sequence", "label", "gene", params.split])
    windows = contrast(frame, params.split, list(params.parts))
    write_windows(windows.foreground, snakemake.output.foreground)
    write_windows(windows.control, snakemake.output.control)
