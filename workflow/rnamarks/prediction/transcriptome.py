"""Every occurrence of a motif on every transcript, scored: the **predicted sites** border.

Three passes over the transcripts, a chunk at a time. The first counts occurrences, so that the total is known; the
second scores them and leaves one small file of logits per chunk, so that a job that was killed goes on where it
stopped; the third writes the table, with coordinates, calibrated probabilities and their expected share of false calls.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .. import __version__
from ..errors import InputError
from ..files import atomic_path, sha256_of
from ..sequences import decode_windows
from ..sites.coordinates import TranscriptMap
from ..sites.motifs import bases_at_offset, find_motif
from ..sites.transcripts import TRANSCRIPT_COLUMNS
from ..sites.windows import CHUNK_NT, Laid, flank_of, lay
from .site_files import KMER, SITE_SCHEMA, with_metadata

CHUNK_SITES = 1 << 16
_OFFSETS = {"DRACH": 2}
_SECONDS_BETWEEN_LINES = 10.0
_BATCH_ROWS = 128
_SORT_BLOCK = 1 << 20

Score = Callable[[np.ndarray], np.ndarray]
"""Windows as codes, shape (n, window), to logits, shape (n,)."""
Progress = Callable[[int, int], None]
"""Called with the sites that are done and all sites."""


class Calibrates(Protocol):
    """What turns logits into probabilities, such as :class:`rnamarks.evaluation.calibration.Calibration`."""

    def probability(self, logit: np.ndarray) -> np.ndarray:
        """Probabilities of logits."""


@dataclass(frozen=True)
class ScanSettings:
    """Which positions are scored, and how many at once.

    Attributes
    ----------
    motif : str
        IUPAC letters; ``N`` with offset 0 is every base.
    offset : int
        Place of the site in the motif, from 0.
    window : int
        Width in nt, odd, the site in the middle; N where the transcript ends.
    chunk_nt, chunk_sites : int
        Transcripts are joined until they have this many nt or sites; one that has more is a chunk of its own.
    """

    motif: str = "DRACH"
    offset: int = 2
    window: int = 101
    chunk_nt: int = CHUNK_NT
    chunk_sites: int = CHUNK_SITES

    def __post_init__(self) -> None:
        flank_of(self.window)
        bases_at_offset(self.motif, self.offset)


class ScanPlan(NamedTuple):
    """What a scan has before it.

    ``bounds``, shape=(n_chunks + 1,): first transcript of each chunk, and the number of transcripts. ``sites``,
    shape=(n_chunks,): sites of each chunk. ``n_nt``: nt of all transcripts. ``n_padded``: sites nearer to an end of
    their transcript than half a window.
    """

    bounds: np.ndarray
    sites: np.ndarray
    n_nt: int
    n_padded: int

    @property
    def n_transcripts(self) -> int:
        """Transcripts in the file."""
        return int(self.bounds[-1])

    @property
    def n_sites(self) -> int:
        """Sites in all."""
        return int(self.sites.sum())


class FalseCalls:
    """Share of false calls to be expected among the sites at least as probable as each.

    With calibrated probabilities p, calling every site at least as probable as one makes, on average over those
    called, 1 - p false calls (the Bayesian false discovery rate of Newton et al. 2004,
    doi:10.1093/biostatistics/5.2.155). Equal probabilities share a value, and it never falls with falling probability.

    Parameters
    ----------
    probability : numpy.ndarray, shape=(n,), dtype=float32
        Sorted in place.

    Notes
    -----
    8 bytes per site.
    """

    def __init__(self, probability: np.ndarray) -> None:
        probability.sort()
        self._ascending = probability
        self._q = np.empty(len(probability), dtype=np.float32)
        total, rank = 0.0, 0
        for end in range(len(probability), 0, -_SORT_BLOCK):
            start = max(0, end - _SORT_BLOCK)
            running = total + np.cumsum(1.0 - probability[start:end][::-1].astype(np.float64))
            self._q[start:end] = (running / np.arange(rank + 1, rank + 1 + len(running)))[::-1]
            total, rank = float(running[-1]), rank + len(running)

    def q(self, probability: np.ndarray) -> np.ndarray:
        """Values of probabilities that were among those given; shape as given, dtype=float32."""
        # the first of equal ones in rising order is the last of them in falling order
        return self._q[np.searchsorted(self._ascending, probability, side="left")]


def offset_of(motif: str, offset: int | None = None) -> int:
    """The place of the site in a motif: as given, 2 in DRACH, 0 in a single letter; else an :class:`InputError`."""
    if offset is None:
        offset = 0 if len(motif) == 1 else _OFFSETS.get(motif.upper())
    if offset is None:
        raise InputError(
            "the place of the site in the motif is not known", value=motif, remedy="give its offset, counted from 0"
        )
    bases_at_offset(motif, offset)
    return offset


def plan_scan(transcripts: str | Path, settings: ScanSettings) -> ScanPlan:
    """Count the sites of a **transcripts** file and divide it into chunks.

    Raises
    ------
    InputError
        If the file is missing or no transcripts file, or an id comes twice.
    """
    flank = flank_of(settings.window)
    with _open_transcripts(transcripts) as file:
        ids = file.read(columns=["transcript"]).column(0)
        _require_unique(ids, transcripts)
        lengths, counts = np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=np.int64)
        n_padded = row = 0
        for batch in file.iter_batches(_BATCH_ROWS, columns=["sequence"], use_threads=False):
            if batch.column(0).null_count:
                raise InputError("a transcript has no sequence", path=transcripts, remedy="build the transcripts again")
            laid, at = _find(batch.column(0).to_pylist(), settings, transcripts)
            owner, position = laid.owner(at)
            rows = slice(row, row + len(batch))
            lengths[rows] = _lengths(batch.column(0))
            counts[rows] = np.bincount(owner, minlength=len(batch))
            n_padded += int(((position < flank) | (position >= lengths[rows][owner] - flank)).sum())
            row += len(batch)
            pa.default_memory_pool().release_unused()
    bounds = [0]
    n_nt = n_sites = 0
    for row, (length, count) in enumerate(zip(lengths.tolist(), counts.tolist(), strict=True)):
        if row > bounds[-1] and (n_nt + length > settings.chunk_nt or n_sites + count > settings.chunk_sites):
            bounds.append(row)
            n_nt = n_sites = 0
        n_nt, n_sites = n_nt + length, n_sites + count
    if len(lengths):
        bounds.append(len(lengths))
    edges = np.array(bounds, dtype=np.int64)
    total = np.concatenate(([0], np.cumsum(counts)))
    return ScanPlan(edges, np.diff(total[edges]), int(lengths.sum()), n_padded)


def scan_transcripts(
    transcripts: str | Path,
    out: str | Path,
    score: Score,
    settings: ScanSettings,
    *,
    checkpoints: str | Path,
    identity: Mapping[str, object],
    calibration: Calibrates | None = None,
    metadata: Mapping[str, object] | None = None,
    progress: Progress = lambda done, total: None,
    warn: Callable[[str], None] = print,
) -> dict[str, object]:
    """Score every site of a **transcripts** file and write the **predicted sites**.

    Parameters
    ----------
    transcripts : path-like
        Parquet of the **transcripts** border.
    out : path-like
        Parquet to write, :data:`rnamarks.prediction.site_files.SITE_SCHEMA`: one row per site and transcript, in the
        order of the transcripts and of the positions on them.
    score : callable
        Windows as codes to logits. Equal windows of a chunk are given once.
    settings : ScanSettings
    checkpoints : path-like
        Root under which a folder named by :func:`scan_digest` keeps the logits of finished chunks (4 bytes per site)
        until the table is written.
    identity : mapping
        Everything of ``score`` that decides the logits; part of the digest.
    calibration : optional
        Without it probability and q are NaN.
    metadata : mapping, optional
        Goes into the Parquet file, too.
    progress : callable
    warn : callable
        Given one line for each thing the user should know.

    Returns
    -------
    dict
        The metadata of the file.

    Raises
    ------
    InputError
        If the file is no sound transcripts file, or its exons do not add up to its sequences.

    Notes
    -----
    Memory is that of one chunk, 8 bytes per site for q, and the ids once. A killed job that is started again with the
    same arguments ends with the same bytes as one that was not killed.
    """
    plan = plan_scan(transcripts, settings)
    folder = Path(checkpoints) / scan_digest(transcripts, settings, identity)
    if not plan.n_sites:
        warn(f"{transcripts}: no {settings.motif} in {plan.n_transcripts} transcripts; the table has no row")
    _score_chunks(transcripts, plan, settings, score, folder, progress, warn)
    probability = np.empty(plan.n_sites, dtype=np.float32)
    if calibration is not None:
        ends = np.cumsum(plan.sites)
        for chunk, (end, count) in enumerate(zip(ends, plan.sites, strict=True)):
            probability[end - count : end] = _probability(_kept(folder, chunk, count), calibration)
    false_calls = FalseCalls(probability) if calibration is not None else None
    described = {
        **(metadata or {}),
        "motif": settings.motif,
        "offset": settings.offset,
        "window": settings.window,
        "transcripts": plan.n_transcripts,
        "nt": plan.n_nt,
        "sites": plan.n_sites,
        "padded_sites": plan.n_padded,
        "version": __version__,
    }
    with (
        atomic_path(out) as part,
        pq.ParquetWriter(part, with_metadata(SITE_SCHEMA, described), compression="zstd") as writer,
    ):
        for chunk, table in enumerate(_chunks(transcripts, plan.bounds, TRANSCRIPT_COLUMNS)):
            if plan.sites[chunk]:
                logits = _kept(folder, chunk, plan.sites[chunk])
                writer.write_table(_rows(table, settings, logits, calibration, false_calls, transcripts))
    for chunk in range(len(plan.sites)):
        _file(folder, chunk).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    return described


def scan_with_model(
    model: str | Path,
    head: str,
    transcripts: str | Path,
    out: str | Path,
    *,
    checkpoints: str | Path,
    predictor: str = "",
    motif: str = "DRACH",
    offset: int | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    progress: Progress = lambda done, total: None,
    warn: Callable[[str], None] = print,
) -> dict[str, object]:
    """:func:`scan_transcripts` with one head of a model directory.

    Parameters
    ----------
    model : path-like
    head : str
    transcripts, out, checkpoints, progress, warn
        See :func:`scan_transcripts`.
    predictor : str
        Name of the model in the metadata.
    motif : str
    offset : int, optional
        See :func:`offset_of`.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    batch_size : int, optional
        Windows at once; default :data:`rnamarks.prediction.score.BATCH_SIZES`.

    Returns
    -------
    dict
        The metadata of the file.
    """
    # torch takes seconds to import, which what only plans or reads need not wait for
    import torch

    from ..models.checkpoint import read_config
    from .score import BATCH_SIZES, pick_device, score_windows
    from .windows import WindowScorer

    offset = offset_of(motif, offset)
    if batch_size is None:
        batch_size = BATCH_SIZES[pick_device(device).type]
    scorer = WindowScorer(model, head, device=device, batch_size=batch_size, warn=warn)
    config, digest = read_config(model)
    trained_on = config.motif.upper().replace("T", "U")
    if trained_on and trained_on != motif.upper().replace("T", "U"):
        warn(f"the model was trained on sites in {config.motif} and is asked about {motif}")
    calibration = scorer.calibration
    return scan_transcripts(
        transcripts,
        out,
        lambda codes: score_windows(scorer.model, codes, head, batch_size=batch_size, device=scorer.device),
        ScanSettings(motif.upper().replace("T", "U"), offset, config.window),
        checkpoints=checkpoints,
        # batches, device and threads change the rounding of the logits
        identity={
            "model": digest,
            "head": head,
            "batch_size": batch_size,
            "device": scorer.device.type,
            "threads": torch.get_num_threads(),
        },
        calibration=calibration,
        metadata={
            "predictor": predictor,
            "head": head,
            "modification": config.modification,
            "model_sha256": digest,
            "prevalence": None if calibration is None else calibration.prevalence,
        },
        progress=progress,
        warn=warn,
    )


def scan_digest(transcripts: str | Path, settings: ScanSettings, identity: Mapping[str, object]) -> str:
    """A hash of everything that decides the logits of a scan; it names the folder of finished chunks."""
    record = {
        "transcripts": sha256_of(transcripts),
        "settings": asdict(settings),
        "identity": dict(identity),
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def show_sites(stream: TextIO, label: str) -> Iterator[Progress]:
    """A function to call with the sites that are done and all sites: a bar on a terminal, else a line now and then.

    Parameters
    ----------
    stream : text stream
    label : str
        Name in front.
    """
    if not stream.isatty():
        yield _lines(stream, label)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("sites"))
    # few refreshes, because jobs that run side by side draw on one terminal
    with Bars(
        *columns, TimeRemainingColumn(), console=Console(file=stream), transient=True, refresh_per_second=2
    ) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _lines(stream: TextIO, label: str) -> Progress:
    began = shown = time.monotonic()
    first: int | None = None

    def progress(done: int, total: int) -> None:
        nonlocal shown, first
        now = time.monotonic()
        if first is None:
            first = done
            print(f"{label}: {total - done:,} of {total:,} sites to score", file=stream, flush=True)
        if now - shown < _SECONDS_BETWEEN_LINES and done < total:
            return
        shown = now
        speed = (done - first) / max(now - began, 1e-9)
        print(f"{label}: {done:,} of {total:,} sites, {speed:,.0f} sites/s", file=stream, flush=True)

    return progress


def _score_chunks(
    transcripts: str | Path,
    plan: ScanPlan,
    settings: ScanSettings,
    score: Score,
    folder: Path,
    progress: Progress,
    warn: Callable[[str], None],
) -> None:
    for stale in folder.glob(".*.part"):
        stale.unlink()
    missing = [chunk for chunk, count in enumerate(plan.sites) if count and not _file(folder, chunk).is_file()]
    done = plan.n_sites - int(plan.sites[missing].sum())
    if done:
        warn(f"{done} of {plan.n_sites} sites were scored by an earlier run that did not end; it goes on from there")
    progress(done, plan.n_sites)
    if not missing:
        return
    for chunk, table in enumerate(_chunks(transcripts, plan.bounds, ("sequence",))):
        if chunk not in missing:
            continue
        laid, at = _find(table["sequence"].to_pylist(), settings, transcripts)
        logits = np.empty(len(at), dtype=np.float32)
        first, inverse = _distinct(laid.windows(at, settings.window))
        logits[:] = np.asarray(score(laid.windows(at[first], settings.window)))[inverse]
        if not np.isfinite(logits).all():
            raise FloatingPointError("the model gave a logit that is not finite")
        with atomic_path(_file(folder, chunk)) as part, open(part, "wb") as handle:
            np.save(handle, logits, allow_pickle=False)
        done += len(at)
        progress(done, plan.n_sites)


def _distinct(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the first of each set of equal windows, in their order, and for each window its place among those."""
    keys = np.ascontiguousarray(windows).view(f"V{windows.shape[1]}")[:, 0]
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return first[order], place[inverse]


def _rows(
    table: pa.Table,
    settings: ScanSettings,
    logits: np.ndarray,
    calibration: Calibrates | None,
    false_calls: FalseCalls | None,
    path: str | Path,
) -> pa.Table:
    laid, at = _find(table["sequence"].to_pylist(), settings, path)
    owner, position = laid.owner(at)
    lengths = _lengths(table["sequence"])
    frame = table.drop_columns(["sequence"]).to_pandas()
    coordinates = TranscriptMap(frame)
    wrong = (coordinates.lengths > 0) & (coordinates.lengths != lengths)
    if wrong.any():
        raise InputError(
            f"the exons of a transcript have {coordinates.lengths[wrong][0]} nt and its sequence {lengths[wrong][0]}",
            path=path,
            value=frame["transcript"][wrong].iloc[0],
            remedy="make the transcripts again",
        )
    if calibration is None:
        probability = q = np.full(len(at), np.nan, dtype=np.float32)
    else:
        probability = _probability(logits, calibration)
        q = false_calls.q(probability)
    index = pa.array(owner)
    values = {
        "position": position.astype(np.int32),
        "length": lengths[owner].astype(np.int32),
        "start": coordinates.to_genome(owner, position),
        "region": coordinates.region(owner, position),
        "kmer": decode_windows(laid.windows(at, KMER)),
        "logit": logits,
        "probability": probability,
        "q": q,
    }
    return pa.table(
        [
            pa.array(values[field.name], type=field.type)
            if field.name in values
            else table[field.name].combine_chunks().take(index).cast(field.type)
            for field in SITE_SCHEMA
        ],
        schema=SITE_SCHEMA,
    )


def _probability(logits: np.ndarray, calibration: Calibrates) -> np.ndarray:
    return calibration.probability(logits).astype(np.float32)


def _lengths(sequences: pa.Array | pa.ChunkedArray) -> np.ndarray:
    return pc.binary_length(sequences).to_numpy().astype(np.int64)


def _find(sequences: list[str], settings: ScanSettings, path: str | Path) -> tuple[Laid, np.ndarray]:
    try:
        laid = lay(sequences, max(flank_of(settings.window), KMER // 2))
    except InputError as error:
        raise InputError(
            "a transcript holds a letter that is no nucleotide", path=path, value=error.value, remedy=error.remedy
        ) from error
    return laid, find_motif(laid.codes, settings.motif, settings.offset)


def _chunks(path: str | Path, bounds: np.ndarray, columns: tuple[str, ...]) -> Iterator[pa.Table]:
    """Rows of each chunk, with at most one chunk and one batch in memory."""
    held: list[pa.RecordBatch] = []
    n_held = 0
    sizes = iter(np.diff(bounds).tolist())
    size = next(sizes, None)
    with _open_transcripts(path) as file:
        for batch in file.iter_batches(_BATCH_ROWS, columns=list(columns), use_threads=False):
            while size is not None and n_held + len(batch) >= size:
                yield pa.Table.from_batches([*held, batch.slice(0, size - n_held)])
                # the allocator would keep pages of every chunk
                pa.default_memory_pool().release_unused()
                batch = batch.slice(size - n_held)
                held, n_held = [], 0
                size = next(sizes, None)
            held.append(batch)
            n_held += len(batch)


@contextmanager
def _open_transcripts(path: str | Path) -> Iterator[pq.ParquetFile]:
    if not Path(path).is_file():
        raise InputError("no such file", path=path, remedy="build the transcripts first")
    try:
        # with a buffer, pages are read as they are needed, else a whole column of a row group at once
        file = pq.ParquetFile(path, buffer_size=1 << 20)
    except pa.ArrowInvalid as error:
        raise InputError("not a Parquet file, or a damaged one", path=path, remedy="make it again") from error
    with file:
        missing = [name for name in TRANSCRIPT_COLUMNS if name not in file.schema_arrow.names]
        if missing:
            raise InputError(
                f"the table of transcripts lacks {', '.join(missing)}", path=path, remedy="build the transcripts again"
            )
        yield file


def _require_unique(ids: pa.ChunkedArray, path: str | Path) -> None:
    counts = pc.value_counts(ids).flatten()
    if len(counts[0]) < len(ids):
        twice = counts[0].filter(pc.greater(counts[1], 1))[0].as_py()
        raise InputError("a transcript comes twice", path=path, value=twice, remedy="give each its own id")


def _file(folder: Path, chunk: int) -> Path:
    return folder / f"logits-{chunk:06d}.npy"


def _kept(folder: Path, chunk: int, count: int) -> np.ndarray:
    path = _file(folder, chunk)
    if not count:
        return np.empty(0, dtype=np.float32)
    try:
        logits = np.load(path, allow_pickle=False)
    except (ValueError, OSError) as error:
        raise InputError("the logits of a chunk are damaged", path=path, remedy="delete the file") from error
    if logits.shape != (count,) or logits.dtype != np.float32:
        raise InputError("the logits of a chunk are those of another scan", path=path, remedy="delete the file")
    return logits
