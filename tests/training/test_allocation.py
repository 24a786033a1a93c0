"""Training in bfloat16 on batches of many sizes needs no more memory with every size."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rnamarks.training.precision import can_bfloat16

GROWN = """
import sys
import torch
from torch import nn
from rnamarks.training.allocation import bound_kernel_caches

if sys.argv[1] == "bound":
    bound_kernel_caches()
torch.set_num_threads(1)
network = nn.Sequential(nn.Linear(80, 240), nn.GELU(), nn.Linear(240, 80))


def resident():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) / 1024


for size in range(70):
    if size == 30:
        before = resident()
    with torch.autocast("cpu", torch.bfloat16):
        network(torch.zeros(1000 + 3 * size, 80)).float().sum().backward()
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the resident memory from /proc")
def test_kernels_of_many_sizes_do_not_pile_up(monkeypatch):
    import torch

    if not can_bfloat16(torch.device("cpu")):
        pytest.skip("this CPU does not train in bfloat16")
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        monkeypatch.delenv(name, raising=False)
    grown = {
        how: float(
            subprocess.run([sys.executable, "-c", GROWN, how], capture_output=True, check=True, text=True).stdout
        )
        for how in ("free", "bound")
    }
    # a CPU without AVX512-BF16 compiles nothing, and neither grows
    assert grown["bound"] < max(20, 0.5 * grown["free"]), grown
