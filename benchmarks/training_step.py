"""What the trainer costs beside a bare PyTorch loop on the same kind of batches.

    PYTHONPATH=workflow python benchmarks/training_step.py [--network mass] [--steps 20] [--repeats 5]

Both sides have the same network, batches and optimiser; both are timed in turn, and the ratio of each pair is
reported.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time

import numpy as np
import torch
from torch.nn import functional as F

from rnamarks.models.registry import build_model
from rnamarks.training.sampler import BalancedSampler, TaskData
from rnamarks.training.settings import SiteSettings
from rnamarks.training.targets.site import SiteTarget
from rnamarks.training.trainer import train


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="mass")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    random = np.random.default_rng(0)
    data = TaskData(random.integers(0, 4, (2000, 101)).astype(np.uint8), random.random(2000) < 0.5)
    small = TaskData(data.codes[:16], np.arange(16) % 2 == 0)
    ratios, speeds = [], []
    # the first pair warms up both sides and is not counted
    for repeat in range(arguments.repeats + 1):
        bare = bare_loop(arguments, data)
        ours = with_trainer(arguments, data, small)
        if repeat:
            ratios.append(ours / bare)
            speeds.append(arguments.batch_size * arguments.steps / ours)
    print(f"network\t{arguments.network}\nthreads\t{arguments.threads}\nbatch\t{arguments.batch_size}")
    print(f"trainer, windows/s\t{statistics.median(speeds):.0f}\t({min(speeds):.0f} to {max(speeds):.0f})")
    print(f"time, trainer / bare loop\t{statistics.median(ratios):.3f}\t({min(ratios):.3f} to {max(ratios):.3f})")


def bare_loop(arguments: argparse.Namespace, data: TaskData) -> float:
    """Seconds of a plain loop over the steps."""
    torch.manual_seed(0)
    network = build_model(arguments.network, ["human"], 101).train()
    sampler = BalancedSampler("human", data, batch_size=arguments.batch_size, seed=1)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.0)
    started = time.perf_counter()
    for step in range(arguments.steps):
        codes, labels = sampler.batch(step)
        loss = F.binary_cross_entropy_with_logits(network(torch.from_numpy(codes), "human"), torch.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - started


def with_trainer(arguments: argparse.Namespace, data: TaskData, small: TaskData) -> float:
    """Seconds that the trainer says its steps took; the validation set is next to nothing."""
    torch.manual_seed(0)
    network = build_model(arguments.network, ["human"], 101)
    settings = SiteSettings(batch_size=arguments.batch_size, steps_per_epoch=arguments.steps, epochs=1)
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            network,
            SiteTarget({"human": data}, {"human": small}, settings, seed=1),
            settings,
            seed=1,
            checkpoints=folder,
            device="cpu",
            threads=arguments.threads,
            report=lambda line: None,
        )
    return result.history[0]["seconds"]


if __name__ == "__main__":
    main()
