"""Logits of windows, in batches, on CPU or GPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import nn

from ..errors import InputError
from ..models.inference import inference_form
from ..sequences import UNKNOWN

# on a CPU the activations of more windows no longer fit the caches (benchmarks/scoring.py --batch-size)
BATCH_SIZES = {"cpu": 64, "cuda": 1024}


def pick_device(name: str) -> torch.device:
    """``auto`` is the GPU where torch sees one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("torch sees no GPU", value=name, remedy="use --device cpu")
    return torch.device(name)


@torch.inference_mode()
def score_windows(
    model: nn.Module, codes: np.ndarray, head: str, *, batch_size: int | None = None, device: str | torch.device = "cpu"
) -> np.ndarray:
    """Logits of windows.

    Parameters
    ----------
    model : torch.nn.Module
        Called as ``model(codes, head)``; put into evaluation mode here. On a CPU its faster form is called, where it
        has one (:mod:`rnamarks.models.inference`); on a GPU the model itself.
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    head : str
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
        logits[start : start + batch_size] = model(batch, head).float().cpu().numpy()
    return logits


def fit_to_window(codes: np.ndarray, window: int) -> np.ndarray:
    """Centre one sequence in a window: shorter ones are padded with N, longer ones lose both ends equally.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(length,), dtype=uint8
    window : int

    Returns
    -------
    numpy.ndarray, shape=(window,), dtype=uint8
        For an even difference the centre stays the centre; for an odd one the extra letter is at the right.
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
