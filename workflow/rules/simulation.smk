if config.get("simulation"):

    rule simulate_world:
        output:
            genomes=expand("resources/{{world}}/{species}.genome.fa.gz", species=PLAN.species),
            annotations=expand("resources/{{world}}/{species}.annotation.gtf.gz", species=PLAN.species),
            tables=expand("resources/{{world}}/{species}.rmbase.tsv.gz", species=PLAN.species),
            second_lab=expand(
                "resources/{{world}}/{species}.miclip.bed.gz", species=config["simulation"]["second_lab"]
            ),
            orthologues="resources/{world}/orthologues.tsv",
            truth="resources/{world}/truth.parquet",
        log:
            "logs/simulation/simulate_world/{world}.log",
        benchmark:
            "benchmarks/results/simulation/simulate_world/{world}.tsv"
        conda:
            "../../envs/library.yaml"
        params:
            species=list(PLAN.species),
            species_sheet=config["species_sheet"],
            tree=config["tree"],
            seed=config["simulation"]["seed"],
            null_world=config["simulation"]["null_world"],
            second_lab=config["simulation"]["second_lab"],
            sizes=config["simulation"].get("sizes", {}),
        wildcard_constraints:
            world=config["simulation"]["world"],
        script:
            "../../scripts/simulation/simulate_world.py"
