if "motifs" in PLAN.offers or "consensus" in PLAN.offers:

    rule find_motifs:
        input:
            splits="results/{run}/datasets/{task}.split.parquet",
            streme=(
                ["results/{run}/interpretation/meme_suite/{task}.streme.meme"]
                if ANALYSES.engine == "meme_suite"
                else []
            ),
        output:
            motifs="results/{run}/interpretation/discovered/{task}.meme",
            table="results/{run}/interpretation/discovered/{task}.tsv",
        log:
            "logs/{run}/interpretation/find_motifs/{task}.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/find_motifs/{task}.tsv"
        group:
            "motifs"
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1000, 60),
            runtime=minutes(120),
        params:
            task=lambda wildcards: bare(wildcards.task)[0],
            scheme="paper",
            splits=["train", "valid", "test"],
            engine=ANALYSES.engine,
            seed=config["seed"],
        script:
            "../../scripts/interpretation/find_motifs.py"

    rule write_contrast:
        input:
            splits="results/{run}/datasets/{task}.split.parquet",
        output:
            foreground="results/{run}/interpretation/discovered/{task}.sites.fa",
            control="results/{run}/interpretation/discovered/{task}.others.fa",
        log:
            "logs/{run}/interpretation/write_contrast/{task}.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/write_contrast/{task}.tsv"
        group:
            "contrasts"
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1000, 50),
            runtime=minutes(30),
        params:
            scheme="paper",
            splits=["train", "valid", "test"],
        script:
            "../../scripts/interpretation/write_contrast.py"

    rule streme:
        input:
            foreground="results/{run}/interpretation/discovered/{task}.sites.fa",
            control="results/{run}/interpretation/discovered/{task}.others.fa",
        output:
            motifs="results/{run}/interpretation/meme_suite/{task}.streme.meme",
        log:
            "logs/{run}/interpretation/streme/{task}.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/streme/{task}.tsv"
        conda:
            "../../envs/meme.yaml"
        resources:
            mem_mb=memory(2000, 20),
            runtime=minutes(240),
        params:
            seed=config["seed"],
        script:
            "../../scripts/interpretation/streme.py"

    rule read_motifs:
        input:
            files=lambda wildcards: [
                locate(file, wildcards.species) for file in ANALYSES.databases[wildcards.database]["files"]
            ],
        output:
            motifs="results/{run}/interpretation/databases/{species}.{database}.meme",
            drops="results/{run}/interpretation/databases/{species}.{database}.drops.tsv",
        log:
            "logs/{run}/interpretation/read_motifs/{species}.{database}.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/read_motifs/{species}.{database}.tsv"
        group:
            "databases"
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1000, 20),
            runtime=minutes(30),
        params:
            species="{species}",
            database="{database}",
            format=lambda wildcards: ANALYSES.databases[wildcards.database]["format"],
            organism=lambda wildcards: ANALYSES.organism(wildcards.species, wildcards.database),
        script:
            "../../scripts/interpretation/read_motifs.py"


if "motifs" in PLAN.offers:
    # what is compared by the MEME suite, each against every database of its task's species
    COMPARED = [
        [who, task, database]
        for who, task in [*ANALYSES.filter_pairs(), *(("de novo", task) for task in PLAN.tasks)]
        for species, database in ANALYSES.motif_sets()
        if ANALYSES.engine == "meme_suite" and species == PLAN.tasks[task].species
    ]

    if ANALYSES.filter_pairs():

        # as in split_windows, whole names instead of patterns
        rule extract_filters:
            input:
                weights=[ANALYSES.weights(*pair) for pair in ANALYSES.filter_pairs()],
                splits=splits_of(PLAN.tasks),
            output:
                motifs=[f"{RUN}/interpretation/filters/{who}.{task}.meme" for who, task in ANALYSES.filter_pairs()],
                filters=[f"{RUN}/interpretation/filters/{who}.{task}.tsv" for who, task in ANALYSES.filter_pairs()],
            log:
                f"logs/{PLAN.run}/interpretation/extract_filters.log",
            benchmark:
                f"benchmarks/{RUN}/interpretation/extract_filters.tsv"
            conda:
                TORCH
            threads: config["resources"]["training_threads"]
            resources:
                gpu=GPUS,
                mem_mb=memory(3000, 50),
                runtime=minutes(240),
            params:
                **ANALYSES.options("motifs", "threshold"),
                tasks=bare(),
                pairs=with_scheme(ANALYSES.filter_pairs()),
                seed=config["seed"],
                chosen=code_of_predictors(*(who for who, _ in ANALYSES.filter_pairs())),
            script:
                "../../scripts/interpretation/extract_filters.py"

    rule tomtom:
        input:
            queries="results/{run}/interpretation/{queries}.meme",
            targets=lambda wildcards: ANALYSES.motif_file(
                PLAN.tasks[wildcards.task].species, wildcards.database, "meme"
            ),
        output:
            table="results/{run}/interpretation/meme_suite/{queries}@{task}@{database}.tomtom.tsv",
        log:
            "logs/{run}/interpretation/tomtom/{queries}@{task}@{database}.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/tomtom/{queries}@{task}@{database}.tsv"
        wildcard_constraints:
            queries="filters/[^@/]+|discovered/[^@/]+",
        conda:
            "../../envs/meme.yaml"
        resources:
            mem_mb=memory(2000),
            runtime=minutes(240),
        script:
            "../../scripts/interpretation/tomtom.py"

    rule compare_motifs:
        input:
            queries=[f"{RUN}/interpretation/filters/{who}.{task}.meme" for who, task in ANALYSES.filter_pairs()],
            filters=[f"{RUN}/interpretation/filters/{who}.{task}.tsv" for who, task in ANALYSES.filter_pairs()],
            discovered=[f"{RUN}/interpretation/discovered/{task}.meme" for task in PLAN.tasks],
            discovered_tables=[f"{RUN}/interpretation/discovered/{task}.tsv" for task in PLAN.tasks],
            databases=databases()["files"],
            tomtom=[
                f"{RUN}/interpretation/meme_suite/"
                + (f"discovered/{task}" if who == "de novo" else f"filters/{who}.{task}")
                + f"@{task}@{database}.tomtom.tsv"
                for who, task, database in COMPARED
            ],
        output:
            matches="results/{run}/interpretation/matches.tsv",
            annotated="results/{run}/interpretation/annotated.tsv",
            logos="results/{run}/interpretation/logos.tsv",
            discovered="results/{run}/interpretation/discovered.tsv",
        log:
            "logs/{run}/interpretation/compare_motifs.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/compare_motifs.tsv"
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1500, 20),
            runtime=minutes(240),
        params:
            engine=ANALYSES.engine,
            tasks=bare(),
            pairs=ANALYSES.filter_pairs(),
            databases=databases()["names"],
            database_species=databases()["species"],
            compared=COMPARED,
            seed=config["seed"],
        script:
            "../../scripts/interpretation/compare_motifs.py"


if "attention" in PLAN.offers:

    rule attend_windows:
        input:
            weights=models_of("attention"),
            splits=splits_of(PLAN.tasks),
        output:
            attended="results/{run}/interpretation/attended.parquet",
            attention="results/{run}/interpretation/attention.tsv",
            explained="results/{run}/interpretation/attribution.tsv",
            profile="results/{run}/interpretation/attribution_profile.tsv",
        log:
            "logs/{run}/interpretation/attend_windows.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/attend_windows.tsv"
        priority: 1
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 60),
            runtime=minutes(480),
        params:
            **ANALYSES.options(
                "attention",
                *("fraction", "minimum", "maximum", "mean", "gradients", "maximum_gradients", "mutated", "reach"),
            ),
            tasks=bare(),
            pairs=with_scheme(ANALYSES.pairs("attention")),
            seed=config["seed"],
            chosen=code_of_predictors(*predictors_of("attention")),
        script:
            "../../scripts/interpretation/attend_windows.py"


if "consensus" in PLAN.offers:

    rule find_consensus:
        input:
            attended="results/{run}/interpretation/attended.parquet",
            splits=splits_of(PLAN.tasks),
            discovered=[f"{RUN}/interpretation/discovered/{task}.meme" for task in PLAN.tasks],
            databases=databases()["files"],
        output:
            motifs="results/{run}/interpretation/consensus.meme",
            consensus="results/{run}/interpretation/consensus.tsv",
            matches="results/{run}/interpretation/consensus_matches.tsv",
            logos="results/{run}/interpretation/consensus_logos.tsv",
        log:
            "logs/{run}/interpretation/find_consensus.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/find_consensus.tsv"
        priority: 1
        conda:
            "../../envs/statistics.yaml"
        resources:
            mem_mb=memory(1500, 50),
            runtime=minutes(240),
        params:
            **ANALYSES.options("consensus", "settings", "draws"),
            tasks=bare(),
            pairs=with_scheme(ANALYSES.pairs("attention")),
            databases=databases()["names"],
            database_species=databases()["species"],
            seed=config["seed"],
        script:
            "../../scripts/interpretation/find_consensus.py"


if "mutations" in PLAN.offers:

    rule mutate_windows:
        input:
            weights=models_of("attention"),
            attended="results/{run}/interpretation/attended.parquet",
        output:
            table="results/{run}/interpretation/mutations.tsv",
        log:
            "logs/{run}/interpretation/mutate_windows.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/mutate_windows.tsv"
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 50),
            runtime=minutes(240),
        params:
            **config["mutations"],
            tasks=bare(),
            pairs=ANALYSES.pairs("attention"),
            seed=config["seed"],
            chosen=code_of_predictors(*predictors_of("attention")),
        script:
            "../../scripts/interpretation/mutate_windows.py"


if "association" in PLAN.offers:

    rule associate_tasks:
        input:
            weights="results/{run}/model/weights.safetensors",
            config="results/{run}/model/config.json",
            splits=splits_of(PLAN.tasks_of(PLAN.released_setting)),
        output:
            table="results/{run}/interpretation/association.tsv",
        log:
            "logs/{run}/interpretation/associate_tasks.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/associate_tasks.tsv"
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 50),
            runtime=minutes(240),
        params:
            tasks=PLAN.tasks_of(PLAN.released_setting),
            scheme=PLAN.release["scheme"],
            seed=config["seed"],
            chosen=code_of(*PLAN.modules_of(PLAN.release["model"])),
        script:
            "../../scripts/interpretation/associate_tasks.py"


if "optimisation" in PLAN.offers:

    rule optimise_classes:
        input:
            weights=models_of("optimisation"),
        output:
            motifs="results/{run}/interpretation/optimised.tsv",
            starts="results/{run}/interpretation/optimised_starts.tsv",
            pairs="results/{run}/interpretation/optimised_pairs.tsv",
        log:
            "logs/{run}/interpretation/optimise_classes.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/optimise_classes.tsv"
        priority: 1
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000),
            runtime=minutes(480),
        params:
            **ANALYSES.options("optimisation", "settings", "elements"),
            tasks=bare(),
            pairs=ANALYSES.pairs("optimisation"),
            seed=config["seed"],
            chosen=code_of_predictors(*predictors_of("optimisation")),
        script:
            "../../scripts/interpretation/optimise_classes.py"

    rule find_cooccurrence:
        input:
            weights=models_of("optimisation"),
            windows=splits_of(PLAN.tasks),
        output:
            known="results/{run}/interpretation/cooccurrence.tsv",
            found="results/{run}/interpretation/cooccurrence_found.tsv",
        log:
            "logs/{run}/interpretation/find_cooccurrence.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/find_cooccurrence.tsv"
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 50),
            runtime=minutes(480),
        params:
            **ANALYSES.options("optimisation", "elements", "permutations"),
            tasks=bare(),
            pairs=ANALYSES.pairs("optimisation"),
            scheme="paper",
            splits=["test"],
            seed=config["seed"],
            chosen=code_of_predictors(*predictors_of("optimisation")),
        script:
            "../../scripts/interpretation/find_cooccurrence.py"
