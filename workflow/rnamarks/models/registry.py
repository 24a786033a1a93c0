"""The networks that a configuration can name, and what every network offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from ..registry import Register


class Network(nn.Module):
    """Base of the networks, built as ``Network(tasks, window, **hyperparameters)``.

        windows ─► trunk ─► positions ─► pool ─► features ─► heads[task] ─► logits

    ``trunk`` takes windows to one vector per position, shape (batch, positions, channels). ``pool``, shared by all
    tasks, takes these to what every head reads; where the heads read the positions themselves it changes nothing.
    ``heads``, a :class:`torch.nn.ModuleDict` with one entry per task, gives the logits, shape (batch,). Pool and heads
    know of the trunk no more than the number of its channels (and a head that flattens, that of the positions), so
    that another trunk of the same shape may stand under them.

    Windows are integer codes, shape (batch, window), or real-valued, shape (batch, 4, window), rows A, C, G, U: one-hot
    columns give the logits of the codes, and what lies between is differentiable.
    :class:`~rnamarks.models.layers.OneHot` does this for a trunk that begins with it. A branch that counts k-mers of
    the codes has to sum, over positions, the product of the k nucleotides' entries instead.

    A network or a layer of it may have ``inference_form()``: see :mod:`rnamarks.models.inference`.

    Parameters
    ----------
    tasks : sequence of str
        Names of the tasks, in the order of the columns of :meth:`forward_all`.
    window : int
        Width of the windows in nt.
    trunk : torch.nn.Module
    heads : mapping of str to torch.nn.Module
        By task.
    pool : torch.nn.Module, optional
        Default: the heads read the positions.
    reads : int, optional
        Nucleotides in the middle of a window that the logits depend on; default all.

    Attributes
    ----------
    columns : dict of str to int
        Task to its column in :meth:`forward_all`.
    attends : bool
        Whether :meth:`attend` gives attention.
    looks_up : bool
        Whether the trunk is an LSTM over words, which a scan looks up: see :mod:`rnamarks.prediction.lookup`.
    by_task : tuple of str
        Names of weights outside the heads that have one row per task.
    fresh : tuple of str
        How the names of weights begin that are trained at the rate of the heads: the pool joins them over a trunk that
        was trained before.
    """

    attends: ClassVar[bool] = False
    looks_up: bool = False
    by_task: ClassVar[tuple[str, ...]] = ()
    fresh: tuple[str, ...] = ("heads.",)

    def __init__(
        self,
        tasks: Sequence[str],
        window: int,
        *,
        trunk: nn.Module,
        heads: Mapping[str, nn.Module],
        pool: nn.Module | None = None,
        reads: int | None = None,
    ) -> None:
        super().__init__()
        self.tasks, self.window, self.reads = list(tasks), window, reads or window
        self.columns = {task: column for column, task in enumerate(tasks)}
        self.trunk = trunk
        self.pool = nn.Identity() if pool is None else pool
        self.heads = nn.ModuleDict(heads)

    def forward(self, windows: torch.Tensor, task: str) -> torch.Tensor:
        """Logits of one task, shape (batch,): log odds of the modification at the training prevalence."""
        return self.heads[task](self.pool(self.trunk(windows)))

    def forward_all(self, windows: torch.Tensor) -> torch.Tensor:
        """Logits of all tasks, shape (batch, n_tasks)."""
        features = self.pool(self.trunk(windows))
        return torch.stack([self.heads[task](features) for task in self.tasks], dim=1)

    def attend(self, windows: torch.Tensor) -> torch.Tensor:
        """Attention of each task, shape (batch, n_tasks, positions); each row sums to 1."""
        raise TypeError(f"{type(self).__name__} has no attention over positions")

    def explain_all(self, windows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """:meth:`forward_all` and :meth:`attend`, of a network that attends."""
        return self.forward_all(windows), self.attend(windows)

    def prepare(self, codes: np.ndarray, seed: int) -> None:
        """Learn what is learned before training, from the training windows of all tasks, shape (n, window)."""


MODELS: Register[type[Network]] = Register("model", "MODELS")
TRUNKS: Register[type[nn.Module]] = Register("trunk", "TRUNKS")
"""Trunks that may stand under every network. They are imported when one is asked for, so that no network rests on their
code; a rule whose network has one adds it to what it depends on."""


def language_trunk(sizes: Mapping[str, Any], window: int, reads: int | None = None) -> nn.Module:
    """A :class:`~rnamarks.models.language_trunk.LanguageTrunk` that reads the middle of a window, default all of it."""
    return TRUNKS["language"](window, reads or window, **sizes)


def build_model(
    name: str, tasks: Sequence[str], window: int, hyperparameters: Mapping[str, Any] | None = None
) -> Network:
    """A freshly initialised network of the registry; weights depend on torch's current random state.

    Raises
    ------
    InputError
        If there is no such network, or a hyperparameter is unknown or out of range.
    """
    return MODELS[name](list(tasks), window, **(hyperparameters or {}))
