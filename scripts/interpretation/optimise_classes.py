from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from pathlib import Path

    import pandas as pd
    import torch

    from rnamarks.interpretation.element_pairs import OPTIMISED_COLUMNS, pairs_in_optimised
    from rnamarks.interpretation.elements import Element
    from rnamarks.interpretation.optimisation import OptimisationSettings, optimise_models
    from rnamarks.tables import write_tsv

    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    models = [
        (predictor, species, Path(weights).parent)
        for predictor, species, weights in zip(params.predictors, params.species, snakemake.input.weights, strict=True)
    ]
    motifs, starts, optima = optimise_models(
        models,
        OptimisationSettings.from_mapping(params.settings),
        seed=params.seed,
        device=params.device,
        report=lambda line: print(f"class optimisation: {line}", file=terminal),
    )
    elements = [Element.from_mapping(entry) for entry in params.elements]
    pairs = [
        pairs_in_optimised(optimum.pwms, elements, null=null, held=optimum.held, seed=params.seed).assign(
            species=species, predictor=predictor, null=null
        )
        for (predictor, species), optimum in optima.items()
        for null in ("columns", "rotation")
        if elements
    ]
    columns = ["species", "predictor", "null", *OPTIMISED_COLUMNS]
    write_tsv(motifs, snakemake.output.motifs)
    write_tsv(starts, snakemake.output.starts)
    write_tsv(
        pd.concat(pairs, ignore_index=True)[columns] if pairs else pd.DataFrame(columns=columns),
        snakemake.output.pairs,
    )
