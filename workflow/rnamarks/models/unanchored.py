"""A network for windows that hold a site anywhere.

No weight belongs to a position: convolutions and a bidirectional LSTM describe every position, and three kinds of
pooling (largest value, mean, learned attention) turn positions into one vector. Species share all of this; a small
dense head per species reads the vector. Every operation treats each window by itself (group normalisation, no
batch statistics), so a batch may hold one species or several.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..errors import InputError
from .layers import OneHot
from .registry import MODELS, Network, language_trunk
from .settings.unanchored import UnanchoredSettings


def halve(x: torch.Tensor) -> torch.Tensor:
    """The larger value of each two neighbouring positions; an odd last position is dropped.

    Parameters
    ----------
    x : torch.Tensor, shape=(batch, channels, positions)

    Returns
    -------
    torch.Tensor, shape=(batch, channels, positions // 2)
    """
    even = x.shape[-1] // 2 * 2
    left, right = x[..., :even].unflatten(-1, (even // 2, 2)).unbind(-1)
    # torch's max pooling and maximum() cost twice as much CPU time, forwards and backwards together
    return right + F.relu(left - right)


class DilatedBlock(nn.Module):
    """A residual block that keeps the shape: normalise, dilated convolution, convolution of width 1.

    The last convolution starts at zero, so a fresh block passes its input on and deep stacks need no warm-up.
    """

    def __init__(self, channels: int, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(UnanchoredSettings.groups, channels)
        self.gapped = nn.Conv1d(channels, channels, width, dilation=dilation, padding=dilation * (width // 2))
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout1d(dropout)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.dropout(self.mix(F.gelu(self.gapped(F.gelu(self.norm(x))))))


class Summary(nn.Module):
    """Positions to one vector: the largest value, the mean, and ``heads`` attention-weighted means of each channel.

    Shape (batch, channels, positions) to (batch, (2 + heads) * channels).
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Conv1d(channels, heads, 1)
        self.features = (2 + heads) * channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weights = self.attention(x).softmax(dim=-1)
        attended = torch.einsum("bcl,bhl->bhc", x, weights).flatten(1)
        return torch.cat([x.amax(dim=-1), x.mean(dim=-1), attended], dim=1)


class Trunk(nn.Module):
    """Windows, shape (batch, window), to one vector per four nucleotides, shape (batch, window // 4, channels)."""

    def __init__(self, sizes: UnanchoredSettings) -> None:
        super().__init__()
        self.one_hot = OneHot()
        self.motifs = nn.Conv1d(4, sizes.filters, sizes.filter_width, padding=sizes.filter_width // 2)
        self.reduce = nn.Sequential(
            nn.GELU(),
            nn.GroupNorm(sizes.groups, sizes.filters),
            nn.Dropout1d(sizes.channel_dropout),
            nn.Conv1d(sizes.filters, sizes.channels, 1),
        )
        self.blocks = nn.Sequential(
            *(
                DilatedBlock(sizes.channels, sizes.width, dilation, sizes.channel_dropout)
                for dilation in sizes.dilations
            )
        )
        self.recurrent = nn.LSTM(sizes.channels, sizes.lstm_units, batch_first=True, bidirectional=True)
        self.channels = 2 * sizes.lstm_units
        self.norm = nn.GroupNorm(sizes.groups, self.channels)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        x = self.reduce(halve(self.motifs(self.one_hot(codes))))
        x, _ = self.recurrent(halve(self.blocks(x)).transpose(1, 2))
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


class Pool(nn.Module):
    """Positions, shape (batch, positions, channels), to the features that all heads read, shape (batch, features)."""

    def __init__(self, channels: int, sizes: UnanchoredSettings) -> None:
        super().__init__()
        self.summary = Summary(channels, sizes.attention_heads)
        self.dense = nn.Sequential(
            nn.Dropout(sizes.dropout),
            nn.Linear(self.summary.features, sizes.features),
            nn.GELU(),
            nn.Dropout(sizes.dropout),
        )

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        return self.dense(self.summary(positions.transpose(1, 2)))


@MODELS.add("unanchored")
class Unanchored(Network):
    """One trunk for all tasks, with no weight tied to a position, and one small head per task.

    Parameters
    ----------
    tasks : sequence of str
    window : int
        Width of the windows in nt, 8 or more.
    hyperparameters
        Of :class:`~rnamarks.models.settings.unanchored.UnanchoredSettings`.
    """

    def __init__(self, tasks: Sequence[str], window: int, **hyperparameters: Any) -> None:
        sizes = UnanchoredSettings.from_mapping(hyperparameters)
        if window < 8:
            raise InputError("the network unanchored needs 8 nt or more", value=window, remedy="take wider windows")
        trunk = language_trunk(sizes.trunk, window) if sizes.trunk else Trunk(sizes)
        pool = Pool(trunk.channels, sizes)
        heads = {
            task: nn.Sequential(
                nn.Linear(sizes.features, sizes.hidden),
                nn.GELU(),
                nn.Dropout(sizes.dropout),
                nn.Linear(sizes.hidden, 1),
                nn.Flatten(0),
            )
            for task in tasks
        }
        super().__init__(tasks, window, trunk=trunk, pool=pool, heads=heads)
