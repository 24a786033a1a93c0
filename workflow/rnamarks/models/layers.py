"""Layers that several networks use. Tensors are (batch, channels, positions) unless said otherwise."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..sequences import UNKNOWN


class OneHot(nn.Module):
    """Integer codes, shape (batch, window), to one-hot columns, shape (batch, 4, window); N and padding are zero.

    Real-valued input, shape (batch, 4, window), rows A, C, G, U, passes through as it is: gradients with respect to a
    sequence need it.
    """

    def __init__(self) -> None:
        super().__init__()
        table = torch.zeros(UNKNOWN + 1, UNKNOWN)
        table[:UNKNOWN] = torch.eye(UNKNOWN)
        self.register_buffer("table", table, persistent=False)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        if codes.is_floating_point():
            if codes.ndim != 3 or codes.shape[1] != UNKNOWN:
                raise ValueError(f"real-valued windows have shape (batch, 4, window), not {tuple(codes.shape)}")
            return codes
        return F.embedding(codes.long(), self.table).transpose(1, 2)


class ConvBlock(nn.Sequential):
    """Convolution that keeps the length, then batch normalisation, PReLU with one shared slope, and dropout.

    An even filter reaches one position further to the right than to the left.
    """

    def __init__(self, inputs: int, outputs: int, width: int, *, dilation: int = 1, dropout: float = 0.0) -> None:
        reach = dilation * (width - 1)
        left, right = reach // 2, reach - reach // 2
        super().__init__(
            # uneven padding apart: torch's own "same" padding copies and warns on every call
            nn.ConstantPad1d((left, right), 0.0) if left != right else nn.Identity(),
            nn.Conv1d(inputs, outputs, width, dilation=dilation, padding=left if left == right else 0),
            nn.BatchNorm1d(outputs),
            nn.PReLU(),
            nn.Dropout(dropout),
        )


class SelfAttention(nn.Module):
    """Multi-head self-attention over positions, without position code, residual or normalisation.

    Parameters
    ----------
    inputs : int
        Channels in.
    heads, width : int
        Number of heads and channels of each.
    project : bool
        Whether the concatenated heads pass through an output matrix (W0 of Xiong et al. 2021, Eq. 7-8); if not,
        heads * width channels come out.
    """

    def __init__(self, inputs: int, heads: int, width: int, *, project: bool) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.query = nn.Linear(inputs, heads * width, bias=False)
        self.key = nn.Linear(inputs, heads * width, bias=False)
        self.value = nn.Linear(inputs, heads * width, bias=False)
        self.output = nn.Linear(heads * width, heads * width, bias=False) if project else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape (batch, positions, inputs) to (batch, positions, heads * width)."""
        batch, positions, _ = x.shape

        def split(projected: torch.Tensor) -> torch.Tensor:
            return projected.view(batch, positions, self.heads, self.width).transpose(1, 2)

        parts = [split(project(x)) for project in (self.query, self.key, self.value)]
        # on a CPU torch's backward pass of attention is six times slower in bfloat16 than in float32
        with torch.autocast(x.device.type, enabled=x.device.type != "cpu" and torch.is_autocast_enabled(x.device.type)):
            parts = parts if x.device.type != "cpu" else [part.float() for part in parts]
            mixed = F.scaled_dot_product_attention(*parts)
        return self.output(mixed.transpose(1, 2).reshape(batch, positions, self.heads * self.width))
