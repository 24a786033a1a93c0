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
