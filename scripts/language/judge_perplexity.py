from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    import pandas as pd

    from rnamarks.corpus.store import Corpus
    from rnamarks.dictionary import column_names
    from rnamarks.evaluation.perplexity import judge_baselines, judge_sets
    from rnamarks.models.language_files import load_language
    from rnamarks.prediction.score import pick_device
    from rnamarks.tables import read_parquet, write_tsv
    from rnamarks.training.settings import MaskingSettings

    params = snakemake.params
    device = pick_device(snakemake.config["resources"]["device"])
    corpus, (judged, _) = Corpus(snakemake.input.corpus), read_parquet(snakemake.input.judged)
    maskings = [MaskingSettings.from_mapping(masking) for masking in params.masking]
    rows = []
    for model, masking, path in zip(params.models, maskings, snakemake.input.weights, strict=True):
        network, _ = load_language(Path(path).parent)
        rows.append(
            judge_sets(network, corpus, judged, **model, masking=masking, draws=params.bootstrap, device=device)
        )
    rows.append(judge_baselines(corpus, judged, masking=maskings[0], draws=params.bootstrap))
    write_tsv(pd.concat(rows, ignore_index=True)[column_names("perplexity")], snakemake.output.table)
