from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    import torch

    from rnamarks.interpretation.attribution_files import attribute_windows, choose_windows, write_attributions

    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    write_attributions(
        attribute_windows(
            Path(snakemake.input.weights).parent,
            params.head,
            snakemake.input.windows,
            method=params.method,
            compare=params.compare,
            rows=choose_windows(params.split, params.parts, params.label),
            limit=params.limit,
            device=params.device,
            seed=params.seed,
            **params.options,
        ),
        snakemake.output.letters,
        snakemake.output.checks,
    )
