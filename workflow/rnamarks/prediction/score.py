"""Logits of windows, in batches, on CPU or GPU."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from ..errors import InputError
from ..models.checkpoint import Ensemble, Stack
from ..models.inference import inference_form
from ..sequences import ALPHABET, UNKNOWN
from ..sites.motifs import motif_masks
from ..tasks import Task

# on a CPU the activations of more windows no longer fit the caches (benchmarks/scoring.py --batch-size)
BATCH_SIZES = {"cpu": 64, "cuda": 1024}
_BIT = np.uint8(1)


def pick_device(name: str) -> torch.device:
    """``auto`` is the GPU where torch sees one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:[0-9]{1,2})?", name):
        raise InputError("there is no such device", value=name, remedy="use auto, cpu or cuda")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("torch sees no GPU", value=name, remedy="use cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError("torch sees no such GPU", value=name, remedy=f"there are {torch.cuda.device_count()}")
    return device


@torch.inference_mode()
def score_windows(
    model: nn.Module, codes: np.ndarray, task: str, *, batch_size: int | None = None, device: str | torch.device = "cpu"
) -> np.ndarray:
    """Logits of windows.

    Parameters
    ----------
    model : torch.nn.Module
        Called as ``model(codes, task)``; put into evaluation mode here. On a CPU its faster form is called, where it
        has one (:mod:`rnamarks.models.inference`); on a GPU the model itself.
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    task : str
    batch_size : int, optional
        Windows at once; bounds the memory, changes nothing else beyond float rounding. Default :data:`BATCH_SIZES`.
    device : str or torch.device

    Returns
    -------
    numpy.ndarray, shape=(n_windows,), dtype=float32
    """
    model.eval().to(device)
    kind = torch.device(device).type
    model = inference_form(model) if kind == "cpu" else model
    batch_size = batch_size or BATCH_SIZES[kind]
    logits = np.empty(len(codes), dtype=np.float32)
    for start in range(0, len(codes), batch_size):
        batch = torch.from_numpy(np.ascontiguousarray(codes[start : start + batch_size])).to(device)
        logits[start : start + batch_size] = model(batch, task).float().cpu().numpy()
    return logits


@torch.inference_mode()
def score_tasks(
    model: Ensemble | Stack,
    codes: np.ndarray,
    tasks: Sequence[str],
    *,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Logits of several tasks; networks read each window once.

    Parameters
    ----------
    model, codes, batch_size, device
        See :func:`score_windows`.
    tasks : sequence of str
        Order of the columns.

    Returns
    -------
    numpy.ndarray, shape=(n_windows, n_tasks), dtype=float32
    """
    if isinstance(model, Stack):
        ours = score_tasks(model.networks, codes, tasks, batch_size=batch_size, device=device)
        return np.column_stack([_weigh(model, codes, task, ours[:, i]) for i, task in enumerate(tasks)])
    where = pick_device(str(device))
    model.eval().to(where)
    size = batch_size or BATCH_SIZES[where.type]
    columns = [model.networks.members[0].columns[task] for task in tasks]
    logits = np.empty((len(codes), len(tasks)), dtype=np.float32)
    for start in range(0, len(codes), size):
        batch = torch.from_numpy(np.ascontiguousarray(codes[start : start + size])).to(where)
        logits[start : start + size] = model.forward_all(batch)[:, columns].float().cpu().numpy()
    return logits


def _weigh(stack: Stack, codes: np.ndarray, task: str, ours: np.ndarray) -> np.ndarray:
    weights = stack.weights[task]
    total = weights[stack.network] * ours.astype(np.float64)
    for name, fitted in stack.baselines.items():
        # a member without weight need not be asked
        if weights[name]:
            total += weights[name] * fitted[task].logit(codes)
    return total.astype(np.float32)


def fits_task(codes: np.ndarray, task: Task) -> np.ndarray:
    """Which windows have the task's base in its motif in the middle.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    task : Task

    Returns
    -------
    numpy.ndarray, shape=(n_windows,), dtype=bool
    """
    motif, offset = task.place
    first = codes.shape[1] // 2 - offset
    if not motif:
        return np.ones(len(codes), dtype=bool)
    if first < 0 or first + len(motif) > codes.shape[1]:
        return np.zeros(len(codes), dtype=bool)
    fits = np.ones(len(codes), dtype=bool)
    for place, mask in enumerate(motif_masks(motif)):
        fits &= (_BIT << codes[:, first + place]) & mask != 0
    return fits & (codes[:, codes.shape[1] // 2] == ALPHABET.index(task.base)) if task.base else fits


def fit_to_window(codes: np.ndarray, window: int) -> np.ndarray:
    """Centre one sequence in a window: shorter ones are padded with N, longer ones lose both ends equally.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(length,), dtype=uint8
    window : int

    Returns
    -------
    numpy.ndarray, shape=(window,), dtype=uint8
        For an even difference the centre stays the centre; for an odd one the extra nucleotide is at the right.
    """
    length = len(codes)
    if length >= window:
        start = (length - window) // 2
        return codes[start : start + window]
    out = np.full(window, UNKNOWN, dtype=np.uint8)
    start = (window - length) // 2
    out[start : start + length] = codes
    return out


def in_chunks(items: Iterable, size: int) -> Iterator[list]:
    """Lists of up to ``size`` consecutive items."""
    chunk: list = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
