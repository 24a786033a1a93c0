rule evaluate_models:
    input:
        predictions=get_predictions,
        identity="results/{run}/datasets/identity.parquet",
    output:
        metrics="results/{run}/evaluation/metrics.tsv",
        calibration="results/{run}/evaluation/calibration.tsv",
        reliability="results/{run}/evaluation/reliability.tsv",
        thresholds="results/{run}/evaluation/thresholds.tsv",
        paired="results/{run}/evaluation/paired.tsv",
        similarity="results/{run}/evaluation/similarity.tsv",
    log:
        "logs/{run}/evaluation/evaluate_models.log",
    benchmark:
        "benchmarks/results/{run}/evaluation/evaluate_models.tsv"
    conda:
        "../../envs/library.yaml"
    params:
        runs=[run.record() for run in PLAN.runs],
        release=PLAN.release_record(),
        bootstrap=config["evaluation"]["bootstrap"],
        precisions=config["evaluation"]["precisions"],
        seed=config["seed"],
    script:
        "../../scripts/evaluation/evaluate_models.py"


rule collect_drops:
    input:
        drops=get_drops,
    output:
        drops="results/{run}/evaluation/drops.tsv",
    log:
        "logs/{run}/evaluation/collect_drops.log",
    conda:
        "../../envs/library.yaml"
    script:
        "../../scripts/evaluation/collect_drops.py"


rule evaluate_external:
    input:
        config="results/{run}/model/config.json",
        weights="results/{run}/model/weights.safetensors",
        splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
        files=get_external_files,
    output:
        table="results/{run}/evaluation/external.tsv",
        drops="results/{run}/evaluation/external.drops.tsv",
    log:
        "logs/{run}/evaluation/evaluate_external.log",
    conda:
        "../../envs/training.yaml"
    threads: config["resources"]["training_threads"]
    params:
        sets=PLAN.external,
        split=lambda wildcards: config["release"]["split"],
        bootstrap=config["evaluation"]["bootstrap"],
        device=config["resources"]["device"],
        seed=config["seed"],
    script:
        "../../scripts/evaluation/evaluate_external.py"


rule trace_curves:
    input:
        predictions=get_predictions,
    output:
        curves="results/{run}/evaluation/curves.tsv",
    log:
        "logs/{run}/evaluation/trace_curves.log",
    conda:
        "../../envs/library.yaml"
    params:
        runs=[run.record() for run in PLAN.runs],
    script:
        "../../scripts/evaluation/trace_curves.py"


if PLAN.heads_are == "modification":

    rule evaluate_marks:
        input:
            heads=[run.heads for run in PLAN.runs_of_all_heads()],
            splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
        output:
            metrics="results/{run}/evaluation/marks.metrics.tsv",
            summary="results/{run}/evaluation/marks.summary.tsv",
            paired="results/{run}/evaluation/marks.paired.tsv",
            noise="results/{run}/evaluation/marks.noise.tsv",
            multilabel="results/{run}/evaluation/marks.multilabel.tsv",
            imbalance="results/{run}/evaluation/marks.imbalance.tsv",
            curves="results/{run}/evaluation/marks.curves.tsv",
            sources="results/{run}/evaluation/marks.sources.tsv",
        log:
            "logs/{run}/evaluation/evaluate_marks.log",
        benchmark:
            "benchmarks/results/{run}/evaluation/evaluate_marks.tsv"
        conda:
            "../../envs/library.yaml"
        params:
            runs=[run.record() for run in PLAN.runs_of_all_heads()],
            marks=list(PLAN.species),
            release=PLAN.release_record(),
            settings=PLAN.network_settings(),
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/evaluation/evaluate_marks.py"
