"""Write the raw files of a simulated world."""

from pathlib import Path

from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.sites.modifications import find_modification, load_modifications
    from rnamarks.sites.species import read_species, select_species
    from rnamarks.training.tree import read_tree
    from rnamarks_simulation.downstream import write_downstream
    from rnamarks_simulation.files import extra_modifications
    from rnamarks_simulation.modification_tables import write_organism
    from rnamarks_simulation.modifications import simulate_organism
    from rnamarks_simulation.parameters import parameters_for
    from rnamarks_simulation.rna_files import simulate_families, write_families
    from rnamarks_simulation.world import simulate, summarise, write_world

    params, folder = snakemake.params, Path(snakemake.output[0]).parent
    species = select_species(read_species(snakemake.input.species), params.species)
    sheet = load_modifications(snakemake.input.modifications)
    options = {"seed": params.seed, "null": params.null}
    extra = extra_modifications(params.modifications)
    parameters = parameters_for(params.kind, extra, params.size)
    if params.kind == "families":
        families = simulate_families(parameters, seed=params.seed)
        write_families(families, folder)
        print(families.summary.to_string(index=False))
    elif params.kind == "organism":
        world = simulate_organism(species[0], sheet, parameters, **options)
        write_organism(world, folder)
        print(world.summary.to_string(index=False))
    else:
        more = {name: find_modification(sheet, name) for name in extra}
        world = simulate(
            species,
            read_tree(snakemake.input.tree),
            parameters,
            second_lab_species=params.second_lab or None,
            modifications=more,
            **options,
        )
        write_world(world, folder)
        write_downstream(world, folder, params.root or None)
        print(summarise(world.truth).to_string(index=False))
