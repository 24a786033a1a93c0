"""Windows around nucleotides that are taken as unmodified, drawn from sequences, and which of them a model has seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..dictionary import column_names
from ..sequences import encode, encode_windows
from ..sites.gene_structure import WIDTHS, GeneStructure, Places, SequenceEnds
from ..sites.labelling import listed_positions
from ..sites.window_formats import labelled_windows
from ..sites.windows import cut_windows
from ..tables import read_parquet, read_tsv
from ..tasks import Task
from .bases import find_sites

Placed = Callable[[np.ndarray], np.ndarray]
"""Structure of the gene at 0-based positions of a sequence, shape (n, len(FEATURES)), dtype=float32."""
Sequences = Iterable[tuple[str, np.ndarray, Collection[str] | None, Placed | None]]
"""Names, codes, the tasks that a sequence is unmodified for (None: all), and where its nt lie (None: unknown)."""


class Drawn(NamedTuple):
    """Windows around nucleotides: ``codes``, shape (n, width), dtype=uint8, and what the model reads of their places,
    ``structure``, shape (n, WIDTHS[reads]), dtype=float32."""

    codes: np.ndarray
    structure: np.ndarray

    def keep(self, rows: np.ndarray | slice) -> Drawn:
        """Some of the windows."""
        return Drawn(self.codes[rows], self.structure[rows])


class Seen:
    """What of the split windows a null must not hold: every training window, and each task's positives.

    Parameters
    ----------
    splits : mapping of task to path
        Borders **splits**.
    scheme : str

    Attributes
    ----------
    genes : dict of str to set of str
        Task to the genes of its training windows.
    """

    def __init__(self, splits: Mapping[str, str | Path], scheme: str) -> None:
        trained, positives, genes = [], {}, {}
        for task, path in splits.items():
            frame, _ = read_parquet(path, ["sequence", "label", "gene", scheme])
            training = frame[frame[scheme] == "train"]
            if len(training):
                trained.append(encode_windows(training["sequence"]))
            positives[task] = encode_windows(frame.loc[frame["label"] == 1, "sequence"])
            genes[task] = set(training["gene"]) - {""}
        self.genes = genes
        self._trained = _rows(np.concatenate(trained)) if trained else np.zeros(0, dtype="V1")
        self._positives = {task: _rows(codes) for task, codes in positives.items()}

    def new(self, codes: np.ndarray, task: str) -> np.ndarray:
        """Which windows, shape (n, width), are neither a training window nor a positive of the task."""
        rows = _rows(codes)
        seen = np.zeros(len(rows), dtype=bool)
        for known in (self._trained, self._positives[task]):
            # rows of nothing have no width that could be compared
            seen |= np.isin(rows, known) if len(rows) and len(known) else False
        return ~seen


def _rows(codes: np.ndarray) -> np.ndarray:
    """Each window as one value that can be compared."""
    codes = np.ascontiguousarray(codes)
    return codes.view([("", codes.dtype, codes.shape[1])]).ravel() if codes.size else np.zeros(0, dtype="V1")


def negative_sequences(files: Sequence[Mapping[str, Any]]) -> Sequences:
    """Whole negative windows of window files, uncropped: their flanks hold further unmodified nucleotides.

    Parameters
    ----------
    files : sequence of mappings
        ``file``, ``format``, ``label`` (0, or None where the file tells); ``tasks`` where it is not for all.
    """
    for entry in files:
        for record in labelled_windows(entry):
            if record.label == 0:
                yield f"{Path(entry['file']).name}:{record.line}", encode(record.sequence), entry.get("tasks"), None


def unlisted_sequences(
    transcripts: Mapping[str, str | Path],
    sites: Mapping[str, Sequence[str | Path]],
    tasks: Sequence[Task],
    genes: Mapping[str, Collection[str]],
    known: dict[str, dict[str, np.ndarray]],
) -> Sequences:
    """Transcripts, some of whose nucleotides are listed as modified.

    Parameters
    ----------
    transcripts : mapping of task to path
        Borders **transcripts**.
    sites : mapping of task to sequence of paths
        The site tables that name nucleotides modified in the task's way.
    tasks : sequence of Task
    genes : mapping of task to collection of str
        The transcripts of these genes are left out; names of genes are those of the task's species.
    known : dict
        Filled, before the sequences of a table come: task to transcript to 0-based positions listed.
    """
    for path in dict.fromkeys(transcripts.values()):
        asked = [task for task in tasks if transcripts[task.name] == path]
        table, _ = read_parquet(path, column_names("transcripts"))
        left_out = set().union(*(genes.get(task.name, ()) for task in tasks if task.species == asked[0].species))
        table = table[~table["gene"].isin(left_out)].reset_index(drop=True)
        for task in asked:
            lists = [
                read_tsv(file, column_names("sites"), dtype={"chrom": str, "source": str})[0]
                for file in sites[task.name]
            ]
            known[task.name] = listed_positions(table, lists, *task.place)
        names = [task.name for task in asked]
        structure = GeneStructure(table)
        for row, (name, text) in enumerate(zip(table["transcript"], table["sequence"], strict=True)):
            yield name, encode(text), names, partial(_places, structure, row) if structure.known[row] else None


def _places(structure: Places, row: int, at: np.ndarray) -> np.ndarray:
    return structure.features(np.full(len(at), row), at)


def draw_unmodified(
    sequences: Sequences,
    tasks: Sequence[Task],
    width: int,
    n: int,
    seed: int,
    known: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    reads: str = "",
) -> dict[str, Drawn]:
    """Windows of nucleotides that fit each task and are not known to be modified, drawn evenly from sequences.

    Parameters
    ----------
    sequences : iterable
        See :data:`Sequences`; read once.
    tasks : sequence of Task
    width : int
        Of the windows, odd.
    n : int
        Windows wanted of each task; fewer where the sequences have fewer.
    seed : int
    known : mapping of str to mapping of str to array, optional
        Task to name to 0-based positions that are left out.
    reads : str
        What windows come with of their places, see :data:`rnamarks.sites.gene_structure.WIDTHS`; of ``exons``,
        sequences without are left out.

    Returns
    -------
    dict of str to Drawn
        Up to n windows each, in no particular order.

    Notes
    -----
    Memory is that of twice the windows wanted: each nucleotide gets a random number, and those with the smallest are
    kept. The number is the same for all tasks, so that tasks of one kind of base share most of their windows, which a
    model then computes once.
    """
    rng = np.random.default_rng(seed)
    none = Drawn(np.zeros((0, width), dtype=np.uint8), np.zeros((0, WIDTHS[reads]), dtype=np.float32))
    kept = {task.name: (np.zeros(0), none) for task in tasks}
    for name, codes, only, places in sequences:
        lots = rng.random(len(codes))
        if reads == "exons" and places is None:
            continue
        if reads == "ends":
            places = partial(_places, SequenceEnds(np.array([len(codes)]), lambda _, codes=codes: codes), 0)
        for task in tasks:
            if only is not None and task.name not in only:
                continue
            at = np.setdiff1d(find_sites(codes, task), (known or {}).get(task.name, {}).get(name, ()))
            numbers, drawn = kept[task.name]
            if len(numbers) >= n:
                at = at[lots[at] < numbers[n - 1]]
            if len(at):
                numbers = np.concatenate([numbers, lots[at]])
                order = np.argsort(numbers)[:n]
                own = places(at) if reads else np.zeros((len(at), 0), dtype=np.float32)
                both = zip(drawn, (cut_windows(codes, at, width), own), strict=True)
                kept[task.name] = numbers[order], Drawn(*map(np.concatenate, both)).keep(order)
    return {name: drawn for name, (_, drawn) in kept.items()}
