"""Attention of a network on the windows that it calls, by task.

Networks with attention give each task a distribution over overlapping k-mers of their window;
:mod:`rnamarks.prediction.attended` turns it into weights of nucleotides.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ..errors import InputError
from ..models.registry import Network
from ..prediction.attended import spread_kmers
from ..prediction.score import BATCH_SIZES


def attends(model: nn.Module) -> bool:
    """Whether all networks of a model have attention; of a stack the networks alone are asked.

    Parameters
    ----------
    model : Ensemble or Stack
    """
    return all(member.attends for member in model.networks.members)


def attentive(model: nn.Module) -> list[nn.Module]:
    """The networks of a model, which must all have attention.

    Parameters
    ----------
    model : Ensemble or Stack

    Raises
    ------
    InputError
        If a network has none.
    """
    members = list(model.networks.members)
    if not attends(model):
        raise InputError(
            "the network has no attention to read",
            value=type(members[0]).__name__,
            remedy="choose a network that attends, or integrated gradients",
        )
    return members


def view_of(network: Network, window: int) -> tuple[int, int]:
    """First nucleotide of a window that the network reads, 0-based, and how many it reads."""
    return (window - network.reads) // 2, network.reads


@torch.inference_mode()
def attend(
    network: nn.Module, codes: np.ndarray, *, batch_size: int | None = None, device: str | torch.device = "cpu"
) -> np.ndarray:
    """Attention of one network to the k-mers of windows.

    Parameters
    ----------
    network : torch.nn.Module
        With ``attend``; put into evaluation mode here.
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    batch_size : int, optional
    device : str or torch.device

    Returns
    -------
    numpy.ndarray, shape=(n_windows, n_tasks, n_kmers), dtype=float32
        Every row sums to 1. K-mers are those of the part of the window that the network reads.
    """
    network.eval().to(device)
    batch_size = batch_size or BATCH_SIZES[torch.device(device).type]
    # one window tells the numbers of tasks and k-mers where there is none to read
    given = codes if len(codes) else np.zeros((1, codes.shape[1]), dtype=np.uint8)
    parts = [
        network.attend(torch.from_numpy(np.ascontiguousarray(given[start : start + batch_size])).to(device))
        for start in range(0, len(given), batch_size)
    ]
    return torch.cat([part.float().cpu() for part in parts]).numpy()[: len(codes)]


def attend_nucleotides(
    model: nn.Module,
    codes: np.ndarray,
    task: int,
    *,
    mean: bool = False,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Attention of one task to the nucleotides of windows, mean over the networks of a model.

    Parameters
    ----------
    model : Ensemble or Stack
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    task : int
        Its number among the model's tasks.
    mean : bool
        See :func:`spread_kmers`.
    device : str or torch.device

    Returns
    -------
    numpy.ndarray, shape=(n_windows, window), dtype=float32
        0 where the network does not read.
    """
    members = attentive(model)
    window = codes.shape[1]
    total = np.zeros(codes.shape, dtype=np.float32)
    for member in members:
        kmers = attend(member, codes, device=device)[:, task]
        first, width = view_of(member, window)
        total[:, first : first + width] += spread_kmers(kmers, width - kmers.shape[1] + 1, mean=mean)
    return total / len(members)
