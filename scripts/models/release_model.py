from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    from rnamarks.models.release import pack_release, write_card
    from rnamarks.tables import read_tsv

    tables = {name: read_tsv(snakemake.input[name])[0] for name in ("metrics", "calibration", "thresholds", "leaks")}
    folder = Path(snakemake.output.weights).parent
    release = snakemake.params.release
    config = pack_release(
        [Path(path).parent for path in snakemake.input.weights],
        folder,
        calibration=tables["calibration"],
        thresholds=tables["thresholds"],
        release=release,
        baselines=[Path(path).parent for path in snakemake.input.baselines],
        weights=next((read_tsv(path)[0] for path in snakemake.input.stack), None),
    )
    write_card(
        folder,
        config,
        run=snakemake.params.run,
        release=release,
        metrics=tables["metrics"],
        thresholds=tables["thresholds"],
        leaks=tables["leaks"],
        limits=snakemake.params.limits,
    )
