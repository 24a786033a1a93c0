from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.sites.drops import Drops

    drops = Drops()
    for path in snakemake.input.drops:
        drops.merge(Drops.read(path))
    drops.write(snakemake.output.drops)
