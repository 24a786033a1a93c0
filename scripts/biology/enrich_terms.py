from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    import logging

    from rnamarks.biology.gene_annotations import read_associations, read_ontology
    from rnamarks.biology.ontology import enrich_sets, shared_terms
    from rnamarks.tables import read_tsv, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    texts = ("transcripts", "task", "predictor", "gene", "gene_name")
    tasks = [Task.from_record(record) for record in params.tasks]
    capacity, _ = read_tsv(files.capacity, (*texts, "capacity"), dtype=dict.fromkeys(texts, str))
    associations = {
        entry["transcripts"]: read_associations(path, identifier=entry.get("identifier", "symbol"))
        for entry, path in zip(params.entries, files.associations, strict=True)
    }
    terms, mapping = enrich_sets(capacity, associations, read_ontology(files.ontology), **params.options)
    for row in mapping.drop_duplicates(["transcripts", "task", "predictor"]).to_dict("records"):
        print(
            f"ontology: {row['transcripts']}, {row['task']}, {row['predictor']}: {row['mapped']} of {row['tested']} "
            f"genes annotated ({1 - row['unmapped_fraction']:.1%})",
            file=terminal,
        )
    terms = add_task_columns(terms, tasks)
    write_tsv(terms, output.terms)
    write_tsv(shared_terms(terms), output.shared)
    write_tsv(add_task_columns(mapping, tasks), output.mapping)
