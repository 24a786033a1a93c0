rule train_model:
    input:
        unpack(get_start),
        splits=get_training_splits,
    output:
        weights="results/{run}/models/{model}/{setting}/{split}/{seed}/weights.safetensors",
        config="results/{run}/models/{model}/{setting}/{split}/{seed}/config.json",
        history="results/{run}/models/{model}/{setting}/{split}/{seed}/history.tsv",
    log:
        "logs/{run}/training/train_model/{model}.{setting}.{split}.{seed}.log",
    benchmark:
        "benchmarks/results/{run}/training/train_model/{model}.{setting}.{split}.{seed}.tsv"
    conda:
        PLAN.training_environment
    threads: config["resources"]["training_threads"]
    resources:
        gpu=PLAN.gpus_per_training,
    params:
        network=lambda wildcards: PLAN.networks[wildcards.model],
        species=lambda wildcards: PLAN.species_of(wildcards.setting),
        curriculum=lambda wildcards: PLAN.curriculum_of(wildcards.setting),
        split="{split}",
        seed=lambda wildcards: int(wildcards.seed),
        modification=config["modification"],
        motif=config["motif"],
        modifications=PLAN.modifications(),
        device=config["resources"]["device"],
        # outside the declared outputs, which Snakemake deletes when a job is killed
        checkpoints=config["resources"]["checkpoints"],
        name="{model} {setting} {split} seed {seed}",
    script:
        "../../scripts/training/train_model.py"


rule line_search:
    input:
        splits=lambda wildcards: get_training_splits(PLAN.line_search),
    output:
        table="results/{run}/training/line_search.tsv",
        best="results/{run}/training/line_search.yaml",
    log:
        "logs/{run}/training/line_search.log",
    benchmark:
        "benchmarks/results/{run}/training/line_search.tsv"
    conda:
        PLAN.training_environment
    threads: config["resources"]["training_threads"]
    resources:
        gpu=PLAN.gpus_per_training,
    params:
        search=config.get("line_search"),
        network=PLAN.networks[PLAN.line_search.model] if PLAN.line_search else None,
        species=PLAN.species_of(PLAN.line_search.setting) if PLAN.line_search else [],
        curriculum=PLAN.curriculum_of(PLAN.line_search.setting) if PLAN.line_search else None,
        seed=config["seed"],
        device=config["resources"]["device"],
        checkpoints=config["resources"]["checkpoints"],
    script:
        "../../scripts/training/line_search.py"


if "marks" in config:

    rule distil_student:
        input:
            weights="results/{run}/model/weights.safetensors",
            config="results/{run}/model/config.json",
            splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
        output:
            weights="results/{run}/student/weights.safetensors",
            config="results/{run}/student/config.json",
            student="results/{run}/student/student.safetensors",
            history="results/{run}/student/history.tsv",
            modes="results/{run}/evaluation/marks.modes.tsv",
        log:
            "logs/{run}/training/distil_student.log",
        benchmark:
            "benchmarks/results/{run}/training/distil_student.tsv"
        conda:
            PLAN.training_environment
        threads: config["resources"]["training_threads"]
        resources:
            gpu=PLAN.gpus_per_training,
        params:
            heads=list(PLAN.species),
            student=config["marks"]["student"],
            split=PLAN.release_record()["split"],
            seed=config["seed"],
            checkpoints=config["resources"]["checkpoints"],
            device=config["resources"]["device"],
            bootstrap=config["evaluation"]["bootstrap"],
        script:
            "../../scripts/training/distil_student.py"
