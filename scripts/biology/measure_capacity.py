from rnamarks.scripting import logged

with logged(snakemake):
    import logging

    import pandas as pd

    from rnamarks.biology.capacity import GENE_COLUMNS, describe_capacity, measure_capacity
    from rnamarks.tables import read_tsv, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    params, output = snakemake.params, snakemake.output
    tasks = [Task.from_record(record) for record in params.tasks]
    chosen = {"definition": params.definition, "high": params.high}
    capacity, definitions = [], []
    for entry, path in zip(params.entries, snakemake.input.genes, strict=True):
        genes, _ = read_tsv(path, GENE_COLUMNS, dtype={"gene": str, "gene_name": str})
        capacity.append(measure_capacity(genes, **entry, **chosen))
        definitions.append(describe_capacity(genes, **entry))
    write_tsv(add_task_columns(pd.concat(capacity, ignore_index=True), tasks), output.capacity, chosen)
    write_tsv(add_task_columns(pd.concat(definitions, ignore_index=True), tasks), output.definitions)
