"""MASS: one trunk shared by all species, one head per species (Xiong et al. 2021, Figure 1).

The paper's text and its released code differ. ``form`` names which one is built:

==============================  ============================  ==============================
part                            ``paper``                     ``released``
==============================  ============================  ==============================
dilations of the three          1, 3, 5                       1, 2, 4
parallel gapped convolutions
self-attention                  one layer, 8 heads x 16,      two layers, 8 heads x 128,
                                output matrix W0              no output matrix
==============================  ============================  ==============================

Everything else is common to both: 300 filters of width 18 per gapped convolution, reduction to 32 channels, a
residual block, a local convolution, a bidirectional LSTM with 64 units per direction, and a head of two
convolutions and two dense layers. Departures from the code, in both forms: batch-norm scales start at 1 and shifts
at 0 (the code draws both from N(0, 1)), and the dropout before the last layer is connected (in the code it is not).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from .inference import with_inference_forms
from .layers import ConvBlock, LookedUpBlock, OneHot, SelfAttention, as_image
from .registry import MODELS, Network, language_trunk
from .settings.mass import MassSettings

FORMS = {
    "paper": {"dilations": (1, 3, 5), "attention_layers": 1, "attention_width": 16, "attention_output": True},
    "released": {"dilations": (1, 2, 4), "attention_layers": 2, "attention_width": 128, "attention_output": False},
}


class Trunk(nn.Module):
    """Windows, shape (batch, window), to one vector per nucleotide, shape (batch, window, channels)."""

    def __init__(
        self,
        *,
        filters: int,
        filter_width: int,
        dilations: Sequence[int],
        channels: int,
        lstm_units: int,
        attention_layers: int,
        attention_heads: int,
        attention_width: int,
        attention_output: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.one_hot = OneHot()
        self.gapped = nn.ModuleList(
            ConvBlock(4, filters, filter_width, dilation=dilation, dropout=dropout) for dilation in dilations
        )
        self.reduce = ConvBlock(filters * len(dilations), channels, 5, dropout=dropout)
        self.residual = nn.Sequential(
            ConvBlock(channels, channels, 5, dropout=dropout), ConvBlock(channels, channels, 5, dropout=dropout)
        )
        self.local = ConvBlock(channels, channels, 5, dropout=dropout)
        self.recurrent = nn.LSTM(channels, lstm_units, batch_first=True, bidirectional=True)
        attention = []
        inputs = 2 * lstm_units
        for _ in range(attention_layers):
            attention.append(SelfAttention(inputs, attention_heads, attention_width, project=attention_output))
            inputs = attention_heads * attention_width
        self.attention = nn.Sequential(*attention)
        self.channels = inputs

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        x = self.one_hot(codes)
        return self.finish(self.reduce(torch.cat([block(x) for block in self.gapped], dim=1)))

    def finish(self, x: torch.Tensor) -> torch.Tensor:
        """What the reduced channels, shape (batch, channels, window), lead to."""
        x = self.local(x + self.residual(x))
        x, _ = self.recurrent(x.transpose(1, 2))
        # the LSTM's output lies position by position, which each matrix of the attention would copy
        return self.attention(x.contiguous())

    def inference_form(self) -> nn.Module:
        """See :func:`rnamarks.models.inference.inference_form`; for codes alone."""
        return _LookedUpTrunk(self)


class _LookedUpTrunk(nn.Module):
    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.gapped = nn.ModuleList(LookedUpBlock(block) for block in trunk.gapped)
        self.rest = with_inference_forms(trunk)
        convolution = trunk.reduce.folded()
        self.weights = [as_image(part) for part in convolution.weight.chunk(len(self.gapped), dim=1)]
        self.bias, self.padding = convolution.bias, (0, *convolution.padding)
        self.slope = trunk.reduce[3].weight.item()

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        reduced = self.bias[:, None, None]
        # what a gapped convolution gives is the largest tensor by far: one at a time stays in the cache
        for block, weight in zip(self.gapped, self.weights, strict=True):
            reduced = reduced + F.conv2d(as_image(block(codes)), weight, padding=self.padding)
        return self.rest.finish(F.leaky_relu_(reduced, self.slope).squeeze(2))


class Head(nn.Module):
    """What a species makes of the trunk's positions, shape (batch, window, channels): logits, shape (batch,)."""

    def __init__(self, channels: int, window: int, *, dense: int, dropout: float) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(ConvBlock(channels, 32, 5), ConvBlock(32, 64, 5))
        self.hidden = nn.Sequential(nn.Linear(64 * window, dense), nn.BatchNorm1d(dense), nn.PReLU())
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(dense, 2)

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        hidden = self.dropout(self.hidden(self.convolutions(positions.transpose(1, 2)).flatten(1)))
        unmodified, modified = self.output(hidden).unbind(1)
        # softmax over two classes is the logistic function of the difference of their scores
        return modified - unmodified


def _own_trunk(sizes: MassSettings) -> Trunk:
    shape = dict(FORMS[sizes.form])
    if sizes.attention_width is not None:
        shape["attention_width"] = sizes.attention_width
    return Trunk(
        filters=sizes.filters,
        filter_width=sizes.filter_width,
        channels=sizes.channels,
        lstm_units=sizes.lstm_units,
        attention_heads=sizes.attention_heads,
        dropout=sizes.dropout,
        **shape,
    )


@MODELS.add("mass")
class Mass(Network):
    """The MASS network.

    Parameters
    ----------
    tasks : sequence of str
        One head each.
    window : int
        Width of the windows in nt.
    hyperparameters
        Of :class:`~rnamarks.models.settings.mass.MassSettings`.
    """

    def __init__(self, tasks: Sequence[str], window: int, **hyperparameters: Any) -> None:
        sizes = MassSettings.from_mapping(hyperparameters)
        trunk = language_trunk(sizes.trunk, window) if sizes.trunk else _own_trunk(sizes)
        heads = {task: Head(trunk.channels, window, dense=sizes.dense, dropout=sizes.dropout) for task in tasks}
        super().__init__(tasks, window, trunk=trunk, heads=heads)
