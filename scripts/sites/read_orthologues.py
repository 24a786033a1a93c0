from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.sites.orthologues import ORTHOLOGUE_FORMATS
    from rnamarks.sites.species import read_species, select_species
    from rnamarks.tables import write_tsv

    chosen = select_species(read_species(snakemake.input.species), snakemake.params.species)
    reader = ORTHOLOGUE_FORMATS[snakemake.params.format]
    table = reader(snakemake.input.table, {species.species: species.scientific for species in chosen})
    write_tsv(table, snakemake.output.orthologues)
