"""Sequences of several lengths in one batch, end to end and without padding, and attention within each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby

import numpy as np
import torch
from torch.nn import functional as F

TOKENS_AT_ONCE = {"cpu": 8192, "cuda": 65_536}
"""Most tokens of a pack without gradients, by device."""


@dataclass(frozen=True)
class Pack:
    """Sequences end to end.

    Attributes
    ----------
    tokens : torch.Tensor, shape=(total,), dtype=int64
    lengths : tuple of int
        Of each sequence; they sum to ``total``. Neighbours of equal length are computed together, so sort by length.
    """

    tokens: torch.Tensor
    lengths: tuple[int, ...]

    def __post_init__(self) -> None:
        if sum(self.lengths) != len(self.tokens) or min(self.lengths, default=0) < 1:
            raise ValueError(f"lengths sum to {sum(self.lengths)} for {len(self.tokens)} tokens, or one is below 1")

    @classmethod
    def of(cls, sequences: Sequence[np.ndarray], device: torch.device | str = "cpu") -> Pack:
        """A pack of arrays of tokens."""
        tokens = torch.from_numpy(np.concatenate(sequences).astype(np.int64)).to(device)
        return cls(tokens, tuple(map(len, sequences)))

    @cached_property
    def positions(self) -> torch.Tensor:
        """0-based index of each token in its sequence, shape (total,)."""
        return torch.cat([torch.arange(length) for length in self.lengths]).to(self.tokens.device)

    @cached_property
    def owners(self) -> torch.Tensor:
        """Index of the sequence that each token belongs to, shape (total,)."""
        lengths = torch.tensor(self.lengths)
        return torch.repeat_interleave(torch.arange(len(lengths)), lengths).to(self.tokens.device)

    @cached_property
    def offsets(self) -> torch.Tensor:
        """Where sequences begin, and the total, shape (n + 1,), int32."""
        ends = torch.tensor((0, *self.lengths)).cumsum(0)
        return ends.to(self.tokens.device, torch.int32)

    @cached_property
    def blocks(self) -> list[tuple[int, int]]:
        """(number of sequences, length) of neighbours with one length."""
        return [(len(list(same)), length) for length, same in groupby(self.lengths)]

    def split(self, rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What belongs to each sequence, of something with a row per token."""
        return rows.split(self.lengths)


def portions(sizes: Sequence[float], most: float) -> Iterator[range]:
    """Ranges of neighbours whose sizes sum to ``most`` or less, each of one at least."""
    begin, total = 0, 0.0
    for index, size in enumerate(sizes):
        if index > begin and total + size > most:
            yield range(begin, index)
            begin, total = index, 0.0
        total += size
    if begin < len(sizes):
        yield range(begin, len(sizes))


def kernel_for(device: torch.device, dtype: torch.dtype, dropout: float = 0.0) -> str:
    """The kernel that computes attention of packs: ``flash-attn``, ``torch varlen`` or ``torch sdpa``.

    The first two need a GPU and half precision, and ``torch varlen`` has no dropout of attention weights.
    ``torch sdpa`` computes neighbours of equal length in one call.
    """
    if device.type == "cuda" and dtype in (torch.float16, torch.bfloat16):
        for module, name in (("flash_attn", "flash-attn"), ("torch.nn.attention.varlen", "torch varlen")):
            if find_spec(module) and not (dropout and name == "torch varlen"):
                return name
    return "torch sdpa"


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, pack: Pack, dropout: float = 0.0
) -> torch.Tensor:
    """Softmax attention of each token over those of its own sequence.

    Parameters
    ----------
    query, key, value : torch.Tensor, shape=(total, heads, width)
    pack : Pack
    dropout : float
        On the attention weights.

    Returns
    -------
    torch.Tensor, shape=(total, heads, width)
    """
    kernel = kernel_for(query.device, query.dtype, dropout)
    if kernel == "flash-attn":
        flash_attn_varlen_func = import_module("flash_attn").flash_attn_varlen_func
        longest = max(pack.lengths)
        return flash_attn_varlen_func(query, key, value, pack.offsets, pack.offsets, longest, longest, dropout)
    if kernel == "torch varlen":
        from torch.nn.attention.varlen import varlen_attn

        longest = max(pack.lengths)
        return varlen_attn(query, key, value, pack.offsets, pack.offsets, longest, longest)
    if query.device.type != "cpu":
        return _by_length(query, key, value, pack, dropout)
    # a CPU is slower at the gradients in bfloat16
    with torch.autocast("cpu", enabled=False):
        wide = (part if part.dtype == torch.float64 else part.float() for part in (query, key, value))
        return _by_length(*wide, pack, dropout).to(query.dtype)


def _by_length(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, pack: Pack, dropout: float) -> torch.Tensor:
    """Attention with a call for each run of sequences of one length."""
    found, begin = [], 0
    for count, length in pack.blocks:
        end = begin + count * length
        rows = (part[begin:end].unflatten(0, (count, length)).transpose(1, 2) for part in (query, key, value))
        found.append(F.scaled_dot_product_attention(*rows, dropout_p=dropout).transpose(1, 2).flatten(0, 1))
        begin = end
    return torch.cat(found)
