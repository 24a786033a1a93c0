"""Unmodified bases that a null distribution is made of: which, and their windows.

The bases must be new to the model. A base of the training part scores lower than another that is just as unmodified,
and p-values from such bases would be too small.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..models.directory import read_config, write_config
from ..sequences import encode, encode_windows, read_records
from ..sites.labelling import listed_positions
from ..sites.site_tables import SITE_COLUMNS
from ..sites.transcripts import TRANSCRIPT_COLUMNS
from ..sites.window_files import WINDOW_FORMATS
from ..tables import read_parquet, read_tsv
from .exact import load_engine
from .scan import marks_of
from .significance import NULL, build_null, draw_unmodified, write_null

Sequences = Iterator[tuple[str, np.ndarray]]

_FEWEST = 100


class Seen:
    """What of the split windows a null must not hold: every training window, and each head's positives.

    Parameters
    ----------
    splits : mapping of head to path
        Borders **splits**.
    split : str
    """

    def __init__(self, splits: Mapping[str, str | Path], split: str) -> None:
        trained, positives, genes = [], {}, set()
        for head, path in splits.items():
            frame, _ = read_parquet(path, ["sequence", "label", "gene", split])
            training = frame[frame[split] == "train"]
            if len(training):
                trained.append(encode_windows(training["sequence"]))
            positives[head] = encode_windows(frame.loc[frame["label"] == 1, "sequence"])
            genes |= set(training["gene"]) - {""}
        self.genes = genes
        self._trained = _rows(np.concatenate(trained))
        self._positives = {head: _rows(codes) for head, codes in positives.items()}

    def new(self, codes: np.ndarray, head: str) -> np.ndarray:
        """Which windows, shape (n, width), are neither a training window nor a positive of the head."""
        rows = _rows(codes)
        return ~(np.isin(rows, self._trained) | np.isin(rows, self._positives[head]))


def _rows(codes: np.ndarray) -> np.ndarray:
    """Each window as one value that can be compared."""
    codes = np.ascontiguousarray(codes)
    return codes.view([("", codes.dtype, codes.shape[1])]).ravel() if codes.size else np.zeros(0, dtype="V1")


def negative_sequences(files: Sequence[Mapping[str, Any]]) -> Sequences:
    """Whole negative windows of window files, uncropped: their flanks hold further unmodified bases.

    Parameters
    ----------
    files : sequence of mappings
        ``file``, ``format``, ``label`` (0, or None where the file tells).
    """
    for entry in files:
        for record in WINDOW_FORMATS[entry["format"]](entry["file"], entry["label"]):
            if record.label == 0:
                yield f"{Path(entry['file']).name}:{record.line}", encode(record.sequence)


def unmodified_windows(
    folder: str | Path,
    splits: Mapping[str, str | Path],
    *,
    split: str,
    n: int,
    seed: int,
    files: Sequence[Mapping[str, Any]] = (),
    transcripts: str | Path | None = None,
    sites: Mapping[str, Sequence[str | Path]] | None = None,
) -> tuple[dict[str, np.ndarray], str]:
    """Windows around unmodified bases for every head of a model directory.

    Parameters
    ----------
    folder : path-like
        The model directory.
    splits : mapping of head to path
    split : str
        Split that the model was trained on.
    n : int
        Windows wanted of each head.
    seed : int
    files : sequence of mappings
        See :func:`negative_sequences`; either these or ``transcripts``.
    transcripts : path-like
        Border **transcripts**. Transcripts of genes with a training window are left out.
    sites : mapping of head to sequence of paths
        With ``transcripts``: the site tables that name modified bases of the head's kind.

    Returns
    -------
    windows : dict of head to numpy.ndarray, shape=(up to n, window), dtype=uint8
    source : str
        In words.

    Raises
    ------
    InputError
        If a head gets fewer than 100 windows.
    """
    config, _ = read_config(folder)
    seen = Seen(splits, split)
    marks = {mark.head: mark for mark in marks_of(config)}
    known: dict[str, dict[str, np.ndarray]] = {}
    if transcripts is None:
        sequences = list(negative_sequences(files))
        source = "bases of the unmodified windows of " + ", ".join(Path(entry["file"]).name for entry in files)
    else:
        table, _ = read_parquet(transcripts, TRANSCRIPT_COLUMNS)
        table = table[~table["gene"].isin(seen.genes)].reset_index(drop=True)
        for head, mark in marks.items():
            lists = [
                read_tsv(path, SITE_COLUMNS, dtype={"chrom": str, "source": str})[0] for path in (sites or {})[head]
            ]
            known[head] = listed_positions(table, lists, mark.motif, mark.offset)
        sequences = [(name, encode(text)) for name, text in zip(table["transcript"], table["sequence"], strict=True)]
        source = "bases of transcripts of genes without a training window that no list calls modified"
    # some of what is drawn is left out as seen
    drawn = draw_unmodified(
        sequences, {head: mark.find for head, mark in marks.items()}, config.window, 2 * n, seed, known
    )
    windows = {}
    for head, codes in drawn.items():
        windows[head] = codes[seen.new(codes, head)][:n]
        if len(windows[head]) < _FEWEST:
            raise InputError(
                f"only {len(windows[head])} unmodified bases were found for {head}",
                path=folder,
                remedy="give more sequences under marks.null",
            )
    return windows, source


def add_nulls(
    folder: str | Path,
    windows: Mapping[str, np.ndarray],
    *,
    source: str,
    device: str = "auto",
    batch_size: int | None = None,
) -> None:
    """Put the null distributions of each mode that a model directory has into it.

    Parameters
    ----------
    folder : path-like
    windows : mapping of str to numpy.ndarray, shape=(n, window), dtype=uint8
        Head to windows around bases taken as unmodified.
    source : str
        Which bases, in words.
    device, batch_size
        See :func:`rnamarks.prediction.exact.load_engine`.
    """
    config, _ = read_config(folder)
    for mode in ("exact", "fast") if config.student else ("exact",):
        loaded = load_engine(folder, mode, device=device, batch_size=batch_size)
        logits = {loaded.prefix + head: found for head, found in build_null(loaded.engine, windows).items()}
        write_null(folder, logits, source=source)


def replace_null(
    model: str | Path,
    background: str | Path,
    out: str | Path,
    *,
    n: int = 10_000,
    seed: int = 1,
    device: str = "auto",
    batch_size: int | None = None,
) -> dict[str, int]:
    """Copy a model directory, with a null distribution from the bases of other sequences, all taken as unmodified.

    Parameters
    ----------
    model : path-like
        A model of modifications.
    background : path-like
        FASTA of sequences like those to be scanned, but others: transcripts of the same kind of RNA, say. Modified
        bases among them make p larger, hence calls fewer.
    out : path-like
        Directory to make.
    n : int
        Bases wanted of each head.
    seed : int
    device, batch_size
        See :func:`rnamarks.prediction.exact.load_engine`.

    Returns
    -------
    dict of str to int
        Head to bases of its null.

    Raises
    ------
    InputError
        If ``out`` is there already, the model or the sequences are at fault, or a head gets fewer than 100 bases.
    """
    model, out = Path(model), Path(out)
    config, _ = read_config(model)
    if out.exists():
        raise InputError("the directory is there already", path=out, remedy="choose another --out")
    marks = {mark.head: mark for mark in marks_of(config, path=model)}
    sequences = ((record.header, encode(record.sequence)) for record in read_records(background))
    windows = draw_unmodified(sequences, {head: mark.find for head, mark in marks.items()}, config.window, n, seed)
    for head, codes in windows.items():
        if len(codes) < _FEWEST:
            raise InputError(
                f"only {len(codes)} bases fit {head}", path=background, remedy=f"give sequences with {_FEWEST} or more"
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        made = Path(shutil.copytree(model, Path(scratch) / "model", ignore=shutil.ignore_patterns(NULL)))
        config.null = {}
        write_config(made, config)
        source = f"bases of {Path(background).name}, all taken as unmodified"
        add_nulls(made, windows, source=source, device=device, batch_size=batch_size)
        made.rename(out)
    return {head: len(codes) for head, codes in windows.items()}
