rule predict_windows:
    input:
        weights="results/{run}/models/{model}/{setting}/{scheme}/{seed}/weights.safetensors",
        config="results/{run}/models/{model}/{setting}/{scheme}/{seed}/config.json",
        splits=get_training_splits,
    output:
        predictions="results/{run}/predictions/{model}/{setting}/{scheme}/{seed}.parquet",
    log:
        "logs/{run}/prediction/predict_windows/{model}.{setting}.{scheme}.{seed}.log",
    benchmark:
        "benchmarks/results/{run}/prediction/predict_windows/{model}.{setting}.{scheme}.{seed}.tsv"
    priority: 1
    group:
        "predictions"
    conda:
        TORCH
    threads: config["resources"]["training_threads"]
    resources:
        gpu=GPUS,
        mem_mb=memory(1500, 40),
        runtime=minutes(120, 10),
    params:
        scheme="{scheme}",
        chosen=lambda wildcards: code_of(*PLAN.modules_of(wildcards.model)),
    script:
        "../../scripts/prediction/predict_windows.py"


# what a scan is shared among; one job that joins them does what needs all sites
CHUNKS = (config.get("transcriptome") or {}).get("chunks", 1)


if CHUNKS > 1:

    rule score_chunk:
        input:
            unpack(get_scored),
            transcripts="results/{run}/sites/{transcripts}.transcripts.parquet",
        output:
            logits=temp("results/{run}/transcriptome/{transcripts}/{task}.{predictor}.chunks/{chunk}.float32"),
        log:
            "logs/{run}/prediction/score_chunk/{transcripts}.{task}.{predictor}.{chunk}.log",
        benchmark:
            "benchmarks/results/{run}/prediction/score_chunk/{transcripts}.{task}.{predictor}.{chunk}.tsv"
        wildcard_constraints:
            chunk="[0-9]+",
        priority: 1
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 10),
            runtime=minutes(120, 20),
        params:
            chunks=CHUNKS,
            chosen=lambda wildcards: code_of_predictors(wildcards.predictor),
        script:
            "../../scripts/prediction/score_chunk.py"


rule scan_transcriptome:
    input:
        unpack(get_scanner),
        transcripts="results/{run}/sites/{transcripts}.transcripts.parquet",
        chunks=[
            f"results/{{run}}/transcriptome/{{transcripts}}/{{task}}.{{predictor}}.chunks/{chunk}.float32"
            for chunk in range(CHUNKS if CHUNKS > 1 else 0)
        ],
    output:
        sites="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.sites.parquet",
    log:
        "logs/{run}/prediction/scan_transcriptome/{transcripts}.{task}.{predictor}.log",
    benchmark:
        "benchmarks/results/{run}/prediction/scan_transcriptome/{transcripts}.{task}.{predictor}.tsv"
    priority: 1
    conda:
        TORCH
    threads: config["resources"]["training_threads"]
    resources:
        gpu=GPUS if CHUNKS == 1 else 0,
        mem_mb=memory(2000, 10),
        runtime=minutes(120, 20),
    params:
        task="{task}",
        predictor="{predictor}",
        chosen=lambda wildcards: code_of_predictors(wildcards.predictor),
    script:
        "../../scripts/prediction/scan_transcriptome.py"


rule export_sites:
    input:
        sites="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.sites.parquet",
        transcripts="results/{run}/sites/{transcripts}.transcripts.parquet",
    output:
        bedrmod="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.bedrmod",
        bed="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.bed",
        plus="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.plus.bw",
        minus="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.minus.bw",
        hub="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.hub.txt",
        genomes="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.genomes.txt",
        trackdb="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.trackDb.txt",
        page="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.html",
        session="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.igv.xml",
    log:
        "logs/{run}/prediction/export_sites/{transcripts}.{task}.{predictor}.log",
    benchmark:
        "benchmarks/results/{run}/prediction/export_sites/{transcripts}.{task}.{predictor}.tsv"
    group:
        "exports"
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(600, 5),
        runtime=minutes(120),
    params:
        above=(config.get("transcriptome") or {}).get("probability"),
        fdr=(config.get("transcriptome") or {}).get("fdr"),
        origin=lambda wildcards: ANALYSES.origin(wildcards.transcripts, wildcards.task),
    script:
        "../../scripts/prediction/export_sites.py"


rule summarise_sites:
    input:
        sites="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.sites.parquet",
        transcripts="results/{run}/sites/{transcripts}.transcripts.parquet",
    output:
        transcripts="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.transcripts.tsv",
        genes="results/{run}/transcriptome/{transcripts}/{task}.{predictor}.genes.tsv",
    log:
        "logs/{run}/prediction/summarise_sites/{transcripts}.{task}.{predictor}.log",
    benchmark:
        "benchmarks/results/{run}/prediction/summarise_sites/{transcripts}.{task}.{predictor}.tsv"
    group:
        "summaries"
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(600, 5),
        runtime=minutes(120),
    script:
        "../../scripts/prediction/summarise_sites.py"


rule predict_tasks:
    input:
        weights="results/{run}/models/{model_or_baseline}/{setting}/{scheme}/{seed}/weights.safetensors",
        config="results/{run}/models/{model_or_baseline}/{setting}/{scheme}/{seed}/config.json",
        splits=splits_of(PLAN.tasks),
    output:
        tasks="results/{run}/predictions/{model_or_baseline}/{setting}/{scheme}/{seed}.tasks.parquet",
    log:
        "logs/{run}/prediction/predict_tasks/{model_or_baseline}.{setting}.{scheme}.{seed}.log",
    benchmark:
        "benchmarks/results/{run}/prediction/predict_tasks/{model_or_baseline}.{setting}.{scheme}.{seed}.tsv"
    wildcard_constraints:
        model_or_baseline="|".join([*PLAN.networks, *PLAN.baselines]) or "none",
    group:
        "cross_predictions"
    conda:
        TORCH
    threads: config["resources"]["training_threads"]
    resources:
        gpu=GPUS,
        mem_mb=memory(1500, 50),
        runtime=minutes(240),
    params:
        tasks=list(PLAN.tasks),
        scheme="{scheme}",
        chosen=lambda wildcards: code_of(*PLAN.modules_of(wildcards.model_or_baseline)),
    script:
        "../../scripts/prediction/predict_tasks.py"


rule stack_tasks:
    input:
        weights="results/{run}/models/{stack}/{setting}/{scheme}/weights.tsv",
        members=lambda wildcards: [run.task_predictions for run in get_member_runs(wildcards)],
    output:
        tasks="results/{run}/predictions/{stack}/{setting}/{scheme}/{seed}.tasks.parquet",
    log:
        "logs/{run}/prediction/stack_tasks/{stack}.{setting}.{scheme}.{seed}.log",
    benchmark:
        "benchmarks/results/{run}/prediction/stack_tasks/{stack}.{setting}.{scheme}.{seed}.tsv"
    group:
        "stacked_tasks"
    conda:
        TORCH
    resources:
        mem_mb=memory(1500, 50),
        runtime=minutes(60),
    params:
        members=get_member_names,
    script:
        "../../scripts/prediction/stack_tasks.py"


if "significance" in PLAN.offers:

    rule build_null:
        input:
            weights="results/{run}/{folder}/weights.safetensors",
            config="results/{run}/{folder}/config.json",
            student=lambda wildcards: [f"{RUN}/{file}" for file in ANALYSES.students(wildcards.folder)],
            splits=lambda wildcards: splits_of(ANALYSES.tasks_of(wildcards.folder)),
            files=[locate(one) for one in references_of(PLAN.null_files())],
            transcripts=[] if PLAN.null_files() else [ANALYSES.transcript_file(name) for name in PLAN.genomes()],
            sites=get_listed,
        output:
            null="results/{run}/{folder}/null.safetensors",
        log:
            "logs/{run}/prediction/build_null/{folder}.log",
        benchmark:
            "benchmarks/results/{run}/prediction/build_null/{folder}.tsv"
        priority: 1
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 50),
            runtime=minutes(480),
        params:
            tasks=lambda wildcards: ANALYSES.tasks_of(wildcards.folder),
            transcripts=lambda wildcards: {} if PLAN.null_files() else null_transcripts(wildcards.folder),
            scheme=lambda wildcards: ANALYSES.record(wildcards.folder)["scheme"],
            files=PLAN.null_files(),
            sites=lambda wildcards: {task: len(PLAN.listing(task)) for task in ANALYSES.tasks_of(wildcards.folder)},
            bases=config["significance"]["bases"],
            seed=config["seed"],
            chosen=lambda wildcards: code_of(*PLAN.modules_of(ANALYSES.record(wildcards.folder)["model"])),
        script:
            "../../scripts/prediction/build_null.py"
