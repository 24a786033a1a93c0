"""Logits of a window at every base, as the networks give them, but with less work.

Networks that read k-mers by an LSTM are rearranged (:mod:`rnamarks.prediction.lookup`); others are run as they are, in
batches, equal windows once. Ensembles and stacks are put together from their members as
:mod:`rnamarks.models.checkpoint` does.

What a scan needs of either mode is the protocol :class:`Engine`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from ..errors import InputError
from ..evaluation.calibration import Calibration
from ..models.checkpoint import Combined, Ensemble, Stack, load_model
from ..models.directory import STUDENT, ModelConfig, read_config, sidecar_settings
from ..models.inference import inference_form
from ..models.registry import Network
from ..models.student import Student, load_student
from ..sequences import UNKNOWN
from ..sites.windows import flank_of
from .fast import score_fast
from .lookup import SPAN, LookedUp, Part
from .score import BATCH_SIZES as PLAIN_BATCH_SIZES
from .score import pick_device

MODES = ("exact", "fast")
BATCH_SIZES = {"cpu": 128, "cuda": 4096}


def _go_on() -> None:
    """Between batches nothing is to be done."""


class Scores(NamedTuple):
    """Of each task's bases, in their order: ``logits``, shape (n,), natural-log odds as trained, and ``weights``, shape
    (n, n_kmers), attention to k-mers, mean over the networks; rows sum to 1, and k-mer i begins at nt i of the middle
    of the window that the networks read."""

    logits: dict[str, np.ndarray]
    weights: dict[str, np.ndarray] | None


class Engine(Protocol):
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
    reads: str
    pause: Callable[[], None]

    def score(
        self,
        codes: np.ndarray,
        sites: Mapping[str, np.ndarray],
        *,
        attend: bool = False,
        structure: Mapping[str, np.ndarray] | None = None,
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

    def score_windows(
        self,
        codes: np.ndarray,
        rows: Mapping[str, np.ndarray],
        structure: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, np.ndarray]:
        """Logits of windows, shape (n, ``width``), the base in the middle; of each task those of its rows, with the
        structure of these."""


class Loaded(NamedTuple):
    """A model directory, ready to scan: ``engine``; ``config``; ``calibration``, task to constants, of the mode."""

    engine: Engine
    config: ModelConfig
    calibration: dict[str, Calibration]


def modes_of(folder: str | Path) -> list[str]:
    """Modes that a model directory has: ``exact``, and ``fast`` where there is a student."""
    return list(MODES if sidecar_settings(folder, STUDENT) is not None else MODES[:1])


def load_engine(
    folder: str | Path, mode: str = "exact", *, device: str = "auto", batch_size: int | None = None
) -> Loaded:
    """The engine of a model directory.

    Parameters
    ----------
    folder : path-like
    mode : {"exact", "fast"}
        The networks themselves, or the student distilled from them.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    batch_size : int, optional
        Windows at once in exact mode; default :data:`BATCH_SIZES`, or :data:`rnamarks.prediction.score.BATCH_SIZES` for
        networks that are run as they are.

    Raises
    ------
    InputError
        If the folder is no sound model directory, the mode is unknown, or the model has no student for fast mode.
    """
    if mode not in MODES:
        raise InputError("there is no such mode", value=mode, remedy=f"choose one of {', '.join(MODES)}")
    if batch_size is not None and batch_size < 1:
        raise InputError("the batch size must be at least 1", value=batch_size, remedy="use for example 128")
    where = pick_device(device)
    engine: Engine
    if mode == "fast":
        config, _ = read_config(folder)
        student, settings = load_student(folder)
        engine, constants = FastEngine(student, device=where), settings["calibration"]
        model = load_model(folder)[0] if config.combiner else None
    else:
        model, config = load_model(folder)
        networks = model.networks if isinstance(model, Combined) else model
        engine = ExactEngine(networks, config.window, device=where, batch_size=batch_size)
        constants = config.calibration
    if isinstance(model, Combined):
        from .combined import CombinedEngine

        engine = CombinedEngine(engine, config.tasks, model.combiners)
    return Loaded(engine, config, {task: Calibration.from_dict(values) for task, values in constants.items()})


class FastEngine:
    """A student (:class:`rnamarks.models.student.Student`) as an :class:`Engine`."""

    def __init__(self, student: Student, *, device: str | torch.device = "cpu") -> None:
        self.student = student.eval().to(device)
        self.width, self.pause = student.receptive, _go_on
        self._device = torch.device(device)
        self._column = {task: column for column, task in enumerate(student.tasks)}

    reads = ""

    def score(
        self,
        codes: np.ndarray,
        sites: Mapping[str, np.ndarray],
        *,
        attend: bool = False,
        structure: Mapping[str, np.ndarray] | None = None,
    ) -> Scores:
        """See :meth:`Engine.score`; there is no attention."""
        logits = {task: np.empty(len(at), dtype=np.float32) for task, at in sites.items()}
        for start, found in self.student.scan_chunks(codes):
            self.pause()
            for task, at in sites.items():
                here = slice(*np.searchsorted(at, (start, start + len(found))))
                logits[task][here] = found.numpy()[at[here] - start, self._column[task]]
        return Scores(logits, None)

    def score_windows(
        self,
        codes: np.ndarray,
        rows: Mapping[str, np.ndarray],
        structure: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, np.ndarray]:
        """See :meth:`Engine.score_windows`."""
        found = score_fast(self.student, codes, device=self._device)
        return {task: found[at, self._column[task]] for task, at in rows.items()}


class ExactEngine:
    """The networks of a model, and its baselines where it is a stack, as an :class:`Engine`.

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
        self._device, self.pause = torch.device(device), _go_on
        self._window = window
        self._stack = model if isinstance(model, Stack) else None
        members = list(model.networks.members)
        self._members = [_arrange(member.eval().to(self._device), window, batch_size) for member in members]
        self.attends = all(member.attends for member in members)
        # baselines read the whole window
        self.width = window if self._stack else max(member.width for member in self._members)
        flank_of(self.width)
        self.k, self.n_kmers = self._members[0].k, self._members[0].n_kmers

    reads = ""

    def score(
        self,
        codes: np.ndarray,
        sites: Mapping[str, np.ndarray],
        *,
        attend: bool = False,
        structure: Mapping[str, np.ndarray] | None = None,
    ) -> Scores:
        """See :meth:`Engine.score`."""
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

    def score_windows(
        self,
        codes: np.ndarray,
        rows: Mapping[str, np.ndarray],
        structure: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, np.ndarray]:
        """See :meth:`Engine.score_windows`."""
        middles = {task: at * self.width + self.width // 2 for task, at in rows.items()}
        return self.score(np.ascontiguousarray(codes).ravel(), middles).logits

    def _add_baselines(self, logits: dict[str, np.ndarray], codes: np.ndarray, sites: Mapping[str, np.ndarray]) -> None:
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


def score_each(
    engine: Engine, windows: Mapping[str, np.ndarray], structure: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
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
        first, place = _distinct(together)
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
        remedy="give --annotation (GTF), with --genome or with transcripts it names, or choose a model without gene "
        "structure, such as m6a",
    )


def _shared(
    codes: np.ndarray, sites: Mapping[str, np.ndarray]
) -> Iterator[tuple[list[str], np.ndarray, dict[str, np.ndarray]]]:
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
        first, place = _distinct(windows)
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


def _distinct(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the first of each set of equal windows, in their order, and for each window its place among those."""
    keys = np.ascontiguousarray(windows).view(f"V{windows.shape[1]}")[:, 0]
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return first[order], place[inverse]
