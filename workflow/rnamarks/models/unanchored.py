"""A network for windows that hold a site anywhere.

No weight belongs to a position: convolutions and a bidirectional LSTM describe every position, and three kinds of
pooling (largest value, mean, learned attention) turn positions into one vector. Species share all of this; a small
dense classifier per species reads the vector. Every operation treats each window by itself (group normalisation, no
batch statistics), so a batch may hold one species or several.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .layers import OneHot
from .register import MODELS

_GROUPS = 8


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
        self.norm = nn.GroupNorm(_GROUPS, channels)
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


class Extractor(nn.Module):
    """Shared features: integer codes, shape (batch, window), to (batch, features)."""

    def __init__(
        self,
        *,
        filters: int,
        filter_width: int,
        channels: int,
        width: int,
        dilations: Sequence[int],
        lstm_units: int,
        attention_heads: int,
        features: int,
        channel_dropout: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.one_hot = OneHot()
        self.motifs = nn.Conv1d(4, filters, filter_width, padding=filter_width // 2)
        self.reduce = nn.Sequential(
            nn.GELU(),
            nn.GroupNorm(_GROUPS, filters),
            nn.Dropout1d(channel_dropout),
            nn.Conv1d(filters, channels, 1),
        )
        self.blocks = nn.Sequential(
            *(DilatedBlock(channels, width, dilation, channel_dropout) for dilation in dilations)
        )
        self.recurrent = nn.LSTM(channels, lstm_units, batch_first=True, bidirectional=True)
        self.norm = nn.GroupNorm(_GROUPS, 2 * lstm_units)
        self.summary = Summary(2 * lstm_units, attention_heads)
        self.dense = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(self.summary.features, features), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        x = self.reduce(halve(self.motifs(self.one_hot(codes))))
        x, _ = self.recurrent(halve(self.blocks(x)).transpose(1, 2))
        return self.dense(self.summary(self.norm(x.transpose(1, 2))))


@MODELS.add("unanchored")
class Unanchored(nn.Module):
    """One extractor for all species, with no weight tied to a position, and one small classifier per species.

    Parameters
    ----------
    heads : sequence of str
        Species, one classifier each.
    window : int
        Width of the windows in nt, at least 8; the weights do not depend on it.
    filters, filter_width : int
        Number and odd width of the first convolution's filters; positions are then halved.
    channels, width, dilations
        Channels of the residual blocks, odd width and dilation of each; positions are halved again after them.
    lstm_units : int
        Units per direction.
    attention_heads : int
        Number of attention-weighted means.
    features, hidden : int
        Sizes of the shared vector and of each classifier's hidden layer.
    channel_dropout, dropout : float
        Of whole channels in the convolutions, and in the dense layers.

    Raises
    ------
    ValueError
        If a width is even, or ``filters``, ``channels`` or ``2 * lstm_units`` is no multiple of 8.
    """

    def __init__(
        self,
        heads: Sequence[str],
        window: int,
        *,
        filters: int = 256,
        filter_width: int = 9,
        channels: int = 128,
        width: int = 3,
        dilations: Sequence[int] = (1, 2, 4),
        lstm_units: int = 64,
        attention_heads: int = 4,
        features: int = 128,
        hidden: int = 32,
        channel_dropout: float = 0.1,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        if filter_width % 2 == 0 or width % 2 == 0:
            raise ValueError(f"filter_width {filter_width} and width {width} must be odd")
        for name, size in (("filters", filters), ("channels", channels), ("2 * lstm_units", 2 * lstm_units)):
            if size % _GROUPS:
                raise ValueError(f"{name} = {size} is no multiple of {_GROUPS}")
        if window < 8:
            raise ValueError(f"window {window} is narrower than 8 nt")
        self.extractor = Extractor(
            filters=filters,
            filter_width=filter_width,
            channels=channels,
            width=width,
            dilations=dilations,
            lstm_units=lstm_units,
            attention_heads=attention_heads,
            features=features,
            channel_dropout=channel_dropout,
            dropout=dropout,
        )
        self.classifiers = nn.ModuleDict(
            {
                head: nn.Sequential(
                    nn.Linear(features, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, 1), nn.Flatten(0)
                )
                for head in heads
            }
        )

    def forward(self, codes: torch.Tensor, head: str) -> torch.Tensor:
        """Logits, shape (batch,), of windows given as codes, shape (batch, window)."""
        return self.classifiers[head](self.extractor(codes))
