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

    A network has two parts: ``extractor``, shared by all tasks, and ``classifiers``, a :class:`torch.nn.ModuleDict`
    with one entry per task. Windows are integer codes, shape (batch, window), or real-valued, shape (batch, 4, window),
    rows A, C, G, U: one-hot columns give the logits of the codes, and what lies between is differentiable.
    :class:`~rnamarks.models.layers.OneHot` does this for a network that begins with it. A branch that counts k-mers of
    the codes has to sum, over positions, the product of the k nucleotides' entries instead.

    A network or a layer of it may have ``inference_form()``: see :mod:`rnamarks.models.inference`.

    Parameters
    ----------
    tasks : sequence of str
        Names of the tasks, in the order of the columns of :meth:`forward_all`.

    Attributes
    ----------
    attends : bool
        Whether :meth:`attend` gives attention.
    """

    attends: ClassVar[bool] = False
    extractor: Any
    classifiers: nn.ModuleDict

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__()
        self.tasks = list(tasks)

    def forward(self, windows: torch.Tensor, task: str) -> torch.Tensor:
        """Logits of one task, shape (batch,): log odds of the modification at the training prevalence."""
        return self.classifiers[task](self.extractor(windows)).reshape(len(windows))

    def forward_all(self, windows: torch.Tensor) -> torch.Tensor:
        """Logits of all tasks, shape (batch, n_tasks)."""
        features = self.extractor(windows)
        return torch.stack([self.classifiers[task](features).reshape(len(windows)) for task in self.tasks], dim=1)

    def attend(self, windows: torch.Tensor) -> torch.Tensor:
        """Attention of each task, shape (batch, n_tasks, positions); each row sums to 1."""
        raise TypeError(f"{type(self).__name__} has no attention over positions")

    def prepare(self, codes: np.ndarray, seed: int) -> None:
        """Learn what is learned before training, from the training windows of all tasks, shape (n, window)."""


MODELS: Register[type[Network]] = Register("model")


def build_model(
    name: str, tasks: Sequence[str], window: int, hyperparameters: Mapping[str, Any] | None = None
) -> Network:
    """A freshly initialised network of the registry; weights depend on torch's current random state.

    Raises
    ------
    InputError
        If there is no such network, or a hyperparameter is unknown or out of range.
    """
    # importing the modules enters their classes into the registry
    from . import deepm6aseq, mass, multirm, unanchored  # noqa: F401

    return MODELS[name](list(tasks), window, **(hyperparameters or {}))
