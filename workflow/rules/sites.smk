rule read_sites:
    input:
        tables=get_site_tables,
        genome=get_task_genome,
        modifications=config["modification_sheet"],
    output:
        sites="results/{run}/sites/{task}.{role}.tsv.gz",
        drops="results/{run}/sites/{task}.{role}.drops.tsv",
    log:
        "logs/{run}/sites/read_sites/{task}.{role}.log",
    benchmark:
        "benchmarks/results/{run}/sites/read_sites/{task}.{role}.tsv"
    group:
        "sites"
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(1200, 0.5),
        runtime=minutes(30),
    params:
        formats=lambda wildcards: [entry["format"] for entry in PLAN.site_tables(wildcards.task, wildcards.role)],
        sources=lambda wildcards: [entry["name"] for entry in PLAN.site_tables(wildcards.task, wildcards.role)],
        technologies=lambda wildcards: [
            entry.get("technology") for entry in PLAN.site_tables(wildcards.task, wildcards.role)
        ],
        layouts=lambda wildcards: [entry.get("layout") for entry in PLAN.site_tables(wildcards.task, wildcards.role)],
        assembly=lambda wildcards: PLAN.assembly_of(PLAN.tasks[wildcards.task].species),
        modification=lambda wildcards: PLAN.tasks[wildcards.task].modification,
    script:
        "../../scripts/sites/read_sites.py"


if config.get("orthologues"):

    rule read_orthologues:
        input:
            table=locate(config["orthologues"]["table"]),
            species=config["species_sheet"],
        output:
            orthologues="results/{run}/sites/orthologues.tsv",
        log:
            "logs/{run}/sites/read_orthologues.log",
        benchmark:
            "benchmarks/results/{run}/sites/read_orthologues.tsv"
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1000, 20),
            runtime=minutes(30),
        params:
            format=config["orthologues"]["format"],
            species=list(PLAN.species),
        script:
            "../../scripts/sites/read_orthologues.py"


rule build_transcripts:
    input:
        unpack(get_transcript_files),
    output:
        transcripts="results/{run}/sites/{transcripts}.transcripts.parquet",
        drops="results/{run}/sites/{transcripts}.transcripts.drops.tsv",
    log:
        "logs/{run}/sites/build_transcripts/{transcripts}.log",
    benchmark:
        "benchmarks/results/{run}/sites/build_transcripts/{transcripts}.tsv"
    wildcard_constraints:
        transcripts="|".join(ANALYSES.from_genome()) or "none",
    group:
        "transcripts"
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(1000, 2.5),
        runtime=minutes(60, 0.1),
    params:
        ends=lambda wildcards: PLAN.species.get(wildcards.transcripts, {}).get("extend"),
    script:
        "../../scripts/sites/build_transcripts.py"


if ANALYSES.from_fasta():

    rule read_transcript_fasta:
        input:
            unpack(get_transcript_files),
        output:
            transcripts="results/{run}/sites/{transcripts}.transcripts.parquet",
            drops="results/{run}/sites/{transcripts}.transcripts.drops.tsv",
        log:
            "logs/{run}/sites/read_transcript_fasta/{transcripts}.log",
        benchmark:
            "benchmarks/results/{run}/sites/read_transcript_fasta/{transcripts}.tsv"
        wildcard_constraints:
            transcripts="|".join(ANALYSES.from_fasta()),
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1000, 20),
            runtime=minutes(60),
        script:
            "../../scripts/sites/read_transcript_fasta.py"


if PLAN.tasks_with_sites():

    rule cut_windows:
        input:
            transcripts=lambda wildcards: ANALYSES.transcript_file(PLAN.tasks[wildcards.task].species),
            sites="results/{run}/sites/{task}.sites.tsv.gz",
            veto=lambda wildcards: [f"{RUN}/sites/{task}.{role}.tsv.gz" for task, role in PLAN.vetoing(wildcards.task)],
            orthologues=[f"{RUN}/sites/orthologues.tsv"] if config.get("orthologues") else [],
        output:
            windows="results/{run}/datasets/{task}.windows.parquet",
            drops="results/{run}/datasets/{task}.drops.tsv",
        log:
            "logs/{run}/sites/cut_windows/{task}.log",
        benchmark:
            "benchmarks/results/{run}/sites/cut_windows/{task}.tsv"
        wildcard_constraints:
            task="|".join(PLAN.tasks_with_sites()),
        group:
            "windows"
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1000, 70),
            runtime=minutes(60),
        params:
            task=lambda wildcards: bare(wildcards.task)[0],
            window=config["window"],
            negatives_per_positive=config["negatives_per_positive"],
            negatives_from=config["negatives_from"],
            isoforms=config["isoforms"],
            seed=config["seed"],
        script:
            "../../scripts/sites/cut_windows.py"


if PLAN.tasks_with_windows():

    rule read_windows:
        input:
            files=lambda wildcards: [
                locate(one, wildcards.task) for one in references_of(PLAN.window_files(wildcards.task))
            ],
        output:
            windows="results/{run}/datasets/{task}.windows.parquet",
            drops="results/{run}/datasets/{task}.drops.tsv",
        log:
            "logs/{run}/sites/read_windows/{task}.log",
        benchmark:
            "benchmarks/results/{run}/sites/read_windows/{task}.tsv"
        wildcard_constraints:
            task="|".join(PLAN.tasks_with_windows()),
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1000, 50),
            runtime=minutes(30),
        params:
            task=lambda wildcards: bare(wildcards.task)[0],
            files=lambda wildcards: PLAN.window_files(wildcards.task),
            window=config["window"],
            drawing=lambda wildcards: PLAN.drawing(wildcards.task),
            seed=config["seed"],
        script:
            "../../scripts/sites/read_windows.py"
