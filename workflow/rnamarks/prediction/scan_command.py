"""``rnamarks scan`` from a file of sequences and a model directory to the files that were asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import pandas as pd

from ..errors import InputError
from ..files import write_text
from ..models.checkpoint import load_model, read_config
from ..progress import Progress
from .exact import Engine, ExactEngine, load_engine
from .scan import Mark, ScanOptions, Sink, gap_for, marks_of, scan
from .scan_files import UNIDENTIFIED, AttentionTable, BedRMod, Table
from .score import pick_device
from .significance import read_null
from .spool import Spool, spool_fasta


def run_scan(
    source: str | Path,
    model: str | Path,
    options: ScanOptions,
    *,
    table: str | Path | TextIO | None = None,
    bedrmod: str | Path | None = None,
    attention: str | Path | None = None,
    view: TextIO | None = None,
    modifications: Sequence[str] = (),
    mode: str = "exact",
    device: str = "auto",
    batch_size: int | None = None,
    organism: int = UNIDENTIFIED,
    assembly: str = "",
    progress: Progress = lambda done, total: None,
    warn: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Scan FASTA with a model directory.

    Parameters
    ----------
    source : path-like
        FASTA; ``-`` is standard input.
    model : path-like
        Model directory with null distributions.
    options : ScanOptions
    table, bedrmod, attention : path-like, optional
        Files to write; ``.gz`` is compressed. ``table`` may be a text stream.
    view : text stream, optional
        Where to draw.
    modifications : sequence of str
        Default all.
    mode, device, batch_size
        See :func:`rnamarks.prediction.exact.load_engine`.
    organism, assembly
        For the header of bedRMod.
    progress, warn : callable

    Returns
    -------
    pandas.DataFrame
        See :func:`rnamarks.prediction.scan.scan`.

    Raises
    ------
    InputError
        If sequences, model or options are at fault. No file is left in that case.
    """
    _, digest = read_config(model)
    loaded = load_engine(model, mode, device=device, batch_size=batch_size)
    marks = marks_of(loaded.config, modifications, path=model)
    null = read_null(model, [mark.head for mark in marks], prefix=loaded.prefix)
    prevalence = {
        mark.modification: loaded.calibration[mark.head].prevalence for mark in marks if mark.head in loaded.calibration
    }
    if bedrmod is not None and len(prevalence) < len(marks):
        raise InputError(
            "bedRMod needs probabilities, and the model has no calibration for a modification",
            path=model,
            value=next(mark.modification for mark in marks if mark.modification not in prevalence),
            remedy="leave it out by --modifications, or leave --bedrmod out",
        )
    reader = _reader(model, loaded.engine, options, device, batch_size)
    if attention is not None and not (reader and reader.attends):
        raise InputError("the networks of the model have no attention", path=model, remedy="leave --attention out")
    written = next((Path(path) for path in (table, bedrmod, attention) if isinstance(path, str | Path)), None)
    folder = None if written is None else written.parent
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".rnamarks-scan.", dir=folder)))
        spool = spool_fasta(source, scratch / "codes", gap_for(marks, loaded.engine, *([reader] if reader else [])))
        sinks: list[Sink] = []
        if table is not None:
            sinks.append(Table(stack.enter_context(write_text(table)) if isinstance(table, str | Path) else table))
        if attention is not None:
            sinks.append(AttentionTable(stack.enter_context(write_text(attention)), spool))
        if bedrmod is not None:
            handle = stack.enter_context(write_text(bedrmod))
            name = Path(source).name if str(source) != "-" else "standard input"
            about = {"predictor": Path(model).resolve().name, "digest": digest, "prevalence": prevalence}
            about |= {"organism": organism, "assembly": assembly or name.encode("ascii", "replace").decode()}
            sinks.append(BedRMod(handle, spool, marks, options, **about))
        drawn = _draw(view, spool, marks)
        summary = scan(
            spool,
            loaded,
            marks,
            null,
            [*sinks, *drawn],
            options,
            scratch=scratch,
            reader=reader,
            progress=progress,
            warn=warn,
        )
        for one in drawn:
            one.close()
    return summary


def _reader(
    model: str | Path, engine: Engine, options: ScanOptions, device: str, batch_size: int | None
) -> ExactEngine | None:
    """What says where the networks looked."""
    if not options.top:
        return None
    if isinstance(engine, ExactEngine):
        return engine
    networks, config = load_model(model)
    return ExactEngine(networks.networks, config.window, device=pick_device(device), batch_size=batch_size)


def _draw(view: TextIO | None, spool: Spool, marks: Sequence[Mark]) -> list:
    if view is None:
        return []
    # rich is only needed here
    from .terminal_view import TerminalView

    return [TerminalView(view, spool, marks)]
