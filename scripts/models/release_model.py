from rnamarks.scripting import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    from rnamarks.models.release import pack_release
    from rnamarks.tables import read_tsv
    from rnamarks.tasks import Task

    pack_release(
        [Path(path).parent for path in snakemake.input.weights],
        Path(snakemake.output.weights).parent,
        calibration=read_tsv(snakemake.input.calibration)[0],
        thresholds=read_tsv(snakemake.input.thresholds)[0],
        scheme=snakemake.params.scheme,
        tasks=[Task.from_record(record) for record in snakemake.params.tasks],
        baselines=[Path(path).parent for path in snakemake.input.baselines],
        weights=next((read_tsv(path)[0] for path in snakemake.input.stack), None),
    )
