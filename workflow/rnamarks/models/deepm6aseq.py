"""DeepM6ASeq's architecture (Zhang and Hamada 2018), the published network every table here compares with.

Two convolutions (256 filters of width 10, 128 of width 5), each with ReLU, batch normalisation and dropout, a
bidirectional LSTM with 32 units per direction, the mean over positions, and one linear layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .layers import OneHot
from .register import MODELS


class _Extractor(nn.Module):
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

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        x = self.convolutions(self.one_hot(codes))
        x, _ = self.recurrent(x.transpose(1, 2))
        return x.mean(dim=1)


@MODELS.add("deepm6aseq")
class DeepM6ASeq(nn.Module):
    """The DeepM6ASeq network; the original trains one per species, here several heads may share the extractor.

    Parameters
    ----------
    heads : sequence of str
        Species.
    window : int
        Width of the windows in nt; the mean over positions makes the network indifferent to it.
    filters, widths : sequences of int
        Number of filters and width of each convolution.
    lstm_units : int
        Units per direction.
    dropout : float
        After each convolution.
    """

    def __init__(
        self,
        heads: Sequence[str],
        window: int,
        *,
        filters: Sequence[int] = (256, 128),
        widths: Sequence[int] = (10, 5),
        lstm_units: int = 32,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        del window
        self.extractor = _Extractor(filters, widths, lstm_units, dropout)
        self.classifiers = nn.ModuleDict({head: nn.Linear(2 * lstm_units, 1) for head in heads})

    def forward(self, codes: torch.Tensor, head: str) -> torch.Tensor:
        """Logits, shape (batch,), of windows: codes, shape (batch, window), or shares, shape (batch, 4, window)."""
        return self.classifiers[head](self.extractor(codes)).squeeze(1)
