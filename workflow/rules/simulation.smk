if config.get("simulation"):
    WORLD = {
        "kind": config["simulation"]["kind"],
        "species": list(PLAN.species),
        "second_lab": config["simulation"].get("second_lab", ""),
        "modifications": config["simulation"]["modifications"],
    }

    rule simulate:
        input:
            species=config["species_sheet"],
            modifications=config["modification_sheet"],
            tree=config["tree"] or [],
        output:
            expand("resources/{{world}}/{file}", file=simulated_files(**WORLD, root=PLAN.root_species)),
        log:
            "logs/simulation/simulate/{world}.log",
        benchmark:
            "benchmarks/results/simulation/simulate/{world}.tsv"
        wildcard_constraints:
            world=PLAN.world,
        conda:
            "../../envs/statistics.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=minutes(30),
        params:
            **WORLD,
            root=PLAN.root_species,
            seed=config["simulation"]["seed"],
            null=PLAN.null_world,
            size=config["simulation"]["sizes"],
        script:
            "../../scripts/simulation/simulate.py"
