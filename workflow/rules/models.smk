rule fit_baseline:
    input:
        splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
    output:
        predictions="results/{run}/predictions/{baseline}/single/{split}/0.parquet",
        weights="results/{run}/models/{baseline}/single/{split}/0/weights.safetensors",
        config="results/{run}/models/{baseline}/single/{split}/0/config.json",
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
        modification=config["modification"],
        motif=config["motif"] if PLAN.heads_are == "species" else None,
        motif_offset=config["motif_offset"],
        modifications=PLAN.modifications(),
    script:
        "../../scripts/models/fit_baseline.py"


rule fit_stack:
    input:
        predictions=get_member_predictions,
    output:
        weights="results/{run}/models/{stack}/{setting}/{split}/weights.tsv",
    log:
        "logs/{run}/models/fit_stack/{stack}.{setting}.{split}.log",
    benchmark:
        "benchmarks/results/{run}/models/fit_stack/{stack}.{setting}.{split}.tsv"
    conda:
        "../../envs/library.yaml"
    params:
        members=get_member_names,
    script:
        "../../scripts/models/fit_stack.py"


rule stack_models:
    input:
        weights="results/{run}/models/{stack}/{setting}/{split}/weights.tsv",
        predictions=get_member_predictions,
    output:
        predictions="results/{run}/predictions/{stack}/{setting}/{split}/{seed}.parquet",
    log:
        "logs/{run}/models/stack_models/{stack}.{setting}.{split}.{seed}.log",
    benchmark:
        "benchmarks/results/{run}/models/stack_models/{stack}.{setting}.{split}.{seed}.tsv"
    conda:
        "../../envs/library.yaml"
    params:
        members=get_member_names,
    script:
        "../../scripts/models/stack_models.py"


rule release_model:
    input:
        unpack(get_released_parts),
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
        limits=PLAN.config.get("release", {}).get("limits", []),
        run=PLAN.run,
    script:
        "../../scripts/models/release_model.py"


use rule release_model as release_predictor with:
    input:
        unpack(get_predictor_parts),
        metrics="results/{run}/evaluation/metrics.tsv",
        calibration="results/{run}/evaluation/calibration.tsv",
        thresholds="results/{run}/evaluation/thresholds.tsv",
        leaks="results/{run}/datasets/leaks.tsv",
    output:
        weights="results/{run}/predictors/{model_name}/weights.safetensors",
        config="results/{run}/predictors/{model_name}/config.json",
        card="results/{run}/predictors/{model_name}/card.md",
    log:
        "logs/{run}/models/release_predictor/{model_name}.log",
    params:
        release=lambda wildcards: ANALYSES.release_record(wildcards.model_name),
        limits=[],
        run=PLAN.run,
