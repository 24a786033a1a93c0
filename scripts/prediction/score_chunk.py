from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    from pathlib import Path

    import torch

    from rnamarks.prediction.scanner import Scanner
    from rnamarks.progress import show_sites

    torch.set_num_threads(snakemake.threads)
    chosen, resources = snakemake.wildcards, snakemake.config["resources"]
    scanner = Scanner(Path(snakemake.input.weights).parent, device=resources["device"])
    said = f"{chosen.transcripts} {chosen.task} {chosen.predictor} {chosen.chunk} of {snakemake.params.chunks}"
    with show_sites(terminal, said) as progress:
        tests = scanner.score_chunk(
            snakemake.input.transcripts,
            snakemake.output.logits,
            task=chosen.task,
            chunk=int(chosen.chunk),
            chunks=snakemake.params.chunks,
            checkpoints=resources["checkpoints"],
            progress=progress,
        )
    print(f"{tests} bases scored")
