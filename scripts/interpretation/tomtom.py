from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.datasets.tools import run_tool
    from rnamarks.files import write_text

    options = {"-dist": "ed", "-min-overlap": 1, "-thresh": 10, "-verbosity": 1}
    words = [word for option in options.items() for word in option]
    given = [snakemake.input.queries, snakemake.input.targets]
    table = run_tool(["tomtom", "-no-ssc", "-norc", "-evalue", "-text", *words, *given])
    with write_text(snakemake.output.table) as handle:
        handle.write(table)
