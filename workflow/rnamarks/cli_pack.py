"""``rnamarks pack``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_options import warn


def pack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run, results/NAME.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="NAME.zip or a new folder; default NAME.crate.zip, in this folder."),
    ] = None,
    workflow: Annotated[
        Path | None,
        typer.Option("--workflow", help="A clone of the repository; default the one that this program lies in."),
    ] = None,
) -> None:
    """Pack a finished run for others: a Workflow Run RO-Crate of configuration, versions, report, figures and tables.

    checksums.tsv has the SHA-256 of every file of the run, also of those that are not packed: weights, windows, scans.
    Published files that the run read are named with address, checksum, licence and citation. Absolute paths are cut to
    their last part; no user and no machine is named.
    """
    from .own_configuration import find_workflow
    from .pack import pack_run

    root = find_workflow(workflow)
    out = out or Path(f"{run.resolve().name}.crate.zip")
    warn(f"{pack_run(run, out, root)} files are in {out}")
