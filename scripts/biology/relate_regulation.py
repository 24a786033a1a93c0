from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    import logging

    from rnamarks.biology.regulation import GENE_KINDS, Tables, add_covariates, read_sites, relate_entry
    from rnamarks.sites.transcripts import read_lengths
    from rnamarks.tables import read_tsv, write_tsv

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    texts = dict.fromkeys(("species", "predictor", "gene", "gene_name", "transcript"), str)
    capacity, _ = read_tsv(files.capacity, ("species", "predictor", "gene", "gene_name", "capacity"), dtype=texts)
    genes, _ = read_tsv(files.genes, ("gene", "transcript"), dtype=texts)
    mine = (capacity["species"] == params.species) & (capacity["predictor"] == params.predictor)
    genes = capacity[mine].merge(genes[["gene", "transcript"]], on="gene", how="left").reset_index(drop=True)
    sites = None
    if any(entry["kind"] not in GENE_KINDS for entry in params.entries):
        transcripts, _ = read_tsv(files.transcripts, ("transcript", "sites", "gc"), dtype=texts)
        sites = add_covariates(read_sites(files.sites), transcripts)
    # an entry may have two files, the tracks of one structure experiment
    paths, tables = iter(files.files), Tables()
    for entry in params.entries:
        relate_entry(
            tables,
            entry,
            [next(paths) for _ in range(entry.get("files", 1))],
            species=params.species,
            predictor=params.predictor,
            genes=genes,
            sites=sites,
            lengths=read_lengths(files.spliced),
            assembly=params.assembly,
            split=params.split,
            controls=params.controls,
            least=params.least,
            allow=params.allow_unmatched,
        )
    for row in tables.matches:
        print(
            f"regulation: {row['name']}: {row['matched']} of {row['wanted']} {row['item']} matched "
            f"({row['share']:.1%}), {row['used']} used{'; warning: ' if row['warning'] else ''}{row['warning']}",
            file=terminal,
        )
    for name, frame in tables.frames().items():
        write_tsv(frame, getattr(output, name))
