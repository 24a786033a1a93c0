from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    import pandas as pd

    from rnamarks.evaluation.mark_panels import WINDOW_COLUMNS, MarkRun, build_mark_panels
    from rnamarks.evaluation.marks import marks_table, measure_marks, noise_table, paired_marks, summary_table
    from rnamarks.evaluation.multilabel import imbalance_table, mark_curves, multilabel_table, natural_ratios
    from rnamarks.evaluation.sources_apart import read_marks, sources_apart
    from rnamarks.tables import read_parquet, write_tsv

    params, output = snakemake.params, snakemake.output
    runs = [
        MarkRun(**record, frame=read_parquet(path, WINDOW_COLUMNS)[0])
        for record, path in zip(params.runs, snakemake.input.heads, strict=True)
    ]
    negatives, positives, total = read_marks(dict(zip(params.marks, snakemake.input.splits, strict=True)))
    resampling = {"n": params.bootstrap, "seed": params.seed}
    reference = (params.release["model"], params.release["setting"]) if params.release else None
    tables = {name: [] for name in ("metrics", "summary", "paired", "multilabel", "imbalance", "curves")}
    for panel in build_mark_panels(runs):
        measured = measure_marks(panel, **resampling)
        tables["metrics"].append(marks_table(panel, measured))
        tables["summary"].append(summary_table(panel, measured, params.settings))
        tables["paired"].append(paired_marks(panel, measured, reference=reference))
        tables["multilabel"].append(multilabel_table(panel, **resampling))
        ratios = natural_ratios(positives, total)
        tables["imbalance"].append(imbalance_table(panel, ratios, n=2 * params.bootstrap, seed=params.seed))
        tables["curves"].append(mark_curves(panel))
    joined = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
    joined["noise"] = noise_table(joined["metrics"], joined["paired"])
    joined["sources"] = sources_apart(negatives, **resampling)
    for name, table in joined.items():
        write_tsv(table, getattr(output, name))
