LANGUAGE = PLAN.language
# several processes are tasks of one job, which its script starts: SLURM's executor takes that for a program of MPI
PROCESSES = config["resources"]["training_processes"]
TOGETHER = {"mpi": "srun", "tasks": PROCESSES, "tasks_per_gpu": 1} if PROCESSES > 1 else {}


if LANGUAGE.downstream:

    rule read_examples:
        input:
            files=lambda wildcards: [
                locate(reference) for reference in LANGUAGE.downstream[wildcards.downstream]["files"].values()
            ],
        output:
            examples="results/{run}/downstream/{downstream}.examples.parquet",
            drops="results/{run}/downstream/{downstream}.drops.tsv",
        log:
            "logs/{run}/language/read_examples/{downstream}.log",
        benchmark:
            "benchmarks/results/{run}/language/read_examples/{downstream}.tsv"
        priority: 4
        group:
            "examples"
        conda:
            "../../envs/sequence.yaml"
        threads: 2
        resources:
            mem_mb=memory(1000, 100),
            runtime=minutes(60, 5),
        params:
            name="{downstream}",
            roles=lambda wildcards: list(LANGUAGE.downstream[wildcards.downstream]["files"]),
            entry=lambda wildcards: LANGUAGE.reading(wildcards.downstream),
            seed=config["seed"],
            chosen=lambda wildcards: code_of(LANGUAGE.reader_of(wildcards.downstream)),
        script:
            "../../scripts/language/read_examples.py"


if "corpus" in PLAN.offers:

    rule build_corpus:
        input:
            unpack(get_rna("sources")),
            unpack(get_rna("judged")),
            examples=[LANGUAGE.examples(name) for name in LANGUAGE.downstream],
        output:
            corpus="results/{run}/corpus/corpus.lmdb",
            drops="results/{run}/corpus/drops.tsv",
            relatives="results/{run}/corpus/relatives.tsv",
            judged="results/{run}/corpus/judged.parquet",
        log:
            "logs/{run}/language/build_corpus.log",
        benchmark:
            "benchmarks/results/{run}/language/build_corpus.tsv"
        priority: 3
        conda:
            "../../envs/sequence.yaml"
        threads: 2
        resources:
            mem_mb=memory(1000, 5),
            runtime=minutes(60, 1),
        params:
            sources=LANGUAGE.rna("sources"),
            judged=LANGUAGE.rna("judged"),
            downstream={name: LANGUAGE.folds_of(name) for name in LANGUAGE.downstream},
            options={
                key: config["corpus"][key]
                for key in ("shortest", "longest", "identity", "coverage", "strands", "held")
            },
            apart=config["corpus"]["apart"],
            seed=config["seed"],
        script:
            "../../scripts/language/build_corpus.py"

    rule judge_perplexity:
        input:
            weights=[one.weights for one in LANGUAGE.pretrainings],
            corpus="results/{run}/corpus/corpus.lmdb",
            judged="results/{run}/corpus/judged.parquet",
        output:
            table="results/{run}/evaluation/perplexity.tsv",
        log:
            "logs/{run}/language/judge_perplexity.log",
        benchmark:
            "benchmarks/results/{run}/language/judge_perplexity.tsv"
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 4),
            runtime=minutes(240),
        params:
            models=[one.record() for one in LANGUAGE.pretrainings],
            masking=[LANGUAGE.models[one.language]["masking"] for one in LANGUAGE.pretrainings],
            bootstrap=config["evaluation"]["bootstrap"],
        script:
            "../../scripts/language/judge_perplexity.py"


if LANGUAGE.trained:

    rule pretrain_language_model:
        input:
            corpus="results/{run}/corpus/corpus.lmdb",
        output:
            weights="results/{run}/language/{language}/{seed}/weights.safetensors",
            config="results/{run}/language/{language}/{seed}/config.json",
            history="results/{run}/language/{language}/{seed}/history.tsv",
        log:
            "logs/{run}/language/pretrain_language_model/{language}.{seed}.log",
        benchmark:
            "benchmarks/results/{run}/language/pretrain_language_model/{language}.{seed}.tsv"
        wildcard_constraints:
            language="|".join(LANGUAGE.trained),
        priority: 4
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            **TOGETHER,
            gpu=GPUS * PROCESSES,
            mem_mb=memory(3000 * PROCESSES, PROCESSES),
            runtime=minutes(2880),
        params:
            sizes=lambda wildcards: LANGUAGE.sizes_of(wildcards.language),
            training=lambda wildcards: LANGUAGE.models[wildcards.language]["training"],
            masking=lambda wildcards: LANGUAGE.models[wildcards.language]["masking"],
            seed=lambda wildcards: int(wildcards.seed),
            name="{language} seed {seed}",
        script:
            "../../scripts/language/pretrain_language_model.py"

    rule join_language_histories:
        input:
            histories=[one.history for one in LANGUAGE.pretrainings if one.history],
        output:
            histories="results/{run}/language/histories.tsv",
        log:
            "logs/{run}/language/join_language_histories.log",
        benchmark:
            "benchmarks/results/{run}/language/join_language_histories.tsv"
        localrule: True
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(500),
            runtime=minutes(30),
        params:
            models=[one.record() for one in LANGUAGE.pretrainings if one.history],
        script:
            "../../scripts/language/join_language_histories.py"


if LANGUAGE.imported:

    rule import_language_model:
        input:
            checkpoint=lambda wildcards: locate(LANGUAGE.models[wildcards.language]["checkpoint"]),
        output:
            weights="results/{run}/language/{language}/0/weights.safetensors",
            config="results/{run}/language/{language}/0/config.json",
        log:
            "logs/{run}/language/import_language_model/{language}.log",
        benchmark:
            "benchmarks/results/{run}/language/import_language_model/{language}.tsv"
        wildcard_constraints:
            language="|".join(LANGUAGE.imported),
        priority: 4
        conda:
            TORCH
        resources:
            mem_mb=memory(1000, 3),
            runtime=minutes(30),
        params:
            heads=lambda wildcards: LANGUAGE.models[wildcards.language].get("heads"),
        script:
            "../../scripts/language/import_language_model.py"


if LANGUAGE.predictors(baselines=False):

    rule finetune:
        input:
            unpack(get_language_model),
            examples="results/{run}/downstream/{downstream}.examples.parquet",
        output:
            predictions="results/{run}/downstream/{downstream}/{fold}/{predictor}/{seed}/predictions.parquet",
            weights="results/{run}/downstream/{downstream}/{fold}/{predictor}/{seed}/weights.safetensors",
            config="results/{run}/downstream/{downstream}/{fold}/{predictor}/{seed}/config.json",
            history="results/{run}/downstream/{downstream}/{fold}/{predictor}/{seed}/history.tsv",
        log:
            "logs/{run}/language/finetune/{downstream}.{fold}.{predictor}.{seed}.log",
        benchmark:
            "benchmarks/results/{run}/language/finetune/{downstream}.{fold}.{predictor}.{seed}.tsv"
        wildcard_constraints:
            predictor="|".join(LANGUAGE.predictors(baselines=False)),
        priority: 2
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(3000, 20),
            runtime=minutes(1440),
        params:
            target=lambda wildcards: LANGUAGE.downstream[wildcards.downstream]["target"],
            fold="{fold}",
            way=lambda wildcards: get_tuned(wildcards).way,
            sizes=get_scratch_sizes,
            head=lambda wildcards: LANGUAGE.downstream[wildcards.downstream]["head"],
            training=lambda wildcards: LANGUAGE.training_of(wildcards.downstream, get_tuned(wildcards).way),
            seed=lambda wildcards: int(wildcards.seed),
            name="{downstream} {fold} {predictor} seed {seed}",
        script:
            "../../scripts/language/finetune.py"


if LANGUAGE.predictors(baselines=True):

    rule downstream_baseline:
        input:
            examples="results/{run}/downstream/{downstream}.examples.parquet",
        output:
            predictions="results/{run}/downstream/{downstream}/{fold}/{predictor}/0/predictions.parquet",
        log:
            "logs/{run}/language/downstream_baseline/{downstream}.{fold}.{predictor}.log",
        benchmark:
            "benchmarks/results/{run}/language/downstream_baseline/{downstream}.{fold}.{predictor}.tsv"
        wildcard_constraints:
            predictor="|".join(LANGUAGE.predictors(baselines=True)),
        priority: 1
        group:
            "downstream_baselines"
        conda:
            "../../envs/sequence.yaml"
        resources:
            mem_mb=memory(1500, 100),
            runtime=minutes(240),
        params:
            baseline="{predictor}",
            target=lambda wildcards: LANGUAGE.downstream[wildcards.downstream]["target"],
            fold="{fold}",
            seed=config["seed"],
        script:
            "../../scripts/language/downstream_baseline.py"


if LANGUAGE.runs:

    rule evaluate_downstream:
        input:
            predictions=[run.predictions for run in LANGUAGE.runs],
        output:
            metrics="results/{run}/evaluation/downstream.tsv",
            differences="results/{run}/evaluation/downstream_differences.tsv",
        log:
            "logs/{run}/language/evaluate_downstream.log",
        benchmark:
            "benchmarks/results/{run}/language/evaluate_downstream.tsv"
        priority: 1
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1000, 60),
            runtime=minutes(240),
        params:
            runs=[run.record() for run in LANGUAGE.runs],
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/language/evaluate_downstream.py"


if LANGUAGE.runs_about("pairs"):

    rule compare_structures:
        input:
            predictions=[run.predictions for run in LANGUAGE.runs_about("pairs")],
        output:
            spread="results/{run}/evaluation/structure_spread.tsv",
            pairs="results/{run}/evaluation/structure_pairs.tsv",
        log:
            "logs/{run}/language/compare_structures.log",
        benchmark:
            "benchmarks/results/{run}/language/compare_structures.tsv"
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1000, 60),
            runtime=minutes(240),
        params:
            runs=[run.record() for run in LANGUAGE.runs_about("pairs")],
            shown=LANGUAGE.drawn(),
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/language/compare_structures.py"


if "families" in PLAN.offers:

    rule compare_families:
        input:
            weights=[one.weights for one in LANGUAGE.shown()],
            examples=LANGUAGE.examples(config["families"]["downstream"]),
        output:
            scores="results/{run}/interpretation/families.tsv",
            map="results/{run}/interpretation/family_map.tsv",
        log:
            "logs/{run}/language/compare_families.log",
        benchmark:
            "benchmarks/results/{run}/language/compare_families.tsv"
        conda:
            TORCH
        threads: config["resources"]["training_threads"]
        resources:
            gpu=GPUS,
            mem_mb=memory(2000, 20),
            runtime=minutes(240),
        params:
            models=[one.record() for one in LANGUAGE.shown()],
            bootstrap=config["evaluation"]["bootstrap"],
            seed=config["seed"],
        script:
            "../../scripts/language/compare_families.py"
