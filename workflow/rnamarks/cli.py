"""``rnamarks``: the command line for people without a workflow."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Optional

import typer

from . import __version__
from .errors import InputError
from .files import sha256_of, write_text

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

ModelOption = Annotated[Path, typer.Option("--model", help="A model directory: config.json and weights.safetensors.")]
HeadOption = Annotated[str, typer.Option("--head", help="Which of the model's heads: a species.")]
OutOption = Annotated[Optional[Path], typer.Option("--out", help="TSV to write; standard output without it.")]  # noqa: UP045
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
BatchOption = Annotated[int, typer.Option("--batch-size", help="Windows at once; bounds the memory.")]
ScanBatchOption = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--batch-size", help="Windows at once in exact mode; default 128 on a CPU, 4096 on a GPU."),
]
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
    batch_size: BatchOption = 64,
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
    batch_size: BatchOption = 64,
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
def predict(
    model: ModelOption,
    head: HeadOption,
    transcripts: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(
            help="FASTA of transcripts, plain or gzipped; or a transcripts table (Parquet) of the workflow."
        ),
    ] = None,
    annotation: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--annotation", help="GTF or UCSC gene table: genes, regions and genome coordinates."),
    ] = None,
    genome: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--genome", help="Genome FASTA: with --annotation, in place of TRANSCRIPTS."),
    ] = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", help="NAME.parquet, else TSV (.gz: compressed); standard output without it."),
    ] = None,
    bedrmod: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--bedrmod", help="bedRMod to write, one row per genome position; needs --taxid and --assembly."),
    ] = None,
    taxid: Annotated[int, typer.Option("--taxid", help="NCBI taxon, for the header of bedRMod.")] = 0,
    assembly: Annotated[str, typer.Option("--assembly", help="Assembly, for the header of bedRMod.")] = "",
    annotation_version: Annotated[
        str, typer.Option("--annotation-version", help="For the header of bedRMod; default a hash of the file.")
    ] = "",
    above: Annotated[float, typer.Option("--above", help="bedRMod gets sites with a probability above this.")] = 0.5,
    fdr: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--fdr", help="bedRMod gets sites with a q below this, besides."),
    ] = None,
    motif: Annotated[str, typer.Option("--motif", help="What to score, IUPAC letters; N is every base.")] = "DRACH",
    offset: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--offset", help="Place of the site in the motif, from 0; known for DRACH and single letters."),
    ] = None,
    batch_size: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--batch-size", help="Windows at once; default 64 on a CPU, 1024 on a GPU."),
    ] = None,
    threads: ThreadsOption = 0,
    device: DeviceOption = "auto",
) -> None:
    """Score every DRACH of every transcript with one head of a trained model.

    Columns: transcript, gene, gene_name, position (on the transcript, from 0), length (nt), chrom, start (on the
    genome, from 0; -1 unknown), strand, region, kmer, logit (natural-log odds at 1:1), probability (calibrated), q
    (share of false calls to be expected among sites at least as probable). docs/tables.md explains them under
    predicted_sites.

    A run that was stopped goes on where it was if it is started again with the same options: finished parts lie in
    .rnamarks-scan beside the output until the end.
    """
    from .prediction.bedrmod import write_bedrmod
    from .prediction.merging import export_comments, merge_isoforms, select_sites
    from .prediction.site_files import write_sites_tsv
    from .prediction.tracks import chromosome_sizes
    from .prediction.transcriptome import scan_with_model
    from .prediction.windows import set_threads
    from .progress import show_sites

    source = genome if transcripts is None else transcripts
    if source is None or (transcripts is not None and genome is not None):
        raise InputError("give either a file of transcripts or a genome", remedy="a genome needs --annotation, too")
    if genome is not None and annotation is None:
        raise InputError("a genome alone has no transcripts", path=genome, remedy="add --annotation")
    described = annotation or source
    if bedrmod is not None:
        # what cannot be written is better said before the scan than after it
        header = _bedrmod_header(
            model, head, motif, offset, taxid, assembly, described, annotation_version, above=above, fdr=fdr
        )
    set_threads(threads)
    result = out or bedrmod
    folder = Path(tempfile.gettempdir()) if result is None else result.parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".rnamarks.", dir=folder) as workdir:
        work = Path(workdir)
        sites = work / "sites.parquet"
        # without a file to write there is nothing that a second run could go on with
        kept = work if result is None else folder / ".rnamarks-scan"
        table = _transcripts(source, annotation, genome is not None, work)
        if bedrmod is not None and not chromosome_sizes(table):
            raise InputError("no transcript has genome coordinates", path=source, remedy="add a fitting --annotation")
        with show_sites(sys.stderr, head) as progress:
            metadata = scan_with_model(
                model,
                head,
                table,
                sites,
                checkpoints=kept,
                predictor=model.resolve().name,
                motif=motif,
                offset=offset,
                device=device,
                batch_size=batch_size,
                progress=progress,
                warn=_warn,
            )
        if bedrmod is not None:
            merged = merge_isoforms(sites)
            chosen = select_sites(merged, above=above, fdr=fdr)
            comments = export_comments(metadata, merged, chosen)
            write_bedrmod(chosen, bedrmod, header, comments=comments)
        if result is None:
            write_sites_tsv(sites, sys.stdout)
        elif out is not None and out.suffix == ".parquet":
            sites.replace(out)
        elif out is not None:
            write_sites_tsv(sites, out)
        if kept.is_dir() and not any(kept.iterdir()):
            kept.rmdir()


def _bedrmod_header(
    model: Path,
    head: str,
    motif: str,
    offset: int | None,
    taxid: int,
    assembly: str,
    annotation: Path,
    annotation_version: str,
    *,
    above: float,
    fdr: float | None,
):
    from .models.checkpoint import read_config, require_head
    from .prediction.bedrmod import prediction_header
    from .prediction.merging import require_limits
    from .prediction.plan import offset_of

    config, digest = read_config(model)
    require_head(config, head)
    require_limits(above, fdr)
    if not taxid or not assembly:
        raise InputError(
            "the header of bedRMod names organism and assembly", remedy="add --taxid and --assembly, or leave --bedrmod"
        )
    if head not in config.calibration:
        raise InputError(
            "bedRMod needs probabilities, and the model has no calibration for the head",
            path=model,
            value=head,
            remedy="leave --bedrmod out",
        )
    if not annotation.is_file():
        raise InputError("no such file", path=annotation, remedy="check the path")
    return prediction_header(
        {
            "predictor": model.resolve().name,
            "head": head,
            "modification": config.modification,
            "model_sha256": digest,
            "prevalence": config.calibration[head]["prevalence"],
            "motif": motif.upper().replace("T", "U"),
            "offset": offset_of(motif, offset),
        },
        organism=taxid,
        assembly=assembly,
        annotation_source=annotation.name,
        annotation_version=annotation_version or f"sha256:{sha256_of(annotation)[:12]}",
        above=above,
        fdr=fdr,
    )


def _transcripts(source: Path, annotation: Path | None, is_genome: bool, work: Path) -> Path:
    """The transcripts table to scan, made in ``work`` unless ``source`` is one."""
    from .sites.annotation import read_annotation
    from .sites.drops import KEPT, NOTE, Drops
    from .sites.transcript_fasta import read_transcript_fasta
    from .sites.transcripts import build_transcripts
    from .tables import write_parquet

    if not is_genome and source.is_file():
        with open(source, "rb") as handle:
            is_table = handle.read(4) == b"PAR1"
        if is_table:
            if annotation is not None:
                raise InputError("a transcripts table has its annotation", path=source, remedy="leave --annotation out")
            return source
    drops = Drops()
    described = None if annotation is None else read_annotation(annotation, drops)
    if is_genome:
        frame = build_transcripts(described, source, drops, workdir=work, annotation_path=annotation)
    else:
        frame = read_transcript_fasta(source, drops, annotation=described, annotation_path=annotation)
    for row in drops.frame().itertuples():
        if row.reason != KEPT:
            noted = row.reason.startswith(NOTE)
            _warn(f"{row.rows} transcripts: {row.reason.removeprefix(NOTE) if noted else f'left out, {row.reason}'}")
    table = work / "transcripts.parquet"
    write_parquet(frame, table)
    return table


def _terminal_view(spool, marks):
    from .prediction.terminal_view import TerminalView

    return TerminalView(sys.stdout, spool, marks)


@app.command("scan")
def scan_sequences(
    fasta: Annotated[Path, typer.Argument(help="Sequences, plain or gzipped, DNA or RNA; - reads standard input.")],
    model: ModelOption,
    out: OutOption = None,
    bedrmod: Annotated[Optional[Path], typer.Option("--bedrmod", help="bedRMod of the rows to write.")] = None,  # noqa: UP045
    attention: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--attention", help="TSV to write: the attention to each nucleotide around each row's base."),
    ] = None,
    view: Annotated[
        bool, typer.Option("--view", help="Draw the rows under the sequence; the table then goes to --out alone.")
    ] = False,
    modifications: Annotated[str, typer.Option("--modifications", help="Only these, such as m6A,Y; default all.")] = "",
    alpha: Annotated[float, typer.Option("--alpha", help="Rows for bases with p below this.")] = 0.05,
    fdr: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--fdr", help="Rows for bases with q below this, besides."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="A row for every base tested, whatever its p.")] = False,
    mode: Annotated[
        str, typer.Option("--mode", help="exact: the networks; fast: the student distilled from them.")
    ] = "exact",
    ends: Annotated[
        str, typer.Option("--ends", help="Bases near an end: pad (N beyond it) or skip (left out, and counted).")
    ] = "pad",
    top: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option(
            "--top/--no-top",
            help="Fill the column top; default in exact mode. In fast mode this asks the networks, too.",
        ),
    ] = None,
    taxid: Annotated[int, typer.Option("--taxid", help="NCBI taxon, for the header of bedRMod.")] = 32644,
    assembly: Annotated[
        str, typer.Option("--assembly", help="For the header of bedRMod; default the file's name.")
    ] = "",
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    batch_size: ScanBatchOption = None,
) -> None:
    """Test every base of sequences for every modification of a model that fits it.

    A base is tested for a modification if it is the modification's base and lies in its motif (m6A: DRACH; m6Am: BCA).
    Rows are written for p < 0.05, or as --alpha, --fdr and --all say.

    Columns: sequence, position (from 1), base, modification, probability (calibrated), p (share of unmodified bases
    that score as high), q (Benjamini-Hochberg over all bases tested for the modification in this call), top (positions
    that the networks looked at, each the middle of three nt, best first), logit (natural-log odds at 1:1).
    """
    from .prediction.scan import ScanOptions
    from .prediction.scan_command import Scanner
    from .prediction.windows import set_threads
    from .progress import show_sites

    set_threads(threads)
    options = ScanOptions(
        alpha=None if everything else alpha,
        fdr=fdr,
        ends=ends,
        top=(mode == "exact" if top is None else top) or attention is not None,
        weights=attention is not None,
    )
    with show_sites(sys.stderr, "scan") as progress:
        summary = Scanner(model, mode=mode, device=device, batch_size=batch_size).run(
            fasta,
            options,
            table=out or (None if view else sys.stdout),
            bedrmod=bedrmod,
            attention=attention,
            view=_terminal_view if view else None,
            modifications=[name.strip() for name in modifications.split(",") if name.strip()],
            organism=taxid,
            assembly=assembly,
            progress=progress,
            warn=_warn,
        )
    for row in summary.itertuples():
        _warn(f"{row.modification}: {row.tested:,} bases tested, {row.called:,} written, {row.below:,} with q < 0.1")


@app.command("null")
def build_background(
    background: Annotated[
        Path, typer.Argument(help="FASTA of RNA like what will be scanned, but other sequences; plain or gzipped.")
    ],
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", help="Model directory to make.")],
    bases: Annotated[
        int, typer.Option("--bases", help="Bases per modification: p goes down to 1 over these.")
    ] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Of the draw.")] = 1,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    batch_size: ScanBatchOption = None,
) -> None:
    """Copy a model directory and let its p compare with the bases of your own background sequences.

    p and q of rnamarks scan hold as far as the null distribution resembles what is scanned. All bases of the background
    are taken as unmodified: those that are not make p larger and calls fewer. Do not scan the background itself.
    """
    from .prediction.background import replace_null
    from .prediction.windows import set_threads

    set_threads(threads)
    found = replace_null(model, background, out, n=bases, seed=seed, device=device, batch_size=batch_size)
    for head, number in found.items():
        _warn(f"{head}: {number:,} bases, so p goes down to {1 / (1 + number):.2g}")


@app.command("serve")
def serve_model(
    model: ModelOption,
    host: Annotated[str, typer.Option("--host", help="Address to listen at; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.")] = 8000,
    most: Annotated[int, typer.Option("--most", help="Nucleotides that one scan may have.")] = 100_000,
    waiting: Annotated[int, typer.Option("--waiting", help="Scans that may wait; further ones are turned away.")] = 20,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    batch_size: ScanBatchOption = None,
) -> None:
    """Scan sequences in a browser, and for programs at /api/scan: what rnamarks scan does, one scan at a time.

    Results stand at addresses that cannot be guessed, and are gone when the server stops. There is no log-in: let
    others in only where everyone may use it.
    """
    from .prediction.windows import set_threads
    from .server.app import serve

    set_threads(threads)
    serve(
        model,
        host=host,
        port=port,
        most=most,
        waiting=waiting,
        device=device,
        batch_size=batch_size,
        say=_warn,
    )


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(help="bedRMod, plain or gzipped.")],
) -> None:
    """Check a bedRMod file (version 2), naming every fault with line, value and remedy; exit code 2 if there is one."""
    from .prediction.bedrmod import check_bedrmod

    report = check_bedrmod(file)
    for warning in report.warnings:
        _warn(f"warning: {warning}")
    for fault in report.faults:
        _warn(str(fault))
    if report.n_faults:
        raise InputError(
            f"{report.n_faults} faults, {report.sites} sites", path=file, remedy="repair what is named above"
        )
    print(f"{file}: {report.header['fileformat']}, {report.sites} sites, no fault")


@app.command()
def explain(
    windows: Annotated[Path, typer.Argument(help="FASTA, or one sequence per line; plain or gzipped; DNA or RNA.")],
    model: ModelOption,
    head: HeadOption,
    out: Annotated[Path, typer.Option("--out", help="Letters: NAME.parquet, else TSV (.gz: compressed).")],
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
        typer.Option("--limit", help="At most so many windows, from the top of the file."),
    ] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Say which letters of each window drive its logit, and check that the parts add up.

    docs/tables.md explains the columns under attributions and attribution_checks.
    """
    from .interpretation.attribution_files import attribute_windows, write_attributions
    from .prediction.windows import set_threads

    set_threads(threads)
    found = attribute_windows(
        model, head, windows, method=method, compare=compare, limit=limit, device=device, warn=_warn
    )
    write_attributions(found, out, checks or out.with_name(f"{out.name.split('.')[0]}.checks.tsv"))


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """Entry point of the console script: an :class:`InputError` ends as one line and exit code 2.

    SIGTERM, which schedulers send before they kill, ends the program with 143 and leaves no scratch files.
    """
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        app()
    except InputError as error:
        _warn(str(error))
        sys.exit(InputError.exit_code)
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    main()
