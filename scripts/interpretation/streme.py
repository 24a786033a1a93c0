from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.datasets.tools import run_tool
    from rnamarks.files import write_text

    given = snakemake.input
    options = {"--seed": snakemake.params.seed, "--minw": 5, "--maxw": 8, "--thresh": 0.05, "--hofract": 0.4}
    motifs = run_tool(["streme", "--rna", "--text"], options | {"--p": given.foreground, "--n": given.control})
    with write_text(snakemake.output.motifs) as handle:
        handle.write(motifs)
