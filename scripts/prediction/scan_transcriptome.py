from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    import torch

    from rnamarks.prediction.scan import ScanOptions
    from rnamarks.prediction.scanner import Outputs, Scanner
    from rnamarks.progress import show_sites

    torch.set_num_threads(snakemake.threads)
    params, resources = snakemake.params, snakemake.config["resources"]
    chunks = snakemake.input.get("chunks", [])
    # nothing is left for a network where chunks have scored all
    scanner = Scanner(Path(snakemake.input.weights).parent, device="cpu" if chunks else resources["device"])
    with show_sites(terminal, f"{snakemake.wildcards.transcripts} {params.task} {params.predictor}") as progress:
        summary = scanner.run(
            snakemake.input.transcripts,
            ScanOptions(alpha=None, top=False),
            Outputs(table=snakemake.output.sites),
            tasks=[params.task],
            predictor=params.predictor,
            checkpoints=None if chunks else resources["checkpoints"],
            chunks=chunks,
            progress=progress,
        )
    print(summary.to_string(index=False))
