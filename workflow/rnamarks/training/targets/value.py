"""A number of each sequence: mean squared error of standardised values, judged by R²."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ...errors import InputError
from ...models.packing import Pack
from ..curriculum import Stage
from .base import TOGETHER
from .examples import ExampleTarget


class ValueTarget(ExampleTarget):
    """Values in units of the training values' standard deviation from their mean, both kept in the head.

    The score is R² on the validation split, 1 - SSE / SST. Rows of the history have ``task``, ``loss``, ``r2`` and
    ``mae`` (in the units of the values).

    Raises
    ------
    InputError
        If the values of a split are all the same.
    """

    score_name = "validation R²"

    def __init__(self, training, validation, *arguments: Any, **others: Any) -> None:
        super().__init__(training, validation, *arguments, **others)
        for split, kept in (("train", self.training_examples), ("valid", self.validation)):
            if np.ptp(kept.answers) == 0:
                raise InputError(
                    f"all values of the split {split!r} are the same", value=kept.answers[0], remedy="give others"
                )
        self.mean, self.spread = (
            float(np.mean(self.training_examples.answers)),
            float(np.std(self.training_examples.answers)),
        )

    def prepare(self, network: nn.Module, seed: int) -> None:
        """See :meth:`Target.prepare`."""
        head = network.heads[self.task]
        head.mean.fill_(self.mean)
        head.spread.fill_(self.spread)

    def join(self, answers: Sequence[float]) -> np.ndarray:
        return ((np.array(answers) - self.mean) / self.spread).astype(np.float32)

    def losses(self, head: nn.Module, x: torch.Tensor, pack: Pack, answers: torch.Tensor) -> torch.Tensor:
        return (head(x, pack).float() - answers) ** 2

    def said(self, head: nn.Module, x: torch.Tensor, pack: Pack) -> Iterable[torch.Tensor]:
        return head.in_units(x, pack)

    def validate(
        self, network: nn.Module, stage: Stage, recorded: Mapping[str, torch.Tensor], device: torch.device
    ) -> tuple[float, list[dict[str, Any]]]:
        """See :meth:`Target.validate`."""
        trained = recorded[TOGETHER].double().sum(dim=0)
        found = np.array(self.answers(network, self.validation, device), dtype=np.float64)
        self.check_finite(found)
        truth = np.array(self.validation.answers)
        r2 = float(1 - ((found - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())
        row = {"task": self.task, "loss": float(trained[0] / trained[1]), "r2": r2}
        return r2, [row | {"mae": float(np.abs(found - truth).mean())}]
