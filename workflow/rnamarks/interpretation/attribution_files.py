"""Attributions of the windows of a file, as tables: nucleotides, and what they sum to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ..dictionary import column_names
from ..errors import InputError, shown
from ..files import write_text
from ..models.checkpoint import load_model
from ..prediction.score import fit_to_window, fits_task, in_chunks, pick_device
from ..sequences import ALPHABET, LETTERS, UNKNOWN, encode, read_records
from ..tables import TSV, open_parquet_writer, read_parquet, write_tsv
from ..tasks import find_task
from .attribution import METHODS, Attribution, agreement, attribute, beside_networks, check_method

_FILE_CHUNK = 256


def nucleotide_table(
    attribution: Attribution, codes: np.ndarray, names: list[str], task: str, method: str
) -> pd.DataFrame:
    """One row per window and position that holds a nucleotide; positions with N are left out.

    Returns
    -------
    pandas.DataFrame
        Table ``attributions``: ``position`` 1-based in the window, ``offset`` from its centre (the site),
        ``nucleotide`` RNA, ``attribution`` and ``A`` to ``U`` as ``nucleotides`` and ``contributions`` of
        :class:`~rnamarks.interpretation.attribution.Attribution`.
    """
    window = codes.shape[1]
    row, place = np.nonzero(codes < UNKNOWN)
    frame = {
        "window": np.asarray(names, dtype=object)[row],
        "task": task,
        "method": method,
        "position": place.astype(np.int32),
        "offset": (place - window // 2).astype(np.int32),
        "nucleotide": LETTERS[codes[row, place]].view("S1").astype("U1"),
        "attribution": attribution.nucleotides[row, place],
    }
    frame |= {base: attribution.contributions[row, at, place] for at, base in enumerate(ALPHABET)}
    return pd.DataFrame(frame)[column_names("attributions")]


def check_table(
    attribution: Attribution, names: list[str], task: str, method: str, agreements: np.ndarray | None = None
) -> pd.DataFrame:
    """One row per window: what the contributions sum to and should sum to.

    Returns
    -------
    pandas.DataFrame
        Table ``attribution_checks``; ``agreement`` is NaN unless given.
    """
    return pd.DataFrame(
        {
            "window": names,
            "task": task,
            "method": method,
            "logit": attribution.logits,
            "baseline_logit": attribution.baseline_logits,
            "total": attribution.contributions.sum(axis=(1, 2), dtype=np.float64),
            "error": attribution.errors,
            "steps": attribution.steps,
            "complete": attribution.complete,
            "agreement": np.nan if agreements is None else agreements,
        }
    )[column_names("attribution_checks")]


def attribute_windows(
    folder: str | Path,
    task: str | None,
    windows: str | Path,
    *,
    method: str = "integrated_gradients",
    compare: bool = False,
    limit: int | None = None,
    device: str = "auto",
    warn: Callable[[str], None] = print,
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Attributions of a file's windows, some hundred at a time, in the file's order.

    Parameters
    ----------
    folder : path-like
        A model directory.
    task : str or None
        None for the only task.
    windows : path-like
        FASTA or one sequence per line, plain or gzipped, DNA or RNA; or Parquet with columns ``window`` and
        ``sequence`` (the *windows* or *splits* border). A sequence of another length than the model's window is centred
        in it: cut at both ends or padded with N, which is said. Windows without the task's motif in the middle are left
        out, which is said, too.
    method : {"integrated_gradients", "mutagenesis"}
    compare : bool
        Compute the other method, too, and note the agreement of the two.
    limit : int, optional
        At most so many windows, from the top of the file.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    warn : callable

    Yields
    ------
    nucleotides : pandas.DataFrame
        See :func:`nucleotide_table`.
    checks : pandas.DataFrame
        See :func:`check_table`.

    Raises
    ------
    InputError
        If the folder is no sound model directory, the model lacks the task, the method is unknown, or the file holds
        no sequence of the task.
    """
    check_method(method)
    if limit is not None and limit < 1:
        raise InputError("the number of windows must be at least 1", value=limit)
    loaded, config = load_model(folder)
    asked = find_task(config.tasks, task)
    task = asked.name
    where = pick_device(device)
    other = METHODS[1 - METHODS.index(method)]
    refitted = others = kept = 0
    for names, sequences in _windows_of(windows, limit):
        refitted += sum(len(sequence) != config.window for sequence in sequences)
        codes = np.stack([fit_to_window(encode(sequence), config.window) for sequence in sequences])
        fits = fits_task(codes, asked)
        kept, others = kept + int(fits.sum()), others + int((~fits).sum())
        if not fits.any():
            continue
        codes, names = codes[fits], [name for name, fit in zip(names, fits, strict=True) if fit]
        attribution = attribute(loaded, codes, task, method, device=where, warn=warn)
        agreements = None
        if compare:
            theirs = attribute(loaded, codes, task, other, device=where, warn=warn)
            agreements = agreement(attribution.nucleotides, theirs.nucleotides)
        yield (
            nucleotide_table(attribution, codes, names, task, method),
            check_table(attribution, names, task, method, agreements),
        )
    if not kept:
        raise InputError(
            f"no window has {asked.place[0]} around the middle, as sites of {task} have", path=windows, value=others
        )
    source = shown(windows)
    if beside := beside_networks(loaded):
        warn(beside)
    if others:
        warn(f"{source}: {others} windows do not have {asked.place[0]} around the middle: no attribution for {task}")
    if refitted:
        warn(f"{source}: {refitted} windows are not {config.window} nt long and were cut or padded around the centre")


def _windows_of(path: str | Path, limit: int | None) -> Iterator[tuple[list[str], list[str]]]:
    if Path(path).suffix == ".parquet":
        frame, _ = read_parquet(path, ["window", "sequence"])
        frame = frame[:limit]
        if frame.empty:
            raise InputError("the file holds no window", path=path, remedy="give another file")
        for start in range(0, len(frame), _FILE_CHUNK):
            chunk = frame.iloc[start : start + _FILE_CHUNK]
            yield chunk["window"].astype(str).tolist(), chunk["sequence"].tolist()
        return
    left = limit
    for records in in_chunks(read_records(path), _FILE_CHUNK):
        records = records[:left]
        yield (
            [(record.header.split() or [f"line{record.line}"])[0] for record in records],
            [record.sequence for record in records],
        )
        if left is not None:
            left -= len(records)
            if left <= 0:
                return


def write_attributions(
    chunks: Iterator[tuple[pd.DataFrame, pd.DataFrame]], nucleotides: str | Path, checks: str | Path
) -> None:
    """Write what :func:`attribute_windows` yields as it comes, atomically.

    Parameters
    ----------
    chunks : iterator
    nucleotides : path-like
        Parquet, or tab-separated text for another ending; gzipped if it ends in ``.gz``.
    checks : path-like
        Tab-separated text.
    """
    collected = []
    if Path(nucleotides).suffix == ".parquet":
        first = next(chunks)
        schema = pa.Table.from_pandas(first[0], preserve_index=False).schema
        with open_parquet_writer(nucleotides, schema) as writer:
            for frame, check in chain([first], chunks):
                writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))
                collected.append(check)
    else:
        with write_text(nucleotides) as handle:
            for index, (frame, check) in enumerate(chunks):
                frame.to_csv(handle, header=index == 0, float_format="%.6g", **TSV)
                collected.append(check)
    write_tsv(pd.concat(collected, ignore_index=True), checks)
