if config.get("simulation") and PLAN.heads_are == "species":

    rule simulate_world:
        input:
            species=config["species_sheet"],
            tree=config["tree"],
        output:
            genomes=expand("resources/{{world}}/{species}.genome.fa.gz", species=PLAN.species),
            annotations=expand("resources/{{world}}/{species}.annotation.gtf.gz", species=PLAN.species),
            tables=expand("resources/{{world}}/{species}.rmbase.tsv.gz", species=PLAN.species),
            second_lab=expand("resources/{{world}}/{species}.miclip.bed.gz", species=config["simulation"]["second_lab"]),
            orthologues="resources/{world}/orthologues.tsv",
            truth="resources/{world}/truth.parquet",
            motifs=expand("resources/{{world}}/{species}.cisbp_rna.meme.gz", species=PLAN.species),
            ontology="resources/{world}/go.obo",
            annotated=expand("resources/{{world}}/{species}.gaf.gz", species=PLAN.species),
            expression=f"resources/{{world}}/{PLAN.root_species}.expression.tsv.gz",
            half_life=f"resources/{{world}}/{PLAN.root_species}.half_life.tsv.gz",
            translation=f"resources/{{world}}/{PLAN.root_species}.translation.txt.gz",
            structure=f"resources/{{world}}/{PLAN.root_species}.pars.tsv.gz",
            peaks=f"resources/{{world}}/{PLAN.root_species}.h3k36me3.narrowPeak.gz",
            literature="resources/{world}/literature.tsv",
            truth_genes="resources/{world}/truth_genes.parquet",
        log:
            "logs/simulation/simulate_world/{world}.log",
        benchmark:
            "benchmarks/results/simulation/simulate_world/{world}.tsv"
        wildcard_constraints:
            world=PLAN.world,
        conda:
            "../../envs/library.yaml"
        params:
            species=list(PLAN.species),
            root=PLAN.root_species,
            seed=config["simulation"]["seed"],
            null=PLAN.null_world,
            second_lab_species=config["simulation"]["second_lab"],
            size=config["simulation"]["sizes"],
        script:
            "../../scripts/simulation/simulate_world.py"


if config.get("simulation") and PLAN.heads_are == "modification":

    rule simulate_marks:
        input:
            species=config["species_sheet"],
            modifications=config["modification_sheet"],
        output:
            expand(
                "resources/{{world}}/{file}", file=[one for one in file_names(PLAN.organism["name"]) if "/" not in one]
            ),
            truth="resources/{world}/truth/sites.parquet",
            rest=expand(
                "resources/{{world}}/truth/{file}", file=["marks.tsv", "motifs.tsv", "pairs.tsv", "motifs.meme"]
            ),
        log:
            "logs/simulation/simulate_marks/{world}.log",
        benchmark:
            "benchmarks/results/simulation/simulate_marks/{world}.tsv"
        wildcard_constraints:
            world=PLAN.world,
        conda:
            "../../envs/library.yaml"
        params:
            organism=PLAN.organism["name"],
            seed=config["simulation"]["seed"],
            null=PLAN.null_world,
            size=config["simulation"]["sizes"],
        script:
            "../../scripts/simulation/simulate_marks.py"
