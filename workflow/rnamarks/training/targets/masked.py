"""Masked nucleotides of sequences of any length: cross-entropy, judged by that of held-out clusters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ...corpus.store import HELD, Corpus
from ...errors import InputError
from ...models.packing import Pack, portions
from ...models.tokens import A
from ..curriculum import Stage
from ..masking import MaskedBatch, MaskedSampler, judged_batch
from ..settings import MaskingSettings, TrainingSettings
from ..throughput import operations, peak_of
from .base import TOGETHER, Target, check_share

TASK = "masked"


class MaskedTarget(Target):
    """Batches of a corpus, and the negative log-likelihood of held-out nucleotides as the score.

    Rows of the history have ``task``, ``loss`` (mean over the chosen nucleotides of the epoch), ``nll`` and
    ``perplexity`` (its exponential; of held-out sequences, with one choice of nucleotides for all seeds), ``accuracy``,
    ``nucleotides_per_second`` of training, and ``mfu``, see :mod:`rnamarks.training.throughput`.

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
    shown = ("perplexity", "accuracy")

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
        judged = judged_batch(corpus, held, settings.validation_windows, masking.longest, masking.fraction)
        self.validation = list(split_batch(judged, 8192))

    def batch(self, key: str, visit: int) -> tuple[np.ndarray, ...]:
        """See :meth:`Target.batch`: the arrays of a :class:`~rnamarks.training.masking.MaskedBatch`."""
        return self.sampler.batch(visit)

    def parts(self, batch: tuple[np.ndarray, ...]) -> Iterator[tuple[np.ndarray, ...]]:
        """See :meth:`Target.parts`."""
        return split_batch(MaskedBatch(*batch), self.tokens_at_once)

    def share(self, batch: tuple[np.ndarray, ...], rank: int, count: int) -> Iterable[tuple[np.ndarray, ...]]:
        """See :meth:`Target.share`: every ``count``-th sequence of the sorted ones, so that shares are of one size."""
        check_share(count, len(batch[1]))
        return self.parts(batch if count == 1 else every(MaskedBatch(*batch), rank, count))

    def loss(self, network: nn.Module, key: str, *batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See :meth:`Target.loss`; it records chosen nucleotides, all of them, and tokens and their attention."""
        tokens, lengths, rows, _ = batch
        total, right = _score(network, *batch)
        counts = (len(rows), int((tokens >= A).sum()), len(tokens), int((lengths**2).sum()))
        # a part may have no chosen nucleotide; its weight is zero then
        return total / max(len(rows), 1), torch.stack(
            [total.detach(), right, *map(total.new_tensor, map(float, counts))]
        )

    def pace(
        self, network: nn.Module, recorded: Mapping[str, torch.Tensor], seconds: float, device: torch.device, count: int
    ) -> tuple[dict[str, float], str]:
        """See :meth:`Target.pace`."""
        loss, _, rows, nucleotides, tokens, squares = recorded[TOGETHER].double().sum(dim=0).tolist()
        columns, _ = super().pace(network, recorded, seconds, device, count)
        peak, source = peak_of(device)
        speed, mfu = nucleotides / seconds, operations(network, tokens, squares, rows) / (seconds * count * peak)
        said = f"training perplexity {perplexity(loss / rows):.4g}, {speed:,.0f} nt/s, MFU {mfu:.1%} of {source}"
        return columns | {"nucleotides_per_second": speed, "mfu": mfu}, said

    def weight(self, part: tuple[np.ndarray, ...], batch: tuple[np.ndarray, ...]) -> float:
        """See :meth:`Target.weight`: each chosen nucleotide counts the same."""
        return len(part[2]) / len(batch[2])

    def validate(
        self, network: nn.Module, stage: Stage, recorded: Mapping[str, torch.Tensor], device: torch.device
    ) -> tuple[float, list[dict[str, Any]]]:
        """See :meth:`Target.validate`."""
        trained = recorded[TOGETHER].double().sum(dim=0)
        nll, accuracy = judge(network, self.validation, device)
        row = {"task": TASK, "loss": float(trained[0] / trained[2]), "nll": nll, "perplexity": perplexity(nll)}
        return -nll, [row | {"accuracy": accuracy}]


def perplexity(nll: float) -> float:
    """Exponential of a mean negative log-likelihood (natural logarithm); infinite where no number holds it."""
    try:
        return math.exp(nll)
    except OverflowError:
        return math.inf


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
    ends = np.r_[0, batch.lengths.cumsum()]
    for part in portions(batch.lengths.tolist(), most):
        start, stop = ends[part.start], ends[part.stop]
        within = (batch.rows >= start) & (batch.rows < stop)
        yield MaskedBatch(
            batch.tokens[start:stop],
            batch.lengths[part.start : part.stop],
            batch.rows[within] - start,
            batch.truth[within],
        )


def every(batch: MaskedBatch, first: int, step: int) -> MaskedBatch:
    """Every ``step``-th sequence of a batch."""
    chosen = np.arange(len(batch.lengths)) % step == first
    within = np.repeat(chosen, batch.lengths)
    rows = within[batch.rows]
    # where each token of the batch is among those that stay
    places = within.cumsum() - 1
    return MaskedBatch(batch.tokens[within], batch.lengths[chosen], places[batch.rows[rows]], batch.truth[rows])
