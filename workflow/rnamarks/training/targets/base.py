"""What the trainer asks of a target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from ...errors import InputError
from ..curriculum import Stage

TOGETHER = ""
"""Key of batches of all tasks at once; no task has an empty name."""


def check_share(count: int, examples: int) -> None:
    """Raise :class:`InputError` unless each of ``count`` processes gets an example of a batch."""
    if count > examples:
        raise InputError("more processes than sequences of a batch", value=examples, remedy="enlarge the batch")


class Target(nn.Module, ABC):
    """Batches, loss and validation score of one kind of answer.

    Parameters and buffers of a target, such as weights of losses, are trained and kept beside the network's.

    Attributes
    ----------
    stages : list of Stage
        Keys of successive batches.
    stage_epochs : int
        Most epochs of each stage but the last.
    steps_per_epoch : int
    batch_size : int
        Examples of a batch.
    score_name : str
        Name of the score in the lines that are reported.
    shown : tuple of str
        Columns of the first row of :meth:`validate` that follow it there.
    keeps_last : bool
        Whether the weights of the last epoch are the result, rather than those with the highest score.
    examples : str
        What the examples are, in the plural.
    """

    stages: list[Stage]
    stage_epochs: int = 0
    steps_per_epoch: int
    batch_size: int
    score_name: ClassVar[str]
    shown: ClassVar[tuple[str, ...]] = ()
    keeps_last: ClassVar[bool] = False
    examples: ClassVar[str] = "windows"

    def prepare(self, network: nn.Module, seed: int) -> None:
        """Let a network that was just built learn from the training examples what it learns before training."""

    def repeated(self) -> np.ndarray:
        """Codes of the windows that come again and again as they are, shape (n, window), for a trunk to keep."""
        raise TypeError(f"{type(self).__name__} has no windows")

    def begin_epoch(self, network: nn.Module, epoch: int) -> None:
        """Say which parts of a network an epoch trains, counted from 0: a function of the epoch alone.

        Called with the network in training mode. A parameter without ``requires_grad`` gets neither a gradient nor
        weight decay.
        """

    @abstractmethod
    def batch(self, key: str, visit: int) -> tuple[np.ndarray, ...]:
        """The ``visit``-th batch of a key, counted from 0: a function of these and the seed alone.

        The arrays are what :meth:`loss` is given: codes of one width, or of examples of any length, padded or one after
        the other, with their lengths.
        """

    def parts(self, batch: tuple[np.ndarray, ...]) -> Iterable[tuple[np.ndarray, ...]]:
        """What of a batch is computed at a time; their gradients are added up. All at once, if not said otherwise."""
        return [batch]

    def share(self, batch: tuple[np.ndarray, ...], rank: int, count: int) -> Iterable[tuple[np.ndarray, ...]]:
        """What of a batch the process ``rank`` of ``count`` computes, in parts."""
        if count > 1:
            raise InputError(
                "this kind of training runs in one process", value=count, remedy="start it without torchrun"
            )
        return self.parts(batch)

    def weight(self, part: tuple[np.ndarray, ...], batch: tuple[np.ndarray, ...]) -> float:
        """Weight of a part's loss in its batch's; those of all parts sum to 1."""
        return 1.0

    @abstractmethod
    def loss(self, network: nn.Module, key: str, *batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The number to minimise, and what :meth:`validate` is told of the step, detached and always of one shape.

        Where a batch has several parts, the steps of the epoch are told of the sum of what they record.
        """

    def pace(
        self, network: nn.Module, recorded: Mapping[str, torch.Tensor], seconds: float, device: torch.device, count: int
    ) -> tuple[dict[str, float], str]:
        """How fast the steps of an epoch so far were, as columns of the history and in words.

        Parameters
        ----------
        network, recorded, device
            See :meth:`validate`.
        seconds : float
            That the steps took.
        count : int
            Processes that shared them.
        """
        speed = self.batch_size * sum(map(len, recorded.values())) / seconds
        return {f"{self.examples}_per_second": speed}, f"{speed:.0f} {self.examples}/s"

    @abstractmethod
    def validate(
        self, network: nn.Module, stage: Stage, recorded: Mapping[str, torch.Tensor], device: torch.device
    ) -> tuple[float, list[dict[str, Any]]]:
        """Judge the weights after an epoch.

        Parameters
        ----------
        network : torch.nn.Module
        stage : Stage
            That the epoch belongs to.
        recorded : mapping of key to torch.Tensor, shape=(n_steps, …)
            What :meth:`loss` recorded in the epoch.
        device : torch.device

        Returns
        -------
        score : float
            Higher is better.
        rows : list of dict
            Of the history.
        """
