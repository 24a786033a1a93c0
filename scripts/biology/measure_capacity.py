from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    import logging

    import pandas as pd

    from rnamarks.biology.capacity import GENE_COLUMNS, describe_capacity, measure_capacity
    from rnamarks.tables import read_tsv, write_tsv

    logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    params = snakemake.params
    capacity, definitions = [], []
    for entry, path in zip(params.entries, snakemake.input.genes, strict=True):
        genes, _ = read_tsv(path, GENE_COLUMNS, dtype={"gene": str, "gene_name": str})
        head = {"species": entry["species"], "predictor": entry["predictor"], "coding": params.coding}
        capacity.append(measure_capacity(genes, **head, definition=params.definition, high=params.high))
        definitions.append(describe_capacity(genes, **head))
    write_tsv(
        pd.concat(capacity, ignore_index=True),
        snakemake.output.capacity,
        {"definition": params.definition, "high": params.high},
    )
    write_tsv(pd.concat(definitions, ignore_index=True), snakemake.output.definitions)
