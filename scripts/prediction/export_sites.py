from rnamarks.scripting import logged

with logged(snakemake):
    from pathlib import Path

    from rnamarks.prediction.bedrmod import prediction_header, write_bedrmod
    from rnamarks.prediction.hub import HUB, write_hub, write_session
    from rnamarks.prediction.merging import export_comments, merge_isoforms, select_sites
    from rnamarks.prediction.site_files import read_site_metadata
    from rnamarks.prediction.tracks import chromosome_sizes, write_bed, write_bigwig
    from rnamarks.tasks import Task

    params, output = snakemake.params, snakemake.output
    metadata = read_site_metadata(snakemake.input.sites)
    merged = merge_isoforms(snakemake.input.sites)
    chosen = select_sites(merged, above=params.get("above"), fdr=params.get("fdr"))
    comments = export_comments(metadata, merged, chosen)
    print("\n".join(comments))
    header = prediction_header(metadata, **params.origin, limits=chosen.limits)
    write_bedrmod(chosen, output.bedrmod, header, comments=comments)
    write_bed(chosen, output.bed, comments)
    # tracks hold every site: what is below a limit is seen there, too
    sizes = chromosome_sizes(snakemake.input.transcripts)
    for strand, track in (("+", output.plus), ("-", output.minus)):
        write_bigwig(merged, track, strand, sizes)
    tasks, folder = [Task.from_record(record) for record in metadata["tasks"]], Path(output.hub).parent
    stem = Path(output.hub).name.removesuffix(HUB)
    shared = {"assembly": params.origin["assembly"], "names": {tasks[0].name: stem.rstrip(".")}, "stem": stem}
    notes = {tasks[0].name: export_comments(metadata, merged, merged)}
    write_hub(folder, tasks, predictor=str(metadata["predictor"]), notes=notes, **shared)
    write_session(folder, tasks, bed=".bed", **shared)
