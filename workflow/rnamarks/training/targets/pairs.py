"""Base pairs: cross-entropy of every pair of nucleotides, judged by F1 of decoded structures (Penić et al. 2024)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import expit
from torch import nn
from torch.nn import functional as F

from ...models.packing import Pack
from ...structure.decoding import decode
from ...structure.pairs import pairs_of, partners_of
from ..curriculum import Stage
from ..tuning_data import Examples
from .base import TOGETHER
from .examples import ExampleTarget

THRESHOLDS = np.arange(1, 100) / 100
"""Probabilities that are tried; the released code tries those up to 0.29."""


class Called(NamedTuple):
    """Pairs that are called at the lowest threshold, and their probabilities.

    Pairs are called by probability, the highest first, so those of a higher threshold are the ones above it.
    """

    pairs: np.ndarray
    probabilities: np.ndarray

    def above(self, threshold: float) -> np.ndarray:
        """Pairs at a threshold, shape (n, 2)."""
        return self.pairs[self.probabilities > threshold]


class PairsTarget(ExampleTarget):
    """Mean cross-entropy over the pairs i < j of an RNA, then over RNAs, as in the released code.

    The score is the mean over validation RNAs of the F1 of exactly matching pairs, at the threshold that is best for
    it. Rows of the history have ``task``, ``loss``, ``f1``, ``precision``, ``recall`` and ``threshold``.
    """

    score_name = "validation F1"

    def join(self, answers: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(answers)

    def sizes(self, lengths: np.ndarray) -> np.ndarray:
        return lengths - 2

    def costs(self, lengths: np.ndarray) -> np.ndarray:
        return np.maximum(lengths / self.settings.tokens, (lengths - 2) ** 2 / self.settings.pairs)

    def losses(self, head: nn.Module, x: torch.Tensor, pack: Pack, answers: torch.Tensor) -> torch.Tensor:
        sizes = [length - 2 for length in pack.lengths]
        return torch.stack(
            [_pair_loss(logits.float(), own) for logits, own in zip(head(x, pack), answers.split(sizes), strict=True)]
        )

    def answer(self, said: np.ndarray, examples: Examples, row: int) -> Called:
        self.check_finite(said)
        chances = expit(said)
        pairs = decode(chances, examples.frame["sequence"].iat[row], float(THRESHOLDS[0]))
        return Called(pairs, chances[pairs[:, 0], pairs[:, 1]])

    def validate(
        self, network: nn.Module, stage: Stage, recorded: Mapping[str, torch.Tensor], device: torch.device
    ) -> tuple[float, list[dict[str, Any]]]:
        """See :meth:`Target.validate`."""
        trained = recorded[TOGETHER].double().sum(dim=0)
        called = self.answers(network, self.validation, device)
        threshold, found = best_threshold(called, self.validation.answers)
        row = {"task": self.task, "loss": float(trained[0] / trained[1])} | found | {"threshold": threshold}
        return found["f1"], [row]


def _pair_loss(logits: torch.Tensor, partners: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy over i < j of symmetric logits, shape (nt, nt); zero for one nucleotide."""
    count = len(partners)
    first = torch.nonzero(partners > torch.arange(count, device=partners.device)).squeeze(1)
    right = logits[first, partners[first].long()].sum()
    return (F.softplus(logits).triu(diagonal=1).sum() - right) / max(1, count * (count - 1) // 2)


def best_threshold(called: Sequence[Called], known: Sequence[np.ndarray]) -> tuple[float, dict[str, float]]:
    """The threshold with the highest mean F1 over RNAs, the lowest of several, and the means at it.

    Parameters
    ----------
    called : sequence of Called
    known : sequence of numpy.ndarray
        Partners of each nucleotide.

    Returns
    -------
    threshold : float
    means : dict
        ``f1``, ``precision`` and ``recall``; each 0 for an RNA that has nothing to take it of.
    """
    sums = np.zeros((3, len(THRESHOLDS)))
    for one, partners in zip(called, known, strict=True):
        hits = partners[one.pairs[:, 0]] == one.pairs[:, 1]
        above = one.probabilities[None] > THRESHOLDS[:, None]
        found, right = above.sum(axis=1), (above & hits).sum(axis=1)
        total = len(pairs_of(partners))
        sums += [2 * right / np.maximum(1, found + total), right / np.maximum(1, found), right / max(1, total)]
    means = sums / len(called)
    best = int(means[0].argmax())
    return float(THRESHOLDS[best]), dict(zip(("f1", "precision", "recall"), means[:, best].tolist(), strict=True))


def predicted_partners(called: Sequence[Called], examples: Examples, threshold: float) -> list[np.ndarray]:
    """Each nucleotide's called partner, of every example."""
    return [
        partners_of(one.above(threshold), len(tokens) - 2) for one, tokens in zip(called, examples.tokens, strict=True)
    ]
