"""A label of each sequence: cross-entropy, judged by F1."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.special import expit, log_softmax
from torch import nn
from torch.nn import functional as F

from ...errors import InputError
from ...evaluation.bootstrap import Ranking
from ...models.packing import Pack
from ..curriculum import Stage
from .base import TOGETHER
from .examples import ExampleTarget


class LabelTarget(ExampleTarget):
    """One logit for the second of two labels, or a logit for each of more.

    The score is F1 on the validation split: of the second label, or the mean over labels of more than two. Rows of the
    history have ``task``, ``loss``, ``f1``, ``accuracy`` and ``auroc`` (of two labels).

    Raises
    ------
    InputError
        If one of two splits has a single label.
    """

    score_name = "validation F1"

    def __init__(self, training, validation, *arguments: Any, **others: Any) -> None:
        super().__init__(training, validation, *arguments, **others)
        for split, kept in (("train", self.training_examples), ("valid", self.validation)):
            if len(set(kept.answers)) < 2:
                only = kept.frame["label"].iloc[0]
                raise InputError(
                    f"the split {split!r} has a single label", value=only, remedy="give examples of others"
                )

    def join(self, answers: Sequence[int]) -> np.ndarray:
        return np.array(answers, dtype=np.int64)

    def losses(self, head: nn.Module, x: torch.Tensor, pack: Pack, answers: torch.Tensor) -> torch.Tensor:
        logits = head(x, pack).float()
        if logits.shape[1] == 1:
            return F.binary_cross_entropy_with_logits(logits[:, 0], answers.float(), reduction="none")
        return F.cross_entropy(logits, answers, reduction="none")

    def validate(
        self, network: nn.Module, stage: Stage, recorded: Mapping[str, torch.Tensor], device: torch.device
    ) -> tuple[float, list[dict[str, Any]]]:
        """See :meth:`Target.validate`."""
        trained = recorded[TOGETHER].double().sum(dim=0)
        chances = probabilities_of(np.stack(self.answers(network, self.validation, device)))
        self.check_finite(chances)
        truth, predicted = np.array(self.validation.answers), chances.argmax(axis=1)
        auroc = math.nan
        if chances.shape[1] == 2:
            area, _ = Ranking(truth == 1, chances[:, 1]).weighted(np.ones((1, len(truth))))
            auroc = float(area[0])
        f1 = f1_of(truth, predicted, chances.shape[1])
        row = {"task": self.task, "loss": float(trained[0] / trained[1]), "f1": f1}
        return f1, [row | {"accuracy": float((truth == predicted).mean()), "auroc": auroc}]


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """Probabilities of all labels, shape (n, labels), from one logit for the second of two, or one for each."""
    logits = logits.astype(np.float64)
    if logits.shape[1] == 1:
        return np.concatenate([expit(-logits), expit(logits)], axis=1)
    return np.exp(log_softmax(logits, axis=1))


def f1_of(truth: np.ndarray, predicted: np.ndarray, labels: int) -> float:
    """F1 of label 1 of two, otherwise the mean over the labels that are there or predicted."""
    right = np.bincount(truth[truth == predicted], minlength=labels)
    total = np.bincount(truth, minlength=labels) + np.bincount(predicted, minlength=labels)
    each = 2 * right / np.maximum(1, total)
    return float(each[1] if labels == 2 else each[total > 0].mean())
