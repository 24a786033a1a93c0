"""Muon: steps of momentum made orthogonal, for the matrices of the blocks; AdamW for all else (Jordan et al. 2024).

A matrix moves along the nearest semi-orthogonal matrix of its momentum, so that all its directions move as far. Steps
are scaled to the size of AdamW's, 0.2 · sqrt(max(rows, columns)), so that rates and decay of one fit the other (Liu et
al. 2025, arXiv:2502.16982).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch

MOMENTUM = 0.95
STEPS = 5
"""Iterations of the polynomial."""
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_LIKE_ADAMW = 0.2


class MuonWithAdamW(torch.optim.AdamW):
    """AdamW, but Muon for groups with ``pieces``.

    Parameters
    ----------
    groups : iterable of dict
        ``pieces`` is the number of matrices that stand on each other in one parameter, such as 3 of query, key and
        value, which are made orthogonal by themselves; 0, as without it, is AdamW.
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__([{"pieces": 0} | group for group in groups])

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Take a step; there is no closure."""
        groups = self.param_groups
        self.param_groups = [group for group in groups if not group["pieces"]]
        try:
            super().step(closure)
        finally:
            self.param_groups = groups
        for group in groups:
            for parameter in group["params"] if group["pieces"] else ():
                if parameter.grad is not None:
                    self._move(parameter, group)

    def _move(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            # AdamW looks for steps in every state that is read back
            state |= {"step": torch.zeros(()), "momentum": torch.zeros_like(parameter)}
        state["step"] += 1
        # as in the published code: an average of the gradients, looked ahead by one step (Nesterov)
        momentum = state["momentum"].lerp_(parameter.grad, 1 - MOMENTUM)
        matrices = parameter.grad.lerp(momentum, MOMENTUM).unflatten(0, (group["pieces"], -1))
        scale = _LIKE_ADAMW * math.sqrt(max(matrices.shape[1:]))
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(orthogonal(matrices).flatten(0, 1), alpha=-group["lr"] * scale)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Nearly the nearest semi-orthogonal matrices: singular values become 0.7 to 1.2, singular vectors stay.

    Five steps of the quintic Newton-Schulz iteration x <- a x + b (x xᵀ) x + c (x xᵀ)² x, in bf16 on a GPU, which is
    enough for it, and in single precision on a CPU.

    Parameters
    ----------
    matrices : torch.Tensor, shape=(n, rows, columns)
    """
    a, b, c = _COEFFICIENTS
    x = matrices.to(torch.bfloat16) if matrices.is_cuda else matrices
    turned = x.shape[1] > x.shape[2]
    x = x.mT if turned else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(STEPS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if turned else x).to(matrices.dtype)


def pieces_of(name: str, parameter: torch.Tensor) -> int:
    """How many matrices a parameter of a transformer is for Muon; 0 for what is none, or not of a block."""
    if parameter.ndim != 2 or ".blocks." not in name or not name.startswith("trunk."):
        return 0
    return 3 if name.endswith("qkv.weight") else 1
