"""``rnamarks``: the command line for people without a workflow."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Optional

import typer

from . import __version__
from .cli_compare import compare
from .cli_language_training import app as language_app
from .cli_options import (
    BatchOption,
    DeviceOption,
    ModelOption,
    OutOption,
    ScanBatchOption,
    TaskOption,
    TaxonOption,
    ThreadsOption,
    Warnings,
    check_paths,
    named_model,
    regular,
    text_output,
    warn,
    warn_of_drops,
)
from .cli_variants import variants
from .errors import InputError, input_errors, shown
from .files import sha256_of
from .models.shipped import DEFAULT

# without boxes, so that the fault is the last line of a message
app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(language_app, name="lm")
app.command("variants")(variants)
app.command()(compare)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version, and end.")
    ] = False,
) -> None:
    """Find, explain and put to use the chemical modifications of RNA."""


WINDOWS = "FASTA, or one sequence per line; plain or gzipped; DNA or RNA; - reads standard input."


def _one(tasks: list[str] | None) -> str | None:
    """The task of a command that asks about one."""
    if len(set(tasks or ())) > 1:
        raise InputError("--task is given twice", value=", ".join(tasks), remedy="ask about one task at a time")
    return tasks[0] if tasks else None


def _scorer(model: Path, task: list[str] | None, device: str, batch_size: int, threads: int):
    from .prediction.windows import WindowScorer, set_threads

    set_threads(threads)
    return WindowScorer(model, _one(task), device=device, batch_size=batch_size, warn=warn)


@app.command()
def score(
    windows: Annotated[Path, typer.Argument(help=WINDOWS)],
    model: ModelOption,
    task: TaskOption = None,
    out: OutOption = None,
    device: DeviceOption = "auto",
    batch_size: BatchOption = 64,
    threads: ThreadsOption = 0,
) -> None:
    """Score windows with one task of a trained model.

    Columns: name, length (nt), logit (natural-log odds at 1:1), probability (calibrated at the prevalence named in
    the model's card). A window without the task's base and motif in the middle gets no value, and is counted.
    """
    from .tables import TSV

    check_paths({"the input": windows}, {"--out": out}, model)
    scorer = _scorer(model, task, device, batch_size, threads)
    with text_output(out) as handle:
        for index, chunk in enumerate(scorer.chunks(windows)):
            chunk.to_csv(handle, header=index == 0, float_format="%.7g", **TSV)


@app.command()
def evaluate(
    model: ModelOption,
    positives: Annotated[Path, typer.Option("--positives", help="Windows of modified sites.")],
    negatives: Annotated[Path, typer.Option("--negatives", help="Windows of unmodified sites.")],
    task: TaskOption = None,
    out: OutOption = None,
    device: DeviceOption = "auto",
    batch_size: BatchOption = 64,
    threads: ThreadsOption = 0,
    bootstrap: Annotated[int, typer.Option("--bootstrap", min=1, help="Resamples behind the 95 % intervals.")] = 1000,
) -> None:
    """AUROC, AUPRC, Brier score and calibration error on labelled windows, with intervals and the prevalence."""
    from .prediction.windows import evaluate_files
    from .tables import TSV

    check_paths({"--positives": positives, "--negatives": negatives}, {"--out": out}, model)
    table = evaluate_files(_scorer(model, task, device, batch_size, threads), positives, negatives, bootstrap=bootstrap)
    with text_output(out) as handle:
        table.to_csv(handle, float_format="%.10g", **TSV)


@contextmanager
def _scanned(source: Path | None, genome: Path | None, annotation: Path | None, root: Path) -> Iterator[Path]:
    """What is scanned: a file of sequences, or a table of transcripts made in a folder below ``root``."""
    from .prediction.kept import scratch

    if annotation is None:
        yield source
        return
    if source is not None and source.is_file():
        with open(source, "rb") as handle:
            if handle.read(4) == b"PAR1":
                raise InputError("a transcripts table has its annotation", path=source, remedy="leave --annotation out")
    from .sites.annotation import read_annotation
    from .sites.drops import Drops
    from .sites.transcript_fasta import read_transcript_fasta
    from .sites.transcripts import build_transcripts
    from .tables import write_parquet

    with (
        scratch(root) as work,
        regular(annotation, work / "annotation") as annotation,
        regular(genome, work / "genome") as genome,
    ):
        drops = Drops()
        described = read_annotation(annotation, drops)
        if genome is not None:
            frame = build_transcripts(described, genome, drops, workdir=work, annotation_path=annotation)
        else:
            frame = read_transcript_fasta(source, drops, annotation=described, annotation_path=annotation)
        warn_of_drops(drops)
        write_parquet(frame, work / "transcripts.parquet")
        yield work / "transcripts.parquet"


def _terminal_view(spool, tasks):
    from .prediction.terminal_view import TerminalView

    return TerminalView(sys.stdout, spool, tasks)


@app.command()
def scan(
    source: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(
            metavar="SEQUENCES",
            help="FASTA, plain or gzipped, DNA or RNA; - reads standard input; or a transcripts table (Parquet) of the "
            "workflow.",
        ),
    ] = None,
    model: ModelOption = Path(DEFAULT),
    annotation: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--annotation", help="GTF or UCSC gene table: genes, regions and genome coordinates."),
    ] = None,
    genome: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--genome", help="Genome FASTA: with --annotation, in place of SEQUENCES."),
    ] = None,
    task: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--task", help="Only these tasks, such as m6A,Y; default all."),
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", help="exact: the networks; fast: the student distilled from them.")
    ] = "exact",
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", "-o", help="NAME.parquet, else TSV (.gz: compressed); standard output without it."),
    ] = None,
    bedrmod: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--bedrmod",
            help="bedRMod of the rows; with genome coordinates one per genome position, and --taxid and --assembly.",
        ),
    ] = None,
    attention: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--attention", help="TSV to write: the attention to each nucleotide around each row's base."),
    ] = None,
    view: Annotated[
        bool, typer.Option("--view", help="Draw the rows under the sequence; the table then goes to --out alone.")
    ] = False,
    alpha: Annotated[float, typer.Option("--alpha", help="Rows for bases with p below this.")] = 0.05,
    fdr: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--fdr", help="Rows for bases with q below this, besides."),
    ] = None,
    above: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--above", help="Rows for bases with a probability above this, besides."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="A row for every base tested, whatever its p.")] = False,
    ends: Annotated[
        str, typer.Option("--ends", help="Bases near an end: pad (N beyond it) or skip (left out, and counted).")
    ] = "pad",
    top: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option(
            "--top/--no-top",
            help="The column top, of networks with attention; default in exact mode. In fast mode this asks the "
            "networks, too.",
        ),
    ] = None,
    taxid: TaxonOption = 0,
    assembly: Annotated[
        str, typer.Option("--assembly", help="For the header of bedRMod; default the file's name.")
    ] = "",
    annotation_version: Annotated[
        str, typer.Option("--annotation-version", help="For the header of bedRMod; default a hash of the file.")
    ] = "",
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    batch_size: ScanBatchOption = None,
) -> None:
    """Ask every task of a model about every base of sequences that fits it.

    A base is tested for a task if it is the task's base and lies in its motif (m6A: DRACH). Rows are written for
    p < 0.05, or as --alpha, --fdr, --above and --all set it; of a model without null distribution, which has no p and
    q, for every base tested.

    Columns: sequence, start, end (0-based half-open on the sequence), strand, task, modification, base, probability
    (calibrated), p (fraction of unmodified bases that score as high), q (Benjamini-Hochberg over all bases tested for
    the task in this call), false_fraction (fraction of false calls to be expected among bases at least as probable),
    logit (natural-log odds at 1:1), top (0-based positions that the networks looked at, each the middle of three nt,
    best first); with an annotation also length, gene, gene_name, region, kmer, chrom, genome_start, genome_end (-1
    unknown).

    A scan that was stopped goes on where it was if it is started again with the same options: finished parts lie in
    .rnamarks-scan beside the output until the end.
    """
    from .prediction.scan import ScanOptions
    from .prediction.scanner import Outputs, Scanner
    from .prediction.windows import set_threads
    from .progress import show_sites

    if (source is None) == (genome is None):
        raise InputError("give either sequences or a genome", remedy="a genome needs --annotation, too")
    if genome is not None and annotation is None:
        raise InputError("a genome alone has no transcripts", path=genome, remedy="add --annotation")
    names = [name.strip() for text in task or [] for name in text.split(",")]
    inputs = {"the input": source, "--annotation": annotation, "--genome": genome}
    check_paths(inputs, {"--out": out, "--bedrmod": bedrmod, "--attention": attention}, model)
    for path in (annotation, genome, source):
        if path is not None and str(path) != "-" and not path.exists():
            raise InputError("no such file", path=path, remedy="check the path")
    if bedrmod is not None and annotation is not None and not (taxid and assembly):
        raise InputError("the header of bedRMod names organism and assembly", remedy="add --taxid and --assembly")
    options = ScanOptions(
        alpha=None if everything else alpha,
        fdr=fdr,
        above=above,
        ends=ends,
        top=(mode == "exact" if top is None else top) or attention is not None,
        weights=attention is not None,
    )
    name = Path(shown(genome or source or "-")).name
    outputs = Outputs(
        table=out or (None if view else sys.stdout),
        bedrmod=bedrmod,
        attention=attention,
        view=_terminal_view if view else None,
        assembly=assembly or name.encode("ascii", "replace").decode(),
        **({"organism": taxid} if taxid else {}),
        **({} if annotation is None else _annotated(annotation, annotation_version)),
    )
    set_threads(threads)
    first = outputs.first
    root = (
        Path(tempfile.gettempdir()) / f".rnamarks-{os.getuid()}" if first is None else first.parent / ".rnamarks-scan"
    )
    scanner = Scanner(model, mode=mode, device=device, batch_size=batch_size)
    try:
        with _scanned(source, genome, annotation, root) as scanned, show_sites(sys.stderr, "scan") as progress:
            summary = scanner.run(
                scanned,
                options,
                outputs,
                tasks=names,
                checkpoints=None if first is None else root,
                progress=progress,
                warn=warn,
            )
    finally:
        if root.is_dir() and not any(root.iterdir()):
            root.rmdir()
    for row in summary.itertuples():
        below = "" if row.below != row.below else f", {int(row.below):,} with q < 0.1"
        warn(f"{row.task}: {row.tested:,} bases tested, {row.called:,} written{below}")


def _annotated(annotation: Path, version: str) -> dict[str, str]:
    stated = version or (f"sha256:{sha256_of(annotation)[:12]}" if annotation.is_file() else "unknown")
    return {"annotation_source": Path(shown(annotation)).name, "annotation_version": stated}


@app.command()
def info(
    model: Annotated[
        Path,
        typer.Argument(parser=str, callback=named_model, metavar="NAME|DIR", help="A shipped model, or a directory."),
    ],
) -> None:
    """List a model's tasks, what it can do, what it was trained on, and how well it did on the test split."""
    from .prediction.info import describe_model

    print(describe_model(model))


@app.command("models")
def list_models() -> None:
    """List the models that can be named: size, licence, data, tasks, and how well each does on its test split.

    Figures are those of the model's card, with 95 % intervals; "trained on" and "tested on" are modified and unmodified
    windows.
    """
    from .models.shipped import describe_shipped

    print(describe_shipped())


@app.command("null")
def build_background(
    background: Annotated[
        Path,
        typer.Argument(
            help="FASTA of RNA like what will be scanned, but other sequences; plain or gzipped; - reads standard "
            "input."
        ),
    ],
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="Model directory to make.")],
    bases: Annotated[
        int, typer.Option("--bases", min=100, help="Bases per task: p goes down to 1 over these.")
    ] = 10_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw.")] = 1,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    batch_size: ScanBatchOption = None,
) -> None:
    """Copy a model directory and let its p compare with the bases of your own background sequences.

    p and q of rnamarks scan hold as far as the null distribution resembles what is scanned. All bases of the background
    are taken as unmodified: those that are not make p larger and calls fewer. Do not scan the background itself. What
    random changes of one nucleotide do to the same bases is kept, too: rnamarks variants compares with it.
    """
    from .prediction.background import replace_null
    from .prediction.windows import set_threads

    set_threads(threads)
    found = replace_null(model, background, out, n=bases, seed=seed, device=device, batch_size=batch_size)
    for name, number in found.items():
        warn(f"{name}: {number:,} bases, so p goes down to {1 / (1 + number):.2g}")


@app.command("serve")
def serve_model(
    model: ModelOption,
    host: Annotated[str, typer.Option("--host", help="Address to listen at; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    maximum: Annotated[
        int, typer.Option("--maximum", min=1, max=10**9, help="Nucleotides that one scan may have.")
    ] = 100_000,
    waiting: Annotated[
        int, typer.Option("--waiting", min=1, max=1000, help="Scans that may wait; further ones are turned away.")
    ] = 20,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    batch_size: ScanBatchOption = None,
) -> None:
    """Scan sequences in a browser, and for programs at /api/scan: what rnamarks scan does, one scan at a time.

    Results have addresses that cannot be guessed, and are gone when the server stops. There is no log-in, and one
    slow client can hold others up: let others in only behind a proxy, and only where everyone may use it.
    """
    from .prediction.windows import set_threads
    from .server.app import serve

    set_threads(threads)
    serve(
        model,
        host=host,
        port=port,
        maximum=maximum,
        waiting=waiting,
        device=device,
        batch_size=batch_size,
        report=warn,
    )


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(help="bedRMod, plain or gzipped.")],
) -> None:
    """Check a bedRMod file (version 2), naming every fault with line, value and remedy; exit code 2 if there is one."""
    from .prediction.bedrmod import check_bedrmod

    report = check_bedrmod(file)
    for warning in report.warnings:
        warn(f"warning: {warning}")
    for fault in report.faults:
        warn(str(fault))
    if report.n_faults:
        raise InputError(
            f"{report.n_faults} faults, {report.sites} sites", path=file, remedy="repair what is named above"
        )
    print(f"{shown(file)}: {report.header['fileformat']}, {report.sites} sites, no fault")


@app.command()
def explain(
    windows: Annotated[Path, typer.Argument(help=WINDOWS)],
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="Nucleotides: NAME.parquet, else TSV (.gz: compressed).")],
    task: TaskOption = None,
    checks: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--checks", help="TSV of one row per window; default NAME.checks.tsv beside --out."),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="integrated_gradients, or mutagenesis: every single change.")
    ] = "integrated_gradients",
    compare: Annotated[
        bool, typer.Option("--compare", help="Compute the other method, too; note how they agree.")
    ] = False,
    limit: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--limit", min=1, help="At most so many windows, from the top of the file."),
    ] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Explain which nucleotides of each window drive its logit, and check that the parts add up.

    `python -m rnamarks.dictionary` explains the columns, under attributions and attribution_checks.
    """
    checks = checks or out.with_name(f"{out.name.split('.')[0]}.checks.tsv")
    check_paths({"the input": windows}, {"--out": out, "--checks": checks}, model)
    from .interpretation.attribution_files import attribute_windows, write_attributions
    from .models.directory import read_config
    from .prediction.windows import set_threads
    from .tasks import find_task

    asked = find_task(read_config(model)[0].tasks, _one(task)).name
    set_threads(threads)
    found = attribute_windows(
        model, asked, windows, method=method, compare=compare, limit=limit, device=device, warn=warn
    )
    write_attributions(found, out, checks)


@app.command("keys")
def explain_keys(
    section: Annotated[str, typer.Argument(help="A top-level key, such as motifs; all without one.")] = "",
) -> None:
    """Print the keys of a configuration as Markdown tables: kind, default and meaning of each."""
    from .keys import reference, schema

    if section and section not in schema()["properties"]:
        raise InputError("no such key", value=section, remedy=f"choose one of {', '.join(schema()['properties'])}")
    print(reference(section), end="")


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """Entry point of the console script: a fault of input, files or disks ends as one line and exit code 2.

    SIGTERM, which schedulers send before they kill, and SIGHUP, which a terminal sends when it closes, end the program
    with 143 and 129 and leave no scratch files.
    """
    before = {
        number: signal.signal(number, lambda number, _: sys.exit(128 + number))
        for number in (signal.SIGTERM, signal.SIGHUP)
        # nohup lets the program go on
        if signal.getsignal(number) != signal.SIG_IGN
    }
    log, warnings = logging.getLogger(__package__), Warnings(logging.WARNING)
    log.addHandler(warnings)
    try:
        with input_errors():
            app()
    except InputError as error:
        warn(str(error))
        sys.exit(InputError.exit_code)
    finally:
        log.removeHandler(warnings)
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    main()
