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
