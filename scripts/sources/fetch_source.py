from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from rnamarks.progress import show_bytes
    from rnamarks.sources.download import fetch
    from rnamarks.sources.sheet import read_sources, select_source

    params = snakemake.params
    source = select_source(read_sources(params.sheet), params.source)
    with show_bytes(terminal, source.name) as progress:
        report = fetch(source, snakemake.output.file, mirror=params.mirror, lock=params.lock, progress=progress)
    print(report)
    if report.verified == "recorded now":
        print(f"{report.name}: no checksum is published; sha256 {report.sha256} is now in {params.lock}", file=terminal)
