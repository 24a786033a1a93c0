from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    import torch

    from rnamarks.interpretation.cooccurrence import cooccurrence_tables
    from rnamarks.interpretation.elements import Element
    from rnamarks.tables import write_tsv

    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    known, found = cooccurrence_tables(
        [
            (predictor, species, Path(weights).parent)
            for predictor, species, weights in zip(
                params.predictors, params.species, snakemake.input.weights, strict=True
            )
        ],
        dict(zip(params.windows_of, snakemake.input.windows, strict=True)),
        [Element.from_mapping(entry) for entry in params.elements],
        split=params.split,
        parts=params.parts,
        threshold=params.threshold,
        discovery=params.discovery,
        permutations=params.permutations,
        seed=params.seed,
        device=params.device,
    )
    write_tsv(known, snakemake.output.known)
    write_tsv(found, snakemake.output.found)
