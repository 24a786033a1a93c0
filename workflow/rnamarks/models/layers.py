"""Layers that several networks use. Tensors are (batch, channels, positions) unless said otherwise."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..sequences import UNKNOWN


def draw_normal(*shape: int, deviation: float = 1.0) -> torch.Tensor:
    """Random numbers from a normal distribution around 0; none on the meta device.

    Where a file is held against the network that it describes, the network is built on the meta device, without memory.
    There torch.randn imports PyTorch's compiler, which takes more than a second of every job that loads a model.
    """
    blank = torch.empty(shape)
    return blank if blank.is_meta else torch.randn(shape) * deviation


class OneHot(nn.Module):
    """Integer codes, shape (batch, window), to one-hot columns, shape (batch, 4, window); N and padding are zero.

    Real-valued input, shape (batch, 4, window), rows A, C, G, U, passes through as it is: gradients with respect to a
    sequence need it.
    """

    def __init__(self) -> None:
        super().__init__()
        # torch.eye would import the compiler on the meta device, as in draw_normal
        table = np.eye(UNKNOWN + 1, UNKNOWN, dtype=np.float32)
        self.register_buffer("table", torch.from_numpy(table), persistent=False)

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

    def folded(self) -> nn.Conv1d:
        """The convolution with the normalisation, as it is in evaluation mode, within its weights."""
        return fuse_conv_bn_eval(self[1], self[2]).requires_grad_(False)

    def inference_form(self) -> nn.Module:
        """See :func:`rnamarks.models.inference.inference_form`."""
        return _FoldedBlock(self)


class _FoldedBlock(nn.Module):
    """Tensors as in a :class:`ConvBlock`, but the channels of a position side by side in memory, where oneDNN is
    fastest; an input that lies otherwise is copied."""

    def __init__(self, block: ConvBlock) -> None:
        super().__init__()
        convolution = block.folded()
        self.pad, self.slope, self.bias = block[0], block[3].weight.item(), convolution.bias
        self.weight = as_image(convolution.weight)
        self.padding, self.dilation = (0, *convolution.padding), (1, *convolution.dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        image = F.conv2d(as_image(self.pad(x)), self.weight, self.bias, padding=self.padding, dilation=self.dilation)
        return F.leaky_relu_(image, self.slope).squeeze(2)


class LookedUpBlock(nn.Module):
    """A :class:`ConvBlock` that reads one-hot nucleotides, in evaluation mode, looked up.

    Three nucleotides that a filter reads one after the other are one of 125 3-mers, and what a 3-mer adds to every
    filter is a row of a table: where a filter of width 18 takes 72 products, six rows are added.
    """

    def __init__(self, block: ConvBlock) -> None:
        super().__init__()
        convolution = block.folded()
        (width,), (self.dilation,), self.slope = convolution.kernel_size, convolution.dilation, block[3].weight.item()
        n_words = -(-width // 3)
        self.reach = self.dilation * (3 * n_words - 1)
        self.left = self.dilation * (width - 1) // 2
        # the nucleotide N and places beyond the filter add nothing
        weight = F.pad(convolution.weight, (0, 3 * n_words - width, 0, 1)).permute(2, 1, 0)
        first, second, third = weight.unflatten(0, (n_words, 3)).unbind(1)
        table = first[:, :, None, None] + second[:, None, :, None] + third[:, None, None, :]
        table[0] += convolution.bias
        self.table = table.flatten(0, 3)
        self.first_rows = torch.arange(0, len(self.table), len(self.table) // n_words, dtype=torch.int32)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Integer codes, shape (batch, window), to (batch, outputs, window), the outputs side by side in memory."""
        step = self.dilation
        letters = F.pad(codes.int(), (self.left, self.reach - self.left), value=UNKNOWN)
        words = 25 * letters[:, : -2 * step] + 5 * letters[:, step:-step] + letters[:, 2 * step :]
        rows = words.unfold(1, self.reach - 2 * step + 1, 1)[..., :: 3 * step] + self.first_rows
        found = F.embedding_bag(rows.flatten(0, 1), self.table, mode="sum")
        return F.leaky_relu_(found, self.slope).view(*codes.shape, -1).transpose(1, 2)


def as_image(x: torch.Tensor) -> torch.Tensor:
    """Shape (n, channels, positions) to (n, channels, 1, positions), the channels of a position side by side."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


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
        return self.output(self.mix(self.query(x), self.key(x), self.value(x)))

    def mix(self, *projected: torch.Tensor) -> torch.Tensor:
        """Values weighted by the agreement of queries and keys, each of shape (batch, positions, heads * width)."""
        # on a CPU torch's backward pass of attention is six times slower in bfloat16 than in float32
        device = projected[0].device.type
        with torch.autocast(device, enabled=device != "cpu" and torch.is_autocast_enabled(device)):
            if device == "cpu" and projected[0].dtype == torch.bfloat16:
                projected = tuple(part.float() for part in projected)
            parts = [part.unflatten(2, (self.heads, self.width)).transpose(1, 2) for part in projected]
            return F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)

    def inference_form(self) -> nn.Module:
        """See :func:`rnamarks.models.inference.inference_form`."""
        return _JoinedAttention(self)


class _JoinedAttention(nn.Module):
    """A :class:`SelfAttention` whose matrices are convolutions of width 1, which on many processors torch computes
    twice as fast as products of matrices; queries, keys and values are one."""

    def __init__(self, attention: SelfAttention) -> None:
        super().__init__()
        self.attention = attention
        joined = torch.cat([part.weight.detach() for part in (attention.query, attention.key, attention.value)])
        self.joined = as_image(joined[:, :, None])
        projects = isinstance(attention.output, nn.Linear)
        self.output = as_image(attention.output.weight.detach()[:, :, None]) if projects else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mixed = self.attention.mix(*_convolve(x, self.joined).chunk(3, dim=2))
        return mixed if self.output is None else _convolve(mixed, self.output)


def _convolve(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return F.conv2d(as_image(x.transpose(1, 2)), weight).squeeze(2).transpose(1, 2)
