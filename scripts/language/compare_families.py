from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    from rnamarks.interpretation.families import describe_families
    from rnamarks.tables import read_parquet, write_tsv

    params = snakemake.params
    examples, _ = read_parquet(snakemake.input.examples)
    models = {
        (model["language"], model["seed"]): Path(path).parent
        for model, path in zip(params.models, snakemake.input.weights, strict=True)
    }
    scores, places = describe_families(
        examples,
        models,
        seed=params.seed,
        bootstrap=params.bootstrap,
        device=snakemake.config["resources"]["device"],
        threads=snakemake.threads,
    )
    write_tsv(scores, snakemake.output.scores)
    write_tsv(places, snakemake.output.map)
