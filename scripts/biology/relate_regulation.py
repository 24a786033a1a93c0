from rnamarks.scripting import logged

with logged(snakemake) as terminal:
    import logging

    from rnamarks.biology.regulation import GENE_KINDS, Tables, add_covariates, read_sites, relate_entry
    from rnamarks.sites.transcripts import read_lengths
    from rnamarks.tables import read_tsv, write_tsv
    from rnamarks.tasks import Task, add_task_columns

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    keys = ("transcripts", "task", "predictor")
    texts = dict.fromkeys((*keys, "gene", "gene_name", "transcript"), str)
    capacity, _ = read_tsv(files.capacity, (*keys, "gene", "gene_name", "capacity"), dtype=texts)
    on_sites = any(table["kind"] not in GENE_KINDS for table in params.tables)
    tables = Tables()
    for entry, gene_path, transcript_path, site_path in zip(
        params.entries, files.genes, files.transcripts, files.sites, strict=True
    ):
        genes, _ = read_tsv(gene_path, ("gene", "transcript"), dtype=texts)
        mine = (capacity[list(keys)] == [entry[key] for key in keys]).all(axis=1)
        genes = capacity[mine].merge(genes[["gene", "transcript"]], on="gene", how="left").reset_index(drop=True)
        sites = None
        if on_sites:
            transcripts, _ = read_tsv(transcript_path, ("transcript", "sites", "gc"), dtype=texts)
            sites = add_covariates(read_sites(site_path), transcripts)
        # a table may have two files, the tracks of one structure experiment
        paths = iter(files.files)
        for table in params.tables:
            relate_entry(
                tables,
                table,
                [next(paths) for _ in range(table["files"])],
                **entry,
                genes=genes,
                sites=sites,
                lengths=read_lengths(files.spliced),
                assembly=params.assembly,
                minimum=params.minimum,
            )
    for row in tables.matches:
        print(
            f"regulation: {row['task']}: {row['name']}: {row['matched']} of {row['wanted']} {row['item']} matched "
            f"({row['fraction']:.1%}), {row['used']} used{'; warning: ' if row['warning'] else ''}{row['warning']}",
            file=terminal,
        )
    tasks = [Task.from_record(record) for record in params.tasks]
    for name, frame in tables.frames().items():
        write_tsv(add_task_columns(frame, tasks), getattr(output, name))
