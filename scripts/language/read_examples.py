from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    from rnamarks.downstream.examples import read_examples
    from rnamarks.tables import write_parquet

    params = snakemake.params
    files = {role: [Path(path)] for role, path in zip(params.roles, snakemake.input.files, strict=True)}
    examples, drops = read_examples(params.entry, files, seed=params.seed, name=params.name, threads=snakemake.threads)
    write_parquet(examples, snakemake.output.examples, {"downstream": params.name})
    drops.write(snakemake.output.drops)
