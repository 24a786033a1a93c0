rule read_sites:
    input:
        tables=get_site_tables,
        genome=get_genome,
        modifications=config["modification_sheet"],
    output:
        sites="results/{run}/sites/{species}.{role}.tsv.gz",
        drops="results/{run}/sites/{species}.{role}.drops.tsv",
    log:
        "logs/{run}/sites/read_sites/{species}.{role}.log",
    conda:
        "../../envs/library.yaml"
    params:
        formats=lambda wildcards: [entry["format"] for entry in PLAN.site_tables(wildcards.species, wildcards.role)],
        sources=lambda wildcards: [entry["name"] for entry in PLAN.site_tables(wildcards.species, wildcards.role)],
        technologies=lambda wildcards: [
            entry.get("technology") for entry in PLAN.site_tables(wildcards.species, wildcards.role)
        ],
        layouts=lambda wildcards: [entry.get("layout") for entry in PLAN.site_tables(wildcards.species, wildcards.role)],
        assembly=lambda wildcards: PLAN.assembly_of(wildcards.species),
        modification=lambda wildcards: PLAN.marks[wildcards.species].name,
        species="{species}",
    script:
        "../../scripts/sites/read_sites.py"


if config.get("orthologues"):

    rule read_orthologues:
        input:
            table=locate(config["orthologues"]["table"]),
            species=config["species_sheet"],
        output:
            orthologues="results/{run}/sites/orthologues.tsv",
        log:
            "logs/{run}/sites/read_orthologues.log",
        conda:
            "../../envs/library.yaml"
        params:
            format=config["orthologues"]["format"],
            species=list(PLAN.species),
        script:
            "../../scripts/sites/read_orthologues.py"


rule build_transcripts:
    input:
        genome=get_genome,
        annotation=get_annotation,
    output:
        transcripts="results/{run}/sites/{species}.transcripts.parquet",
        drops="results/{run}/sites/{species}.transcripts.drops.tsv",
    log:
        "logs/{run}/sites/build_transcripts/{species}.log",
    benchmark:
        "benchmarks/results/{run}/sites/build_transcripts/{species}.tsv"
    wildcard_constraints:
        species="|".join([*PLAN.genomes(), *ANALYSES.of_kind("genome")]) or "none",
    conda:
        "../../envs/library.yaml"
    params:
        species="{species}",
    script:
        "../../scripts/sites/build_transcripts.py"


if ANALYSES.of_kind("fasta"):

    rule read_transcript_fasta:
        input:
            fasta=lambda wildcards: locate(ANALYSES.files_of(wildcards.species)["transcripts"]),
            annotation=lambda wildcards: [
                locate(ANALYSES.files_of(wildcards.species)[key])
                for key in ("annotation",)
                if key in ANALYSES.files_of(wildcards.species)
            ],
        output:
            transcripts="results/{run}/sites/{species}.transcripts.parquet",
            drops="results/{run}/sites/{species}.transcripts.drops.tsv",
        log:
            "logs/{run}/sites/read_transcript_fasta/{species}.log",
        wildcard_constraints:
            species="|".join(ANALYSES.of_kind("fasta")),
        conda:
            "../../envs/library.yaml"
        params:
            species="{species}",
        script:
            "../../scripts/sites/read_transcript_fasta.py"


if PLAN.species_with_tables():

    rule cut_windows:
        input:
            transcripts=lambda wildcards: f"results/{wildcards.run}/sites/{PLAN.genome_of(wildcards.species)}.transcripts.parquet",
            sites="results/{run}/sites/{species}.sites.tsv.gz",
            veto=get_veto,
            orthologues=get_orthologues,
        output:
            windows="results/{run}/datasets/{species}.windows.parquet",
            drops="results/{run}/datasets/{species}.drops.tsv",
        log:
            "logs/{run}/sites/cut_windows/{species}.log",
        benchmark:
            "benchmarks/results/{run}/sites/cut_windows/{species}.tsv"
        wildcard_constraints:
            species="|".join(PLAN.species_with_tables()),
        conda:
            "../../envs/library.yaml"
        params:
            place=lambda wildcards: PLAN.marks[wildcards.species].place,
            window=config["window"],
            negatives_per_positive=config["negatives_per_positive"],
            negatives_from=config["negatives_from"],
            seed=config["seed"],
            species="{species}",
        script:
            "../../scripts/sites/cut_windows.py"


if PLAN.species_with_windows():

    rule read_windows:
        input:
            files=get_window_files,
        output:
            windows="results/{run}/datasets/{species}.windows.parquet",
            drops="results/{run}/datasets/{species}.drops.tsv",
        log:
            "logs/{run}/sites/read_windows/{species}.log",
        wildcard_constraints:
            species="|".join(PLAN.species_with_windows()),
        conda:
            "../../envs/library.yaml"
        params:
            files=lambda wildcards: [
                {key: entry[key] for key in ("given", "label", "format")}
                for entry in PLAN.window_files(wildcards.species)
            ],
            window=config["window"],
            species="{species}",
            # windows of species may hold their site anywhere; those of modifications are centred on it
            place=lambda wildcards: PLAN.marks[wildcards.species].place if PLAN.heads_are == "modification" else None,
            negatives_per_positive=lambda wildcards: PLAN.species[wildcards.species]["windows"].get(
                "negatives_per_positive"
            ),
            seed=config["seed"],
        script:
            "../../scripts/sites/read_windows.py"
