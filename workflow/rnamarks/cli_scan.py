"""``rnamarks scan``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .cli_options import (
    DeviceOption,
    ExtendOption,
    GenesOption,
    ModelOption,
    ModeOption,
    ScanBatchOption,
    TasksOption,
    TaxonOption,
    ThreadsOption,
    check_annotated,
    check_paths,
    check_there,
    gene_names,
    regular,
    task_names,
    temporary_root,
    warn,
)
from .errors import InputError, shown
from .files import sha256_of
from .models.shipped import DEFAULT


def scan(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="SEQUENCES",
            help="FASTA, plain or gzipped, DNA or RNA; - reads standard input; or a transcripts table (Parquet) of the "
            "workflow.",
        ),
    ] = None,
    model: ModelOption = Path(DEFAULT),
    annotation: Annotated[
        Path | None,
        typer.Option("--annotation", help="GTF, GFF3 or UCSC gene table: genes, regions and genome coordinates."),
    ] = None,
    genome: Annotated[
        Path | None, typer.Option("--genome", help="Genome FASTA: with --annotation, in place of SEQUENCES.")
    ] = None,
    extend: ExtendOption = None,
    gene: GenesOption = None,
    task: TasksOption = None,
    mode: ModeOption = "exact",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="NAME.parquet, else TSV (.gz: compressed); standard output without it."),
    ] = None,
    bedrmod: Annotated[
        Path | None,
        typer.Option(
            "--bedrmod",
            help="bedRMod of the rows; with genome coordinates one per genome position, and --taxid and --assembly.",
        ),
    ] = None,
    tracks: Annotated[
        Path | None,
        typer.Option(
            "--tracks",
            help="Folder to write, with genome coordinates: bigWig, BED (bgzip, tabix), a track hub and a session of "
            "IGV; needs --assembly. The table then goes to --out alone.",
        ),
    ] = None,
    attention: Annotated[
        Path | None,
        typer.Option("--attention", help="TSV to write: the attention to each nucleotide around each row's base."),
    ] = None,
    view: Annotated[
        bool, typer.Option("--view", help="Draw the rows under the sequence; the table then goes to --out alone.")
    ] = False,
    alpha: Annotated[float, typer.Option("--alpha", help="Rows for bases with p below this.")] = 0.05,
    fdr: Annotated[float | None, typer.Option("--fdr", help="Rows for bases with q below this, besides.")] = None,
    above: Annotated[
        float | None, typer.Option("--above", help="Rows for bases with a probability above this, besides.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="A row for every base tested, whatever its p.")] = False,
    ends: Annotated[
        str, typer.Option("--ends", help="Bases near an end: pad (N beyond it) or skip (left out, and counted).")
    ] = "pad",
    top: Annotated[
        bool | None,
        typer.Option(
            "--top/--no-top",
            help="The column top, of networks with attention; default in exact mode. In fast mode this asks the "
            "networks, too.",
        ),
    ] = None,
    taxid: TaxonOption = 0,
    assembly: Annotated[
        str, typer.Option("--assembly", help="What browsers call the genome, such as hg38; for bedRMod and --tracks.")
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
    both empty for tasks that the model ranks bases for and calls none (its card says so), logit (natural-log odds at
    1:1), top (0-based positions that the networks looked at, each the middle of three nt, best first); with an
    annotation also length, gene, gene_name, region, kmer, chrom, genome_start, genome_end (-1 unknown).

    A scan that was stopped goes on where it was if it is started again with the same options: finished parts lie in
    .rnamarks-scan beside the output until the end.
    """
    from .prediction.scan import ScanOptions
    from .prediction.scanner import Outputs, Scanner
    from .prediction.windows import set_threads
    from .progress import show_sites
    from .sites.assemblies import assemblies_in, browser_name

    if (source is None) == (genome is None):
        raise InputError("give either sequences or a genome", remedy="a genome needs --annotation, too")
    check_annotated(genome, annotation)
    if extend and genome is None:
        raise InputError("--extend needs the genome, which has what lies beyond the ends", remedy="give --genome")
    genes = gene_names(gene)
    names = task_names(task)
    inputs = {"the input": source, "--annotation": annotation, "--genome": genome}
    check_paths(inputs, {"--out": out, "--bedrmod": bedrmod, "--attention": attention}, model)
    check_there((annotation, genome, source))
    if bedrmod is not None and annotation is not None and not (taxid and assembly):
        raise InputError("the header of bedRMod names organism and assembly", remedy="add --taxid and --assembly")
    export = None
    if tracks is not None:
        from .prediction.track_folder import check_tracks_folder, write_tracks

        check_tracks_folder(tracks)
        if len(assembly.split()) != 1:
            raise InputError(
                "browsers ask which genome tracks are of, in one word",
                value=assembly or None,
                remedy="add --assembly, such as hg38",
            )
        # what browsers know by name they need no file for
        shared = {"folder": tracks, "assembly": browser_name(assembly)}
        known = assemblies_in(assembly) == {shared["assembly"].lower()}
        export = partial(write_tracks, genome="" if genome is None or known else str(genome.resolve()), **shared)
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
        table=out or (None if view or tracks else sys.stdout),
        bedrmod=bedrmod,
        attention=attention,
        view=_terminal_view if view else None,
        tracks=export,
        assembly=assembly or name.encode("ascii", "replace").decode(),
        **({"organism": taxid} if taxid else {}),
        **({} if annotation is None else _annotated(annotation, annotation_version)),
    )
    set_threads(threads)
    first = outputs.first
    root = temporary_root() if first is None else first.parent / ".rnamarks-scan"
    scanner = Scanner(model, mode=mode, device=device, batch_size=batch_size)
    try:
        with (
            _scanned(source, genome, annotation, extend, genes, root) as scanned,
            show_sites(sys.stderr, "scan") as progress,
        ):
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
        # another scan may have its parts there, or remove the folder at this moment
        with suppress(OSError):
            root.rmdir()
    for row in summary.itertuples():
        below = "" if row.below != row.below else f", {int(row.below):,} with q < 0.1"
        warn(f"{row.task}: {row.tested:,} bases tested, {row.called:,} written{below}")


@contextmanager
def _scanned(
    source: Path | None,
    genome: Path | None,
    annotation: Path | None,
    extend: dict[str, int],
    genes: list[str],
    root: Path,
) -> Iterator[Path]:
    """What is scanned: a file of sequences, or a table of transcripts made in a folder below ``root``."""
    from .prediction.kept import scratch

    if annotation is None and not genes:
        yield source
        return
    from .sites.annotated import annotated_transcripts, write_transcripts

    with (
        scratch(root) as work,
        regular(annotation, work / "annotation") as annotation,
        regular(genome, work / "genome") as genome,
    ):
        made = {"genome": genome, "sequences": source, "extend": extend, "genes": genes, "workdir": work, "warn": warn}
        write_transcripts(annotated_transcripts(annotation, **made), work / "transcripts.parquet")
        yield work / "transcripts.parquet"


def _terminal_view(spool, tasks):
    from .prediction.terminal_view import TerminalView

    return TerminalView(sys.stdout, spool, tasks)


def _annotated(annotation: Path, version: str) -> dict[str, str]:
    stated = version or (f"sha256:{sha256_of(annotation)[:12]}" if annotation.is_file() else "unknown")
    return {"annotation_source": Path(shown(annotation)).name, "annotation_version": stated}
