rule evaluate_models:
    input:
        predictions=[run.predictions for run in PLAN.runs],
        tasks=[run.task_predictions for run in PLAN.runs_of_all_tasks()],
        identity="results/{run}/datasets/identity.parquet",
        splits=splits_of(PLAN.resampled),
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
    priority: 1
    conda:
        "../../envs/statistics.yaml"
    resources:
        mem_mb=memory(1000, 60),
        runtime=minutes(240),
    params:
        runs=[run.record() for run in PLAN.runs],
        task_runs=[run.record() for run in PLAN.runs_of_all_tasks()],
        tasks=bare(),
        release=PLAN.release_record(),
        settings=PLAN.network_settings(),
        resampled=PLAN.resampled,
        bootstrap=config["evaluation"]["bootstrap"],
        precisions=config["evaluation"]["precisions"],
        seed=config["seed"],
    script:
        "../../scripts/evaluation/evaluate_models.py"


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
        benchmark:
            "benchmarks/results/{run}/evaluation/evaluate_multilabel.tsv"
        conda:
            "../../envs/statistics.yaml"
        resources:
            mem_mb=memory(1500, 100),
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
        benchmark:
            "benchmarks/results/{run}/evaluation/compare_sources.tsv"
        conda:
            "../../envs/statistics.yaml"
        resources:
            mem_mb=memory(1500, 100),
            runtime=minutes(120),
        params:
            tasks=bare(),
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/evaluation/compare_sources.py"


rule collect_drops:
    input:
        drops=drops_of(ANALYSES),
    output:
        drops="results/{run}/evaluation/drops.tsv",
    log:
        "logs/{run}/evaluation/collect_drops.log",
    benchmark:
        "benchmarks/results/{run}/evaluation/collect_drops.tsv"
    localrule: True
    conda:
        "../../envs/tables.yaml"
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
            files=[locate(one) for entry in PLAN.external for one in references_of(entry["files"])],
        output:
            table="results/{run}/evaluation/external.tsv",
            drops="results/{run}/evaluation/external.drops.tsv",
        log:
            "logs/{run}/evaluation/evaluate_external.log",
        benchmark:
            "benchmarks/results/{run}/evaluation/evaluate_external.tsv"
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 50),
            runtime=minutes(240),
        params:
            sets=PLAN.external,
            tasks=bare(),
            scheme=PLAN.release["scheme"],
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
            chosen=code_of(*PLAN.modules_of(PLAN.release["model"])),
        script:
            "../../scripts/evaluation/evaluate_external.py"


if PLAN.laboratories:

    rule compare_laboratories:
        input:
            config="results/{run}/model/config.json",
            weights="results/{run}/model/weights.safetensors",
            splits=splits_of(laboratory_tasks()),
            files=[locate(one, entry["task"]) for entry in PLAN.laboratories for one in references_of(entry["files"])],
        output:
            table="results/{run}/evaluation/laboratories.tsv",
            drops="results/{run}/evaluation/laboratories.drops.tsv",
        log:
            "logs/{run}/evaluation/compare_laboratories.log",
        benchmark:
            "benchmarks/results/{run}/evaluation/compare_laboratories.tsv"
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 100),
            runtime=minutes(240),
        params:
            sets=PLAN.laboratories,
            tasks=bare(*laboratory_tasks()),
            scheme=PLAN.release["scheme"],
            baseline=config["laboratories"]["baseline"],
            fewest=config["laboratories"]["fewest"],
            identity=config["splits"]["identity"],
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
            chosen=code_of(*PLAN.modules_of(PLAN.release["model"], config["laboratories"]["baseline"], "composition")),
        script:
            "../../scripts/evaluation/compare_laboratories.py"
