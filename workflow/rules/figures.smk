rule count_windows:
    input:
        splits=expand("results/{{run}}/datasets/{species}.split.parquet", species=PLAN.species),
    output:
        counts="results/{run}/datasets/counts.tsv",
    log:
        "logs/{run}/figures/count_windows.log",
    conda:
        "../../envs/library.yaml"
    script:
        "../../scripts/figures/count_windows.py"


rule join_histories:
    input:
        histories=get_histories,
    output:
        histories="results/{run}/training/histories.tsv",
    log:
        "logs/{run}/figures/join_histories.log",
    conda:
        "../../envs/library.yaml"
    params:
        runs=[run.record() for run in PLAN.runs if run.history],
    script:
        "../../scripts/figures/join_histories.py"


rule list_sources:
    input:
        files=get_source_files,
    output:
        table="results/{run}/sources.tsv",
    log:
        "logs/{run}/figures/list_sources.log",
    conda:
        "../../envs/library.yaml"
    params:
        references=[entry.record() for entry in references(PLAN)],
        # functions of `output` stay out of the comparison with the last run, as in sources.smk
        sheet=lambda wildcards, output: config["sources"]["sheet"],
        lock=lambda wildcards, output: config["sources"]["lock"],
    script:
        "../../scripts/figures/list_sources.py"


rule draw_figure:
    input:
        tables=get_figure_tables,
    output:
        figure=report(
            "results/{run}/figures/{figure}.svg",
            caption="../report/figure.rst",
            category=get_figure_category,
            labels=get_figure_labels,
        ),
    log:
        "logs/{run}/figures/draw_figure/{figure}.log",
    wildcard_constraints:
        figure="|".join(FIGURES),
    conda:
        "../../envs/library.yaml"
    params:
        design=DESIGN.record(),
        about=lambda wildcards: FIGURES[wildcards.figure].about,
    script:
        "../../scripts/figures/draw_figure.py"


rule collect_figures:
    input:
        figures=expand("results/{{run}}/figures/{figure}.svg", figure=figures_of(DESIGN)),
        tables=get_report_tables,
    output:
        table=report(
            "results/{run}/figures.tsv",
            caption="../report/figures.rst",
            category="Tables",
            labels={"table": "figures and captions"},
        ),
    log:
        "logs/{run}/figures/collect_figures.log",
    conda:
        "../../envs/library.yaml"
    params:
        design=DESIGN.record(),
        names=figures_of(DESIGN),
        tables=tables_of(DESIGN),
    script:
        "../../scripts/figures/collect_figures.py"


rule write_report:
    input:
        figures=expand("results/{{run}}/figures/{figure}.svg", figure=figures_of(DESIGN)),
        tables=get_report_tables,
        sources="results/{run}/sources.tsv",
        index="results/{run}/figures.tsv",
    output:
        page="results/{run}/report.html",
    log:
        "logs/{run}/figures/write_report.log",
    conda:
        "../../envs/library.yaml"
    params:
        design=DESIGN.record(),
        names=figures_of(DESIGN),
        tables=tables_of(DESIGN),
        config=config,
        command=lambda wildcards, output: get_command(),
    script:
        "../../scripts/figures/write_report.py"
