if config.get("simulation"):

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
        log:
            "logs/simulation/simulate_world/{world}.log",
        benchmark:
            "benchmarks/results/simulation/simulate_world/{world}.tsv"
        wildcard_constraints:
            world=config["simulation"]["world"],
        conda:
            "../../envs/library.yaml"
        params:
            species=list(PLAN.species),
            seed=config["simulation"]["seed"],
            null=config["simulation"]["null_world"],
            second_lab_species=config["simulation"]["second_lab"],
            size=config["simulation"]["sizes"],
        script:
            "../../scripts/simulation/simulate_world.py"
