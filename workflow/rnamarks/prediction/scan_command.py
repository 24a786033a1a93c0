"""A model directory as something that scans files of sequences: behind ``rnamarks scan`` and ``rnamarks serve``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TextIO

import pandas as pd

from ..errors import InputError
from ..files import write_text
from ..models.checkpoint import load_model, read_config
from ..progress import Progress
from .exact import ExactEngine, load_engine
from .row_view import RowView
from .scan import Mark, ScanOptions, Sink, gap_for, marks_of, scan
from .scan_files import UNIDENTIFIED, AttentionTable, BedRMod, Table
from .score import pick_device
from .significance import read_null
from .spool import Spool, spool_fasta

View = Callable[[Spool, Sequence[Mark]], RowView]
"""Makes what draws the calls of a scan, from its sequences and what they are asked about."""


class Scanner:
    """A model directory, loaded.

    Parameters
    ----------
    model : path-like
        Model directory with null distributions.
    mode, device, batch_size
        See :func:`rnamarks.prediction.exact.load_engine`.

    Attributes
    ----------
    config : ModelConfig
    digest : str
        SHA-256 of the weights.
    marks : list of Mark
        All that the model can be asked about.

    Raises
    ------
    InputError
        If the directory is at fault.
    """

    def __init__(
        self, model: str | Path, *, mode: str = "exact", device: str = "auto", batch_size: int | None = None
    ) -> None:
        self._model, self._device, self._batch_size = Path(model), device, batch_size
        _, self.digest = read_config(model)
        self._loaded = load_engine(model, mode, device=device, batch_size=batch_size)
        self.config = self._loaded.config
        self.marks = marks_of(self.config, path=model)

    def run(
        self,
        source: str | Path,
        options: ScanOptions,
        *,
        table: str | Path | TextIO | None = None,
        bedrmod: str | Path | None = None,
        attention: str | Path | None = None,
        view: View | None = None,
        modifications: Sequence[str] = (),
        organism: int = UNIDENTIFIED,
        assembly: str = "",
        most: int | None = None,
        progress: Progress = lambda done, total: None,
        warn: Callable[[str], None] = print,
    ) -> pd.DataFrame:
        """Scan FASTA.

        Parameters
        ----------
        source : path-like
            FASTA; ``-`` is standard input.
        options : ScanOptions
        table, bedrmod, attention : path-like, optional
            Files to write; ``.gz`` is compressed. ``table`` may be a text stream.
        view : callable, optional
        modifications : sequence of str
            Default all.
        organism, assembly
            For the header of bedRMod.
        most : int, optional
            Nucleotides beyond which the sequences are refused.
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
        loaded = self._loaded
        marks = marks_of(self.config, modifications, path=self._model)
        null = read_null(self._model, [mark.head for mark in marks], prefix=loaded.prefix)
        if bedrmod is not None:
            self._require_calibration(marks)
        reader = self._reader if options.top else None
        if attention is not None and not (reader and reader.attends):
            raise InputError(
                "the networks of the model have no attention", path=self._model, remedy="leave --attention out"
            )
        written = next((Path(path) for path in (table, bedrmod, attention) if isinstance(path, str | Path)), None)
        folder = None if written is None else written.parent
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".rnamarks-scan.", dir=folder)))
            gap = gap_for(marks, loaded.engine, *([reader] if reader else []))
            spool = spool_fasta(source, scratch / "codes", gap, most=most)
            sinks: list[Sink] = []
            if table is not None:
                sinks.append(Table(stack.enter_context(write_text(table)) if isinstance(table, str | Path) else table))
            if attention is not None:
                sinks.append(AttentionTable(stack.enter_context(write_text(attention)), spool))
            if bedrmod is not None:
                handle = stack.enter_context(write_text(bedrmod))
                name = Path(source).name if str(source) != "-" else "standard input"
                about = self._described(marks) | {"organism": organism}
                about |= {"assembly": assembly or name.encode("ascii", "replace").decode()}
                sinks.append(BedRMod(handle, spool, marks, options, **about))
            drawn = [] if view is None else [view(spool, marks)]
            warn(f"p compares with {self.config.null['source']}")
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

    @cached_property
    def _reader(self) -> ExactEngine:
        """What says where the networks looked."""
        if isinstance(self._loaded.engine, ExactEngine):
            return self._loaded.engine
        networks, config = load_model(self._model)
        return ExactEngine(
            networks.networks, config.window, device=pick_device(self._device), batch_size=self._batch_size
        )

    def _require_calibration(self, marks: Sequence[Mark]) -> None:
        without = [mark.modification for mark in marks if mark.head not in self._loaded.calibration]
        if without:
            raise InputError(
                "bedRMod needs probabilities, and the model has no calibration for a modification",
                path=self._model,
                value=without[0],
                remedy="leave it out by --modifications, or leave --bedrmod out",
            )

    def _described(self, marks: Sequence[Mark]) -> dict[str, object]:
        """What bedRMod says of the model."""
        prevalence = {mark.modification: self._loaded.calibration[mark.head].prevalence for mark in marks}
        return {"predictor": self._model.resolve().name, "digest": self.digest, "prevalence": prevalence}
