"""``rnamarks fetch``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .cli_options import warn
from .errors import InputError


def fetch(
    configurations: Annotated[list[Path], typer.Argument(metavar="CONFIG...", help="Configurations of the workflow.")],
    to: Annotated[Path, typer.Option("--to", help="Folder to fill; the workflow reads it as a mirror.")],
    mirror: Annotated[
        str | None,
        typer.Option("--mirror", help="Folder or http root that replaces every host; default that of CONFIG."),
    ] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Only say what is not in the folder yet; nothing is fetched.")
    ] = False,
) -> None:
    """Collect the published files that configurations name, so that a machine without internet can run them.

    Run it in the folder that the workflow runs in, a clone: paths of CONFIG begin there. Each file is checked like in
    the workflow, and the next call goes on where one was interrupted. DIR/sources.tsv
    lists name, file, bytes, sha256, what the checksum was compared with, licence and citation. Run the workflow with
    --config sources="{mirror: DIR}". Exit code 1 if files are missing, 2 if none is there.
    """
    from .collect import collect_sources, missing_sources, named_sources
    from .progress import show_bytes
    from .sources.mirrors import LIST

    named = [named_sources(configuration) for configuration in configurations]
    sources = {source.name: source for one in named for source in one.sources}
    absent = missing_sources(sources.values(), to)
    if missing:
        for source in absent:
            print(source.name, source.url, source.licence, sep="\t")
        reasons = dict.fromkeys((source.name for source in absent), "not there yet")
    else:
        reasons = {}
        for one in named:
            reasons |= collect_sources(
                [source for source in one.sources if source.name not in reasons],
                to,
                mirror=mirror or one.mirror,
                lock=one.lock,
                show=partial(show_bytes, sys.stderr),
            )
        for reason in reasons.values():
            warn(reason)
    there = len(sources) - len(reasons)
    listed = f"; checksums, licences and citations are in {to / LIST}" if there and not missing else ""
    warn(f"{there} of {len(sources)} sources are in {to}{listed}")
    if reasons and not missing and not there:
        raise InputError("nothing could be fetched", value=mirror, remedy="check the connection, or give --mirror")
    if reasons:
        raise typer.Exit(1)
