if "landscape" in PLAN.offers:

    rule measure_landscape:
        input:
            sites=[ANALYSES.scanned(scan, "sites.parquet") for scan in ANALYSES.scans("species")],
            tables=[ANALYSES.scanned(scan, "transcripts.tsv") for scan in ANALYSES.scans("species")],
            transcripts=[ANALYSES.transcript_file(entry["transcripts"]) for entry in ANALYSES.measured],
            measured=[f"{RUN}/sites/{entry['task']}.sites.tsv.gz" for entry in ANALYSES.measured],
        output:
            landscape="results/{run}/biology/landscape.tsv",
            statistics="results/{run}/biology/landscape_statistics.tsv",
        log:
            "logs/{run}/biology/measure_landscape.log",
        benchmark:
            "benchmarks/results/{run}/biology/measure_landscape.tsv"
        conda:
            "../../envs/statistics.yaml"
        resources:
            mem_mb=memory(1000, 5),
            runtime=minutes(120),
        params:
            **ANALYSES.options("landscape", "call", "threshold", "bins", "stop_bin"),
            entries=ANALYSES.entries(ANALYSES.scans("species")),
            tasks=bare(),
            measured=ANALYSES.measured,
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/biology/measure_landscape.py"


if "capacity" in PLAN.offers:

    rule measure_capacity:
        input:
            genes=[ANALYSES.scanned(scan, "genes.tsv") for scan in ANALYSES.scans()],
        output:
            capacity="results/{run}/biology/capacity.tsv",
            definitions="results/{run}/biology/capacity_definitions.tsv",
        log:
            "logs/{run}/biology/measure_capacity.log",
        benchmark:
            "benchmarks/results/{run}/biology/measure_capacity.tsv"
        conda:
            "../../envs/statistics.yaml"
        resources:
            mem_mb=memory(1000, 20),
            runtime=minutes(60),
        params:
            **ANALYSES.options("capacity", "definition", "high"),
            entries=ANALYSES.entries(ANALYSES.scans()),
            tasks=bare(),
        script:
            "../../scripts/biology/measure_capacity.py"


if "conservation" in PLAN.offers:

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
            "../../envs/statistics.yaml"
        resources:
            mem_mb=memory(1000, 20),
            runtime=minutes(120),
        params:
            **ANALYSES.options("capacity", "permutations", "minimum"),
            species=ANALYSES.of_kind("species"),
            tips=ANALYSES.tips,
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/biology/count_conserved.py"


if "ontology" in PLAN.offers:

    rule enrich_terms:
        input:
            capacity="results/{run}/biology/capacity.tsv",
            ontology=locate(config["ontology"]["ontology"]),
            associations=[locate(entry["file"], entry["transcripts"]) for entry in ANALYSES.associations],
        output:
            terms="results/{run}/biology/terms.tsv",
            shared="results/{run}/biology/terms_shared.tsv",
            mapping="results/{run}/biology/terms_mapping.tsv",
        log:
            "logs/{run}/biology/enrich_terms.log",
        benchmark:
            "benchmarks/results/{run}/biology/enrich_terms.tsv"
        conda:
            "../../envs/statistics.yaml"
        resources:
            mem_mb=memory(1000, 30),
            runtime=minutes(120),
        params:
            options=ANALYSES.options("ontology", "fraction", "background", "namespaces", "minimum"),
            entries=ANALYSES.associations,
            tasks=bare(),
        script:
            "../../scripts/biology/enrich_terms.py"


if "regulation" in PLAN.offers:

    rule relate_regulation:
        input:
            capacity="results/{run}/biology/capacity.tsv",
            genes=[ANALYSES.scanned(scan, "genes.tsv") for scan in ANALYSES.regulated],
            transcripts=[ANALYSES.scanned(scan, "transcripts.tsv") for scan in ANALYSES.regulated],
            sites=[ANALYSES.scanned(scan, "sites.parquet") for scan in ANALYSES.regulated],
            spliced=ANALYSES.transcript_file(config["regulation"]["transcripts"]),
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
            "../../envs/statistics.yaml"
        resources:
            mem_mb=memory(1500, 20),
            runtime=minutes(120),
        params:
            minimum=config["regulation"]["minimum"],
            tables=[entry | {"files": len(entry["files"])} for entry in config["regulation"]["tables"]],
            entries=ANALYSES.entries(ANALYSES.regulated),
            tasks=bare(),
            assembly=ANALYSES.transcripts[config["regulation"]["transcripts"]].assembly,
        script:
            "../../scripts/biology/relate_regulation.py"


if "proximity" in PLAN.offers:

    rule measure_proximity:
        input:
            windows=[f"{RUN}/datasets/{task}.windows.parquet" for task in PLAN.neighbouring_tasks()],
            transcripts=[ANALYSES.transcript_file(name) for name in PLAN.genomes()],
        output:
            table="results/{run}/biology/proximity.tsv",
        log:
            "logs/{run}/biology/measure_proximity.log",
        benchmark:
            "benchmarks/results/{run}/biology/measure_proximity.tsv"
        conda:
            "../../envs/statistics.yaml"
        resources:
            mem_mb=memory(1000, 40),
            runtime=minutes(240),
        params:
            tasks=bare(*PLAN.neighbouring_tasks()),
            species=PLAN.genomes(),
            seed=config["seed"],
        script:
            "../../scripts/biology/measure_proximity.py"
