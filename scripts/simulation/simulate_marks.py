"""Write the raw files of a simulated world of twelve marks."""

from pathlib import Path

from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from rnamarks.simulation.mark_tables import EXPERIMENTS, write_marks
    from rnamarks.simulation.marks import MarksParameters, simulate_marks
    from rnamarks.sites.modifications import load_modifications
    from rnamarks.sites.species import read_species, select_species

    (organism,) = select_species(read_species(snakemake.input.species), [snakemake.params.organism])
    world = simulate_marks(
        organism,
        load_modifications(snakemake.input.modifications),
        EXPERIMENTS,
        MarksParameters.from_mapping(snakemake.params.size),
        seed=snakemake.params.seed,
        null=snakemake.params.null,
    )
    write_marks(world, Path(snakemake.output.truth).parent.parent)
    print(world.marks.to_string(index=False))
