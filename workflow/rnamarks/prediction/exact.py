"""Logits of a window at every base, as the networks give them, but with less work.

MultiRM networks whose words are vectors of their own letters are rearranged (:mod:`rnamarks.prediction.lookup`); others
are run as they are, in batches. Ensembles and stacks are put together from their members as
:mod:`rnamarks.models.checkpoint` does.

What a scan needs of either mode is the protocol :class:`Engine`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from ..errors import InputError
from ..evaluation.calibration import Calibration
from ..models.checkpoint import Ensemble, ModelConfig, Stack, load_model
from ..models.multirm import MultiRM
from ..sequences import UNKNOWN
from ..sites.windows import flank_of
from .lookup import SPAN, LookedUp, Part
from .score import pick_device
from .significance import STUDENT

MODES = ("exact", "fast")
BATCH_SIZES = {"cpu": 128, "cuda": 4096}


class Scores(NamedTuple):
    """Of each head's bases, in their order: ``logits``, shape (n,), natural-log odds as trained, and ``weights``, shape
    (n, n_words), attention to words, mean over the networks; rows sum to 1, and word i begins at nt i of the middle of
    the window that the networks read."""

    logits: dict[str, np.ndarray]
    weights: dict[str, np.ndarray] | None


class Engine(Protocol):
    """What scores the bases of sequences.

    Attributes
    ----------
    width : int
        Nucleotides that a logit depends on; odd, the base in the middle.
    """

    width: int

    def score(self, codes: np.ndarray, sites: Mapping[str, np.ndarray], *, attend: bool = False) -> Scores:
        """Logits of bases of laid-out sequences.

        Parameters
        ----------
        codes : numpy.ndarray, shape=(n_nt,), dtype=uint8
            Sequences with at least ``width // 2`` codes of 4 around each; see :class:`rnamarks.sites.windows.Laid`.
        sites : mapping of str to numpy.ndarray, dtype=int64
            Head to ascending indices into ``codes``.
        attend : bool
            Give attention, too, if there is any.
        """

    def windows(self, codes: np.ndarray, head: str) -> np.ndarray:
        """Logits of windows, shape (n, at least ``width``), the base in the middle."""


class Loaded(NamedTuple):
    """A model directory, ready to scan: ``engine``; ``config``; ``calibration``, head to constants, of the mode;
    ``prefix`` of the mode's null distributions."""

    engine: Engine
    config: ModelConfig
    calibration: dict[str, Calibration]
    prefix: str


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
        Windows at once in exact mode; default :data:`BATCH_SIZES`.

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
        from ..models.directory import read_config
        from ..models.student import load_student

        config, _ = read_config(folder)
        engine = FastEngine(load_student(folder), device=where)
        constants, prefix = config.student["calibration"], STUDENT
    else:
        model, config = load_model(folder)
        engine = ExactEngine(model, config.window, device=where, batch_size=batch_size)
        constants, prefix = config.calibration, ""
    calibration = {head: Calibration.from_dict(values) for head, values in constants.items()}
    return Loaded(engine, config, calibration, prefix)


class FastEngine:
    """A student (:class:`rnamarks.models.student.Student`) as an :class:`Engine`."""

    def __init__(self, student: nn.Module, *, device: str | torch.device = "cpu") -> None:
        self.student = student.eval().to(device)
        self.width = student.receptive
        self._device = torch.device(device)
        self._column = {head: column for column, head in enumerate(student.heads)}

    def score(self, codes: np.ndarray, sites: Mapping[str, np.ndarray], *, attend: bool = False) -> Scores:
        """See :meth:`Engine.score`; there is no attention."""
        found = self.student.scan(codes).numpy()
        return Scores({head: found[at, self._column[head]] for head, at in sites.items()}, None)

    @torch.inference_mode()
    def windows(self, codes: np.ndarray, head: str) -> np.ndarray:
        """See :meth:`Engine.windows`."""
        parts = [np.zeros(0, dtype=np.float32)]
        for start in range(0, len(codes), 1024):
            batch = torch.from_numpy(np.ascontiguousarray(codes[start : start + 1024])).to(self._device)
            parts.append(self.student(batch)[:, self._column[head]].float().cpu().numpy())
        return np.concatenate(parts)


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
    letters : int
        Nucleotides of the words that attention is given to.
    """

    def __init__(
        self, model: Ensemble | Stack, window: int, *, device: str | torch.device = "cpu", batch_size: int | None = None
    ) -> None:
        self._device = torch.device(device)
        self._batch = batch_size or BATCH_SIZES[self._device.type]
        self._window = window
        self._stack = model if isinstance(model, Stack) else None
        members = list(model.networks.members)
        self._members = [_arrange(member.eval().to(self._device), window) for member in members]
        self.attends = all(hasattr(member, "attend") for member in members)
        # baselines read the whole window
        self.width = window if self._stack else max(member.width for member in self._members)
        flank_of(self.width)
        self.letters = self._members[0].letters

    def score(self, codes: np.ndarray, sites: Mapping[str, np.ndarray], *, attend: bool = False) -> Scores:
        """See :meth:`Engine.score`."""
        logits = {head: np.zeros(len(at), dtype=np.float32) for head, at in sites.items()}
        weights = {head: np.zeros((0, self._members[0].n_words), dtype=np.float32) for head in sites}
        n_members = len(self._members)
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            for heads, at, rows in _shared(codes, sites):
                total = np.zeros((len(at), len(heads)), dtype=np.float32)
                given = np.zeros((*total.shape, self._members[0].n_words if attend else 0), dtype=np.float32)
                for member in self._members:
                    for part in member.run(codes, at, heads, self._batch, attend=attend):
                        total[part.rows] += part.logits
                        if attend:
                            given[part.rows] += part.weights
                for column, head in enumerate(heads):
                    logits[head][:] = total[rows[head], column] / n_members
                    weights[head] = given[rows[head], column] / n_members
        if self._stack is not None:
            self._add_baselines(logits, codes, sites)
        return Scores(logits, weights if attend else None)

    def windows(self, codes: np.ndarray, head: str) -> np.ndarray:
        """See :meth:`Engine.windows`."""
        surplus = codes.shape[1] - self.width
        if surplus < 0 or surplus % 2:
            raise ValueError(f"windows of {codes.shape[1]} nt have no middle {self.width} nt")
        found = [np.zeros(0, dtype=np.float32)]
        for start in range(0, len(codes), SPAN):
            part = codes[start : start + SPAN, surplus // 2 : surplus // 2 + self.width]
            middles = np.arange(len(part)) * self.width + self.width // 2
            found.append(self.score(np.ascontiguousarray(part).ravel(), {head: middles}).logits[head])
        return np.concatenate(found)

    def _add_baselines(self, logits: dict[str, np.ndarray], codes: np.ndarray, sites: Mapping[str, np.ndarray]) -> None:
        stack = self._stack
        for head, at in sites.items():
            weights = stack.weights[head]
            logits[head] *= weights[stack.network]
            for start in range(0, len(at), SPAN):
                windows = sliding_window_view(codes, self._window)[at[start : start + SPAN] - self._window // 2]
                theirs = np.zeros(len(windows))
                for name, heads in stack.baselines.items():
                    theirs += weights[name] * heads[head].logit(windows)
                logits[head][start : start + SPAN] += theirs.astype(np.float32)


def _shared(
    codes: np.ndarray, sites: Mapping[str, np.ndarray]
) -> Iterator[tuple[list[str], np.ndarray, dict[str, np.ndarray]]]:
    """Heads that are asked about the same kind of base, the bases that any of them is asked about, and for each head
    which of these are its own."""
    groups: dict[int, list[str]] = {}
    for head, at in sites.items():
        if len(at):
            groups.setdefault(int(codes[at[0]]), []).append(head)
    for heads in groups.values():
        at = reduce(np.union1d, [sites[head] for head in heads])
        yield heads, at, {head: np.searchsorted(at, sites[head]) for head in heads}


def _arrange(network: nn.Module, window: int) -> _Plain | LookedUp:
    return LookedUp(network) if isinstance(network, MultiRM) else _Plain(network, window)


class _Plain:
    """A network without attention, called as it is."""

    n_words = 0
    letters = 0

    def __init__(self, network: nn.Module, window: int) -> None:
        self._network, self._window = network, window
        self.width = getattr(network, "crop", 0) or window

    def run(
        self, codes: np.ndarray, at: np.ndarray, heads: Sequence[str], batch: int, *, attend: bool
    ) -> Iterator[Part]:
        """Parts of the bases ``at``; ``attend`` changes nothing."""
        network, device = self._network, next(self._network.parameters()).device
        view = sliding_window_view(codes, self.width)
        margin = (self._window - self.width) // 2
        for start in range(0, len(at), batch):
            rows = slice(start, start + batch)
            windows = np.full((len(at[rows]), self._window), UNKNOWN, dtype=np.uint8)
            windows[:, margin : margin + self.width] = view[at[rows] - self.width // 2]
            given = torch.from_numpy(windows).to(device)
            logits = [network(given, head) for head in heads]
            yield Part(rows, torch.stack(logits, dim=1).float().cpu().numpy(), None)
