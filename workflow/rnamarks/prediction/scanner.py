"""A model directory as something that scans sequences: behind ``rnamarks scan``, the server and the workflow."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TextIO

import pandas as pd
import pyarrow as pa
import torch

from .. import __version__
from ..errors import InputError
from ..files import write_text
from ..models.checkpoint import load_model
from ..models.directory import STUDENT, read_config, sidecar_settings
from ..progress import Progress
from ..sites.coordinates import MAPPED
from ..sites.gene_structure import GeneStructure
from ..tables import is_parquet, open_parquet_writer
from ..tasks import Task
from .bases import choose_tasks, gap_for
from .bedrmod import UNIDENTIFIED, BedRModHeader, allowed_names, prediction_header, write_bedrmod
from .calls import Sink
from .chunks import take_chunks, write_chunk
from .combined import CombinedEngine
from .engine import needs_structure
from .exact import ExactEngine
from .kept import Kept, digest_of, keep
from .merging import SequenceSites, export_comments, merge_isoforms
from .modes import load_engine
from .row_view import RowView
from .scan import Scan, ScanOptions
from .score import pick_device
from .significance import read_null
from .site_files import ANNOTATION_SCHEMA, TEST_SCHEMA, TOP_FIELD, AttentionText, SiteParquet, SiteText
from .spool import Rows, Spool, open_transcripts, spool_fasta, spool_transcripts
from .tracks import chromosome_sizes

View = Callable[[Spool, Sequence[Task]], RowView]
"""Makes what draws the rows of a scan, from its sequences and what they are asked about."""


@dataclass(frozen=True)
class Outputs:
    """What a scan writes.

    Attributes
    ----------
    table : path-like or text stream, optional
        Parquet where the name ends so, else TSV; ``.gz`` is compressed.
    bedrmod : path-like, optional
        One row per position of the genome where transcripts with coordinates are scanned, else of the sequences.
    attention : path-like, optional
        TSV of the attention to each nucleotide around each row's.
    view : callable, optional
    tracks : callable, optional
        Takes merged sites, metadata, ``sizes`` and ``limits`` of transcripts with coordinates, as
        :func:`rnamarks.prediction.track_folder.write_tracks` does.
    organism, assembly, annotation_source, annotation_version
        For the header of bedRMod.
    """

    table: str | Path | TextIO | None = None
    bedrmod: str | Path | None = None
    attention: str | Path | None = None
    view: View | None = None
    tracks: Callable[..., None] | None = None
    organism: int = UNIDENTIFIED
    assembly: str = ""
    annotation_source: str = "none (positions on the sequences given)"
    annotation_version: str = "none"

    @property
    def first(self) -> Path | None:
        """The first output that is a file, not a pipe or device."""
        paths = (Path(file) for file in (self.table, self.bedrmod, self.attention) if isinstance(file, str | Path))
        return next((path for path in paths if path.is_file() or not path.exists()), None)


class Scanner:
    """A model directory, loaded.

    Parameters
    ----------
    model : path-like
    mode, device, batch_size
        See :func:`rnamarks.prediction.modes.load_engine`.

    Attributes
    ----------
    config : ModelConfig
    reads : str
        See :class:`rnamarks.prediction.engine.Engine`.
    digest : str
        SHA-256 of the weights.
    tasks : list of Task
        All that the model can be asked about.

    Raises
    ------
    InputError
        If the directory is at fault.
    """

    def __init__(
        self, model: str | Path, *, mode: str = "exact", device: str = "auto", batch_size: int | None = None
    ) -> None:
        self._model, self._mode, self._device, self._batch_size = Path(model), mode, device, batch_size
        _, self.digest = read_config(model)
        self._loaded = load_engine(model, mode, device=device, batch_size=batch_size)
        self.config, self.reads = self._loaded.config, self._loaded.engine.reads
        self.tasks = choose_tasks(self.config.tasks)

    def run(
        self,
        source: str | Path,
        options: ScanOptions,
        outputs: Outputs,
        *,
        tasks: Sequence[str] = (),
        predictor: str = "",
        checkpoints: str | Path | None = None,
        maximum: int | None = None,
        maximum_tests: int | None = None,
        chunks: Sequence[str | Path] = (),
        progress: Progress = lambda done, total: None,
        pause: Callable[[], None] = lambda: None,
        warn: Callable[[str], None] = print,
    ) -> pd.DataFrame:
        """Scan FASTA, or the transcripts of a **transcripts** file.

        Parameters
        ----------
        source : path-like
            FASTA, ``-`` is standard input; or Parquet, whose rows then have genes and genome coordinates.
        options : ScanOptions
        outputs : Outputs
        tasks : sequence of str
            Default all.
        predictor : str
            What the model is called in what is written; default its directory's name.
        checkpoints : path-like, optional
            Folder below which scored blocks are kept until the end, so that the same scan goes on after a kill.
        maximum, maximum_tests : int, optional
            Nucleotides of FASTA, and bases times tasks, beyond which the sequences are refused.
        chunks : sequence of path-like, optional
            What :meth:`score_chunk` wrote of the one task, of all chunks in order; goes without ``checkpoints``.
        progress, pause, warn : callable
            What ``pause`` raises between batches ends the scan.

        Returns
        -------
        pandas.DataFrame
            See :meth:`rnamarks.prediction.scan.Scan.write`.

        Raises
        ------
        InputError
            If sequences, model or options are at fault, or another process writes the same output. No output is left in
            that case.
        """
        asked = choose_tasks(self.config.tasks, tasks)
        null, null_source = read_null(self._model, [task.name for task in asked], self._mode)
        options = self._settle(options, outputs, asked, bool(null))
        reader = self._reader if options.top else None
        for engine in {self._loaded.engine, reader} - {None}:
            engine.pause = pause
        first = outputs.first
        folder = Path(tempfile.gettempdir()) if first is None else first.parent
        folder.mkdir(parents=True, exist_ok=True)
        is_table = str(source) != "-" and is_parquet(source)
        if self._loaded.engine.reads == "exons" and not is_table:
            raise needs_structure()
        with ExitStack() as stack:
            gap = gap_for(asked, self._loaded.engine, *([reader] if reader else []))
            spool = (
                spool_transcripts(source, folder, gap)
                if is_table
                else spool_fasta(source, folder, gap, maximum=maximum)
            )
            structure = self._structure(source) if is_table else None
            sizes = chromosome_sizes(source) if is_table else {}
            if outputs.tracks is not None and not sizes:
                what = "no sequence has genome coordinates, which tracks need"
                raise InputError(what, path=source, remedy="give an annotation of these transcripts (--annotation)")
            root = None if checkpoints is None else Path(checkpoints)
            metadata = self._describe(asked, predictor, null_source)
            header = self._bedrmod_header(metadata, outputs, options, () if is_table else spool.names)
            kept = stack.enter_context(keep(folder, root, first, self._identity(spool, asked, options, structure)))
            scan = Scan(spool, self._loaded, asked, null, options, reader, structure)
            tally = scan.count()
            if maximum_tests is not None and tally.tests > maximum_tests:
                raise InputError(
                    f"there are {tally.tests:,} bases to test, counted for each task",
                    path=source,
                    remedy=f"give up to {maximum_tests:,}: fewer sequences or tasks",
                )
            scan.report(tally, warn)
            if null:
                warn(f"p compares with {null_source}")
            if chunks:
                take_chunks(scan, kept, chunks)
            else:
                scan.score(kept, tally.tests, progress, warn)
            rows, schema = None, list(TEST_SCHEMA) + ([TOP_FIELD] if scan.looks else [])
            if is_table:
                file = stack.enter_context(open_transcripts(source))
                rows = Rows(file, [name for name in file.schema_arrow.names if name != "sequence"])
                schema += ANNOTATION_SCHEMA
            metadata |= {
                "sequences": len(spool.names),
                "nt": int(spool.lengths.sum()),
                "sites": tally.tests,
                "padded_sites": 0 if options.ends == "skip" else tally.near,
            }
            return self._write(scan, kept, outputs, pa.schema(schema), rows, metadata, header, sizes)

    def score_chunk(
        self,
        source: str | Path,
        path: str | Path,
        *,
        task: str,
        chunk: int,
        chunks: int,
        checkpoints: str | Path,
        progress: Progress = lambda done, total: None,
        warn: Callable[[str], None] = print,
    ) -> int:
        """Score a part of a **transcripts** file for :meth:`run`, as :func:`write_chunk` does."""
        asked, options, path = choose_tasks(self.config.tasks, [task]), ScanOptions(alpha=None, top=False), Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        spool = spool_transcripts(source, path.parent, gap_for(asked, self._loaded.engine))
        structure = self._structure(source)
        identity = digest_of({"scan": self._identity(spool, asked, options, structure), "chunk": [chunk, chunks]})
        with keep(path.parent, Path(checkpoints), path, identity) as kept:
            scan = Scan(spool, self._loaded, asked, {}, options, structure=structure)
            return write_chunk(scan, kept, path, chunk, chunks, progress, warn)

    def _structure(self, source: str | Path) -> GeneStructure | None:
        """Where exons lie on the transcripts of a table, if the model reads that."""
        if self._loaded.engine.reads != "exons":
            return None
        with open_transcripts(source) as file:
            return GeneStructure(file.read(columns=MAPPED).to_pandas())

    def _write(
        self,
        scan: Scan,
        kept: Kept,
        outputs: Outputs,
        schema: pa.Schema,
        rows: Rows | None,
        metadata: Mapping[str, object],
        header: BedRModHeader | None,
        sizes: Mapping[str, int],
    ) -> pd.DataFrame:
        merges = header is not None or outputs.tracks is not None
        with ExitStack() as stack:
            sinks: list[Sink] = []
            table = outputs.table
            if isinstance(table, str | Path) and str(table).endswith(".parquet"):
                sinks.append(SiteParquet(stack.enter_context(open_parquet_writer(table, schema, metadata))))
            elif table is not None:
                handle = stack.enter_context(write_text(table)) if isinstance(table, str | Path) else table
                sinks.append(SiteText(handle, schema.names))
            if outputs.attention is not None:
                sinks.append(AttentionText(stack.enter_context(write_text(outputs.attention)), scan.spool))
            if outputs.view is not None:
                sinks.append(stack.enter_context(outputs.view(scan.spool, scan.tasks)))
            with ExitStack() as inner:
                if merges:
                    work = stack.enter_context(tempfile.TemporaryDirectory(prefix="rnamarks.", dir=kept.folder))
                    sites = Path(work) / "sites.parquet"
                    writer = inner.enter_context(open_parquet_writer(sites, schema, metadata))
                    sinks.append(SiteParquet(writer))
                summary = scan.write(kept, sinks, rows)
            if merges:
                merged = merge_isoforms(sites) if sizes else SequenceSites(sites)
            if header is not None:
                comments = export_comments(metadata, merged, merged)
                write_bedrmod(merged, outputs.bedrmod, header, comments=comments)
            if outputs.tracks is not None:
                outputs.tracks(merged, metadata, sizes=sizes, limits=scan.options.limits)
        return summary

    def _describe(self, tasks: Sequence[Task], predictor: str, null: str) -> dict[str, object]:
        """What is written about the model."""
        calibration = self._loaded.calibration
        return {
            "predictor": predictor or self._model.resolve().name,
            "model_sha256": self.digest,
            "mode": self._mode,
            "window": self.config.window,
            "tasks": [task.record() for task in tasks],
            "prevalence": {task.name: calibration[task.name].prevalence for task in tasks if task.name in calibration},
            "ranks_only": [task.name for task in tasks if task.name in self.config.ranks_only],
            "null": null,
            "version": __version__,
        }

    @staticmethod
    def _bedrmod_header(
        metadata: Mapping[str, object], outputs: Outputs, options: ScanOptions, names: Sequence[str]
    ) -> BedRModHeader | None:
        """The header of bedRMod, if that is written; what it cannot hold is refused before the scan."""
        if outputs.bedrmod is None:
            return None
        allowed_names(names)
        return prediction_header(
            metadata,
            organism=outputs.organism,
            assembly=outputs.assembly,
            annotation_source=outputs.annotation_source,
            annotation_version=outputs.annotation_version,
            limits=options.limits,
        )

    def _settle(self, options: ScanOptions, outputs: Outputs, tasks: Sequence[Task], has_null: bool) -> ScanOptions:
        """Options that fit the model; what cannot be had is refused before work begins."""
        uncalibrated = [task.name for task in tasks if task.name not in self._loaded.calibration]
        if uncalibrated and (outputs.bedrmod, outputs.tracks, options.above) != (None, None, None):
            raise InputError(
                "the model has no calibration for a task, hence no probability",
                path=self._model,
                value=uncalibrated[0],
                remedy="choose others by --task, or leave out --bedrmod, --tracks and --above",
            )
        if options.fdr is not None and not has_null:
            raise InputError(
                "the model has no null distribution, which q needs",
                path=self._model,
                remedy="leave --fdr out, or add one: rnamarks null",
            )
        if options.fdr is not None and (ranking := [one.name for one in tasks if one.name in self.config.ranks_only]):
            raise InputError(
                "the model ranks nucleotides for a task and calls none, so that there is no q",
                path=self._model,
                value=ranking[0],
                remedy="leave --fdr out, or choose others by --task",
            )
        if options.top and not self._reader.attends:
            if outputs.attention is not None:
                raise InputError(
                    "the networks of the model have no attention", path=self._model, remedy="leave --attention out"
                )
            options = replace(options, top=False)
        return options if has_null else replace(options, alpha=None)

    def _identity(
        self, spool: Spool, tasks: Sequence[Task], options: ScanOptions, structure: GeneStructure | None
    ) -> str:
        """A hash of everything that decides what a scan keeps."""
        student = sidecar_settings(self._model, STUDENT) if self._mode == "fast" else None
        record = {
            "sequences": spool.digest,
            "structure": structure and structure.digest,
            "model": self.digest,
            "student": student and student["sha256"],
            "mode": self._mode,
            "tasks": [(task.name, *task.place, task.base) for task in tasks],
            "options": options.record(),
            # batches, device and threads change the rounding of the logits
            "batch_size": self._batch_size,
            "device": pick_device(self._device).type,
            "threads": torch.get_num_threads(),
            "version": __version__,
        }
        return digest_of(record)

    @cached_property
    def _reader(self) -> ExactEngine:
        """What tells where the networks looked."""
        engine = self._loaded.engine
        if isinstance(engine, CombinedEngine):
            engine = engine.inner
        if isinstance(engine, ExactEngine):
            return engine
        networks, config = load_model(self._model)
        return ExactEngine(
            networks.networks, config.window, device=pick_device(self._device), batch_size=self._batch_size
        )
