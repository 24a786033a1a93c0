rule evaluate_models:
    input:
        predictions=[run.predictions for run in PLAN.runs],
        tasks=[run.task_predictions for run in PLAN.runs_of_all_tasks()],
        identity="results/{run}/datasets/identity.parquet",
    output:
        metrics="results/{run}/evaluation/metrics.tsv",
        calibration="results/{run}/evaluation/calibration.tsv",
        reliability="results/{run}/evaluation/reliability.tsv",
        thresholds="results/{run}/evaluation/thresholds.tsv",
        paired="results/{run}/evaluation/paired.tsv",
        summary="results/{run}/evaluation/summary.tsv",
        noise="results/{run}/evaluation/noise.tsv",
        similarity="results/{run}/evaluation/similarity.tsv",
        curves="results/{run}/evaluation/curves.tsv",
    log:
        "logs/{run}/evaluation/evaluate_models.log",
    benchmark:
        "benchmarks/results/{run}/evaluation/evaluate_models.tsv"
    conda:
        "../../envs/library.yaml"
    resources:
        mem_mb=memory(4000, 50),
        runtime=minutes(240),
    params:
        runs=[run.record() for run in PLAN.runs],
        task_runs=[run.record() for run in PLAN.runs_of_all_tasks()],
        tasks=bare(),
        release=PLAN.release_record(),
        settings=PLAN.network_settings(),
        bootstrap=config["evaluation"]["bootstrap"],
        precisions=config["evaluation"]["precisions"],
        seed=config["seed"],
    script:
        "../../scripts/evaluation/evaluate_models.py"


rule calibrate_predictor:
    input:
        predictions=get_own_predictions,
    output:
        calibration="results/{run}/{folder}/calibration.tsv",
        thresholds="results/{run}/{folder}/thresholds.tsv",
    log:
        "logs/{run}/evaluation/calibrate_predictor/{folder}.log",
    conda:
        "../../envs/library.yaml"
    resources:
        mem_mb=memory(1000, 50),
        runtime=minutes(30),
    params:
        model=lambda wildcards: ANALYSES.record(wildcards.folder)["model"],
        setting=lambda wildcards: ANALYSES.record(wildcards.folder)["setting"],
        scheme=lambda wildcards: ANALYSES.record(wildcards.folder)["scheme"],
        precisions=config["evaluation"]["precisions"],
        tasks=bare(),
    script:
        "../../scripts/evaluation/calibrate_predictor.py"


if "all_tasks" in PLAN.offers:

    rule evaluate_multilabel:
        input:
            predictions=[run.task_predictions for run in PLAN.runs_of_all_tasks()],
            splits=splits_of(PLAN.tasks),
        output:
            multilabel="results/{run}/evaluation/multilabel.tsv",
            imbalance="results/{run}/evaluation/imbalance.tsv",
        log:
            "logs/{run}/evaluation/evaluate_multilabel.log",
        conda:
            "../../envs/library.yaml"
        resources:
            mem_mb=memory(4000, 50),
            runtime=minutes(240),
        params:
            runs=[run.record() for run in PLAN.runs_of_all_tasks()],
            tasks=bare(),
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/evaluation/evaluate_multilabel.py"

    rule compare_sources:
        input:
            splits=splits_of(PLAN.tasks),
        output:
            sources="results/{run}/evaluation/sources.tsv",
        log:
            "logs/{run}/evaluation/compare_sources.log",
        conda:
            "../../envs/library.yaml"
        resources:
            mem_mb=memory(4000, 50),
            runtime=minutes(120),
        params:
            tasks=bare(),
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/evaluation/compare_sources.py"


rule collect_drops:
    input:
        drops=ANALYSES.drops_files(),
    output:
        drops="results/{run}/evaluation/drops.tsv",
    log:
        "logs/{run}/evaluation/collect_drops.log",
    conda:
        "../../envs/library.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(30),
    script:
        "../../scripts/evaluation/collect_drops.py"


if PLAN.external:

    rule evaluate_external:
        input:
            config="results/{run}/model/config.json",
            weights="results/{run}/model/weights.safetensors",
            splits=splits_of(PLAN.tasks),
            files=[locate(part["file"]) for entry in PLAN.external for part in entry["files"]],
        output:
            table="results/{run}/evaluation/external.tsv",
            drops="results/{run}/evaluation/external.drops.tsv",
        log:
            "logs/{run}/evaluation/evaluate_external.log",
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(4000, 50),
            runtime=minutes(240),
        params:
            sets=PLAN.external,
            tasks=bare(),
            scheme=PLAN.release["scheme"],
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/evaluation/evaluate_external.py"
