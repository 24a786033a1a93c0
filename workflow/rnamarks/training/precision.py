"""How a device computes: in training the same bytes each time on a CPU, bfloat16 where it is precise enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """On a CPU torch takes the ways that give the same bytes each time."""
    before, filling = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(before or device.type == "cpu")
    # takes time in every step and only helps code that reads what it never wrote
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch.utils.deterministic.fill_uninitialized_memory = filling


def is_mixed(precision: str, device: torch.device, report: Callable[[str], None]) -> bool:
    """Whether to compute in bfloat16 where that is precise enough; said where it is asked for and cannot be."""
    if precision == "32-true" or (precision == "auto" and device.type == "cpu"):
        return False
    if can_bfloat16(device):
        return True
    report(f"precision 32-true: this {device.type.upper()} cannot compute in bfloat16 (asked for: {precision})")
    return False


def can_bfloat16(device: torch.device) -> bool:
    """Whether networks can be trained under autocast to bfloat16; on a CPU, where LSTMs may lack it, one is tried."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    try:
        # without inference mode, in which no training could be tried
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.random.fork_rng(devices=[]),
            torch.autocast(device.type, torch.bfloat16),
        ):
            nn.LSTM(8, 8, batch_first=True, bidirectional=True)(torch.zeros(2, 3, 8))[0].float().sum().backward()
    except RuntimeError:
        return False
    return True
