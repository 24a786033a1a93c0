"""What fine-tuning on base pairs, labels and values has in common: batches of examples, and what is frozen when."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ...errors import InputError
from ...models.packing import Pack, portions
from ...models.vector_cache import Vectors
from ..curriculum import Stage
from ..settings import FinetuneSettings
from ..tuning_data import Examples
from .base import TOGETHER, Target, check_share

# the same for every seed, so that scores can be compared
_JUDGED = 20_302


class ExampleTarget(Target):
    """Batches of examples, each as often as the others, for one head of a language model.

    Parameters
    ----------
    training, validation : Examples
    settings : FinetuneSettings
    seed : int
    task : str
        Name of the head.
    is_frozen : bool
        Whether the head alone is trained.
    vectors : Vectors, optional
        What a frozen trunk makes of every sequence; the network then needs no trunk.

    Raises
    ------
    InputError
        If no example is short enough for the settings.
    """

    examples = "sequences"

    def __init__(
        self,
        training: Examples,
        validation: Examples,
        settings: FinetuneSettings,
        seed: int,
        *,
        task: str,
        is_frozen: bool = False,
        vectors: Vectors | None = None,
    ) -> None:
        super().__init__()
        self.training_examples = training.up_to(settings.longest)
        self.validation = validation.up_to(settings.longest).drawn(settings.validation_windows, [_JUDGED])
        for split, kept in (("train", self.training_examples), ("valid", self.validation)):
            if not len(kept):
                raise InputError(
                    f"every example of the split {split!r} is longer than {settings.longest} nt", remedy="raise longest"
                )
        self.settings, self.seed, self.task = settings, seed, task
        self.is_frozen, self.vectors = is_frozen, vectors
        self.stages = [Stage((task,), (TOGETHER,))]
        self.batch_size = min(settings.batch_size, len(self.training_examples))
        self.steps_per_epoch = settings.steps_for(len(self.training_examples))
        self._orders: dict[int, np.ndarray] = {}

    def begin_epoch(self, network: nn.Module, epoch: int) -> None:
        """See :meth:`Target.begin_epoch` and :class:`~rnamarks.training.settings.FinetuneSettings`."""
        if self.vectors is not None:
            return
        trunk = network.trunk
        count = len(trunk.blocks)
        trained = -1 if self.is_frozen else self.settings.trained_blocks(epoch, count)
        parts = {trunk.norm: trained >= 0, trunk.embedding: trained == count}
        if trunk.places is not None:
            parts[trunk.places] = trained == count
        parts |= {block: number >= count - trained for number, block in enumerate(trunk.blocks)}
        for part, is_trained in parts.items():
            part.requires_grad_(is_trained).train(is_trained)

    def batch(self, key: str, visit: int) -> tuple[np.ndarray, ...]:
        """See :meth:`Target.batch`: tokens or vectors, lengths, answers; shortest first.

        Batches are pieces of one line of permutations, so that they are all of one size.
        """
        examples = self.training_examples
        count = len(examples)
        at = np.arange(visit * self.batch_size, (visit + 1) * self.batch_size)
        chosen = [int(self._order(turn)[row]) for turn, row in zip(*divmod(at, count), strict=True)]
        chosen.sort(key=lambda row: len(examples.tokens[row]))
        return self._arrays(examples, chosen)

    def _order(self, turn: int) -> np.ndarray:
        if turn not in self._orders:
            random = np.random.default_rng([self.seed, 93, turn])
            kept = {one: order for one, order in self._orders.items() if one == turn - 1}
            self._orders = kept | {turn: random.permutation(len(self.training_examples))}
        return self._orders[turn]

    def _arrays(self, examples: Examples, chosen: Sequence[int]) -> tuple[np.ndarray, ...]:
        rows = [examples.tokens[row] for row in chosen]
        if self.vectors is not None:
            sequences = examples.frame["sequence"]
            rows = [self.vectors[sequences.iat[row]] for row in chosen]
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        return np.concatenate(rows), lengths, self.join([examples.answers[row] for row in chosen])

    @abstractmethod
    def join(self, answers: Sequence[Any]) -> np.ndarray:
        """Answers of a batch one behind the other."""

    def sizes(self, lengths: np.ndarray) -> np.ndarray:
        """How much of the joined answers belongs to sequences of so many tokens."""
        return np.ones(len(lengths), np.int64)

    def costs(self, lengths: np.ndarray) -> np.ndarray:
        """What sequences of so many tokens take of the memory at once, as fractions."""
        return lengths / self.settings.tokens

    def parts(self, batch: tuple[np.ndarray, ...]) -> Iterator[tuple[np.ndarray, ...]]:
        """See :meth:`Target.parts`."""
        rows, lengths, answers = batch
        ends, answer_ends = np.r_[0, lengths.cumsum()], np.r_[0, self.sizes(lengths).cumsum()]
        for part in portions(self.costs(lengths).tolist(), 1.0):
            begin, end = part.start, part.stop
            yield (rows[ends[begin] : ends[end]], lengths[begin:end], answers[answer_ends[begin] : answer_ends[end]])

    def share(self, batch: tuple[np.ndarray, ...], rank: int, count: int) -> Iterable[tuple[np.ndarray, ...]]:
        """See :meth:`Target.share`: every ``count``-th of the sorted examples, so that shares are of one size."""
        rows, lengths, answers = batch
        check_share(count, len(lengths))
        chosen = np.arange(len(lengths)) % count == rank
        own = rows[np.repeat(chosen, lengths)], lengths[chosen], answers[np.repeat(chosen, self.sizes(lengths))]
        return self.parts(own)

    def weight(self, part: tuple[np.ndarray, ...], batch: tuple[np.ndarray, ...]) -> float:
        """See :meth:`Target.weight`: each example counts the same."""
        return len(part[1]) / len(batch[1])

    def loss(self, network: nn.Module, key: str, *batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See :meth:`Target.loss`."""
        rows, lengths, answers = batch
        x, pack = self.encode(network, rows, lengths)
        losses = self.losses(network.heads[self.task], x, pack, answers)
        return losses.mean(), torch.stack([losses.detach().sum(), losses.new_tensor(float(len(lengths)))])

    @abstractmethod
    def losses(self, head: nn.Module, x: torch.Tensor, pack: Pack, answers: torch.Tensor) -> torch.Tensor:
        """Loss of each example, shape (sequences,)."""

    def encode(self, network: nn.Module, rows: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, Pack]:
        """Vectors of all tokens, and how they belong to sequences."""
        sizes = tuple(lengths.tolist())
        if self.vectors is not None:
            return rows.float(), Pack(torch.zeros(len(rows), dtype=torch.int64, device=rows.device), sizes)
        pack = Pack(rows.long(), sizes)
        return network.trunk(pack), pack

    @torch.inference_mode()
    def answers(self, network: nn.Module, examples: Examples, device: torch.device) -> list[Any]:
        """What the head says of each example, in their order, see :meth:`answer`."""
        network.eval()
        found: list[Any] = [None] * len(examples)
        order = sorted(range(len(examples)), key=lambda row: len(examples.tokens[row]))
        costs = self.costs(np.array([len(examples.tokens[row]) for row in order])).tolist()
        for part in portions(costs, 1.0):
            chosen = order[part.start : part.stop]
            rows, lengths, _ = self._arrays(examples, chosen)
            x, pack = self.encode(network, torch.from_numpy(rows).to(device), torch.from_numpy(lengths))
            said = self.said(network.heads[self.task], x, pack)
            for row, one in zip(chosen, said, strict=True):
                found[row] = self.answer(one.float().cpu().numpy(), examples, row)
        return found

    def said(self, head: nn.Module, x: torch.Tensor, pack: Pack) -> Iterable[torch.Tensor]:
        """A tensor for each sequence."""
        return head(x, pack)

    def answer(self, said: np.ndarray, examples: Examples, row: int) -> Any:
        """What is kept of a sequence's tensor."""
        return said

    @staticmethod
    def check_finite(values: np.ndarray) -> None:
        """Raise :class:`InputError` if a network says what is no number."""
        if not np.isfinite(values).all():
            raise InputError("training diverged: answers are not finite", remedy="lower the learning rate")
