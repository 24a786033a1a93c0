"""Masked nucleotides of sequences of any length: cross-entropy, judged by that of held-out clusters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ...corpus.store import HELD, Corpus
from ...errors import InputError
from ...models.packing import Pack
from ..curriculum import Stage
from ..masking import MaskedBatch, MaskedSampler, mask_batch
from ..settings import MaskingSettings, TrainingSettings
from .base import TOGETHER, Target

TASK = "masked"
# the same for every seed, so that perplexities can be compared
_JUDGED = 20_301


class MaskedTarget(Target):
    """Batches of a corpus, and the negative log-likelihood of held-out nucleotides as the score.

    Rows of the history have ``task``, ``loss`` (mean over the chosen nucleotides of the epoch), ``nll`` and
    ``perplexity`` (its exponential; of held-out sequences, with one choice of nucleotides for all seeds) and
    ``accuracy``.

    Parameters
    ----------
    corpus : Corpus
    settings : TrainingSettings
    masking : MaskingSettings
    seed : int

    Raises
    ------
    InputError
        If nothing is held out.
    """

    score_name = "validation log-likelihood"

    def __init__(self, corpus: Corpus, settings: TrainingSettings, masking: MaskingSettings, seed: int) -> None:
        super().__init__()
        self.sampler = MaskedSampler(
            corpus,
            batch_size=settings.batch_size,
            longest=masking.longest,
            fraction=masking.fraction,
            held=masking.held,
            seed=seed,
        )
        self.tokens_at_once = masking.tokens
        self.batch_size = self.sampler.batch_size
        self.stages = [Stage((TASK,), (TOGETHER,))]
        self.steps_per_epoch = settings.steps_per_epoch or self.sampler.steps_per_pass
        held = np.flatnonzero(corpus.held & HELD[masking.held])
        if not len(held):
            raise InputError("no sequence is held out", path=corpus.path, remedy="build the corpus with more held out")
        random = np.random.default_rng(_JUDGED)
        most = settings.validation_windows
        if most and len(held) > most:
            held = np.sort(random.choice(held, most, replace=False))
        self.validation = list(split_batch(mask_batch(corpus, held, masking.longest, masking.fraction, random), 8192))

    def batch(self, key: str, visit: int) -> tuple[np.ndarray, ...]:
        """See :meth:`Target.batch`: the arrays of a :class:`~rnamarks.training.masking.MaskedBatch`."""
        return self.sampler.batch(visit)

    def parts(self, batch: tuple[np.ndarray, ...]) -> Iterator[tuple[np.ndarray, ...]]:
        """See :meth:`Target.parts`."""
        return split_batch(MaskedBatch(*batch), self.tokens_at_once)

    def loss(self, network: nn.Module, key: str, *batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See :meth:`Target.loss`."""
        total, right = _score(network, *batch)
        count = len(batch[2])
        return total / count, torch.stack([total.detach(), right, total.new_tensor(float(count))])

    def weight(self, part: tuple[np.ndarray, ...], batch: tuple[np.ndarray, ...]) -> float:
        """See :meth:`Target.weight`: each chosen nucleotide counts the same."""
        return len(part[2]) / len(batch[2])

    def validate(
        self, network: nn.Module, stage: Stage, recorded: Mapping[str, torch.Tensor], device: torch.device
    ) -> tuple[float, list[dict[str, Any]]]:
        """See :meth:`Target.validate`."""
        trained = recorded[TOGETHER].double().sum(dim=0)
        nll, accuracy = judge(network, self.validation, device)
        row = {"task": TASK, "loss": float(trained[0] / trained[2]), "nll": nll, "perplexity": math.exp(nll)}
        return -nll, [row | {"accuracy": accuracy}]


@torch.inference_mode()
def judge(network: nn.Module, batches: list[MaskedBatch], device: torch.device | str) -> tuple[float, float]:
    """Mean negative log-likelihood (natural logarithm) of the chosen nucleotides, and the fraction that is right."""
    network.eval()
    sums = np.zeros(3)
    for batch in batches:
        total, right = _score(network, *(torch.from_numpy(array).to(device) for array in batch))
        sums += [float(total), float(right), len(batch.rows)]
    return float(sums[0] / sums[2]), float(sums[1] / sums[2])


def _score(
    network: nn.Module, tokens: torch.Tensor, lengths: torch.Tensor, rows: torch.Tensor, truth: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum of the cross-entropies of the chosen tokens, and how many have the highest logit; only they get logits."""
    pack = Pack(tokens.long(), tuple(lengths.tolist()))
    logits = network.heads[TASK](network.trunk(pack)[rows]).float()
    return F.cross_entropy(logits, truth, reduction="sum"), (logits.argmax(dim=1) == truth).sum().float()


def split_batch(batch: MaskedBatch, most: int) -> Iterator[MaskedBatch]:
    """Parts of whole sequences with at most so many tokens each, but for a sequence that has more by itself."""
    ends = batch.lengths.cumsum()
    begin = 0
    while begin < len(ends):
        start = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, start + most, side="right")))
        within = (batch.rows >= start) & (batch.rows < ends[end - 1])
        yield MaskedBatch(
            batch.tokens[start : ends[end - 1]],
            batch.lengths[begin:end],
            batch.rows[within] - start,
            batch.truth[within],
        )
        begin = end
