rule fetch_source:
    output:
        file=ensure("resources/sources/{source}/{file}", non_empty=True),
    log:
        "logs/sources/fetch_source/{source}.{file}.log",
    benchmark:
        "benchmarks/results/sources/fetch_source/{source}.{file}.tsv"
    wildcard_constraints:
        source="|".join(SOURCES) or "none",
        file="|".join(sorted({source.file for source in SOURCES.values()})) or "none",
    localrule: True
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(240),
    params:
        source="{source}",
        version=lambda wildcards: SOURCES[wildcards.source].version,
        # Functions of `output` stay out of Snakemake's comparison with the last run: another mirror, or a sheet with one
        # line more, must not fetch every genome again.
        sheet=lambda wildcards, output: config["sources"]["sheet"],
        lock=lambda wildcards, output: config["sources"]["lock"],
        mirror=lambda wildcards, output: config["sources"]["mirror"],
    script:
        "../../scripts/sources/fetch_source.py"


rule extract_member:
    input:
        archive=lambda wildcards: reference_of(wildcards.archive, wildcards.member)[0],
    output:
        file=ensure("resources/members/{archive}/{member}", non_empty=True),
    log:
        "logs/sources/extract_member/{archive}/{member}.log",
    benchmark:
        "benchmarks/results/sources/extract_member/{archive}/{member}.tsv"
    wildcard_constraints:
        archive="[^/]+",
        member="[^/]+",
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(60),
    script:
        "../../scripts/sources/extract_member.py"
