"""What scores the bases of sequences, in whatever way, and windows scored by it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..evaluation.calibration import Calibration
from ..models.directory import ModelConfig
from ..sequences import distinct
from .lookup import SPAN

ByTask = Mapping[str, np.ndarray]
"""An array for each task."""


class Scores(NamedTuple):
    """Of each task's bases, in their order: ``logits``, shape (n,), natural-log odds as trained, and ``weights``, shape
    (n, n_kmers), attention to k-mers, mean over the networks; rows sum to 1, and k-mer i begins at nt i of the middle
    of the window that the networks read."""

    logits: dict[str, np.ndarray]
    weights: dict[str, np.ndarray] | None


class Engine(ABC):
    """What scores the bases of sequences.

    Attributes
    ----------
    width : int
        Nucleotides that a logit depends on; odd, the base in the middle.
    reads : str
        What is read of places: nothing, ``ends`` or ``exons``, see :data:`rnamarks.sites.gene_structure.WIDTHS`.
    pause : callable
        Called between batches, by default nothing: what it raises ends the work.
    """

    width: int
    reads: str = ""
    pause: Callable[[], None] = staticmethod(lambda: None)

    @abstractmethod
    def score(
        self, codes: np.ndarray, sites: ByTask, *, attend: bool = False, structure: ByTask | None = None
    ) -> Scores:
        """Logits of bases of laid-out sequences.

        Parameters
        ----------
        codes : numpy.ndarray, shape=(n_nt,), dtype=uint8
            Sequences with at least ``width // 2`` codes of 4 around each; see :class:`rnamarks.sites.windows.Laid`.
        sites : mapping of str to numpy.ndarray, dtype=int64
            Task to ascending indices into ``codes``.
        attend : bool
            Give attention, too, if there is any.
        structure : mapping of str to numpy.ndarray, shape=(n, WIDTHS[reads]), dtype=float32, optional
            Of engines that read places, task to those of its bases.
        """

    def score_windows(self, codes: np.ndarray, rows: ByTask, structure: ByTask | None = None) -> dict[str, np.ndarray]:
        """Logits of windows, shape (n, ``width``), the base in the middle; of each task those of its rows, with the
        structure of these."""
        middles = {task: at * self.width + self.width // 2 for task, at in rows.items()}
        return self.score(np.ascontiguousarray(codes).ravel(), middles, structure=structure).logits


class Loaded(NamedTuple):
    """A model directory, ready to scan: ``engine``; ``config``; ``calibration``, task to constants, of the mode."""

    engine: Engine
    config: ModelConfig
    calibration: dict[str, Calibration]


def score_each(engine: Engine, windows: ByTask, structure: ByTask | None = None) -> dict[str, np.ndarray]:
    """Logits of windows for one task each; a window that several tasks have is computed once.

    Parameters
    ----------
    engine : Engine
    windows : mapping of str to numpy.ndarray, shape=(n, at least ``engine.width``), dtype=uint8
        By task, all of one width, the base in the middle.
    structure : mapping of str to numpy.ndarray, shape=(n, WIDTHS[reads]), dtype=float32, optional
        Of engines that read places.

    Returns
    -------
    dict of str to numpy.ndarray, shape=(n,), dtype=float32
    """
    width = engine.width
    surplus = next(iter(windows.values())).shape[1] - width
    if surplus < 0 or surplus % 2:
        raise ValueError(f"windows of {surplus + width} nt have no middle {width} nt")
    cut = {task: codes[:, surplus // 2 : surplus // 2 + width] for task, codes in windows.items() if len(codes)}
    logits = dict.fromkeys(windows, np.zeros(0, dtype=np.float32))
    if engine.reads:
        for task, codes in cut.items():
            logits[task] = _score_placed(engine, task, codes, None if structure is None else structure[task])
        return logits
    for base in {int(codes[0, width // 2]) for codes in cut.values()}:
        tasks = [task for task, codes in cut.items() if codes[0, width // 2] == base]
        together = np.concatenate([cut[task] for task in tasks])
        first, place = distinct(together)
        rows = dict(zip(tasks, np.split(place, np.cumsum([len(cut[task]) for task in tasks])[:-1]), strict=True))
        found = {task: np.empty(len(first), dtype=np.float32) for task in tasks}
        for start in range(0, len(first), SPAN):
            part = together[first[start : start + SPAN]]
            own = {task: np.unique(at[(at >= start) & (at < start + len(part))]) - start for task, at in rows.items()}
            for task, values in engine.score_windows(part, own).items():
                found[task][start + own[task]] = values
        logits |= {task: found[task][at] for task, at in rows.items()}
    return logits


def _score_placed(engine: Engine, task: str, codes: np.ndarray, structure: np.ndarray | None) -> np.ndarray:
    """Logits of windows of one task, each with a structure of its own."""
    found = np.empty(len(codes), dtype=np.float32)
    for start in range(0, len(codes), SPAN):
        part = slice(start, start + SPAN)
        rows = {task: np.arange(len(codes[part]))}
        given = None if structure is None else {task: structure[part]}
        found[part] = engine.score_windows(codes[part], rows, given)[task]
    return found


def needs_structure() -> InputError:
    """What is said where a model that reads exon positions is given none."""
    return InputError(
        "the model judges bases by the exons of their transcript, and the sequences come without",
        remedy="give --annotation (GTF or GFF3), with --genome or with transcripts it names, or choose a model without "
        "gene structure, such as m6a",
    )
