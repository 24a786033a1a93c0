"""Every occurrence of a motif on every transcript, scored: the **predicted sites** border.

Three passes over the transcripts, a chunk at a time. The first counts occurrences, so that the total is known; the
second scores them and leaves one small file of logits per chunk, so that a job that was killed goes on where it
stopped; the third writes the table, with coordinates, calibrated probabilities and their expected share of false calls.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .. import __version__
from ..errors import InputError
from ..files import atomic_path, sha256_of
from ..progress import Progress
from ..sequences import decode_windows
from ..sites.coordinates import TranscriptMap
from ..sites.transcripts import TRANSCRIPT_COLUMNS
from .false_calls import FalseCalls
from .plan import ScanPlan, ScanSettings, find_sites, lengths_of, offset_of, plan_scan, read_chunks
from .site_files import KMER, SITE_SCHEMA, with_metadata

Score = Callable[[np.ndarray], np.ndarray]
"""Windows as codes, shape (n, window), to logits, shape (n,)."""


class Calibrates(Protocol):
    """What turns logits into probabilities, such as :class:`rnamarks.evaluation.calibration.Calibration`."""

    def probability(self, logit: np.ndarray) -> np.ndarray:
        """Probabilities of logits."""


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
    Memory is that of one chunk, whatever the number of sites, and the ids once (about 60 bytes per transcript); what
    q needs lies beside the logits on disk. A killed job that is started again with the same arguments ends with the
    same bytes as one that was not killed.
    """
    plan = plan_scan(transcripts, settings)
    folder = Path(checkpoints) / scan_digest(transcripts, settings, identity)
    if not plan.n_sites:
        warn(f"{transcripts}: no {settings.motif} in {plan.n_transcripts} transcripts; the table has no row")
    _score_chunks(transcripts, plan, settings, score, folder, progress, warn)
    false_calls = None
    if calibration is not None and plan.n_sites:
        kept = (_kept(folder, chunk, count) for chunk, count in enumerate(plan.sites))
        false_calls = FalseCalls((_probability(logits, calibration) for logits in kept), folder)
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
        for chunk, table in enumerate(read_chunks(transcripts, plan.bounds, TRANSCRIPT_COLUMNS)):
            if plan.sites[chunk]:
                logits = _kept(folder, chunk, plan.sites[chunk])
                if false_calls is None:
                    probability = q = np.full(len(logits), np.nan, dtype=np.float32)
                else:
                    probability = _probability(logits, calibration)
                    q = false_calls.q(chunk, probability)
                writer.write_table(_rows(table, settings, logits, probability, q, transcripts))
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
        See :func:`rnamarks.prediction.plan.offset_of`.
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
    for chunk, table in enumerate(read_chunks(transcripts, plan.bounds, ("sequence",))):
        if chunk not in missing:
            continue
        laid, at = find_sites(table["sequence"].to_pylist(), settings, transcripts)
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
    probability: np.ndarray,
    q: np.ndarray,
    path: str | Path,
) -> pa.Table:
    laid, at = find_sites(table["sequence"].to_pylist(), settings, path)
    owner, position = laid.owner(at)
    lengths = lengths_of(table["sequence"])
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
