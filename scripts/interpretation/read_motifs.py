from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from rnamarks.interpretation.motif_files import read_motifs, write_meme
    from rnamarks.sites.drops import Drops

    params = snakemake.params
    found = read_motifs(list(snakemake.input.files), params.format, source=params.database, organism=params.organism)
    drops = Drops()
    for reason, motifs in found.drops.items():
        drops.count("motifs", params.species, params.database, reason, motifs)
    write_meme(found.motifs, snakemake.output.motifs)
    drops.write(snakemake.output.drops)
    lost = sum(found.drops.values()) - len(found.motifs)
    print(f"{params.database}, {params.species}: {len(found.motifs)} motifs, {lost} left out", file=terminal)
