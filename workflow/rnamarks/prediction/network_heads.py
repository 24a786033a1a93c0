"""Logits of all heads of networks, and of stacks of networks and baselines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from ..models.checkpoint import Ensemble, Stack
from .score import BATCH_SIZES, pick_device


def score_networks(
    model: Ensemble | Stack,
    codes: np.ndarray,
    heads: Sequence[str],
    *,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Logits of all heads.

    A network with ``forward_all`` reads each window once, another one once for each head.

    Parameters
    ----------
    model, codes, heads, batch_size, device
        See :func:`rnamarks.prediction.heads.score_heads`.

    Returns
    -------
    numpy.ndarray, shape=(n_windows, n_heads), dtype=float32
    """
    if isinstance(model, Stack):
        ours = score_networks(model.networks, codes, heads, batch_size=batch_size, device=device)
        return np.column_stack([_weigh(model, codes, head, ours[:, i]) for i, head in enumerate(heads)])
    where = pick_device(str(device))
    model.eval().to(where)
    size = batch_size or BATCH_SIZES[where.type]
    logits = np.empty((len(codes), len(heads)), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(codes), size):
            batch = torch.from_numpy(np.ascontiguousarray(codes[start : start + size])).to(where)
            each = torch.stack([_all_heads(member, batch, heads) for member in model.networks.members])
            logits[start : start + size] = each.mean(dim=0).float().cpu().numpy()
    return logits


def _all_heads(network: nn.Module, codes: torch.Tensor, heads: Sequence[str]) -> torch.Tensor:
    """Shape (batch, heads)."""
    if not hasattr(network, "forward_all"):
        return torch.stack([network(codes, head) for head in heads], dim=1)
    own = list(network.classifiers)
    return network.forward_all(codes)[:, [own.index(head) for head in heads]]


def _weigh(stack: Stack, codes: np.ndarray, head: str, ours: np.ndarray) -> np.ndarray:
    weights = stack.weights[head]
    total = weights[stack.network] * ours.astype(np.float64)
    for name, baselines in stack.baselines.items():
        # a member without weight need not be asked
        if weights[name]:
            total += weights[name] * baselines[head].logit(codes)
    return total.astype(np.float32)
