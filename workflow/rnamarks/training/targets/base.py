"""What the trainer asks of a target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from ..curriculum import Stage

TOGETHER = ""
"""Key of batches of all tasks at once; no task has an empty name."""


class Target(nn.Module, ABC):
    """Batches, loss and validation score of one kind of answer.

    Parameters and buffers of a target, such as weights of losses, are trained and kept beside the network's.

    Attributes
    ----------
    stages : list of Stage
        Keys of successive batches.
    steps_per_epoch : int
    batch_size : int
        Windows of a batch.
    score_name : str
        Name of the score in the lines that are reported.
    keeps_last : bool
        Whether the weights of the last epoch are the result, rather than those with the highest score.
    """

    stages: list[Stage]
    steps_per_epoch: int
    batch_size: int
    score_name: ClassVar[str]
    keeps_last: ClassVar[bool] = False

    @abstractmethod
    def batch(self, key: str, visit: int) -> tuple[np.ndarray, ...]:
        """The ``visit``-th batch of a key, counted from 0: a function of these and the seed alone."""

    @abstractmethod
    def loss(self, network: nn.Module, key: str, *batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The number to minimise, and what :meth:`validate` is told of the step, detached and always of one shape."""

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
