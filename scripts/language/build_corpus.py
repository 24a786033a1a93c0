from rnamarks.scripting import logged

with logged(snakemake):
    from rnamarks.corpus.build import build_corpus
    from rnamarks.corpus.formats import judged_table
    from rnamarks.downstream.examples import held_back
    from rnamarks.sites.drops import Drops
    from rnamarks.tables import read_parquet, write_parquet

    params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
    sources, sets = (
        {
            name: entry
            | {
                "files": list(inputs[f"{part}_{name}"]),
                "families": next(iter(inputs.get(f"families_{part}_{name}", [])), None),
            }
            for name, entry in params[part].items()
        }
        for part in ("sources", "judged")
    )
    drops = Drops()
    lengths = {key: params.options[key] for key in ("shortest", "longest")}
    judged = judged_table(sets, **lengths, drops=drops)
    apart = [
        one
        for (name, folds), path in zip(params.downstream.items(), inputs.examples, strict=True)
        for one in held_back(name, read_parquet(path)[0], folds)
    ]
    apart += [(name, "judged", judged.loc[judged["set"] == name, "sequence"].tolist()) for name in sets]
    drops.merge(
        build_corpus(
            sources,
            outputs.corpus,
            **params.options,
            apart=apart,
            apart_identity=params.apart,
            relatives=outputs.relatives,
            seed=params.seed,
            threads=snakemake.threads,
        )
    )
    drops.write(outputs.drops)
    write_parquet(judged, outputs.judged, {})
