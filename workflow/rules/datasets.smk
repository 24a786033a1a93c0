# a file for each task: whole names are found faster than patterns, which every file would be compared with
rule split_windows:
    input:
        windows=[f"{RUN}/datasets/{task}.windows.parquet" for task in PLAN.tasks],
        transcripts=[ANALYSES.transcript_file(name) for name in PLAN.apart["transcripts"]],
    output:
        splits=splits_of(PLAN.tasks),
        drops=f"{RUN}/datasets/splits.drops.tsv",
        components=f"{RUN}/datasets/components.tsv",
    log:
        f"logs/{PLAN.run}/datasets/split_windows.log",
    benchmark:
        f"benchmarks/{RUN}/datasets/split_windows.tsv"
    conda:
        "../../envs/sequence.yaml"
    threads: 2
    resources:
        mem_mb=memory(1000, 250),
        runtime=minutes(60, 30),
    params:
        **{key: config["splits"][key] for key in ("train", "valid", "test", "identity", "clustering")},
        counts=(
            [config["splits"]["counts"][split] for split in ("valid", "test")]
            if "counts" in config["splits"]
            else None
        ),
        chromosomes=config["splits"]["chromosomes"],
        apart=PLAN.apart,
        seed=config["seed"],
    script:
        "../../scripts/datasets/split_windows.py"


rule measure_leaks:
    input:
        splits=splits_of(PLAN.tasks),
    output:
        leaks="results/{run}/datasets/leaks.tsv",
        identity="results/{run}/datasets/identity.parquet",
    log:
        "logs/{run}/datasets/measure_leaks.log",
    benchmark:
        "benchmarks/results/{run}/datasets/measure_leaks.tsv"
    priority: 3
    conda:
        "../../envs/sequence.yaml"
    threads: 2
    resources:
        mem_mb=memory(1000, 250),
        runtime=minutes(60, 30),
    params:
        schemes=PLAN.schemes,
        identity=config["splits"]["identity"],
    script:
        "../../scripts/datasets/measure_leaks.py"
