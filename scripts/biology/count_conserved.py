from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    import logging

    from rnamarks.biology.capacity import COLUMNS
    from rnamarks.biology.conservation import (
        compare_species,
        count_conserved,
        join_orthologues,
        list_conserved,
        read_support,
    )
    from rnamarks.tables import read_tsv, write_tsv
    from rnamarks.training.tree import distances, read_tree

    logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    texts = ("species", "predictor", "gene", "gene_name")
    capacity, _ = read_tsv(files.capacity, COLUMNS, dtype=dict.fromkeys(texts, str))
    capacity = capacity.fillna(dict.fromkeys(texts, ""))
    keys = ("species", "gene", "orthogroup")
    orthologues, _ = read_tsv(files.orthologues, keys, dtype=dict.fromkeys(keys, str))
    matching = {"least": params.least, "allow": params.allow_unmatched}
    members = join_orthologues(
        capacity,
        orthologues,
        species=params.species,
        paralogues=params.paralogues,
        path=files.orthologues,
        **matching,
    )
    counts, differences = count_conserved(
        members, permutations=params.permutations, resamples=params.bootstrap, seed=params.seed
    )
    tips = {name: params.tips[name] for name in params.species} if files.get("tree") else None
    tree = distances(read_tree(files.tree), tips) if tips else None
    support = files.get("support") or None
    conserved, genes = list_conserved(
        members,
        read_support(support) if support else None,
        capacity=capacity,
        path=support,
        **matching,
    )
    write_tsv(counts, output.counts)
    write_tsv(differences, output.differences)
    write_tsv(compare_species(members, tree), output.similarity)
    write_tsv(conserved, output.conserved)
    write_tsv(genes, output.genes)
