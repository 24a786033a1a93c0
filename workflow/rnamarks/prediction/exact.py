"""Logits of a window at every base, as the networks give them, but with less work.

Networks that read k-mers by an LSTM are rearranged (:mod:`rnamarks.prediction.lookup`); others are run as they are, in
batches, equal windows once. Ensembles and stacks are put together from their members as
:mod:`rnamarks.models.checkpoint` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from ..models.checkpoint import Ensemble, Stack
from ..models.inference import inference_form
from ..models.registry import Network
from ..sequences import UNKNOWN, distinct
from ..sites.windows import flank_of
from .engine import ByTask, Engine, Scores
from .lookup import SPAN, LookedUp, Part
from .score import BATCH_SIZES as PLAIN_BATCH_SIZES

BATCH_SIZES = {"cpu": 128, "cuda": 4096}


class ExactEngine(Engine):
    """The networks of a model, and its baselines where it is a stack, as an engine.

    Parameters
    ----------
    model : Ensemble or Stack
    window : int
        Width of the model's windows in nt, odd.
    device : str or torch.device
    batch_size : int, optional
        Windows at once; changes nothing beyond float rounding. Default :data:`BATCH_SIZES`.

    Attributes
    ----------
    attends : bool
        Whether there is attention to ask for.
    k, n_kmers : int
        Nucleotides of the k-mers that attention is given to, and their number.
    """

    def __init__(
        self, model: Ensemble | Stack, window: int, *, device: str | torch.device = "cpu", batch_size: int | None = None
    ) -> None:
        self._device = torch.device(device)
        self._window = window
        self._stack = model if isinstance(model, Stack) else None
        members = list(model.networks.members)
        self._members = [_arrange(member.eval().to(self._device), window, batch_size) for member in members]
        self.attends = all(member.attends for member in members)
        # baselines read the whole window
        self.width = window if self._stack else max(member.width for member in self._members)
        flank_of(self.width)
        self.k, self.n_kmers = self._members[0].k, self._members[0].n_kmers

    def score(
        self, codes: np.ndarray, sites: ByTask, *, attend: bool = False, structure: ByTask | None = None
    ) -> Scores:
        """See :meth:`~rnamarks.prediction.engine.Engine.score`."""
        logits = {task: np.zeros(len(at), dtype=np.float32) for task, at in sites.items()}
        weights = {task: np.zeros((0, self.n_kmers), dtype=np.float32) for task in sites}
        n_members = len(self._members)
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            for tasks, at, rows in _shared(codes, sites):
                total = np.zeros((len(at), len(tasks)), dtype=np.float32)
                given = np.zeros((*total.shape, self.n_kmers if attend else 0), dtype=np.float32)
                for member in self._members:
                    for part in member.run(codes, at, tasks, attend=attend):
                        self.pause()
                        total[part.rows] += part.logits
                        if attend:
                            given[part.rows] += part.weights
                for column, task in enumerate(tasks):
                    logits[task][:] = total[rows[task], column] / n_members
                    weights[task] = given[rows[task], column] / n_members
        if self._stack is not None:
            self._add_baselines(logits, codes, sites)
        return Scores(logits, weights if attend else None)

    def _add_baselines(self, logits: dict[str, np.ndarray], codes: np.ndarray, sites: ByTask) -> None:
        stack = self._stack
        for task, at in sites.items():
            weights = stack.weights[task]
            logits[task] *= weights[stack.network]
            for start in range(0, len(at), SPAN):
                windows = sliding_window_view(codes, self._window)[at[start : start + SPAN] - self._window // 2]
                self.pause()
                theirs = np.zeros(len(windows))
                for name, fitted in stack.baselines.items():
                    # one without weight need not be asked
                    if weights[name]:
                        theirs += weights[name] * fitted[task].logit(windows)
                logits[task][start : start + SPAN] += theirs.astype(np.float32)


def _shared(codes: np.ndarray, sites: ByTask) -> Iterator[tuple[list[str], np.ndarray, dict[str, np.ndarray]]]:
    """Tasks that are asked about the same kind of base, the bases that any of them is asked about, and for each task
    which of these are its own."""
    groups: dict[int, list[str]] = {}
    for task, at in sites.items():
        if len(at):
            groups.setdefault(int(codes[at[0]]), []).append(task)
    for tasks in groups.values():
        at = reduce(np.union1d, [sites[task] for task in tasks])
        yield tasks, at, {task: np.searchsorted(at, sites[task]) for task in tasks}


def _arrange(network: Network, window: int, batch_size: int | None) -> _Plain | LookedUp:
    kind = next(network.parameters()).device.type
    if network.looks_up:
        return LookedUp(network, batch_size or BATCH_SIZES[kind])
    return _Plain(network, window, batch_size or PLAIN_BATCH_SIZES[kind])


class _Plain:
    """A network called as it is or, on a CPU, in its faster form.

    Isoforms share most of their windows: each is computed once.
    """

    def __init__(self, network: Network, window: int, batch: int) -> None:
        self._device = next(network.parameters()).device
        self._columns = network.columns
        self._network = inference_form(network) if self._device.type == "cpu" else network
        self._window, self._batch = window, batch
        self.width = network.reads
        self.n_kmers = network.trunk.n_kmers if network.attends else 0
        self.k = self.width - self.n_kmers + 1 if network.attends else 0

    def run(self, codes: np.ndarray, at: np.ndarray, tasks: Sequence[str], *, attend: bool) -> Iterator[Part]:
        """Parts of the bases ``at``."""
        margin = (self._window - self.width) // 2
        windows = np.full((len(at), self._window), UNKNOWN, dtype=np.uint8)
        windows[:, margin : margin + self.width] = sliding_window_view(codes, self.width)[at - self.width // 2]
        first, place = distinct(windows)
        order = np.argsort(place, kind="stable")
        edges = np.searchsorted(place[order], np.arange(0, len(first) + self._batch, self._batch))
        columns = [self._columns[task] for task in tasks]
        for start, begin, end in zip(range(0, len(first), self._batch), edges, edges[1:], strict=False):
            given = torch.from_numpy(windows[first[start : start + self._batch]]).to(self._device)
            rows = order[begin:end]
            of = place[rows] - start
            if not attend:
                yield Part(rows, self._logits(given, tasks).float().cpu().numpy()[of], None)
                continue
            logits, weights = (found[:, columns].float().cpu().numpy() for found in self._network.explain_all(given))
            yield Part(rows, logits[of], weights[of])

    def _logits(self, windows: torch.Tensor, tasks: Sequence[str]) -> torch.Tensor:
        if len(tasks) == 1:
            return self._network(windows, tasks[0])[:, None]
        return self._network.forward_all(windows)[:, [self._columns[task] for task in tasks]]
