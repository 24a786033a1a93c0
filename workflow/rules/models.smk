rule fit_baseline:
    input:
        splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
    output:
        predictions="results/{run}/predictions/{baseline}/single/{split}/0.parquet",
    log:
        "logs/{run}/models/fit_baseline/{baseline}.{split}.log",
    benchmark:
        "benchmarks/results/{run}/models/fit_baseline/{baseline}.{split}.tsv"
    conda:
        "../../envs/library.yaml"
    params:
        baseline="{baseline}",
        split="{split}",
        species=list(PLAN.species),
        seed=config["seed"],
        motif=config["motif"],
        motif_offset=config["motif_offset"],
    script:
        "../../scripts/models/fit_baseline.py"


rule release_model:
    input:
        weights=get_released_weights,
        metrics="results/{run}/evaluation/metrics.tsv",
        calibration="results/{run}/evaluation/calibration.tsv",
        thresholds="results/{run}/evaluation/thresholds.tsv",
        leaks="results/{run}/datasets/leaks.tsv",
    output:
        weights="results/{run}/model/weights.safetensors",
        config="results/{run}/model/config.json",
        card="results/{run}/model/card.md",
    log:
        "logs/{run}/models/release_model.log",
    conda:
        "../../envs/training.yaml"
    params:
        release=PLAN.release_record(),
        run=PLAN.run,
    script:
        "../../scripts/models/release_model.py"
