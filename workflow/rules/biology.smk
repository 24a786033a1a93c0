if "landscape" in ANALYSES.names:

    rule measure_landscape:
        input:
            sites=scanned(ANALYSES.pairs(species_only=True), "sites.parquet"),
            tables=scanned(ANALYSES.pairs(species_only=True), "transcripts.tsv"),
            transcripts=[ANALYSES.transcripts(name) for name in ANALYSES.measured],
            measured=expand("results/{{run}}/sites/{species}.sites.tsv.gz", species=ANALYSES.measured),
        output:
            landscape="results/{run}/biology/landscape.tsv",
            statistics="results/{run}/biology/landscape_statistics.tsv",
        log:
            "logs/{run}/biology/measure_landscape.log",
        benchmark:
            "benchmarks/results/{run}/biology/measure_landscape.tsv"
        conda:
            "../../envs/library.yaml"
        params:
            **ANALYSES.options("landscape", "call", "threshold", "bins", "reach", "stop_bin", "one_per_gene"),
            entries=ANALYSES.entries(species_only=True),
            measured=ANALYSES.measured,
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/biology/measure_landscape.py"


if "capacity" in ANALYSES.names:

    rule measure_capacity:
        input:
            genes=scanned(ANALYSES.pairs(), "genes.tsv"),
        output:
            capacity="results/{run}/biology/capacity.tsv",
            definitions="results/{run}/biology/capacity_definitions.tsv",
        log:
            "logs/{run}/biology/measure_capacity.log",
        conda:
            "../../envs/library.yaml"
        params:
            **ANALYSES.options("capacity", "definition", "high", "coding"),
            entries=ANALYSES.entries(),
        script:
            "../../scripts/biology/measure_capacity.py"

    if "conservation" in ANALYSES.names:

        rule count_conserved:
            input:
                capacity="results/{run}/biology/capacity.tsv",
                orthologues="results/{run}/sites/orthologues.tsv",
                tree=config["tree"] or [],
                support=locate(config["capacity"]["support"]) if config["capacity"].get("support") else [],
            output:
                counts="results/{run}/biology/conservation.tsv",
                differences="results/{run}/biology/conservation_differences.tsv",
                similarity="results/{run}/biology/capacity_similarity.tsv",
                conserved="results/{run}/biology/conserved_genes.tsv",
                genes="results/{run}/biology/conserved_capacity.tsv",
            log:
                "logs/{run}/biology/count_conserved.log",
            benchmark:
                "benchmarks/results/{run}/biology/count_conserved.tsv"
            conda:
                "../../envs/library.yaml"
            params:
                **ANALYSES.options("capacity", "paralogues", "permutations", "least", "allow_unmatched"),
                species=ANALYSES.species,
                tips=ANALYSES.tips,
                bootstrap=config["evaluation"]["bootstrap"],
                seed=config["seed"],
            script:
                "../../scripts/biology/count_conserved.py"


if "ontology" in ANALYSES.names:

    rule enrich_terms:
        input:
            capacity="results/{run}/biology/capacity.tsv",
            ontology=locate(config["ontology"]["ontology"]),
            associations=[locate(entry["file"], entry["species"]) for entry in ANALYSES.associations],
        output:
            terms="results/{run}/biology/terms.tsv",
            shared="results/{run}/biology/terms_shared.tsv",
            mapping="results/{run}/biology/terms_mapping.tsv",
        log:
            "logs/{run}/biology/enrich_terms.log",
        benchmark:
            "benchmarks/results/{run}/biology/enrich_terms.tsv"
        conda:
            "../../envs/library.yaml"
        params:
            **ANALYSES.options("ontology", "least", "allow_unmatched"),
            entries=ANALYSES.associations,
            options=ANALYSES.options("ontology", "share", "background", "namespaces"),
        script:
            "../../scripts/biology/enrich_terms.py"


if "regulation" in ANALYSES.names:

    rule relate_regulation:
        input:
            capacity="results/{run}/biology/capacity.tsv",
            genes=ANALYSES.regulated("genes.tsv"),
            transcripts=ANALYSES.regulated("transcripts.tsv"),
            sites=ANALYSES.regulated("sites.parquet"),
            spliced=ANALYSES.transcripts(config["regulation"]["transcripts"]),
            files=[
                locate(file, config["regulation"]["transcripts"])
                for entry in config["regulation"]["tables"]
                for file in entry["files"]
            ],
        output:
            tests="results/{run}/biology/regulation.tsv",
            quantiles="results/{run}/biology/regulation_quantiles.tsv",
            trends="results/{run}/biology/regulation_trends.tsv",
            bins="results/{run}/biology/regulation_bins.tsv",
            matches="results/{run}/biology/regulation_matches.tsv",
        log:
            "logs/{run}/biology/relate_regulation.log",
        benchmark:
            "benchmarks/results/{run}/biology/relate_regulation.tsv"
        conda:
            "../../envs/library.yaml"
        params:
            **ANALYSES.options("regulation", "split", "controls", "least", "allow_unmatched"),
            entries=[entry | {"files": len(entry["files"])} for entry in config["regulation"]["tables"]],
            species=config["regulation"]["transcripts"],
            predictor=ANALYSES.predictor_of("regulation"),
            assembly=ANALYSES.transcriptomes[config["regulation"]["transcripts"]].assembly,
        script:
            "../../scripts/biology/relate_regulation.py"


if "marks" in config:

    rule measure_proximity:
        input:
            windows=expand("results/{{run}}/datasets/{species}.windows.parquet", species=PLAN.species),
            transcripts=expand("results/{{run}}/sites/{name}.transcripts.parquet", name=PLAN.genomes()),
        output:
            table="results/{run}/biology/marks.proximity.tsv",
        log:
            "logs/{run}/biology/measure_proximity.log",
        benchmark:
            "benchmarks/results/{run}/biology/measure_proximity.tsv"
        conda:
            "../../envs/library.yaml"
        params:
            **config["marks"]["proximity"],
            heads=list(PLAN.species),
            fits={name: mark.place for name, mark in PLAN.marks.items()},
            seed=config["seed"],
        script:
            "../../scripts/biology/measure_proximity.py"
