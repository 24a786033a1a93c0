"""Training steps of the language model on a GPU: use of the device, and packs against padded batches.

    PYTHONPATH=workflow python benchmarks/language_model_gpu.py [--fasta FILE] [--sizes micro giga] [--dropout 0]

First the device's own ceilings: products of 8,192 x 8,192 matrices in bf16, and copies of 1 GB. Then, for each size,
gradients of filling masked nucleotides under autocast to bf16, of RNAs with the lengths of a FASTA file, in packs and
in padded batches of as many RNAs in the file's order. MFU is model operations (rnamarks.training.throughput; padding is
no work) by time, over the data sheet's bf16 peak and over the measured product. Bars: giga 45 %, micro 25 % of the
data sheet, packs twice as fast as padded batches. --dropout is that of attention weights: torch's own kernel for packs
has none, flash-attn has. A size takes a minute or two; --seconds bounds each measurement.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from language_model import FASTA, masked_attention, padded_packs
from torch.nn import functional as F

from rnamarks.models import language
from rnamarks.models.language import Language
from rnamarks.models.packing import Pack, kernel_for, portions
from rnamarks.models.settings.language import LANGUAGE_SIZES
from rnamarks.models.tokens import MASK, PAD, A
from rnamarks.prediction.language import Sequence, read_sequences
from rnamarks.training.throughput import measured_peak, operations, peak_of

BARS = {"giga": 0.45, "micro": 0.25}
FASTER = 2.0
_COPIED = 1 << 29


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasta", type=Path, default=FASTA)
    parser.add_argument("--sizes", nargs="+", default=["micro", "giga"], choices=LANGUAGE_SIZES)
    parser.add_argument("--tokens", type=int, default=16_384, help="most tokens of a pack")
    parser.add_argument("--dropout", type=float, default=0.0, help="of attention weights")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("torch sees no GPU; this benchmark needs one")
    device = torch.device("cuda")
    sheet, source = peak_of(device)
    product = measured_peak(device, torch.bfloat16, 2.0)
    print(f"device\t{torch.cuda.get_device_name(device)}\ntorch\t{torch.__version__}\npeak\t{source}")
    print(f"products\t{product / 1e12:.0f} TFLOP/s\ncopies\t{copy_speed(device) / 1e9:.0f} GB/s, read and written")
    print(f"attention\t{kernel_for(device, torch.bfloat16, arguments.dropout)}, dropout {arguments.dropout:g}")
    sequences = list(read_sequences(arguments.fasta, lambda line: None))
    print("size\tbatches\tnt/s\tTFLOP/s\tMFU of the peak\tMFU of products\tGB")
    for size in arguments.sizes:
        torch.manual_seed(0)
        network = Language(
            {"masked": {"target": "masked"}}, **LANGUAGE_SIZES[size], attention_dropout=arguments.dropout
        )
        network.to(device).train()
        ways = {"packed": packed(sequences, arguments.tokens), "padded": padded(sequences, arguments.tokens)}
        speeds = {}
        for name, batches in ways.items():
            torch.cuda.reset_peak_memory_stats()
            speeds[name], work = measure(network, batches, arguments.seconds, device)
            memory = torch.cuda.max_memory_allocated() / 1e9
            used = f"{work / 1e12:.1f}\t{work / sheet:.1%}\t{work / product:.1%}"
            print(f"{size}\t{name}\t{speeds[name]:.0f}\t{used}\t{memory:.1f}", flush=True)
            if name == "packed" and size in BARS:
                print(f"# bar {BARS[size]:.0%}: {'met' if work / sheet >= BARS[size] else 'missed'}")
        ratio = speeds["packed"] / speeds["padded"]
        print(f"# packed / padded {ratio:.2f}, bar {FASTER:g}: {'met' if ratio >= FASTER else 'missed'}", flush=True)
        del network


Batch = tuple[Pack, torch.Tensor | None]


def packed(sequences: list[Sequence], tokens: int) -> list[Batch]:
    """Packs in the file's order; within one, RNAs are sorted by length."""
    found = []
    for rows in portions([len(one.tokens) for one in sequences], tokens):
        chosen = sorted((sequences[row].tokens for row in rows), key=len)
        found.append((Pack.of(chosen, "cuda"), None))
    return found


def padded(sequences: list[Sequence], tokens: int) -> list[Batch]:
    """Padded batches, as many RNAs in each as fill it if all are as long as the longest."""
    longest = max(len(one.tokens) for one in sequences)
    found = []
    for pack, padding in padded_packs(sequences, max(1, tokens // longest)):
        found.append((Pack(pack.tokens.to("cuda"), pack.lengths), padding.to("cuda")))
    return found


def measure(network: Language, batches: list[Batch], seconds: float, device: torch.device) -> tuple[float, float]:
    """Nucleotides and model operations per second of training steps, in turn over the batches until time is up."""
    order = np.random.default_rng(0).permutation(len(batches))
    for index in order[:3]:
        step(network, *batches[index])
    nucleotides = work = 0.0
    torch.cuda.synchronize()
    started, done = time.perf_counter(), 0
    while not done or time.perf_counter() - started < seconds:
        pack, padding = batches[order[done % len(order)]]
        rows = step(network, pack, padding)
        lengths = pack.lengths if padding is None else (~padding).sum(dim=1).tolist()
        nucleotides += sum(lengths) - 2 * len(lengths)
        work += operations(network, sum(lengths), sum(length**2 for length in lengths), rows)
        done += 1
        torch.cuda.synchronize()
    spent = time.perf_counter() - started
    return nucleotides / spent, work / spent


def step(network: Language, pack: Pack, padding: torch.Tensor | None) -> int:
    """The gradient of one batch; how many nucleotides were to be filled in."""
    rows = torch.nonzero((pack.tokens >= A) & (pack.tokens != PAD)).squeeze(1)[::7]
    truth, tokens = pack.tokens[rows], pack.tokens.clone()
    tokens[rows] = MASK
    network.zero_grad(set_to_none=True)
    attend: Callable = language.attend if padding is None else masked_attention(padding)
    with patch.object(language, "attend", attend), torch.autocast("cuda", torch.bfloat16):
        logits = network.heads["masked"](network.trunk(Pack(tokens, pack.lengths))[rows])
        F.cross_entropy(logits.float(), truth).backward()
    return len(rows)


def copy_speed(device: torch.device, times: int = 20) -> float:
    """Bytes read and written per second."""
    one = torch.ones(_COPIED, dtype=torch.bfloat16, device=device)
    other = torch.empty_like(one)
    other.copy_(one)
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(times):
        other.copy_(one)
    torch.cuda.synchronize()
    return 2 * times * one.nbytes / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
