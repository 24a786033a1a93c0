"""Windows per second of `score_windows` against the same network fed one window at a time.

    PYTHONPATH=workflow python benchmarks/scoring.py [--network mass] [--windows 2000] [--batch-size N]

Each repeat times both in turn; single windows are timed on a twentieth of the set. The largest difference between the
two sets of logits is printed, too.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from rnamarks.models.registry import build_model
from rnamarks.prediction.score import score_windows


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="mass")
    parser.add_argument("--windows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch-size", type=int, help="default: that of score_windows")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    network = build_model(arguments.network, ["human"], 101)
    codes = np.random.default_rng(0).integers(0, 4, (arguments.windows, 101)).astype(np.uint8)
    few = codes[: max(20, arguments.windows // 20)]
    score_windows(network, few, "human")
    ratios, speeds, worst = [], [], 0.0
    for _ in range(arguments.repeats):
        started = time.perf_counter()
        batched = score_windows(network, codes, "human", batch_size=arguments.batch_size)
        batched_speed = len(codes) / (time.perf_counter() - started)
        started = time.perf_counter()
        single = one_at_a_time(network, few)
        single_speed = len(few) / (time.perf_counter() - started)
        ratios.append(batched_speed / single_speed)
        speeds.append(batched_speed)
        worst = max(worst, float(np.abs(batched[: len(few)] - single).max()))
    print(f"network\t{arguments.network}\nthreads\t{arguments.threads}")
    print(f"batched, windows/s\t{statistics.median(speeds):.0f}\t({min(speeds):.0f} to {max(speeds):.0f})")
    print(f"batched / one at a time\t{statistics.median(ratios):.2f}\t({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"largest difference of logits\t{worst:.1e}")


@torch.inference_mode()
def one_at_a_time(network: torch.nn.Module, codes: np.ndarray, device: str | torch.device = "cpu") -> np.ndarray:
    """Logits from plain calls of the network."""
    return np.array([network(torch.from_numpy(window[None]).to(device), "human").item() for window in codes])


if __name__ == "__main__":
    main()
