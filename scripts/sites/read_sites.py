from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    from rnamarks.sites.drops import Drops
    from rnamarks.sites.modifications import find_modification, load_modifications
    from rnamarks.sites.readers import READERS
    from rnamarks.sites.site_tables import merge_sites, write_sites

    params = snakemake.params
    shipped = Path(snakemake.scriptdir).parents[1] / "config" / "modifications.tsv"
    modification = find_modification(
        load_modifications(snakemake.input.get("modifications", shipped)), params.modification
    )
    drops = Drops()
    tables = [
        READERS[name](
            path,
            assembly=params.assembly,
            modification=modification,
            source=source,
            drops=drops,
            species=params.species,
        )
        for path, name, source in zip(snakemake.input.tables, params.formats, params.sources, strict=True)
    ]
    write_sites(merge_sites(tables), snakemake.output.sites, params.assembly)
    drops.write(snakemake.output.drops)
