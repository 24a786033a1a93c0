"""``rnamarks serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_options import DeviceOption, ModelOption, ScanBatchOption, TaxonOption, ThreadsOption, check_annotated, warn
from .models.shipped import DEFAULT


def serve(
    model: ModelOption = Path(DEFAULT),
    host: Annotated[str, typer.Option("--host", help="Address to listen at; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    annotation: Annotated[
        Path | None,
        typer.Option(
            "--annotation",
            help="GTF, GFF3 or UCSC gene table: sequences named like a transcript, and as long, get places on it.",
        ),
    ] = None,
    genome: Annotated[
        Path | None,
        typer.Option(
            "--genome",
            help="Genome FASTA, with --annotation: whatever has the sequence of a transcript gets its coordinates, and "
            "transcripts and genes can be asked for by name.",
        ),
    ] = None,
    taxid: TaxonOption = 0,
    assembly: Annotated[str, typer.Option("--assembly", help="What the genome is called; default its file.")] = "",
    maximum: Annotated[
        int, typer.Option("--maximum", min=1, max=10**9, help="Nucleotides that one scan may have.")
    ] = 100_000,
    tests: Annotated[
        int, typer.Option("--tests", min=1, help="Bases times modifications that one scan may have.")
    ] = 500_000,
    waiting: Annotated[
        int, typer.Option("--waiting", min=1, max=1000, help="Scans that may wait; further ones are turned away.")
    ] = 20,
    each: Annotated[int, typer.Option("--each", min=1, help="Scans of one address that may wait.")] = 5,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            help="Folder for results, of one server; default ~/.local/state/rnamarks/serve-PORT. With --port 0 and "
            "without a folder they go with the server.",
        ),
    ] = None,
    days: Annotated[float, typer.Option("--days", min=0.0, help="Days that results are kept.")] = 7.0,
    disk: Annotated[int, typer.Option("--disk", min=1, help="MB that results may have together.")] = 2000,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Name by which others reach the server, such as rna.example.org; may be repeated."),
    ] = None,
    proxy: Annotated[
        str, typer.Option("--proxy", help="Address of a proxy before the server, which tells who asks.")
    ] = "",
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    batch_size: ScanBatchOption = None,
) -> None:
    """Scan sequences in a browser, and for programs at /api/scan: what rnamarks scan does, one scan at a time.

    Results have addresses that cannot be guessed, outlive the server and expire after --days. Scans that wait or run
    when it stops are begun again by the next one. There is no log-in: let others in only where everyone may use it, and
    behind a proxy for encryption (--proxy and --name).
    """
    check_annotated(genome, annotation)
    from .prediction.windows import set_threads
    from .server.jobs import Limits
    from .server.serving import serve as run

    set_threads(threads)
    limits = Limits(maximum, tests, waiting, each, size=disk * 100_000, kept=disk * 1_000_000, seconds=days * 86_400)
    run(
        model,
        host=host,
        port=port,
        limits=limits,
        keep=keep,
        annotation=annotation,
        genome=genome,
        organism=taxid,
        assembly=assembly,
        names=name or (),
        proxy=proxy,
        device=device,
        batch_size=batch_size,
        report=warn,
    )
