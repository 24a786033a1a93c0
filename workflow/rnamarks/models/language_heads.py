"""What is asked of a language model's vectors: masked tokens, base pairs, a label, a value (Penić et al. 2024).

Each head is called as ``head(x, pack)`` with the vectors of all tokens of a pack, shape (total, width), ``<cls>`` first
and ``<eos>`` last in each sequence, and treats each sequence as if it were alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..errors import check_choice
from .packing import Pack
from .settings.language import LabelSettings, PairSettings, ValueSettings
from .tokens import TOKENS


class MaskedHead(nn.Module):
    """Logits of the vocabulary."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.vocabulary = nn.Linear(width, len(TOKENS))

    def forward(self, x: torch.Tensor, pack: Pack | None = None) -> torch.Tensor:
        """Logits of each token, shape (n, 22); any rows of a pack may be given without it."""
        return self.vocabulary(self.norm(F.gelu(self.dense(x))))


class PairHead(nn.Module):
    """Logits of base pairs: the outer concatenation of two nucleotides' vectors through a small residual network.

    Parameters
    ----------
    width : int
        Of the vectors.
    **settings
        Of :class:`~rnamarks.models.settings.language.PairSettings`.
    """

    def __init__(self, width: int, **settings: Any) -> None:
        super().__init__()
        sizes = PairSettings.from_mapping(settings)
        channels, blocks = sizes.channels, sizes.blocks
        self.enter = nn.Linear(2 * width, channels)
        self.blocks = nn.Sequential(*(Residual(nn.Conv2d, channels, (1, 3, 1), F.relu) for _ in range(blocks)))
        self.leave = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, x: torch.Tensor, pack: Pack) -> list[torch.Tensor]:
        """Of each sequence its symmetric logits, shape (nt, nt); zero on the diagonal."""
        return [self.of_nucleotides(vectors[1:-1]) for vectors in pack.split(x)]

    def of_nucleotides(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of one sequence, from the vectors of its nucleotides, shape (nt, width)."""
        # a linear layer over the concatenation is one over each half; nothing of nt x nt x 2 width is made
        left, right = self.enter.weight.chunk(2, dim=1)
        pairs = F.linear(x, left).unsqueeze(1) + F.linear(x, right, self.enter.bias).unsqueeze(0)
        upper = self.leave(self.blocks(pairs.permute(2, 0, 1).unsqueeze(0).contiguous()))[0, 0].triu(diagonal=1)
        return upper + upper.T


class LabelHead(nn.Module):
    """Logits from the vector of ``<cls>``.

    Parameters
    ----------
    width : int
    **settings
        Of :class:`~rnamarks.models.settings.language.LabelSettings`.
    """

    def __init__(self, width: int, **settings: Any) -> None:
        super().__init__()
        sizes = LabelSettings.from_mapping(settings)
        self.enter, self.leave = nn.Linear(width, sizes.hidden), nn.Linear(sizes.hidden, sizes.labels)

    def forward(self, x: torch.Tensor, pack: Pack) -> torch.Tensor:
        """Logits, shape (sequences, labels)."""
        return self.leave(F.gelu(self.enter(x[pack.offsets[:-1].long()])))


class ValueHead(nn.Module):
    """A number from the mean over a sequence, behind a residual network over its tokens.

    The released code lets normalisation and convolution see a batch's padding, so that its answer depends on what a
    sequence is batched with; here none does.

    Parameters
    ----------
    width : int
    **settings
        Of :class:`~rnamarks.models.settings.language.ValueSettings`.
    """

    def __init__(self, width: int, **settings: Any) -> None:
        super().__init__()
        sizes = ValueSettings.from_mapping(settings)
        channels, blocks = sizes.channels, sizes.blocks
        self.enter = nn.Linear(width, channels)
        self.blocks = nn.Sequential(*(Residual(nn.Conv1d, channels, (3, 3), F.elu) for _ in range(blocks)))
        self.dropout = nn.Dropout(sizes.dropout)
        self.leave = nn.Linear(channels, 1)
        # of the training values, which the network sees standardised
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("spread", torch.ones(1))

    def forward(self, x: torch.Tensor, pack: Pack) -> torch.Tensor:
        """Standardised values, shape (sequences,)."""
        found, rows = [], self.enter(x).split([count * length for count, length in pack.blocks])
        for part, (count, length) in zip(rows, pack.blocks, strict=True):
            found.append(self.blocks(part.unflatten(0, (count, length)).transpose(1, 2)).mean(dim=2))
        return self.leave(self.dropout(torch.cat(found))).squeeze(1)

    def in_units(self, x: torch.Tensor, pack: Pack) -> torch.Tensor:
        """Values in the units of the training values, shape (sequences,)."""
        return self(x, pack) * self.spread + self.mean


class Residual(nn.Module):
    """Convolutions without bias, each with instance normalisation and an activation behind it, added to their input."""

    def __init__(
        self,
        convolution: type[nn.Module],
        channels: int,
        widths: Sequence[int],
        activation: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            convolution(channels, channels, width, padding=width // 2, bias=False) for width in widths
        )
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape (batch, channels, …) to the same."""
        y = x
        for convolution in self.convolutions:
            y = self.activation(instance_norm(convolution(y)), inplace=not torch.is_grad_enabled())
        return x + y if torch.is_grad_enabled() else y.add_(x)


def instance_norm(x: torch.Tensor) -> torch.Tensor:
    """Each channel of each example with mean 0 and variance 1 over its places; zero where there is one place.

    Without gradients it takes the place of ``x``: for pairs of nucleotides that is most of the memory.
    """
    if torch.is_grad_enabled():
        # torch's function for modules refuses a single place
        return torch.instance_norm(x, None, None, None, None, True, 0.0, 1e-5, torch.backends.cudnn.enabled)
    places = tuple(range(2, x.ndim))
    variance, mean = torch.var_mean(x, dim=places, keepdim=True, correction=0)
    return x.sub_(mean).mul_(torch.rsqrt(variance + 1e-5))


HEADS: dict[str, type[nn.Module]] = {"masked": MaskedHead, "pairs": PairHead, "label": LabelHead, "value": ValueHead}


def build_head(width: int, target: str, **settings: Any) -> nn.Module:
    """A head for one kind of answer; an :class:`InputError` names a setting that is unknown or out of range."""
    check_choice(target, HEADS, "no head of that target")
    return HEADS[target](width, **settings)
