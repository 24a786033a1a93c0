rule fit_baseline:
    input:
        splits=splits_of(PLAN.tasks),
    output:
        predictions="results/{run}/predictions/{baseline}/single/{scheme}/0.parquet",
        weights="results/{run}/models/{baseline}/single/{scheme}/0/weights.safetensors",
        config="results/{run}/models/{baseline}/single/{scheme}/0/config.json",
    log:
        "logs/{run}/models/fit_baseline/{baseline}.{scheme}.log",
    benchmark:
        "benchmarks/results/{run}/models/fit_baseline/{baseline}.{scheme}.tsv"
    group:
        "baselines"
    conda:
        "../../envs/trees.yaml"
    resources:
        mem_mb=memory(1000, 320),
        runtime=minutes(120, 30),
    params:
        baseline="{baseline}",
        tasks=bare(),
        scheme="{scheme}",
        seed=config["seed"],
        chosen=lambda wildcards: code_of(*PLAN.modules_of(wildcards.baseline)),
    script:
        "../../scripts/models/fit_baseline.py"


rule fit_stack:
    input:
        predictions=get_member_predictions,
    output:
        weights="results/{run}/models/{stack}/{setting}/{scheme}/weights.tsv",
    log:
        "logs/{run}/models/fit_stack/{stack}.{setting}.{scheme}.log",
    benchmark:
        "benchmarks/results/{run}/models/fit_stack/{stack}.{setting}.{scheme}.tsv"
    group:
        "stacks"
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(1000, 50),
        runtime=minutes(30),
    params:
        members=get_member_names,
    script:
        "../../scripts/models/fit_stack.py"


rule stack_models:
    input:
        weights="results/{run}/models/{stack}/{setting}/{scheme}/weights.tsv",
        predictions=get_member_predictions,
    output:
        predictions="results/{run}/predictions/{stack}/{setting}/{scheme}/{seed}.parquet",
    log:
        "logs/{run}/models/stack_models/{stack}.{setting}.{scheme}.{seed}.log",
    benchmark:
        "benchmarks/results/{run}/models/stack_models/{stack}.{setting}.{scheme}.{seed}.tsv"
    group:
        "stacks"
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(1000, 50),
        runtime=minutes(30),
    params:
        members=get_member_names,
    script:
        "../../scripts/models/stack_models.py"


rule release_model:
    input:
        unpack(get_parts),
        predictions=get_own_predictions,
    output:
        weights="results/{run}/{folder}/weights.safetensors",
        config="results/{run}/{folder}/config.json",
        calibration="results/{run}/{folder}/calibration.tsv",
        thresholds="results/{run}/{folder}/thresholds.tsv",
    log:
        "logs/{run}/models/release_model/{folder}.log",
    benchmark:
        "benchmarks/results/{run}/models/release_model/{folder}.tsv"
    priority: 1
    conda:
        "../../envs/trees.yaml"
    resources:
        mem_mb=memory(1500, 20),
        runtime=minutes(30),
    params:
        predictor=lambda wildcards: ANALYSES.record(wildcards.folder),
        precisions=config["evaluation"]["precisions"],
        ranks_only=PLAN.release["ranks_only"] if PLAN.release else [],
        # labels and colours, which a model carries along; as a function of `output` they are no reason to pack it again
        tasks=lambda wildcards, output: PLAN.records(),
        chosen=lambda wildcards: code_of(*PLAN.modules_of(ANALYSES.record(wildcards.folder)["model"])),
    script:
        "../../scripts/models/release_model.py"


if PLAN.release:

    rule write_card:
        input:
            config="results/{run}/{folder}/config.json",
            metrics="results/{run}/evaluation/metrics.tsv",
            leaks="results/{run}/datasets/leaks.tsv",
            sources="results/{run}/sources.tsv",
            laboratories=[f"{RUN}/evaluation/laboratories.tsv"] if PLAN.laboratories else [],
        output:
            card="results/{run}/{folder}/card.md",
        log:
            "logs/{run}/models/write_card/{folder}.log",
        benchmark:
            "benchmarks/results/{run}/models/write_card/{folder}.tsv"
        conda:
            "../../envs/trees.yaml"
        resources:
            mem_mb=memory(500),
            runtime=minutes(30),
        params:
            release=lambda wildcards: ANALYSES.record(wildcards.folder),
            licence=lambda wildcards: ANALYSES.entry(wildcards.folder)["licence"],
            limits=lambda wildcards: ANALYSES.entry(wildcards.folder)["limits"],
            resampled=config["evaluation"]["resample"],
            run=PLAN.run,
        script:
            "../../scripts/models/write_card.py"
