"""A model whose trees judge a base by more than its window, as the engine of a scan, around the networks themselves.

The logits of a base's neighbours are computed beside its own, so an engine reads as much further to either side, and
where it stands among exons is handed over by whoever knows the transcripts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..models.combiner import Combiner, combine
from ..sites.gene_structure import FAR, WIDTHS
from ..tasks import Task
from .bases import find_sites
from .engine import ByTask, Engine, Scores, needs_structure


class CombinedEngine(Engine):
    """Combiners of the logits of another engine, as an :class:`rnamarks.prediction.engine.Engine`.

    Parameters
    ----------
    inner : Engine
    tasks : sequence of Task
    combiners : mapping of str to Combiner
        By task, all of one kind.

    Attributes
    ----------
    inner : Engine
    reads : str
        See :data:`rnamarks.sites.gene_structure.WIDTHS`.
    """

    def __init__(self, inner: Engine, tasks: Sequence[Task], combiners: Mapping[str, Combiner]) -> None:
        self.inner, self._combiners = inner, dict(combiners)
        self._tasks = {task.name: task for task in tasks}
        settings = next(iter(self._combiners.values())).settings
        self.reads = settings.reads
        self.width = max(inner.width + 2 * settings.neighbours, 2 * settings.reach + 1)

    @property
    def pause(self) -> Callable[[], None]:
        """See :class:`rnamarks.prediction.engine.Engine`: that of the engine within."""
        return self.inner.pause

    @pause.setter
    def pause(self, pause: Callable[[], None]) -> None:
        self.inner.pause = pause

    def score(
        self, codes: np.ndarray, sites: ByTask, *, attend: bool = False, structure: ByTask | None = None
    ) -> Scores:
        """See :meth:`rnamarks.prediction.engine.Engine.score`; there is no attention."""
        if self.reads == "exons" and structure is None:
            raise needs_structure()
        if self.reads and structure is None:
            # windows whose place is not known
            structure = {name: unknown_places(self.reads, len(at)) for name, at in sites.items()}
        logits = {}
        for name, at in sites.items():
            combiner = self._combiners[name]
            others = within_reach(codes, self._tasks[name], at, combiner.settings.neighbours)
            inner = self.inner.score(codes, dict.fromkeys(combiner.heads, others)).logits
            place = None if structure is None else structure[name]
            read = [inner[head] for head in combiner.heads]
            logits[name] = combiner.logit(combine(combiner.settings, codes, at, others, read, place))
        return Scores(logits, None)


def unknown_places(reads: str, n: int) -> np.ndarray:
    """Features of n bases whose sequence is not known whole; shape=(n, WIDTHS[reads]), dtype=float32."""
    return np.full((n, WIDTHS[reads]), FAR, dtype=np.float32)


def within_reach(codes: np.ndarray, task: Task, at: np.ndarray, reach: int) -> np.ndarray:
    """Bases asked about and others of the task near them.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_nt,), dtype=uint8
    task : Task
    at : numpy.ndarray, dtype=int64
        Ascending indices into ``codes``.
    reach : int
        nt; 0 for none but those asked about.

    Returns
    -------
    numpy.ndarray, dtype=int64
        Ascending.
    """
    if not reach or not len(at):
        return at
    every = find_sites(codes, task)
    behind = at[np.minimum(np.searchsorted(at, every), len(at) - 1)]
    before = at[np.maximum(np.searchsorted(at, every, side="right") - 1, 0)]
    near = np.minimum(np.abs(behind - every), np.abs(before - every)) <= reach
    return np.union1d(at, every[near])
