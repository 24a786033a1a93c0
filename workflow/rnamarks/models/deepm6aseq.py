"""DeepM6ASeq's architecture (Zhang and Hamada 2018), the published network every table here compares with.

Two convolutions (256 filters of width 10, 128 of width 5), each with ReLU, batch normalisation and dropout, a
bidirectional LSTM with 32 units per direction, the mean over positions, and one linear layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from .layers import OneHot
from .registry import MODELS, Network, language_trunk
from .settings.deepm6aseq import DeepM6ASeqSettings


class Trunk(nn.Module):
    """Windows, shape (batch, window), to one vector per place of the convolutions, shape (batch, places, channels)."""

    def __init__(self, filters: Sequence[int], widths: Sequence[int], lstm_units: int, dropout: float) -> None:
        super().__init__()
        self.one_hot = OneHot()
        layers: list[nn.Module] = []
        inputs = 4
        for outputs, width in zip(filters, widths, strict=True):
            layers += [
                nn.Conv1d(inputs, outputs, width, padding=width // 2),
                nn.ReLU(),
                nn.BatchNorm1d(outputs),
                nn.Dropout(dropout),
            ]
            inputs = outputs
        self.convolutions = nn.Sequential(*layers)
        self.recurrent = nn.LSTM(inputs, lstm_units, batch_first=True, bidirectional=True)
        self.channels = 2 * lstm_units

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        x = self.convolutions(self.one_hot(codes))
        x, _ = self.recurrent(x.transpose(1, 2))
        return x


class Mean(nn.Module):
    """Positions, shape (batch, positions, channels), to their mean, shape (batch, channels)."""

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        return positions.mean(dim=1)


@MODELS.add("deepm6aseq")
class DeepM6ASeq(Network):
    """The DeepM6ASeq network; the original trains one per species, here several tasks may share the trunk.

    Parameters
    ----------
    tasks : sequence of str
    window : int
        Width of the windows in nt; the mean over positions makes the network indifferent to it.
    hyperparameters
        Of :class:`~rnamarks.models.settings.deepm6aseq.DeepM6ASeqSettings`.
    """

    def __init__(self, tasks: Sequence[str], window: int, **hyperparameters: Any) -> None:
        sizes = DeepM6ASeqSettings.from_mapping(hyperparameters)
        if sizes.trunk:
            trunk = language_trunk(sizes.trunk, window)
        else:
            trunk = Trunk(sizes.filters, sizes.widths, sizes.lstm_units, sizes.dropout)
        heads = {task: nn.Sequential(nn.Linear(trunk.channels, 1), nn.Flatten(0)) for task in tasks}
        super().__init__(tasks, window, trunk=trunk, pool=Mean(), heads=heads)
