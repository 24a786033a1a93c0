from rnamarks.scripting import logged

with logged(snakemake):
    import logging

    from rnamarks.biology.conservation import compare_capacity, read_support
    from rnamarks.dictionary import column_names
    from rnamarks.tables import read_tsv, write_tsv
    from rnamarks.training.tree import distances, read_tree

    logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    files, params = snakemake.input, snakemake.params
    texts = ("transcripts", "task", "species", "modification", "predictor", "gene", "gene_name")
    capacity, _ = read_tsv(files.capacity, column_names("capacity"), dtype=dict.fromkeys(texts, str))
    capacity = capacity.fillna(dict.fromkeys(texts, ""))
    keys = ("species", "gene", "orthogroup")
    orthologues, _ = read_tsv(files.orthologues, keys, dtype=dict.fromkeys(keys, str))
    support = files.get("support") or None
    tree = files.get("tree") or None
    tables = compare_capacity(
        capacity,
        orthologues,
        species=params.species,
        distances=distances(read_tree(tree), {name: params.tips[name] for name in params.species}) if tree else None,
        support=read_support(support) if support else None,
        permutations=params.permutations,
        resamples=params.bootstrap,
        seed=params.seed,
        path=files.orthologues,
        support_path=support,
        minimum=params.minimum,
    )
    for name, frame in tables.items():
        write_tsv(frame, getattr(snakemake.output, name))
