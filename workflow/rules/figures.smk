rule count_windows:
    input:
        splits=splits_of(PLAN.tasks),
    output:
        counts="results/{run}/datasets/counts.tsv",
    log:
        "logs/{run}/figures/count_windows.log",
    benchmark:
        "benchmarks/results/{run}/figures/count_windows.tsv"
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(1000, 50),
        runtime=minutes(30),
    params:
        schemes=PLAN.schemes,
    script:
        "../../scripts/figures/count_windows.py"


rule join_histories:
    input:
        histories=[run.history for run in PLAN.runs if run.history],
    output:
        histories="results/{run}/training/histories.tsv",
    log:
        "logs/{run}/figures/join_histories.log",
    benchmark:
        "benchmarks/results/{run}/figures/join_histories.tsv"
    localrule: True
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(30),
    params:
        runs=[run.record() for run in PLAN.runs if run.history],
        tasks=bare(),
    script:
        "../../scripts/figures/join_histories.py"


rule list_sources:
    input:
        files=[locate(entry.reference, entry.subject) for entry in inputs_of(ANALYSES)],
    output:
        table="results/{run}/sources.tsv",
    log:
        "logs/{run}/figures/list_sources.log",
    benchmark:
        "benchmarks/results/{run}/figures/list_sources.tsv"
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(60),
    params:
        inputs=[entry.record() for entry in inputs_of(ANALYSES)],
        # functions of `output` stay out of the comparison with the last run, as in sources.smk
        sheet=lambda wildcards, output: config["sources"]["sheet"],
        lock=lambda wildcards, output: config["sources"]["lock"],
    script:
        "../../scripts/figures/list_sources.py"


# one job for the figures of a section: drawing one takes less time than importing what draws it
for SECTION, NAMES in sections_of(DESIGN).items():

    rule:
        name:
            f"draw_{SECTION}"
        input:
            tables=[get_table(table) for table in tables_read(NAMES)],
        output:
            **{
                name: report(
                    f"results/{{run}}/figures/{name}.svg",
                    caption="../report/figure.rst",
                    category=SECTIONS[SECTION],
                    labels={"figure": FIGURES[name].label, "shows": FIGURES[name].title_in(DESIGN)},
                )
                for name in NAMES
            },
        log:
            f"logs/{{run}}/figures/draw_section/{SECTION}.log",
        benchmark:
            f"benchmarks/results/{{run}}/figures/draw_section/{SECTION}.tsv"
        group:
            "report"
        conda:
            "../../envs/tables.yaml"
        resources:
            mem_mb=memory(1000, 10),
            runtime=minutes(30),
        params:
            design=DESIGN.record(),
            tables=tables_read(NAMES),
            # one caption for the section: Snakemake does not tell it which of the job's figures it stands beside
            about=[
                [f"{FIGURES[name].label}: {FIGURES[name].title_in(DESIGN)}", FIGURES[name].about_in(DESIGN)]
                for name in NAMES
            ],
            chosen=code_of(*(FIGURES[name].module for name in NAMES)),
        script:
            "../../scripts/figures/draw_section.py"


rule collect_figures:
    input:
        figures=expand("results/{{run}}/figures/{figure}.svg", figure=figures_of(DESIGN)),
        tables=[get_table(name) for name in tables_of(DESIGN)],
    output:
        table=report(
            "results/{run}/figures.tsv",
            caption="../report/figures.rst",
            category="Tables",
            labels={"table": "figures and captions"},
        ),
    log:
        "logs/{run}/figures/collect_figures.log",
    benchmark:
        "benchmarks/results/{run}/figures/collect_figures.tsv"
    group:
        "report"
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(1000, 10),
        runtime=minutes(30),
    params:
        design=DESIGN.record(),
        names=figures_of(DESIGN),
        tables=tables_of(DESIGN),
        chosen=code_of(*(FIGURES[name].module for name in figures_of(DESIGN))),
    script:
        "../../scripts/figures/collect_figures.py"


rule write_report:
    input:
        figures=expand("results/{{run}}/figures/{figure}.svg", figure=figures_of(DESIGN)),
        tables=[get_table(name) for name in tables_of(DESIGN)],
        sources="results/{run}/sources.tsv",
        index="results/{run}/figures.tsv",
    output:
        page="results/{run}/report.html",
        record="results/{run}/run.json",
    log:
        "logs/{run}/figures/write_report.log",
    benchmark:
        "benchmarks/results/{run}/figures/write_report.tsv"
    group:
        "report"
    conda:
        "../../envs/tables.yaml"
    resources:
        mem_mb=memory(1000, 10),
        runtime=minutes(30),
    params:
        design=DESIGN.record(),
        names=figures_of(DESIGN),
        tables=tables_of(DESIGN),
        left_out=PLAN.left_out,
        # how a run was started, and where, is told and not compared
        config=lambda wildcards, output: config,
        targets=lambda wildcards, output: targets_of(ANALYSES),
        command=lambda wildcards, output: get_command(),
    script:
        "../../scripts/figures/write_report.py"
