from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from pathlib import Path

    import torch

    from rnamarks.prediction.transcriptome import scan_with_model
    from rnamarks.progress import show_sites

    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    with show_sites(terminal, params.name) as progress:
        described = scan_with_model(
            Path(snakemake.input.weights).parent,
            params.head,
            snakemake.input.transcripts,
            snakemake.output.sites,
            checkpoints=params.checkpoints,
            predictor=params.predictor,
            motif=params.motif,
            offset=params.get("offset"),
            device=params.device,
            batch_size=params.get("batch_size"),
            progress=progress,
        )
    print("\n".join(f"{key}\t{value}" for key, value in described.items()))
