from rnamarks.scripting import logged

with logged(snakemake):
    import tempfile
    from pathlib import Path

    from rnamarks.sites.modifications import find_modification, load_modifications
    from rnamarks.sites.site_sets import read_site_tables
    from rnamarks.sites.site_tables import write_sites

    params = snakemake.params
    # beside the output, because a genome may not fit where the system keeps temporary files
    with tempfile.TemporaryDirectory(prefix=".genome.", dir=Path(snakemake.output.sites).parent) as workdir:
        sites, drops = read_site_tables(
            snakemake.input.tables,
            params.formats,
            params.sources,
            genome=next(iter(snakemake.input.genome), None),
            workdir=workdir,
            assembly=params.assembly,
            modification=find_modification(load_modifications(snakemake.input.modifications), params.modification),
            subject=snakemake.wildcards.task,
            technologies=params.technologies,
            layouts=params.layouts,
        )
    write_sites(sites, snakemake.output.sites, params.assembly)
    drops.write(snakemake.output.drops)
