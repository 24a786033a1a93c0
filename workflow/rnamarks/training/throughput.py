"""How much of a machine's speed a language model's training uses: model FLOPs utilisation (Chowdhery et al. 2022)."""

from __future__ import annotations

import time
from functools import cache

import torch
from torch import nn

# dense bf16 with single-precision sums, in 1e12 operations per second, from the makers' data sheets
PEAKS = {
    "B200": 2250.0,
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "A10": 125.0,
    "RTX 4090": 165.0,
    "RTX 3090": 71.0,
}
_SIDE = {"cpu": 1024, "cuda": 8192}


def operations(network: nn.Module, tokens: float, squares: float, rows: float) -> float:
    """Floating-point operations of the gradient of a language model, twice as many backwards as forwards.

    Multiplications of matrices and attention count, as products and sums; what is computed again to save memory does
    not.

    Parameters
    ----------
    network : Language
    tokens, squares : float
        Sums of the sequences' lengths and of their squares.
    rows : float
        Tokens that the head reads.
    """

    def matrices(part: nn.Module) -> int:
        return sum(one.numel() for one in part.parameters() if one.ndim == 2)

    trunk = network.trunk
    forward = 2 * matrices(trunk.blocks) * tokens + 2 * matrices(network.heads) * rows
    return 3 * (forward + 4 * len(trunk.blocks) * trunk.width * squares)


def peak_of(device: torch.device) -> tuple[float, str]:
    """Most operations per second, and where the number is from: a data sheet, or a product measured once."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    for known, speed in PEAKS.items():
        if device.type == "cuda" and set(known.split()) <= set(name.replace("-", " ").split()):
            return speed * 1e12, f"{speed:g} TFLOP/s ({known}, bf16)"
    speed = measured_peak(device, torch.bfloat16 if device.type == "cuda" else torch.float32)
    return speed, f"{speed / 1e12:.3g} TFLOP/s ({name}, products of matrices)"


@cache
def measured_peak(device: torch.device, kind: torch.dtype, seconds: float = 0.3) -> float:
    """Operations per second of products of large square matrices, the best of as many as fit into the time."""
    side = _SIDE[device.type]
    one, best, end = torch.ones(side, side, device=device, dtype=kind), 0.0, time.perf_counter() + seconds
    one @ one
    while time.perf_counter() < end or not best:
        _wait(device)
        started = time.perf_counter()
        one @ one
        _wait(device)
        best = max(best, 2 * side**3 / (time.perf_counter() - started))
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
