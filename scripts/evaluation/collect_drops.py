from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.sites.drops import Drops

    drops = Drops()
    for path in snakemake.input.drops:
        drops.merge(Drops.read(path))
    drops.write(snakemake.output.drops)
