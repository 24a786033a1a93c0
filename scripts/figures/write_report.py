from rnamarks.scripting import logged

with logged(snakemake):
    import json
    from pathlib import Path

    from rnamarks.figures.collect import read_table
    from rnamarks.figures.design import Design
    from rnamarks.figures.provenance import revision, software
    from rnamarks.figures.report import build_report
    from rnamarks.files import write_text

    params, files = snakemake.params, snakemake.input
    ran = {"software": software(), "revision": revision(snakemake.scriptdir), "command": params.command}
    page = build_report(
        Design.from_record(params.design),
        {name: read_table(name, path) for name, path in zip(params.tables, files.tables, strict=True)},
        {name: Path(path).read_text(encoding="utf-8") for name, path in zip(params.names, files.figures, strict=True)},
        sources=read_table("sources", files.sources),
        config=params.config,
        left_out=params.left_out,
        **ran,
    )
    with write_text(snakemake.output.page) as handle:
        handle.write(page)
    folder = Path(snakemake.output.record).parent
    record = {"folder": str(folder), "config": params.config, "left_out": params.left_out, "targets": params.targets}
    with write_text(snakemake.output.record) as handle:
        json.dump(record | ran, handle, indent=1)
