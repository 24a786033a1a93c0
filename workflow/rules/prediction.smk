rule predict_windows:
    input:
        weights="results/{run}/models/{model}/{setting}/{split}/{seed}/weights.safetensors",
        config="results/{run}/models/{model}/{setting}/{split}/{seed}/config.json",
        splits=get_training_splits,
    output:
        predictions="results/{run}/predictions/{model}/{setting}/{split}/{seed}.parquet",
    log:
        "logs/{run}/prediction/predict_windows/{model}.{setting}.{split}.{seed}.log",
    benchmark:
        "benchmarks/results/{run}/prediction/predict_windows/{model}.{setting}.{split}.{seed}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: config["resources"]["training_threads"]
    params:
        split="{split}",
        device=config["resources"]["device"],
    script:
        "../../scripts/prediction/predict_windows.py"


rule scan_transcriptome:
    input:
        weights=get_scanner,
        transcripts="results/{run}/sites/{transcriptome}.transcripts.parquet",
    output:
        sites="results/{run}/transcriptome/{transcriptome}/{predictor}.sites.parquet",
    log:
        "logs/{run}/prediction/scan_transcriptome/{transcriptome}.{predictor}.log",
    benchmark:
        "benchmarks/results/{run}/prediction/scan_transcriptome/{transcriptome}.{predictor}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: config["resources"]["training_threads"]
    params:
        name="{transcriptome} {predictor}",
        head=lambda wildcards: ANALYSES.transcriptomes[wildcards.transcriptome].head,
        predictor="{predictor}",
        motif=ANALYSES.motif,
        offset=ANALYSES.motif_offset,
        device=config["resources"]["device"],
        # outside the declared outputs, which Snakemake deletes when a job is killed
        checkpoints=config["resources"]["checkpoints"],
    script:
        "../../scripts/prediction/scan_transcriptome.py"


rule export_sites:
    input:
        sites="results/{run}/transcriptome/{transcriptome}/{predictor}.sites.parquet",
        transcripts="results/{run}/sites/{transcriptome}.transcripts.parquet",
    output:
        bedrmod="results/{run}/transcriptome/{transcriptome}/{predictor}.bedrmod",
        bed="results/{run}/transcriptome/{transcriptome}/{predictor}.bed",
        plus="results/{run}/transcriptome/{transcriptome}/{predictor}.plus.bw",
        minus="results/{run}/transcriptome/{transcriptome}/{predictor}.minus.bw",
    log:
        "logs/{run}/prediction/export_sites/{transcriptome}.{predictor}.log",
    conda:
        "../../envs/library.yaml"
    params:
        above=config.get("transcriptome", {}).get("probability"),
        fdr=config.get("transcriptome", {}).get("fdr"),
        origin=lambda wildcards: ANALYSES.origin(wildcards.transcriptome),
    script:
        "../../scripts/prediction/export_sites.py"


rule summarise_sites:
    input:
        sites="results/{run}/transcriptome/{transcriptome}/{predictor}.sites.parquet",
        transcripts="results/{run}/sites/{transcriptome}.transcripts.parquet",
    output:
        transcripts="results/{run}/transcriptome/{transcriptome}/{predictor}.transcripts.tsv",
        genes="results/{run}/transcriptome/{transcriptome}/{predictor}.genes.tsv",
    log:
        "logs/{run}/prediction/summarise_sites/{transcriptome}.{predictor}.log",
    conda:
        "../../envs/library.yaml"
    script:
        "../../scripts/prediction/summarise_sites.py"


if PLAN.heads_are == "modification":

    rule predict_heads:
        input:
            weights="results/{run}/models/{model_or_baseline}/{setting}/{split}/{seed}/weights.safetensors",
            splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
        output:
            heads="results/{run}/predictions/{model_or_baseline}/{setting}/{split}/{seed}.heads.parquet",
        log:
            "logs/{run}/prediction/predict_heads/{model_or_baseline}.{setting}.{split}.{seed}.log",
        benchmark:
            "benchmarks/results/{run}/prediction/predict_heads/{model_or_baseline}.{setting}.{split}.{seed}.tsv"
        wildcard_constraints:
            model_or_baseline="|".join([*PLAN.networks, *PLAN.baselines]),
        conda:
            "../../envs/training.yaml"
        threads: config["resources"]["training_threads"]
        params:
            heads=list(PLAN.species),
            split="{split}",
            device=config["resources"]["device"],
        script:
            "../../scripts/prediction/predict_heads.py"

    rule stack_heads:
        input:
            weights="results/{run}/models/{stack}/{setting}/{split}/weights.tsv",
            members=lambda wildcards: [run.heads for run in get_member_runs(wildcards)],
        output:
            heads="results/{run}/predictions/{stack}/{setting}/{split}/{seed}.heads.parquet",
        log:
            "logs/{run}/prediction/stack_heads/{stack}.{setting}.{split}.{seed}.log",
        conda:
            "../../envs/training.yaml"
        params:
            members=get_member_names,
        script:
            "../../scripts/prediction/stack_heads.py"


if "marks" in config:

    rule build_null:
        input:
            weights="results/{run}/student/weights.safetensors",
            config="results/{run}/student/config.json",
            student="results/{run}/student/student.safetensors",
            card="results/{run}/model/card.md",
            splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
            files=get_null_files,
            transcripts=get_null_transcripts,
            sites=get_null_sites,
        output:
            weights="results/{run}/scanner/weights.safetensors",
            config="results/{run}/scanner/config.json",
            student="results/{run}/scanner/student.safetensors",
            null="results/{run}/scanner/null.safetensors",
            card="results/{run}/scanner/card.md",
        log:
            "logs/{run}/prediction/build_null.log",
        benchmark:
            "benchmarks/results/{run}/prediction/build_null.tsv"
        conda:
            "../../envs/training.yaml"
        threads: 2
        params:
            heads=list(PLAN.species),
            split=PLAN.release_record()["split"],
            files=PLAN.null_files(),
            sites={head: len(PLAN.listing(head)) for head in PLAN.species},
            bases=config["marks"]["null"]["bases"],
            device=config["resources"]["device"],
            seed=config["seed"],
        script:
            "../../scripts/prediction/build_null.py"
