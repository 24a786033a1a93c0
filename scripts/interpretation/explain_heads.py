from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    from functools import cache
    from pathlib import Path

    import pandas as pd
    import torch

    from rnamarks.interpretation.discovery import contrast
    from rnamarks.interpretation.explanation import (
        EXPLAINED_COLUMNS,
        compare_head_motifs,
        explain_head,
        find_head_motifs,
    )
    from rnamarks.interpretation.motif_files import read_own, write_meme
    from rnamarks.interpretation.motif_matches import Database
    from rnamarks.interpretation.positives import Head
    from rnamarks.models.checkpoint import load_model
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import read_parquet, write_tsv

    params, given, output = snakemake.params, snakemake.input, snakemake.output
    torch.set_num_threads(snakemake.threads)
    load = cache(load_model)
    splits = dict(zip(params.windows_of, given.splits, strict=True))
    summaries, profiles, found = [], [], []
    for predictor, species, split, weights in zip(
        params.predictors, params.species, params.splits, given.weights, strict=True
    ):
        model, config = load(Path(weights).parent)
        frame, _ = read_parquet(splits[species], ["window", "sequence", "label", "gene", split])
        explained, judging = (contrast(frame, split, list(parts)) for parts in (params.parts, params.judging_parts))
        rows = frame[frame[split].isin(list(params.parts))]
        one = explain_head(
            Head(model, config.heads, species, rows, seed=params.seed, device=pick_device(params.device)),
            windows=params.windows,
            mutated=params.mutated,
            reach=params.reach,
            most=params.most,
            gradients=params.gradients,
        )
        who = {"predictor": predictor, "species": species}
        summaries.append(who | one.summary)
        profiles.append(one.profile.assign(**who))
        motifs = find_head_motifs(
            predictor,
            species,
            one.attended,
            judging.foreground,
            judging.control,
            explained.control,
            settings=params.consensus,
            draws=params.draws,
            seed=params.seed,
        )
        found.append(motifs)
        print(f"{predictor}, {species}: {len(one.attended)} windows, {len(motifs.motifs)} motifs", file=terminal)
    databases = [
        Database(species, name, read_own(path))
        for species, name, path in zip(params.target_species, params.databases, given.targets, strict=True)
    ]
    matches, logos = compare_head_motifs(
        found, databases, method=params.method, most=params.shown, jobs=snakemake.threads
    )
    write_tsv(pd.DataFrame(summaries)[list(EXPLAINED_COLUMNS)], output.explained)
    write_tsv(pd.concat(profiles, ignore_index=True), output.profile)
    write_meme([motif for one in found for motif in one.motifs], output.motifs)
    write_tsv(pd.concat([one.table for one in found], ignore_index=True), output.consensus)
    write_tsv(matches, output.matches)
    write_tsv(logos, output.logos)
