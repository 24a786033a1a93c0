"""Networks as functions of real-valued windows, with weights that stand still."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from ..sequences import ALPHABET, UNKNOWN

# float32 logits of the two ways into a network differ by rounding only
_SAME = 1e-3


def one_hot(codes: np.ndarray) -> torch.Tensor:
    """One-hot columns of windows; N and padding are zero.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8

    Returns
    -------
    torch.Tensor, shape=(n_windows, 4, window), dtype=float32
        Rows A, C, G, U.
    """
    table = np.zeros((UNKNOWN + 1, UNKNOWN), dtype=np.float32)
    table[:UNKNOWN] = np.eye(UNKNOWN)
    return torch.from_numpy(table[codes].transpose(0, 2, 1).copy())


@contextmanager
def frozen(model: nn.Module, device: str | torch.device = "cpu") -> Iterator[nn.Module]:
    """The model in evaluation mode, on the device, with weights that take no gradient; restored afterwards.

    cuDNN is left out inside the block: its recurrent layers give no gradient in evaluation mode.
    """
    training = [(module, module.training) for module in model.modules()]
    gradients = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    model.eval().to(device)
    for parameter, _ in gradients:
        parameter.requires_grad_(False)
    try:
        with torch.backends.cudnn.flags(enabled=False):
            yield model
    finally:
        for parameter, wanted in gradients:
            parameter.requires_grad_(wanted)
        for module, mode in training:
            module.training = mode


def require_soft(model: nn.Module, task: str, window: int, device: str | torch.device = "cpu") -> None:
    """Raise ValueError unless the model gives the one-hot columns of windows, N included, the logits of their codes.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode, on ``device``.
    task : str
    window : int
    """
    codes = np.random.default_rng(0).integers(0, len(ALPHABET) + 1, size=(2, window)).astype(np.uint8)
    with torch.no_grad():
        hard = model(torch.from_numpy(codes).to(device), task)
        try:
            soft = model(one_hot(codes).to(device), task)
        except (RuntimeError, ValueError, IndexError) as error:
            raise ValueError(f"the network reads no real-valued windows: {error}") from error
    if not torch.allclose(hard, soft, atol=_SAME, rtol=_SAME):
        raise ValueError("the network gives one-hot columns other logits than the codes they stand for")
