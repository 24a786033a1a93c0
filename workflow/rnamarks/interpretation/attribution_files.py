"""Attributions of the windows of a file, as tables: letters, and what they sum to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InputError
from ..files import atomic_path, write_text
from ..models.checkpoint import load_model, require_head
from ..prediction.score import fit_to_window, in_chunks, pick_device
from ..sequences import ALPHABET, LETTERS, UNKNOWN, encode, read_records
from ..tables import read_parquet, write_tsv
from .attribution import Attribution, agreement, integrated_gradients, mutagenesis

METHODS = ("integrated_gradients", "mutagenesis")
OPTIONS = ("baseline", "references", "steps", "most_steps", "tolerance", "strict", "seed")
"""Of :func:`rnamarks.interpretation.attribution.integrated_gradients`, by way of :func:`attribute_windows`."""
_FILE_CHUNK = 256

LETTER_COLUMNS = ["window", "head", "method", "position", "offset", "letter", "attribution", *ALPHABET]
CHECK_COLUMNS = [
    "window",
    "head",
    "method",
    "baseline",
    "logit",
    "baseline_logit",
    "total",
    "error",
    "steps",
    "complete",
    "agreement",
]


def letter_table(attribution: Attribution, codes: np.ndarray, names: list[str], head: str, method: str) -> pd.DataFrame:
    """One row per window and position that holds a letter; positions with N are left out.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`LETTER_COLUMNS`: ``position`` 1-based in the window, ``offset`` from its centre (the site),
        ``letter`` RNA, ``attribution`` and ``A`` to ``U`` as ``letters`` and ``contributions`` of
        :class:`~rnamarks.interpretation.attribution.Attribution`.
    """
    window = codes.shape[1]
    row, place = np.nonzero(codes < UNKNOWN)
    frame = {
        "window": np.asarray(names, dtype=object)[row],
        "head": head,
        "method": method,
        "position": (place + 1).astype(np.int32),
        "offset": (place - window // 2).astype(np.int32),
        "letter": LETTERS[codes[row, place]].view("S1").astype("U1"),
        "attribution": attribution.letters[row, place],
    }
    frame |= {base: attribution.contributions[row, at, place] for at, base in enumerate(ALPHABET)}
    return pd.DataFrame(frame)[LETTER_COLUMNS]


def check_table(
    attribution: Attribution,
    names: list[str],
    head: str,
    method: str,
    baseline: str,
    agreements: np.ndarray | None = None,
) -> pd.DataFrame:
    """One row per window: what the contributions sum to and should sum to.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`CHECK_COLUMNS`; ``agreement`` is NaN unless given.
    """
    return pd.DataFrame(
        {
            "window": names,
            "head": head,
            "method": method,
            "baseline": baseline,
            "logit": attribution.logits,
            "baseline_logit": attribution.baseline_logits,
            "total": attribution.contributions.sum(axis=(1, 2), dtype=np.float64),
            "error": attribution.errors,
            "steps": attribution.steps,
            "complete": attribution.complete,
            "agreement": np.nan if agreements is None else agreements,
        }
    )[CHECK_COLUMNS]


def attribute_windows(
    folder: str | Path,
    head: str,
    windows: str | Path,
    *,
    method: str = "integrated_gradients",
    compare: bool = False,
    limit: int | None = None,
    rows: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    warn: Callable[[str], None] = print,
    **options: object,
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Attributions of a file's windows, some hundred at a time, in the file's order.

    Parameters
    ----------
    folder : path-like
        A model directory.
    head : str
    windows : path-like
        FASTA or one sequence per line, plain or gzipped, DNA or RNA; or Parquet with columns ``window`` and
        ``sequence`` (the *windows* or *splits* border). A sequence of another length than the model's window is centred
        in it: cut at both ends or padded with N, which is said.
    method : {"integrated_gradients", "mutagenesis"}
    compare : bool
        Compute the other method, too, and note the agreement of the two.
    limit : int, optional
        At most so many windows, from the top of the file.
    rows : callable, optional
        Chooses and orders the rows of a Parquet file before the limit.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    batch_size : int, optional
    warn : callable
    **options
        :data:`OPTIONS`.

    Yields
    ------
    letters : pandas.DataFrame
        See :func:`letter_table`.
    checks : pandas.DataFrame
        See :func:`check_table`.

    Raises
    ------
    InputError
        If the folder is no sound model directory, the model lacks the head, the method is unknown, or the file holds
        no sequence.
    """
    if method not in METHODS:
        raise InputError("no such method of attribution", value=method, remedy=f"choose one of {', '.join(METHODS)}")
    for name in options:
        if name not in OPTIONS:
            raise InputError("attribution has no such option", value=name, remedy=f"it has {', '.join(OPTIONS)}")
    if limit is not None and limit < 1:
        raise InputError("the number of windows must be at least 1", value=limit)
    loaded, config = load_model(folder)
    require_head(config, head)
    # of a stack the networks alone: k-mer baselines have no gradients
    model = loaded.networks
    where = pick_device(device)
    shared = {"batch_size": batch_size, "device": where}

    def run(name: str, codes: np.ndarray) -> Attribution:
        if name == "mutagenesis":
            return mutagenesis(model, codes, head, **shared)
        return integrated_gradients(model, codes, head, warn=warn, **shared, **options)

    other = METHODS[1 - METHODS.index(method)]
    baseline = str(options.get("baseline", "uniform")) if method == "integrated_gradients" else ""
    refitted = 0
    for names, sequences in _windows_of(windows, limit, rows):
        refitted += sum(len(sequence) != config.window for sequence in sequences)
        codes = np.stack([fit_to_window(encode(sequence), config.window) for sequence in sequences])
        attribution = run(method, codes)
        agreements = agreement(attribution, run(other, codes)) if compare else None
        yield (
            letter_table(attribution, codes, names, head, method),
            check_table(attribution, names, head, method, baseline, agreements),
        )
    if refitted:
        warn(f"{windows}: {refitted} windows are not {config.window} nt long and were cut or padded around the centre")


def _windows_of(
    path: str | Path, limit: int | None, rows: Callable[[pd.DataFrame], pd.DataFrame] | None
) -> Iterator[tuple[list[str], list[str]]]:
    if Path(path).suffix == ".parquet":
        frame, _ = read_parquet(path, ["window", "sequence"])
        frame = (rows(frame) if rows else frame)[:limit]
        if frame.empty:
            raise InputError("no window is left to attribute", path=path, remedy="choose another part or label")
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


def choose_windows(split: str, parts: list[str], label: int | None) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A chooser for :func:`attribute_windows`: rows of some parts of a split with one label, in the file's order.

    Parameters
    ----------
    split : str
        Column that names the parts; ``""`` takes all.
    parts : list of str
    label : int or None
        None takes both labels.
    """

    def choose(frame: pd.DataFrame) -> pd.DataFrame:
        for column in ([split] if split else []) + (["label"] if label is not None else []):
            if column not in frame.columns:
                raise InputError("the windows lack a column", value=column, remedy="give a table of the splits border")
        kept = np.ones(len(frame), dtype=bool)
        if split:
            kept &= frame[split].isin(parts).to_numpy()
        if label is not None:
            kept &= (frame["label"] == label).to_numpy()
        return frame[kept]

    return choose


def write_attributions(
    chunks: Iterator[tuple[pd.DataFrame, pd.DataFrame]], letters: str | Path, checks: str | Path
) -> None:
    """Write what :func:`attribute_windows` yields as it comes, atomically.

    Parameters
    ----------
    chunks : iterator
    letters : path-like
        Parquet, or tab-separated text for another ending; gzipped if it ends in ``.gz``.
    checks : path-like
        Tab-separated text.
    """
    collected = []
    if Path(letters).suffix == ".parquet":
        with atomic_path(letters) as part:
            writer = None
            try:
                for frame, check in chunks:
                    table = pa.Table.from_pandas(frame, preserve_index=False)
                    writer = writer or pq.ParquetWriter(part, table.schema, compression="zstd")
                    writer.write_table(table)
                    collected.append(check)
            finally:
                if writer is not None:
                    writer.close()
    else:
        with write_text(letters) as handle:
            for index, (frame, check) in enumerate(chunks):
                frame.to_csv(handle, sep="\t", index=False, header=index == 0, lineterminator="\n", float_format="%.6g")
                collected.append(check)
    write_tsv(pd.concat(collected, ignore_index=True), checks)
