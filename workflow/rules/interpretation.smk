if "motifs" in config or "marks" in config:
    DISCOVERY = config["motifs" if "motifs" in config else "marks"]["discovery"]

    rule find_motifs:
        input:
            split="results/{run}/datasets/{species}.split.parquet",
        output:
            motifs="results/{run}/interpretation/discovered/{species}.meme",
            table="results/{run}/interpretation/discovered/{species}.tsv",
            foreground="results/{run}/interpretation/discovered/{species}.sites.fa",
            control="results/{run}/interpretation/discovered/{species}.others.fa",
        log:
            "logs/{run}/interpretation/find_motifs/{species}.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/find_motifs/{species}.tsv"
        conda:
            "../../envs/library.yaml"
        params:
            species="{species}",
            split="paper",
            parts=["train", "valid", "test"],
            seed=config["seed"],
            most_windows=DISCOVERY["most_windows"],
            widths=DISCOVERY["widths"],
            level=DISCOVERY["level"],
            most=DISCOVERY["most"],
            hold_out=DISCOVERY["hold_out"],
        script:
            "../../scripts/interpretation/find_motifs.py"


if "motifs" in ANALYSES.names:

    rule read_motifs:
        input:
            files=get_motif_files,
        output:
            motifs="results/{run}/interpretation/databases/{species}.{database}.meme",
            drops="results/{run}/interpretation/databases/{species}.{database}.drops.tsv",
        log:
            "logs/{run}/interpretation/read_motifs/{species}.{database}.log",
        conda:
            "../../envs/library.yaml"
        params:
            species="{species}",
            database="{database}",
            format=lambda wildcards: ANALYSES.databases[wildcards.database]["format"],
            organism=lambda wildcards: ANALYSES.organism(wildcards.species, wildcards.database),
            strict=config["motifs"]["strict"],
        script:
            "../../scripts/interpretation/read_motifs.py"

    rule extract_filters:
        input:
            weights=get_species_model,
            split="results/{run}/datasets/{species}.split.parquet",
        output:
            motifs="results/{run}/interpretation/filters/{predictor}.{species}.meme",
            filters="results/{run}/interpretation/filters/{predictor}.{species}.tsv",
        log:
            "logs/{run}/interpretation/extract_filters/{predictor}.{species}.log",
        conda:
            "../../envs/training.yaml"
        threads: config["resources"]["training_threads"]
        params:
            **ANALYSES.options(
                "motifs",
                *("part", "most_windows", "threshold", "branches", "member"),
                *("pseudocount", "least_information", "least_sites"),
            ),
            predictor="{predictor}",
            species="{species}",
            split=lambda wildcards: ANALYSES.predictors[wildcards.predictor]["split"],
            seed=config["seed"],
        script:
            "../../scripts/interpretation/extract_filters.py"

    rule compare_motifs:
        input:
            queries=[filter_file(pair, "meme") for pair in ANALYSES.model_pairs("motifs")],
            filters=[filter_file(pair, "tsv") for pair in ANALYSES.model_pairs("motifs")],
            discovered=expand("results/{{run}}/interpretation/discovered/{species}.meme", species=PLAN.order),
            discovered_tables=expand("results/{{run}}/interpretation/discovered/{species}.tsv", species=PLAN.order),
            targets=[ANALYSES.motif_file(*pair, "meme") for pair in ANALYSES.motif_sets()],
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
            "../../envs/interpretation.yaml"
        params:
            **ANALYSES.options("motifs", "method", "most", "shuffles"),
            predictors=[predictor for predictor, _ in ANALYSES.model_pairs("motifs")],
            species=[species for _, species in ANALYSES.model_pairs("motifs")],
            discovered_species=list(PLAN.order),
            target_species=[species for species, _ in ANALYSES.motif_sets()],
            databases=[database for _, database in ANALYSES.motif_sets()],
            seed=config["seed"],
        script:
            "../../scripts/interpretation/compare_motifs.py"

    rule tomtom:
        input:
            queries="results/{run}/interpretation/filters/{predictor}.{species}.meme",
            targets="results/{run}/interpretation/databases/{species}.{database}.meme",
        output:
            table="results/{run}/interpretation/meme_suite/{predictor}.{species}.{database}.tomtom.tsv",
        log:
            "logs/{run}/interpretation/tomtom/{predictor}.{species}.{database}.log",
        conda:
            "../../envs/meme.yaml"
        shell:
            "tomtom -no-ssc -norc -dist ed -min-overlap 1 -evalue -thresh 10 -text -verbosity 1"
            " {input.queries} {input.targets} > {output.table} 2> {log}"

    rule parse_tomtom:
        input:
            tomtom="results/{run}/interpretation/meme_suite/{predictor}.{species}.{database}.tomtom.tsv",
            queries="results/{run}/interpretation/filters/{predictor}.{species}.meme",
            filters="results/{run}/interpretation/filters/{predictor}.{species}.tsv",
            targets="results/{run}/interpretation/databases/{species}.{database}.meme",
        output:
            matches="results/{run}/interpretation/meme_suite/{predictor}.{species}.{database}.matches.tsv",
            logos="results/{run}/interpretation/meme_suite/{predictor}.{species}.{database}.logos.tsv",
        log:
            "logs/{run}/interpretation/parse_tomtom/{predictor}.{species}.{database}.log",
        conda:
            "../../envs/interpretation.yaml"
        params:
            predictor="{predictor}",
            species="{species}",
            database="{database}",
            most=config["motifs"]["most"],
        script:
            "../../scripts/interpretation/parse_tomtom.py"

    rule streme:
        input:
            foreground="results/{run}/interpretation/discovered/{species}.sites.fa",
            control="results/{run}/interpretation/discovered/{species}.others.fa",
        output:
            motifs="results/{run}/interpretation/meme_suite/{species}.streme.meme",
        log:
            "logs/{run}/interpretation/streme/{species}.log",
        conda:
            "../../envs/meme.yaml"
        params:
            seed=config["seed"],
        shell:
            "streme --rna --text --seed {params.seed} --minw 5 --maxw 8 --thresh 0.05 --hofract 0.4"
            " --p {input.foreground} --n {input.control} > {output.motifs} 2> {log}"


if "optimisation" in ANALYSES.names:

    rule optimise_classes:
        input:
            weights=[model_file(pair) for pair in ANALYSES.model_pairs("optimisation")],
        output:
            motifs="results/{run}/interpretation/optimised.tsv",
            starts="results/{run}/interpretation/optimised_starts.tsv",
            pairs="results/{run}/interpretation/optimised_pairs.tsv",
        log:
            "logs/{run}/interpretation/optimise_classes.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/optimise_classes.tsv"
        conda:
            "../../envs/training.yaml"
        threads: config["resources"]["training_threads"]
        params:
            predictors=[predictor for predictor, _ in ANALYSES.model_pairs("optimisation")],
            species=[species for _, species in ANALYSES.model_pairs("optimisation")],
            settings=config["optimisation"]["settings"],
            elements=config["optimisation"]["elements"],
            seed=config["seed"],
            device=config["resources"]["device"],
        script:
            "../../scripts/interpretation/optimise_classes.py"

    rule find_cooccurrence:
        input:
            weights=[model_file(pair) for pair in ANALYSES.model_pairs("optimisation")],
            windows=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.order),
        output:
            known="results/{run}/interpretation/cooccurrence.tsv",
            found="results/{run}/interpretation/cooccurrence_found.tsv",
        log:
            "logs/{run}/interpretation/find_cooccurrence.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/find_cooccurrence.tsv"
        conda:
            "../../envs/training.yaml"
        threads: config["resources"]["training_threads"]
        params:
            predictors=[predictor for predictor, _ in ANALYSES.model_pairs("optimisation")],
            species=[species for _, species in ANALYSES.model_pairs("optimisation")],
            windows_of=list(PLAN.order),
            elements=config["optimisation"]["elements"],
            split="paper",
            parts=["test"],
            threshold=0.0,
            discovery=None,
            permutations=config["optimisation"]["permutations"],
            seed=config["seed"],
            device=config["resources"]["device"],
        script:
            "../../scripts/interpretation/find_cooccurrence.py"

    rule attribute_windows:
        input:
            weights=get_species_model,
            windows="results/{run}/datasets/{species}.split.parquet",
        output:
            letters="results/{run}/interpretation/attributions/{species}.{predictor}.parquet",
            checks="results/{run}/interpretation/attributions/{species}.{predictor}.checks.tsv",
        log:
            "logs/{run}/interpretation/attribute_windows/{species}.{predictor}.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/attribute_windows/{species}.{predictor}.tsv"
        conda:
            "../../envs/training.yaml"
        threads: config["resources"]["training_threads"]
        params:
            head="{species}",
            method="integrated_gradients",
            compare=True,
            split=lambda wildcards: ANALYSES.predictors[wildcards.predictor]["split"],
            parts=["test"],
            label=1,
            limit=config["optimisation"]["attributions"],
            options={},
            device=config["resources"]["device"],
            seed=config["seed"],
        script:
            "../../scripts/interpretation/attribute_windows.py"


if "attribution" in ANALYSES.names:

    rule explain_heads:
        input:
            weights=[model_file(pair) for pair in ANALYSES.model_pairs("attribution")],
            splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.order),
            targets=[ANALYSES.motif_file(*pair, "meme") for pair in ANALYSES.motif_sets()],
        output:
            explained="results/{run}/interpretation/attribution.tsv",
            profile="results/{run}/interpretation/attribution_profile.tsv",
            motifs="results/{run}/interpretation/consensus.meme",
            consensus="results/{run}/interpretation/consensus.tsv",
            matches="results/{run}/interpretation/consensus_matches.tsv",
            logos="results/{run}/interpretation/consensus_logos.tsv",
        log:
            "logs/{run}/interpretation/explain_heads.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/explain_heads.tsv"
        conda:
            "../../envs/interpretation.yaml"
        threads: config["resources"]["training_threads"]
        params:
            **ANALYSES.options(
                "attribution",
                *("parts", "judging_parts", "windows", "mutated", "reach", "most", "gradients", "consensus"),
                *("draws", "method", "shown"),
            ),
            predictors=[predictor for predictor, _ in ANALYSES.model_pairs("attribution")],
            species=[species for _, species in ANALYSES.model_pairs("attribution")],
            splits=[ANALYSES.predictors[name]["split"] for name, _ in ANALYSES.model_pairs("attribution")],
            windows_of=list(PLAN.order),
            target_species=[species for species, _ in ANALYSES.motif_sets()],
            databases=[database for _, database in ANALYSES.motif_sets()],
            device=config["resources"]["device"],
            seed=config["seed"],
        script:
            "../../scripts/interpretation/explain_heads.py"


if "marks" in config:

    rule attend_windows:
        input:
            weights="results/{run}/model/weights.safetensors",
            config="results/{run}/model/config.json",
            splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
        output:
            attended="results/{run}/interpretation/marks.attended.parquet",
            top="results/{run}/interpretation/marks.attended.tsv",
            profile="results/{run}/interpretation/marks.attention.tsv",
        log:
            "logs/{run}/interpretation/attend_windows.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/attend_windows.tsv"
        conda:
            "../../envs/training.yaml"
        threads: config["resources"]["training_threads"]
        params:
            **config["marks"]["attention"],
            heads=list(PLAN.species),
            split=PLAN.release_record()["split"],
            device=config["resources"]["device"],
            seed=config["seed"],
        script:
            "../../scripts/interpretation/attend_windows.py"

    rule find_consensus:
        input:
            attended="results/{run}/interpretation/marks.attended.parquet",
            splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
            discovered=expand("results/{{run}}/interpretation/discovered/{species}.meme", species=PLAN.species),
            databases=[locate(entry["file"]) for entry in config["marks"]["consensus"]["databases"]],
        output:
            motifs="results/{run}/interpretation/marks.consensus.meme",
            table="results/{run}/interpretation/marks.consensus.tsv",
            matches="results/{run}/interpretation/marks.consensus_matches.tsv",
            logos="results/{run}/interpretation/marks.consensus_logos.tsv",
        log:
            "logs/{run}/interpretation/find_consensus.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/find_consensus.tsv"
        conda:
            "../../envs/interpretation.yaml"
        params:
            heads=list(PLAN.species),
            split=PLAN.release_record()["split"],
            parts=config["marks"]["consensus"]["parts"],
            databases=[entry["name"] for entry in config["marks"]["consensus"]["databases"]],
            method=config["marks"]["consensus"]["method"],
            settings=config["marks"]["consensus"]["settings"],
            seed=config["seed"],
        script:
            "../../scripts/interpretation/find_consensus.py"

    rule associate_marks:
        input:
            weights="results/{run}/model/weights.safetensors",
            config="results/{run}/model/config.json",
            splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
        output:
            table="results/{run}/interpretation/marks.association.tsv",
        log:
            "logs/{run}/interpretation/associate_marks.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/associate_marks.tsv"
        conda:
            "../../envs/training.yaml"
        threads: config["resources"]["training_threads"]
        params:
            **config["marks"]["association"],
            heads=list(PLAN.species),
            split=PLAN.release_record()["split"],
            device=config["resources"]["device"],
            seed=config["seed"],
        script:
            "../../scripts/interpretation/associate_marks.py"

    rule mutate_windows:
        input:
            weights="results/{run}/model/weights.safetensors",
            config="results/{run}/model/config.json",
            attended="results/{run}/interpretation/marks.attended.parquet",
        output:
            table="results/{run}/interpretation/marks.mutations.tsv",
        log:
            "logs/{run}/interpretation/mutate_windows.log",
        benchmark:
            "benchmarks/results/{run}/interpretation/mutate_windows.tsv"
        conda:
            "../../envs/training.yaml"
        threads: config["resources"]["training_threads"]
        params:
            **config["marks"]["mutations"],
            device=config["resources"]["device"],
            seed=config["seed"],
        script:
            "../../scripts/interpretation/mutate_windows.py"
