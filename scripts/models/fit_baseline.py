from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    from rnamarks.models.baseline_files import save_baselines
    from rnamarks.models.baselines import fit_baselines
    from rnamarks.tables import read_parquet, write_parquet

    params = snakemake.params
    columns = ["window", "species", "sequence", "label", params.split]
    frames = {
        species: read_parquet(path, columns)[0]
        for species, path in zip(params.species, snakemake.input.splits, strict=True)
    }
    heads, predictions = fit_baselines(
        frames,
        params.baseline,
        split=params.split,
        seed=params.seed,
        motif=params.motif,
        motif_offset=params.motif_offset,
    )
    save_baselines(
        Path(snakemake.output.weights).parent,
        params.baseline,
        heads,
        modification=params.modification,
        motif=params.motif,
        modifications=params.modifications,
        training={"split": params.split, "seed": params.seed},
    )
    write_parquet(predictions, snakemake.output.predictions)
