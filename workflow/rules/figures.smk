rule count_windows:
    input:
        splits=splits_of(PLAN.tasks),
    output:
        counts="results/{run}/datasets/counts.tsv",
    log:
        "logs/{run}/figures/count_windows.log",
    conda:
        "../../envs/library.yaml"
    resources:
        mem_mb=memory(1000, 50),
        runtime=minutes(30),
    script:
        "../../scripts/figures/count_windows.py"


rule join_histories:
    input:
        histories=[run.history for run in PLAN.runs if run.history],
    output:
        histories="results/{run}/training/histories.tsv",
    log:
        "logs/{run}/figures/join_histories.log",
    conda:
        "../../envs/library.yaml"
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
        files=[locate(entry.reference, entry.subject) for entry in ANALYSES.inputs()],
    output:
        table="results/{run}/sources.tsv",
    log:
        "logs/{run}/figures/list_sources.log",
    conda:
        "../../envs/library.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(60),
    params:
        inputs=[entry.record() for entry in ANALYSES.inputs()],
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
    resources:
        mem_mb=memory(1000, 10),
        runtime=minutes(30),
    params:
        design=DESIGN.record(),
        about=lambda wildcards: FIGURES[wildcards.figure].about_in(DESIGN),
        # a figure's module is imported by its name, which the fingerprint of the script does not follow
        drawn=lambda wildcards: fingerprint(FIGURES[wildcards.figure].module, HERE),
    script:
        "../../scripts/figures/draw_figure.py"


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
    conda:
        "../../envs/library.yaml"
    resources:
        mem_mb=memory(1000, 10),
        runtime=minutes(30),
    params:
        design=DESIGN.record(),
        names=figures_of(DESIGN),
        tables=tables_of(DESIGN),
        drawn=[fingerprint(FIGURES[name].module, HERE) for name in figures_of(DESIGN)],
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
    log:
        "logs/{run}/figures/write_report.log",
    conda:
        "../../envs/library.yaml"
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
        command=lambda wildcards, output: get_command(),
    script:
        "../../scripts/figures/write_report.py"
