"""``rnamarks``: the command line for people without a workflow."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from . import __version__
from .cli_compare import compare
from .cli_fetch import fetch
from .cli_language_training import app as language_app
from .cli_options import (
    BatchOption,
    BootstrapOption,
    DeviceOption,
    ModelArgument,
    ModelOption,
    OutOption,
    ScanBatchOption,
    TaskOption,
    ThreadsOption,
    Warnings,
    check_paths,
    text_output,
    warn,
)
from .cli_pack import pack
from .cli_scan import scan
from .cli_serve import serve
from .cli_train import train
from .cli_transcripts import transcripts
from .cli_variants import variants
from .errors import InputError, input_errors, shown

# without boxes, so that the fault is the last line of a message
app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.add_typer(language_app, name="lm", short_help="Import, train and use language models.")
app.command(short_help="Find modifications in sequences, transcripts or a genome.")(scan)
app.command(short_help="What the variants of a VCF change.")(variants)
app.command(short_help="Hold predictions against what you measured.")(compare)
app.command(short_help="Scan in a browser, or for programs.")(serve)
app.command(short_help="Collect published files for a machine without internet.")(fetch)
app.command(short_help="Train a model of your own sites.")(train)
app.command(short_help="Cut the RNA of transcripts out of a genome.")(transcripts)
app.command(short_help="Pack a finished run for others.")(pack)


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


@app.command(short_help="Score windows of a model's length.")
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


@app.command(short_help="AUROC and AUPRC of labelled windows.")
def evaluate(
    model: ModelOption,
    positives: Annotated[Path, typer.Option("--positives", help="Windows of modified sites.")],
    negatives: Annotated[Path, typer.Option("--negatives", help="Windows of unmodified sites.")],
    task: TaskOption = None,
    out: OutOption = None,
    device: DeviceOption = "auto",
    batch_size: BatchOption = 64,
    threads: ThreadsOption = 0,
    bootstrap: BootstrapOption = 1000,
) -> None:
    """AUROC, AUPRC, Brier score and calibration error on labelled windows, with intervals and the prevalence."""
    from .prediction.windows import evaluate_files
    from .tables import TSV

    check_paths({"--positives": positives, "--negatives": negatives}, {"--out": out}, model)
    table = evaluate_files(_scorer(model, task, device, batch_size, threads), positives, negatives, bootstrap=bootstrap)
    with text_output(out) as handle:
        table.to_csv(handle, float_format="%.10g", **TSV)


@app.command(short_help="What a model was trained on, and how well it does.")
def info(model: ModelArgument) -> None:
    """List a model's tasks, what it can do, what it was trained on, and how well it did on the test split."""
    from .prediction.info import describe_model

    print(describe_model(model))


@app.command("models", short_help="List the models that can be named.")
def list_models() -> None:
    """List the models that can be named: size, licence, data, tasks, and how well each does on its test split.

    Figures are those of the model's card, with 95 % intervals; "trained on" and "tested on" are modified and unmodified
    windows.
    """
    from .models.shipped import describe_shipped

    print(describe_shipped())


@app.command("null", short_help="Let p compare with your own background.")
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


@app.command(short_help="Check a bedRMod file.")
def validate(file: Annotated[Path, typer.Argument(help="bedRMod, plain or gzipped.")]) -> None:
    """Check a bedRMod file (version 2), naming every fault with line, value and remedy; exit code 2 if there is one."""
    from .prediction.bedrmod_check import check_bedrmod

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


@app.command(short_help="Which nucleotides drive the logit of a window.")
def explain(
    windows: Annotated[Path, typer.Argument(help=WINDOWS)],
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="Nucleotides: NAME.parquet, else TSV (.gz: compressed).")],
    task: TaskOption = None,
    checks: Annotated[
        Path | None, typer.Option("--checks", help="TSV of one row per window; default NAME.checks.tsv beside --out.")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="integrated_gradients, or mutagenesis: every single change.")
    ] = "integrated_gradients",
    compare: Annotated[
        bool, typer.Option("--compare", help="Compute the other method, too; note how they agree.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many windows, from the top of the file.")
    ] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Explain which nucleotides of each window drive its logit, and check that the parts add up.

    Of a model of networks and baselines or trees, as the shipped ones are, this is the logit of the networks alone.

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


@app.command("keys", short_help="Print the keys of a configuration.")
def explain_keys(
    section: Annotated[str, typer.Argument(help="A top-level key, such as motifs; all without one.")] = "",
) -> None:
    """Print the keys of a configuration as Markdown tables: kind, default and meaning of each."""
    from .keys import reference, schema

    if section and section not in schema()["properties"]:
        raise InputError("no such key", value=section, remedy=f"choose one of {', '.join(schema()['properties'])}")
    print(reference(section), end="")


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
