"""Published window files: sequences of one length with a label, read and joined into the table of a task."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..tasks import Task
from .drops import NOTE, Drops, Scope
from .modifications import IUPAC
from .window_formats import Labelled, labelled_windows

STAGE = "windows"
ALL_FILES = "all files"
_FEWEST, _MOST_APART = 50, 0.1
"""Windows of a label from which, and difference in how often their middles fit beyond which, files are refused."""

_INTERVAL = re.compile(r"(?:^|::|[\s|;=])([A-Za-z0-9_.]+):([0-9]+)-([0-9]+)(?:\(([+-])\))?(?=$|[\s|;])")


def read_task_windows(
    files: Sequence[Mapping[str, Any]],
    *,
    task: Task,
    width: int | None,
    negatives_per_positive: float | None = None,
    match_gc: bool = False,
    pad: bool = False,
    seed: int = 0,
) -> tuple[pd.DataFrame, Drops]:
    """Read and join the window files of one task.

    Where windows have their site in the middle (``task.centred``), longer ones of odd length are cut down around it,
    those whose middle is not the task's motif are dropped, then sequences with both labels, then all but the first copy
    of each sequence, across all files whatever split they came in. Each is counted. Of files that hold several
    modifications the nucleotides with the task's base count, and those with another modification as unmodified.

    Parameters
    ----------
    files : sequence of mappings
        Each with ``file`` (path; plain or gzipped, DNA or RNA letters in either case), ``format`` (a name in
        :data:`~rnamarks.sites.window_formats.WINDOW_FORMATS`), ``label`` (1, 0, or None where the file tells) and
        ``given`` (``train``, ``valid``, ``test`` or ``""``: how the data came split); ``codes`` where the format
        needs them.
    task : Task
    width : int or None
        Length in nt that every window must have; None for that of each file's first.
    negatives_per_positive : float, optional
        Of centred windows: of more negatives than this, a random choice stays.
    match_gc : bool
        Of centred windows: of each number of G and C, as many positives and negatives stay, at random, as the rarer
        label has; negatives ``negatives_per_positive`` times as many, by default as many.
    pad : bool
        Whether centred windows shorter than ``width`` get N on both sides, instead of being refused.
    seed : int
        Of these choices.

    Returns
    -------
    windows : pandas.DataFrame
        Table ``windows``. ``window`` is ``<task>:<split>:<p or n><number>``, numbered from 1 by label in
        the order of the files. Where a header holds ``chrom:start-end(strand)`` as long as the window (0-based
        half-open, or 1-based closed), ``genome_start`` and ``genome_end`` hold the site, else -1.
    drops : Drops
        Stage ``windows``, by file.

    Raises
    ------
    InputError
        If a file cannot be used, lengths differ, all windows have one label, or the windows of one label have the
        task's base in the middle much more often than those of the other: a model would learn that.
    """
    drops = Drops()
    tables = [read_windows(entry, task=task, width=width, drops=drops, pad=pad) for entry in files]
    windows = pd.concat(tables, ignore_index=True)
    if task.centred:
        _check_centres(windows, task, files[0]["file"])
        windows = _clean(windows, task, drops)
        chosen = np.random.default_rng([seed, zlib.crc32(task.name.encode())])
        windows = _draw(windows, task, drops, negatives_per_positive, match_gc, chosen)
    windows.insert(0, "window", "")
    for split, rows in windows.groupby("given", sort=False).indices.items():
        windows.loc[rows, "window"] = _ids(task.name, split, windows["label"].to_numpy()[rows])
    if windows["label"].nunique() < 2:
        present, absent = ("modified", "unmodified") if windows["label"].any() else ("unmodified", "modified")
        raise InputError(
            f"{task.name} has {len(windows)} {present} windows and no {absent} one",
            path=files[0]["file"],
            remedy="give both",
        )
    return windows, drops


def read_windows(
    entry: Mapping[str, Any], *, task: Task, width: int | None, drops: Drops, pad: bool = False
) -> pd.DataFrame:
    """Read one file of a task; parameters and columns, the first left out, are those of :func:`read_task_windows`."""
    path, split = entry["file"], entry["given"]
    if split not in {"train", "valid", "test", ""}:
        raise InputError("no such split", value=split, remedy='choose train, valid, test or ""')
    records = list(labelled_windows(entry))
    if not records:
        raise InputError("the file holds no window", path=path, remedy="fetch it again, or leave it out of the sheet")
    scope = drops.scope(STAGE, task.name, Path(path).name)
    records = _asked(records, task, scope, path)
    width = width or len(records[0].sequence)
    if task.centred and width % 2 == 0:
        raise InputError(
            "a window needs a middle",
            path=path,
            value=width,
            remedy="give windows of odd length, with the site in the middle",
        )
    for record in records:
        if not (pad and task.centred and len(record.sequence) < width and len(record.sequence) % 2):
            _check_length(record, width, task.centred, path)
    lengths = [len(record.sequence) for record in records]
    # of what the header says, the site is where it was before cropping
    places = [_place(record.header, length) for record, length in zip(records, lengths, strict=True)]
    start = np.array([place[1] for place in places], dtype=np.int64)
    frame = pd.DataFrame(
        {
            "task": task.name,
            "species": task.species,
            "modification": task.modification,
            "sequence": [
                # of odd lengths, so that the same number is lacking on both sides
                _middle(record.sequence, width) if len(record.sequence) >= width else record.sequence.center(width, "N")
                for record in records
            ],
            "label": np.array([record.label for record in records], dtype=np.int64),
            "chrom": [place[0] for place in places],
            "genome_start": start,
            "genome_end": np.where(start < 0, -1, start + 1),
            "strand": [place[2] for place in places],
            "transcript": "",
            "gene": [record.gene for record in records],
            "start": np.int64(-1),
            "end": np.int64(-1),
            "region": "unknown",
            "orthogroup": "",
            "support": np.int64(1),
            "given": split,
        },
        columns=column_names("windows", first="task"),
    )
    for length, number in sorted(Counter(lengths).items()):
        if length != width:
            scope.count(f"{NOTE}{'cropped' if length > width else 'padded'} from {length} nt", number)
    scope.count(f"{NOTE}duplicate sequence, kept", frame.duplicated(["sequence", "label"]).sum())
    return scope.kept(frame)


def _asked(records: list[Labelled], task: Task, scope: Scope, path: str | Path) -> list[Labelled]:
    """Of a file with several modifications the nucleotides that the task is about, labelled for it."""
    if records[0].modification is None:
        return records
    on_base = [record for record in records if record.sequence[len(record.sequence) // 2] == task.base]
    scope.count("another base", len(records) - len(on_base))
    if not on_base:
        raise InputError(f"no nucleotide of the file is {task.base}", path=path, remedy="check the task")
    return [record._replace(label=int(record.modification == task.modification)) for record in on_base]


def _check_centres(windows: pd.DataFrame, task: Task, path: str | Path) -> None:
    """Refuse windows of which one label is centred on the task's base and the other is not."""
    motif, offset = task.place
    bases = IUPAC[motif[offset]]
    on_base = windows["sequence"].str[len(windows["sequence"].iloc[0]) // 2].isin(list(bases))
    by_label = on_base.groupby(windows["label"]).agg(["mean", "size"])
    if len(by_label) == 2 and by_label["size"].min() >= _FEWEST and np.ptp(by_label["mean"]) > _MOST_APART:
        raise InputError(
            f"{task.name}: {by_label.at[1, 'mean']:.0%} of the modified windows and {by_label.at[0, 'mean']:.0%} of "
            f"the unmodified ones have {'/'.join(bases)} in the middle",
            path=path,
            remedy="give windows that are centred on the site, in both labels",
        )


def _clean(windows: pd.DataFrame, task: Task, drops: Drops) -> pd.DataFrame:
    motif, offset = task.place
    scope = drops.scope(STAGE, task.name, ALL_FILES)
    first = len(windows["sequence"].iloc[0]) // 2 - offset
    letters = windows["sequence"].str[first : first + len(motif)]
    pattern = "".join(f"[{IUPAC[letter]}]" for letter in motif)
    windows = scope.keep(windows, letters.str.fullmatch(pattern), f"no {motif} in place")
    classes = windows.groupby("sequence", sort=False)["label"].transform("nunique")
    windows = scope.keep(windows, classes == 1, "sequence with both labels")
    windows = scope.keep(windows, ~windows.duplicated("sequence"), "copy of an earlier sequence")
    if not len(windows):
        raise InputError(f"{task.name}: no window is left", value=motif, remedy="check motif and files, see the drops")
    return windows


def _draw(
    windows: pd.DataFrame, task: Task, drops: Drops, ratio: float | None, match_gc: bool, generator: np.random.Generator
) -> pd.DataFrame:
    """Of negatives beyond a number, and of what has no partner of its GC, a random choice stays."""
    scope = drops.scope(STAGE, task.name, ALL_FILES)
    label = windows["label"].to_numpy() == 1
    if match_gc:
        gc = windows["sequence"].str.count("[GC]").to_numpy()
        lot = generator.random(len(windows))
        # place of each window in a random order of those with its label and GC
        place = pd.Series(lot).groupby([label, gc]).rank(method="first").to_numpy()
        pairs = pd.crosstab(gc, label).reindex(columns=[False, True], fill_value=0)
        positives = np.minimum(pairs[True], (pairs[False] / (ratio or 1)).astype(int)).reindex(gc).to_numpy()
        stays = place <= np.where(label, positives, np.round(positives * (ratio or 1)))
        windows = scope.keep(windows, stays, "without a partner of the same GC")
    elif ratio is not None:
        stays = label.copy()
        stays[generator.permutation(np.flatnonzero(~label))[: round(ratio * int(label.sum()))]] = True
        windows = scope.keep(windows, stays, "negative beyond negatives_per_positive")
    return scope.kept(windows.reset_index(drop=True))


def _check_length(record: Labelled, width: int, centred: bool, path: str | Path) -> None:
    length = len(record.sequence)
    if length == width or (centred and length > width and length % 2 == 1 == width % 2):
        return
    remedy = "give windows of one length, or set the right width"
    if centred:
        remedy = "set a smaller width" if length < width else "give windows of odd length, with the site in the middle"
    raise InputError(
        f"the window has {length} nt and should have {width}{' or more' if centred else ''}",
        path=path,
        line=record.line,
        value=record.sequence,
        remedy=remedy,
    )


def _middle(sequence: str, width: int) -> str:
    """The middle of a sequence; both lengths even or both odd."""
    first = (len(sequence) - width) // 2
    return sequence[first : first + width]


def _ids(task: str, split: str, labels: np.ndarray) -> list[str]:
    numbers = np.where(labels == 1, np.cumsum(labels == 1), np.cumsum(labels == 0))
    split = split or "all"
    return [f"{task}:{split}:{'p' if label else 'n'}{number}" for label, number in zip(labels, numbers, strict=True)]


def _place(header: str, width: int) -> tuple[str, int, str]:
    """Chromosome, 0-based position of the middle, and strand from a header; ``("", -1, "")`` where it says none."""
    match = _INTERVAL.search(header) if header else None
    if match is None:
        return "", -1, ""
    chrom, first, last, strand = match[1], int(match[2]), int(match[3]), match[4] or ""
    if last - first + 1 == width and first > 0:
        first -= 1
    elif last - first != width:
        return "", -1, ""
    # the middle of an even window depends on the strand
    if not strand and width % 2 == 0:
        return chrom, -1, ""
    index = width // 2
    return chrom, first + (width - 1 - index if strand == "-" else index), strand
