"""RiNALMo: a transformer encoder over single nucleotides, trained to fill masked ones (Penić et al. 2024).

    tokens ─► embedding, token dropout ─► blocks: attention with rotary positions, SwiGLU ─► layer norm ─► channels

The released code and the paper differ in where attention's layer norm stands, see :class:`Block`; the released form is
the default, since the released weights need it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from .language_heads import build_head
from .packing import Pack, attend
from .settings.language import LanguageSettings
from .tokens import MASK, PAD, TOKENS

TRAINED_MASKED = 0.15 * 0.8
"""Fraction of tokens that are ``<mask>`` in pre-training."""
_BASE = 10_000.0


class Encoder(nn.Module):
    """The trunk: tokens to one vector each.

    Parameters
    ----------
    **hyperparameters
        Of :class:`~rnamarks.models.settings.language.LanguageSettings`.

    Attributes
    ----------
    width : int
        Channels of each token.
    recompute : bool
        Keep no activations of the blocks for the gradient but compute them twice: less memory, a third more time.
    """

    recompute = False

    def __init__(self, **hyperparameters: object) -> None:
        super().__init__()
        sizes = LanguageSettings.from_mapping(hyperparameters)
        self.settings, self.width = sizes, sizes.width
        self.embedding = nn.Embedding(len(TOKENS), sizes.width, padding_idx=PAD)
        self.places = nn.Embedding(sizes.longest, sizes.width) if sizes.positions == "absolute" else None
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.blocks))
        self.norm = nn.LayerNorm(sizes.width)

    def forward(self, pack: Pack, rows: torch.Tensor | None = None) -> torch.Tensor:
        """One vector per token, shape (total, width); ``rows``, of that shape, takes the place of the embedding's."""
        x = self.embed(pack, rows)
        angles = None if self.places is not None else rotary_angles(pack, self.width // self.settings.heads)
        for block in self.blocks:
            if self.recompute and torch.is_grad_enabled():
                x = checkpoint(block, x, pack, angles, use_reentrant=False)
            else:
                x = block(x, pack, angles)
        return self.norm(x)

    def embed(self, pack: Pack, rows: torch.Tensor | None = None) -> torch.Tensor:
        """What the blocks read, shape (total, width): masked tokens are zero, and each sequence is scaled for it.

        A sequence of which a fraction m is masked is multiplied by (1 - 0.12) / (1 - m), in training and afterwards.
        """
        x = self.embedding(pack.tokens) if rows is None else rows
        if self.places is not None:
            if max(pack.lengths) > self.settings.longest:
                raise ValueError(f"a sequence of {max(pack.lengths)} tokens for {self.settings.longest} positions")
            x = x + self.places(pack.positions)
        if not self.settings.token_dropout:
            return x
        masked = pack.tokens == MASK
        sums = torch.zeros(len(pack.lengths), dtype=x.dtype, device=x.device).index_add_(0, pack.owners, masked.to(x))
        kept = 1 - sums / torch.tensor(pack.lengths, dtype=x.dtype, device=x.device)
        # a sequence that is masked from end to end has nothing to scale
        scale = (1 - TRAINED_MASKED) / kept.clamp(min=1e-6)
        return x.masked_fill(masked.unsqueeze(1), 0.0) * scale[pack.owners].unsqueeze(1)


class Language(nn.Module):
    """An encoder under a head for each task.

    Parameters
    ----------
    tasks : mapping of str to mapping
        Name of each to the settings of its head: ``target`` (``masked``, ``pairs``, ``label`` or ``value``), and what
        :mod:`rnamarks.models.language_heads` asks beyond the width.
    **hyperparameters
        Of the encoder.
    """

    def __init__(self, tasks: Mapping[str, Mapping[str, Any]], **hyperparameters: Any) -> None:
        super().__init__()
        self.trunk = Encoder(**hyperparameters)
        self.heads = nn.ModuleDict({name: build_head(self.trunk.width, **entry) for name, entry in tasks.items()})

    def forward(self, pack: Pack, task: str) -> Any:
        """What the head of a task says of a pack."""
        return self.heads[task](self.trunk(pack), pack)


class Block(nn.Module):
    """Attention and feed-forward layer.

    ``released``: the input is replaced by its layer norm before attention is added to it, x <- LN(x), then
    x <- x + attention(x). ``pre``: x <- x + attention(LN(x)), as the paper says. The feed-forward layer is
    x <- x + feedforward(LN(x)) in both.
    """

    def __init__(self, sizes: LanguageSettings) -> None:
        super().__init__()
        self.heads, self.is_pre = sizes.heads, sizes.norm == "pre"
        self.attention_dropout = sizes.attention_dropout
        self.attention_norm = nn.LayerNorm(sizes.width)
        self.qkv = nn.Linear(sizes.width, 3 * sizes.width, bias=False)
        self.out = nn.Linear(sizes.width, sizes.width, bias=False)
        self.feedforward_norm = nn.LayerNorm(sizes.width)
        form = SwiGLU if sizes.activation == "swiglu" else Gelu
        self.feedforward = form(sizes.width, sizes.hidden)
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(self, x: torch.Tensor, pack: Pack, angles: tuple[torch.Tensor, torch.Tensor] | None) -> torch.Tensor:
        """Vectors of all tokens, shape (total, width), to the same."""
        normed = self.attention_norm(x)
        x = (x if self.is_pre else normed) + self.dropout(self._attention(normed, pack, angles))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))

    def _attention(self, x: torch.Tensor, pack: Pack, angles: tuple[torch.Tensor, torch.Tensor] | None) -> torch.Tensor:
        query, key, value = self.qkv(x).unflatten(1, (3, self.heads, -1)).unbind(1)
        if angles is not None:
            query, key = rotate(query, *angles), rotate(key, *angles)
        dropout = self.attention_dropout if self.training else 0.0
        return self.out(attend(query, key, value, pack, dropout).flatten(1))


class SwiGLU(nn.Module):
    """(a · sigmoid(beta · a)) · g of a = W x + b, g = V x + c and learned beta, then a linear layer (Shazeer 2020)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.ones(1))
        self.value = nn.Linear(width, hidden)
        self.gate = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, gate = self.value(x), self.gate(x)
        share = torch.sigmoid(self.beta * value)
        # without gradients nothing needs the factors again
        return self.down(value * share * gate if torch.is_grad_enabled() else share.mul_(value).mul_(gate))


class Gelu(nn.Module):
    """A linear layer, GELU, a linear layer, with as many weights as :class:`SwiGLU`."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, hidden * 3 // 2)
        self.down = nn.Linear(hidden * 3 // 2, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(F.gelu(self.up(x)))


def rotary_angles(pack: Pack, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of each token's angles, shape (total, 1, width / 2) each, single precision.

    Angle i of position t is t · 10000^(-2i / width) (Su et al. 2021).
    """
    device = pack.tokens.device
    rates = torch.exp(torch.arange(0, width, 2, device=device).float() * (-math.log(_BASE) / width))
    table = torch.outer(torch.arange(max(pack.lengths), device=device).float(), rates)
    return table.cos()[pack.positions].unsqueeze(1), table.sin()[pack.positions].unsqueeze(1)


def rotate(x: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    """Turn the pairs (i, i + width / 2) of each head, shape (total, heads, width), by the angles of the token."""
    first, second = x.float().chunk(2, dim=-1) if x.dtype != torch.float64 else x.chunk(2, dim=-1)
    turned = torch.cat([first * cosines - second * sines, second * cosines + first * sines], dim=-1)
    return turned.to(x.dtype)
