from rnamarks.scripting import logged

with logged(snakemake.log[0]) as terminal:
    import pandas as pd

    from rnamarks.interpretation.consensus import CONSENSUS_COLUMNS, ConsensusSettings, find_consensus
    from rnamarks.interpretation.consensus_matches import DE_NOVO, compare_consensus, mark_of
    from rnamarks.interpretation.discovery import contrast
    from rnamarks.interpretation.motif_files import read_own, write_meme
    from rnamarks.interpretation.positives import ATTENDED_COLUMNS
    from rnamarks.tables import read_parquet, write_tsv

    params, given = snakemake.params, snakemake.input
    settings = ConsensusSettings(**params.settings)
    attended, _ = read_parquet(given.attended, ATTENDED_COLUMNS)
    found, tables = {}, []
    for head, path in zip(params.heads, given.splits, strict=True):
        frame, _ = read_parquet(path, ["window", "sequence", "label", "gene", params.split])
        windows = contrast(frame, params.split, list(params.parts))
        for method, rows in attended[attended["modification"] == head].groupby("method", sort=False):
            one = find_consensus(rows, windows.foreground, windows.control, settings=settings, seed=params.seed)
            found[head, method] = one.motifs
            tables.append(one.table)
            print(f"{head}, {method}: {len(one.motifs)} consensus motifs", file=terminal)
    databases = {
        DE_NOVO: [
            (head, motif.rename(f"{head}.{motif.name}"))
            for head, path in zip(params.heads, given.discovered, strict=True)
            for motif in read_own(path, head)
        ]
    }
    for name, path in zip(params.databases, given.databases, strict=True):
        databases[name] = [(mark_of(motif, params.heads), motif) for motif in read_own(path, name)]
    matches, logos = compare_consensus(
        found, databases, method=params.method, jobs=snakemake.threads, warn=lambda line: print(line)
    )
    write_meme([motif for motifs in found.values() for motif in motifs], snakemake.output.motifs)
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(CONSENSUS_COLUMNS))
    write_tsv(table, snakemake.output.table)
    write_tsv(matches, snakemake.output.matches)
    write_tsv(logos, snakemake.output.logos)
