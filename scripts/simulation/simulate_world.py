"""Write the raw files of a simulated world."""

from pathlib import Path

from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.simulation.downstream import write_downstream
    from rnamarks.simulation.parameters import WorldParameters
    from rnamarks.simulation.world import simulate, summarise, write_world
    from rnamarks.sites.species import read_species, select_species
    from rnamarks.training.tree import read_tree

    world = simulate(
        select_species(read_species(snakemake.input.species), snakemake.params.species),
        read_tree(snakemake.input.tree),
        WorldParameters.from_mapping(snakemake.params.size),
        seed=snakemake.params.seed,
        null=snakemake.params.null,
        second_lab_species=snakemake.params.second_lab_species,
    )
    folder = Path(snakemake.output.truth).parent
    write_world(world, folder)
    write_downstream(world, folder, snakemake.params.root)
    print(summarise(world.truth).to_string(index=False))
