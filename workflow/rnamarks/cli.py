"""``rnamarks``: the command line for people without a workflow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from . import __version__
from .errors import InputError
from .files import write_text

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

ModelOption = Annotated[Path, typer.Option("--model", help="A model directory: config.json and weights.safetensors.")]
HeadOption = Annotated[str, typer.Option("--head", help="Which of the model's heads: a species.")]
OutOption = Annotated[Optional[Path], typer.Option("--out", help="TSV to write; standard output without it.")]  # noqa: UP045
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
BatchOption = Annotated[int, typer.Option("--batch-size", help="Windows at once; bounds the memory.")]
ThreadsOption = Annotated[int, typer.Option("--threads", help="CPU threads; 0 leaves the choice to torch.")]


def _warn(line: str) -> None:
    print(f"rnamarks: {line}", file=sys.stderr)


def _scorer(model: Path, head: str, device: str, batch_size: int, threads: int):
    from .prediction.windows import WindowScorer, set_threads

    set_threads(threads)
    return WindowScorer(model, head, device=device, batch_size=batch_size, warn=_warn)


@app.command()
def score(
    windows: Annotated[Path, typer.Argument(help="FASTA, or one sequence per line; plain or gzipped; DNA or RNA.")],
    model: ModelOption,
    head: HeadOption,
    out: OutOption = None,
    device: DeviceOption = "auto",
    batch_size: BatchOption = 32,
    threads: ThreadsOption = 0,
) -> None:
    """Score windows with one head of a trained model.

    Columns: name, length (nt), logit (natural-log odds at 1:1), probability (calibrated at the prevalence named in
    the model's card).
    """
    scorer = _scorer(model, head, device, batch_size, threads)

    def write(handle) -> None:
        for index, chunk in enumerate(scorer.chunks(windows)):
            chunk.to_csv(handle, sep="\t", index=False, header=index == 0, lineterminator="\n", float_format="%.7g")

    if out is None:
        write(sys.stdout)
    else:
        with write_text(out) as handle:
            write(handle)


@app.command()
def evaluate(
    model: ModelOption,
    head: HeadOption,
    positives: Annotated[Path, typer.Option("--positives", help="Windows of modified sites.")],
    negatives: Annotated[Path, typer.Option("--negatives", help="Windows of unmodified sites.")],
    out: OutOption = None,
    device: DeviceOption = "auto",
    batch_size: BatchOption = 32,
    threads: ThreadsOption = 0,
    bootstrap: Annotated[int, typer.Option("--bootstrap", help="Resamples behind the 95 % intervals.")] = 1000,
) -> None:
    """AUROC, AUPRC, Brier score and calibration error on labelled windows, with intervals and the prevalence."""
    from .prediction.windows import evaluate_files
    from .tables import write_tsv

    table = evaluate_files(_scorer(model, head, device, batch_size, threads), positives, negatives, bootstrap=bootstrap)
    if out is None:
        table.to_csv(sys.stdout, sep="\t", index=False, lineterminator="\n", float_format="%.6g")
    else:
        write_tsv(table, out)


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """Entry point of the console script: an :class:`InputError` ends as one line and exit code 2."""
    try:
        app()
    except InputError as error:
        _warn(str(error))
        sys.exit(InputError.exit_code)


if __name__ == "__main__":
    main()
