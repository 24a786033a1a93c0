from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from pathlib import Path

    import torch

    from rnamarks.interpretation.filters import filter_motifs, positive_windows
    from rnamarks.interpretation.motif_files import write_meme
    from rnamarks.models.checkpoint import load_model
    from rnamarks.sequences import encode_windows
    from rnamarks.tables import read_parquet, write_tsv

    params = snakemake.params
    torch.set_num_threads(snakemake.threads)
    model, _ = load_model(Path(snakemake.input.weights).parent)
    frame, _ = read_parquet(snakemake.input.split, ["sequence", "label", params.split])
    sequences = positive_windows(frame, params.split, params.part, params.most_windows, params.seed)
    filters = filter_motifs(
        list(model.networks.members),
        encode_windows(sequences),
        threshold=params.threshold,
        branches=params.branches,
        member=params.member,
        pseudocount=params.pseudocount,
        least_information=params.least_information,
        least_sites=params.least_sites,
        source=params.predictor,
    )
    write_meme(filters.motifs, snakemake.output.motifs)
    write_tsv(
        filters.table.assign(predictor=params.predictor, species=params.species),
        snakemake.output.filters,
        {"threshold": params.threshold, "part": params.part, "windows": str(len(sequences))},
    )
    print(
        f"{params.predictor}, {params.species}: {len(filters.motifs)} filters, {len(filters.informative())} of them "
        f"informative, from {len(sequences)} windows",
        file=terminal,
    )
