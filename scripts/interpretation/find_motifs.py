from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from rnamarks.interpretation.discovery import contrast, discover, write_windows
    from rnamarks.interpretation.motif_files import write_meme
    from rnamarks.tables import read_parquet, write_tsv

    params = snakemake.params
    frame, _ = read_parquet(snakemake.input.split, ["window", "sequence", "label", "gene", params.split])
    windows = contrast(frame, params.split, list(params.parts))
    found = discover(
        windows.foreground,
        windows.control,
        widths=list(params.widths),
        level=params.level,
        most=params.most,
        hold_out=params.hold_out,
        groups=windows.groups,
        most_windows=params.most_windows,
        seed=params.seed,
        source=params.species,
    )
    write_meme(found.motifs, snakemake.output.motifs)
    write_tsv(found.table.assign(species=params.species), snakemake.output.table)
    write_windows(windows.foreground, snakemake.output.foreground)
    write_windows(windows.control, snakemake.output.control)
    print(f"{params.species}: {len(found.motifs)} motifs found without a model", file=terminal)
