"""Nucleotides per second of the language model: packed against padded, and against multimolecule.

    PYTHONPATH=workflow python benchmarks/language_model.py [--peer FOLDER] [--sizes nano micro] [--skip padded]

`packed / padded`: vectors, and training steps, of the RNAs of a FASTA file in packs without padding, against batches of
the same model and RNAs in the file's order, padded to the longest, whose attention masks the padding. Only nucleotides
of the file count. Training steps compute activations twice, as the released code does, so that padded ones fit into
4 GB. `ours / multimolecule`: forward passes at one length, with weights drawn at random by each, the package's in
single precision. The package is AGPL and no dependency: --peer installs it from the package index into an environment
of its own in that folder. All pairs are timed in turn, each repeat is one ratio; printed are the median and the range.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from peers import install_peer
from torch.nn import functional as F

import rnamarks
from rnamarks.models import language
from rnamarks.models.language import Language
from rnamarks.models.packing import Pack
from rnamarks.models.settings.language import LANGUAGE_SIZES
from rnamarks.models.tokens import MASK, PAD, A
from rnamarks.prediction.language import describe, embeddings, read_sequences

FASTA = (
    Path(__file__).parents[2] / "shared/data/ncrna/rnafm_tutorial/format_rnacentral_active.100.sample-Max50.fasta.gz"
)
PADDED = 32
# of a training step: padded attention with dropout holds squares of the longest RNA for each head
TRAINED = 8


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasta", type=Path, default=FASTA)
    parser.add_argument("--most", type=int, default=320, help="RNAs of the file, drawn at random")
    parser.add_argument("--peer", type=Path, help="folder for multimolecule")
    parser.add_argument("--sizes", nargs="+", default=["nano", "micro"], choices=LANGUAGE_SIZES)
    parser.add_argument("--skip", choices=["padded"], help="leave out what is compared with padded batches")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--answer", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.answer:
        time_peer(*arguments.answer)
        return
    sequences = list(read_sequences(arguments.fasta, lambda line: None))
    chosen = np.random.default_rng(0).permutation(len(sequences))[: arguments.most]
    sequences = [sequences[index] for index in np.sort(chosen)]
    total = sum(len(one.tokens) - 2 for one in sequences)
    lengths = sorted(len(one.tokens) - 2 for one in sequences)
    print(f"threads\t{arguments.threads}\nRNAs\t{len(sequences)}, {lengths[0]} to {lengths[-1]} nt, {total} in all")
    print("size\twhat\tmedian\trange\tnt/s")
    for size in arguments.sizes:
        for what, pair, nucleotides in () if arguments.skip == "padded" else cases(built(size), sequences):
            line(size, what, *compare(*pair, arguments.repeats), nucleotides)
        for length in (500, 1000) if arguments.peer else ():
            ours, halved, theirs = against_peer(size, length, arguments)
            line(size, f"{length} nt, ours / multimolecule", ours, theirs, 4 * length)
            line(size, f"{length} nt, ours in bfloat16 / multimolecule", halved, theirs, 4 * length)


def cases(network: Language, sequences: list) -> Iterator[tuple[str, tuple[Callable, Callable], int]]:
    """What is timed packed and padded, and how many nucleotides are in it."""

    def count(chosen: list) -> int:
        return sum(len(one.tokens) - 2 for one in chosen)

    few = sequences[: 2 * TRAINED]
    vectors = (lambda: consume(describe(network, sequences, embeddings)), lambda: consume(pad_all(network, sequences)))
    steps = (lambda: train(network, few), lambda: train(network, few, pad=True))
    halves = (lambda: train(network, few, half=True), lambda: train(network, few, still=True))
    yield "vectors, packed / padded", vectors, count(sequences)
    yield "training step, packed / padded", steps, count(few)
    yield "training step without dropout, bfloat16 / float32", halves, count(few)


def built(size: str) -> Language:
    """A network with random weights."""
    torch.manual_seed(0)
    return Language({"masked": {"target": "masked"}}, **LANGUAGE_SIZES[size]).eval()


def compare(one: Callable[[], None], other: Callable[[], None], repeats: int) -> tuple[list[float], list[float]]:
    """Seconds of both, in turn."""
    seconds: tuple[list[float], list[float]] = ([], [])
    one()
    for _ in range(repeats):
        for into, work in zip(seconds, (one, other), strict=True):
            started = time.perf_counter()
            work()
            into.append(time.perf_counter() - started)
    return seconds


def line(size: str, what: str, ours: list[float], theirs: list[float], nucleotides: int) -> None:
    """Print how many times as fast the first is."""
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    speeds = f"{nucleotides / statistics.median(ours):.0f} against {nucleotides / statistics.median(theirs):.0f}"
    print(
        f"{size}\t{what}\t{statistics.median(ratios):.2f}\t{min(ratios):.2f} to {max(ratios):.2f}\t{speeds}", flush=True
    )


def consume(found: Iterator) -> None:
    """Compute all of it."""
    for _ in found:
        continue


def padded_packs(sequences: list, size: int) -> Iterator[tuple[Pack, torch.Tensor]]:
    """Batches of neighbours, each sequence padded to the longest of its batch, and which tokens are none."""
    for begin in range(0, len(sequences), size):
        rows = [one.tokens for one in sequences[begin : begin + size]]
        width = max(map(len, rows))
        tokens = np.full((len(rows), width), PAD, np.int64)
        for row, one in zip(tokens, rows, strict=True):
            row[: len(one)] = one
        yield Pack(torch.from_numpy(tokens.ravel()), (width,) * len(rows)), torch.from_numpy(tokens == PAD)


def masked_attention(padding: torch.Tensor) -> Callable:
    """Attention over rows of equal length that leaves padding out, written as padded batches need it."""

    def attend(query, key, value, pack, dropout=0.0):
        rows = (part.unflatten(0, padding.shape).transpose(1, 2) for part in (query, key, value))
        found = F.scaled_dot_product_attention(*rows, attn_mask=~padding[:, None, None, :], dropout_p=dropout)
        return found.transpose(1, 2).flatten(0, 1)

    return attend


@torch.inference_mode()
def pad_all(network: Language, sequences: list) -> Iterator[torch.Tensor]:
    """Vectors of all sequences from padded batches."""
    network.eval()
    for pack, padding in padded_packs(sequences, PADDED):
        with patch.object(language, "attend", masked_attention(padding)):
            yield network.trunk(pack)


def train(network: Language, sequences: list, *, pad: bool = False, half: bool = False, still: bool = False) -> None:
    """Gradients of filling masked nucleotides, for as many padded batches, or packs of as many RNAs.

    ``half`` computes in bfloat16 where that is precise enough, ``half`` and ``still`` without dropout.
    """
    network.train(not (half or still))
    network.trunk.recompute = not (half or still)
    batches: list[tuple[Pack, torch.Tensor | None]]
    if pad:
        batches = list(padded_packs(sequences, TRAINED))
    else:
        parts = [sequences[begin : begin + TRAINED] for begin in range(0, len(sequences), TRAINED)]
        batches = [
            (Pack.of([one.tokens for one in sorted(part, key=lambda one: len(one.tokens))]), None) for part in parts
        ]
    for batch, padding in batches:
        rows = torch.nonzero(batch.tokens >= A).squeeze(1)[::7]
        truth, tokens = batch.tokens[rows], batch.tokens.clone()
        tokens[rows] = MASK
        network.zero_grad(set_to_none=True)
        attend = language.attend if padding is None else masked_attention(padding)
        halved = torch.autocast("cpu", torch.bfloat16, enabled=half)
        with patch.object(language, "attend", attend), halved:
            logits = network.heads["masked"](network.trunk(Pack(tokens, batch.lengths))[rows])
        F.cross_entropy(logits.float(), truth).backward()


def against_peer(size: str, length: int, arguments: argparse.Namespace) -> tuple[list[float], ...]:
    """Seconds for four RNAs of a length, of ours, of ours in bfloat16 and of the peer's, in turn."""
    python = install_peer(arguments.peer, "multimolecule")
    command = [python, __file__, "--threads", str(arguments.threads), "--answer", size, str(length)]
    # this library is installed into the environment of the parent by a link that the peer's does not follow
    environment = os.environ | {"PYTHONPATH": str(Path(rnamarks.__file__).parents[1])}
    peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    network, tokens = built(size), np.random.default_rng(1).integers(A, A + 4, (4, length + 2)).astype(np.uint8)
    pack = Pack.of(list(tokens))

    def ours(half: bool) -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
            network.trunk(pack)

    assert json.loads(peer.stdout.readline()) == sum(one.numel() for one in network.trunk.parameters())
    seconds: tuple[list[float], ...] = ([], [], [])
    for half in (False, True):
        ours(half)
    for _ in range(arguments.repeats):
        for half in (False, True):
            started = time.perf_counter()
            ours(half)
            seconds[half].append(time.perf_counter() - started)
        print("go", file=peer.stdin, flush=True)
        seconds[2].append(float(peer.stdout.readline()))
    peer.stdin.close()
    peer.wait()
    return seconds


def time_peer(size: str, length: str) -> None:
    """In the peer's environment: seconds of a forward pass for each line read."""
    from multimolecule import RiNALMoConfig, RiNALMoModel

    sizes = LANGUAGE_SIZES[size]
    config = RiNALMoConfig(
        hidden_size=sizes["width"],
        num_hidden_layers=sizes["blocks"],
        num_attention_heads=sizes["heads"],
        # of which it takes two thirds
        intermediate_size=4 * sizes["width"],
    )
    model = RiNALMoModel(config, add_pooling_layer=False).eval()
    weights = sum(one.numel() for one in model.parameters())
    # its vocabulary has more than 22 tokens
    print(weights - (config.vocab_size - 22) * sizes["width"], flush=True)
    tokens = torch.from_numpy(np.random.default_rng(1).integers(6, 10, (4, int(length) + 2)))
    mask = torch.ones_like(tokens)
    with torch.inference_mode():
        model(tokens, attention_mask=mask)
        for _ in sys.stdin:
            started = time.perf_counter()
            model(tokens, attention_mask=mask)
            print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()
