from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    import logging

    from rnamarks.biology.gene_annotations import read_associations, read_ontology
    from rnamarks.biology.ontology import enrich_species, shared_terms
    from rnamarks.tables import read_tsv, write_tsv

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    texts = ("species", "predictor", "gene", "gene_name")
    capacity, _ = read_tsv(files.capacity, (*texts, "capacity"), dtype=dict.fromkeys(texts, str))
    associations = {
        entry["species"]: read_associations(
            path, entry.get("format", "auto"), identifier=entry.get("identifier", "symbol")
        )
        for entry, path in zip(params.entries, files.associations, strict=True)
    }
    terms, mapping = enrich_species(
        capacity,
        associations,
        read_ontology(files.ontology),
        least=params.least,
        allow=params.allow_unmatched,
        **params.options,
    )
    for row in mapping.drop_duplicates(["species", "predictor"]).to_dict("records"):
        print(
            f"ontology: {row['species']}, {row['predictor']}: {row['mapped']} of {row['tested']} genes annotated "
            f"({1 - row['unmapped_share']:.1%})",
            file=terminal,
        )
    write_tsv(terms, output.terms)
    write_tsv(shared_terms(terms), output.shared)
    write_tsv(mapping, output.mapping)
