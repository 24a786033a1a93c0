"""``rnamarks compare``."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from .cli_options import (
    AnnotationOption,
    AssemblyGenomeOption,
    BootstrapOption,
    DeviceOption,
    ExtendOption,
    ModelOption,
    ModeOption,
    ThreadsOption,
    check_paths,
    check_there,
    regular,
    warn,
)
from .errors import shown
from .models.shipped import DEFAULT


def compare(
    sites: Annotated[
        Path,
        typer.Option(
            "--sites",
            help="What was measured: BED, bedMethyl (modkit), bedRMod, m6anet's data.site_proba.csv, a GLORI table, or "
            "any other format of site tables; plain or gzipped.",
        ),
    ],
    genome: AssemblyGenomeOption,
    annotation: AnnotationOption,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for metrics.tsv, offsets.tsv, report.html and the rest.")
    ],
    extend: ExtendOption = None,
    model: ModelOption = Path(DEFAULT),
    form: Annotated[
        str | None,
        typer.Option("--format", help="bed, bedmethyl, bedrmod, m6anet, glori, ...; told from the content without it."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", help="Which of the model's tasks (rnamarks info); may be left out where there is one."),
    ] = None,
    control: Annotated[
        Path | None,
        typer.Option(
            "--control",
            help="The same measured on RNA without the modification: IVT, knock-out; in the same --format, if given.",
        ),
    ] = None,
    minimum_coverage: Annotated[
        float | None,
        typer.Option("--minimum-coverage", min=0, help="Reads that cover a position; default 10, of m6anet 20."),
    ] = None,
    minimum_share: Annotated[
        float | None,
        typer.Option(
            "--minimum-share",
            min=0,
            max=1,
            help="Modified share of the reads from which on a position is a site; default 0.1; of m6anet its "
            "probability, default 0.9.",
        ),
    ] = None,
    code: Annotated[str, typer.Option("--code", help="What bedMethyl calls the modification, such as a.")] = "",
    shift: Annotated[int, typer.Option("--shift", help="Added to every position on the genome.")] = 0,
    mode: ModeOption = "exact",
    bootstrap: BootstrapOption = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of resamples and permutations.")] = 0,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Hold a model's predictions against what you measured.

    Says first whether the positions fit: sites on the modification's base and in its motif, as given, moved by -5 to
    5 nt, and with strands exchanged. Nothing is moved unless --shift says so. Then, over the motif positions that were
    covered: AUROC and AUPRC beside the prevalence, agreement within 0, 1, 2 and 5 nt beyond chance, correlation with
    the stoichiometry, and where both lie along transcripts. Only transcripts with measured positions are scanned.

    Files in the folder: report.html, which explains every column, metrics.tsv, offsets.tsv, agreement.tsv, curves.tsv,
    stoichiometry.tsv, prior.tsv.gz (prior log odds for callers), biology/landscape.tsv, evaluation/drops.tsv (rows left
    out, by reason), figures.tsv and the figures.
    """
    from .comparison.compare import Question
    from .comparison.compare import compare as run
    from .figures.comparison_page import write_comparison
    from .prediction.kept import scratch
    from .prediction.windows import set_threads
    from .progress import show_sites
    from .sites.readers.measurements import Limits

    inputs = {"--sites": sites, "--genome": genome, "--annotation": annotation, "--control": control}
    check_paths(inputs, {"--out": out / "report.html"}, model)
    check_there(inputs.values())
    set_threads(threads)
    with scratch(out / ".rnamarks-compare") as work, ExitStack() as stack:
        sites, genome, annotation, control = (
            stack.enter_context(regular(path, work / name.strip("-"))) for name, path in inputs.items()
        )
        question = Question(
            sites=sites,
            genome=genome,
            annotation=annotation,
            extend=extend,
            model=model,
            task=task,
            form=form,
            control=control,
            limits=Limits(minimum_coverage, minimum_share, code),
            shift=shift,
            mode=mode,
            device=device,
            bootstrap=bootstrap,
            seed=seed,
        )
        with show_sites(sys.stderr, "scan") as progress:
            found = run(question, work, progress=progress, warn=warn)
    write_comparison(found, out, subject=shown(inputs["--sites"]))
    for sentence in found.sentences[1:]:
        warn(sentence)
    warn(f"report: {out / 'report.html'}")
