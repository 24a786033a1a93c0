rule train_model:
    input:
        unpack(get_start),
        unpack(get_trunk),
        splits=get_training_splits,
    output:
        weights="results/{run}/models/{model}/{setting}/{scheme}/{seed}/weights.safetensors",
        config="results/{run}/models/{model}/{setting}/{scheme}/{seed}/config.json",
        history="results/{run}/models/{model}/{setting}/{scheme}/{seed}/history.tsv",
    log:
        "logs/{run}/training/train_model/{model}.{setting}.{scheme}.{seed}.log",
    benchmark:
        "benchmarks/results/{run}/training/train_model/{model}.{setting}.{scheme}.{seed}.tsv"
    priority: 2
    conda:
        TORCH
    threads: config["resources"]["training_threads"]
    resources:
        gpu=GPUS,
        mem_mb=memory(1100, 40, 5.5),
        runtime=minutes(720),
    params:
        network=lambda wildcards: PLAN.networks[wildcards.model],
        tasks=lambda wildcards: bare(*PLAN.tasks_of(wildcards.setting)),
        curriculum=lambda wildcards: PLAN.curriculum_of(wildcards.setting),
        scheme="{scheme}",
        seed=lambda wildcards: int(wildcards.seed),
        name="{model} {setting} {scheme} seed {seed}",
        chosen=lambda wildcards: code_of(*PLAN.modules_of(wildcards.model)),
    script:
        "../../scripts/training/train_model.py"


if PLAN.combiners:

    rule fit_combiner:
        input:
            unpack(get_combined),
            splits=lambda wildcards: splits_of(PLAN.tasks_of(wildcards.setting)),
            transcripts=lambda wildcards: ANALYSES.transcript_file(
                PLAN.tasks[PLAN.tasks_of(wildcards.setting)[0]].species
            ),
        output:
            combiner="results/{run}/models/{combiner}/{setting}/{scheme}/0/combiner.safetensors",
            predictions="results/{run}/predictions/{combiner}/{setting}/{scheme}/0.parquet",
        log:
            "logs/{run}/training/fit_combiner/{combiner}.{setting}.{scheme}.log",
        benchmark:
            "benchmarks/results/{run}/training/fit_combiner/{combiner}.{setting}.{scheme}.tsv"
        priority: 2
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 40),
            runtime=minutes(720),
        params:
            combiner=lambda wildcards: PLAN.combiners[wildcards.combiner],
            network=lambda wildcards: PLAN.networks.get(PLAN.combiners[wildcards.combiner].get("model")),
            seeds=lambda wildcards: [run.seed for run in get_combined_runs(wildcards)],
            heads=lambda wildcards: [
                task for run in get_combined_runs(wildcards)[:1] for task in PLAN.tasks_of(run.setting)
            ],
            tasks=lambda wildcards: bare(*PLAN.tasks_of(wildcards.setting)),
            curriculum=lambda wildcards: PLAN.curriculum_of(wildcards.setting),
            scheme="{scheme}",
            seed=config["seed"],
            name="{combiner} {setting} {scheme}",
            chosen=lambda wildcards: code_of(*PLAN.modules_of(wildcards.combiner)),
        script:
            "../../scripts/training/fit_combiner.py"


if PLAN.line_search:

    rule line_search:
        input:
            unpack(get_trunk),
            splits=get_training_splits(PLAN.line_search),
        output:
            table="results/{run}/training/line_search.tsv",
            best="results/{run}/training/line_search.yaml",
        log:
            "logs/{run}/training/line_search.log",
        benchmark:
            "benchmarks/results/{run}/training/line_search.tsv"
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(1100, 40, 5.5),
            runtime=minutes(2880),
        params:
            search=config["line_search"],
            network=PLAN.networks[PLAN.line_search.model],
            tasks=PLAN.tasks_of(PLAN.line_search.setting),
            curriculum=PLAN.curriculum_of(PLAN.line_search.setting),
            seed=config["seed"],
            chosen=code_of(*PLAN.modules_of(PLAN.line_search.model)),
        script:
            "../../scripts/training/line_search.py"


if "student" in PLAN.offers:

    rule distil_student:
        input:
            weights="results/{run}/model/weights.safetensors",
            config="results/{run}/model/config.json",
            splits=splits_of(PLAN.tasks_of(PLAN.released_setting)),
        output:
            student="results/{run}/model/student.safetensors",
            history="results/{run}/training/student_history.tsv",
            modes="results/{run}/evaluation/modes.tsv",
        log:
            "logs/{run}/training/distil_student.log",
        benchmark:
            "benchmarks/results/{run}/training/distil_student.tsv"
        priority: 1
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 50),
            runtime=minutes(720),
        params:
            tasks=PLAN.tasks_of(PLAN.released_setting),
            student=config["student"],
            scheme=PLAN.release["scheme"],
            seed=config["seed"],
            bootstrap=config["evaluation"]["bootstrap"],
            chosen=code_of(*PLAN.modules_of(PLAN.release["model"])),
        script:
            "../../scripts/training/distil_student.py"
