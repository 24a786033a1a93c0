"""Speed and memory of finding, cutting and encoding DRACH windows from a simulated transcriptome.

Each size is measured in a process of its own, on one core; seconds are the processor's. The transcripts are
made a batch at a time while they are read, as from a file; making them is not in the time. The peak is that of
the whole process less what it held before the first window, so it would grow with the transcriptome if
anything kept it.

    python benchmarks/extract_windows.py [--sizes 10 30 100] [--chunk-mnt 2] [--form text]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from rnamarks.sequences import decode
from rnamarks.sites.windows import stream_windows

WIDTH = 101
MEAN_NT = 3000
GOAL = 20.0


class Simulated:
    """Random transcripts of gamma-distributed length; ``seconds`` counts the processor time that making them took."""

    def __init__(self, n_nt: int, as_text: bool, seed: int = 1) -> None:
        self.n_nt, self.as_text, self.seconds, self.made = n_nt, as_text, 0.0, 0
        self.rng = np.random.default_rng(seed)

    def __iter__(self) -> Iterator[str | np.ndarray]:
        while self.made < self.n_nt:
            start = time.process_time()
            lengths = self.rng.gamma(2.0, MEAN_NT / 2, size=200).astype(int) + 50
            codes = self.rng.integers(0, 4, int(lengths.sum()), dtype=np.uint8)
            batch = np.split(codes, np.cumsum(lengths)[:-1])
            if self.as_text:
                batch = [decode(sequence) for sequence in batch]
            self.seconds += time.process_time() - start
            for sequence in batch:
                self.made += len(sequence)
                yield sequence


def peak_bytes() -> int:
    """Largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(n_nt: int, chunk_nt: int, as_text: bool) -> dict[str, float]:
    """One pass over a transcriptome of ``n_nt``."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for _ in stream_windows(Simulated(100_000, as_text), chunk_nt=chunk_nt):
        pass
    before = peak_bytes()
    source = Simulated(n_nt, as_text)
    n_windows = checksum = 0
    start = time.process_time()
    for chunk in stream_windows(source, "DRACH", 2, WIDTH, chunk_nt):
        n_windows += len(chunk.windows)
        checksum += int(chunk.windows[:, WIDTH // 2].sum())
    seconds = time.process_time() - start - source.seconds
    if checksum:
        raise AssertionError("a window is not centred on A")
    return {
        "mnt": source.made / 1e6,
        "windows": n_windows,
        "seconds": seconds,
        "mnt_per_s": source.made / 1e6 / seconds,
        "windows_mb": n_windows * WIDTH / 1e6,
        "peak_mb": (peak_bytes() - before) / 1e6,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sizes", type=float, nargs="+", default=[10, 30, 100], help="Mnt of the transcriptomes")
    parser.add_argument("--chunk-mnt", type=float, default=2.1, help="Mnt joined at a time")
    parser.add_argument("--form", choices=["text", "codes"], nargs="+", default=["text", "codes"])
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(int(options.sizes[0] * 1e6), int(options.chunk_mnt * 1e6), options.form == ["text"])))
        return 0
    print(f"chunk {options.chunk_mnt} Mnt, windows of {WIDTH} nt, one core")
    print(f"{'input':6} {'Mnt':>6} {'windows':>9} {'s':>6} {'Mnt/s':>7} {'output MB':>9} {'peak MB':>8}")
    rows = []
    for form in options.form:
        for size in options.sizes:
            command = [sys.executable, __file__, "--one", "--sizes", str(size), "--form", form]
            command += ["--chunk-mnt", str(options.chunk_mnt)]
            row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            rows.append(row)
            print(
                f"{form:6} {row['mnt']:6.1f} {row['windows']:9d} {row['seconds']:6.2f} {row['mnt_per_s']:7.1f} "
                f"{row['windows_mb']:9.1f} {row['peak_mb']:8.1f}",
                flush=True,
            )
    slowest = min(row["mnt_per_s"] for row in rows)
    print(f"slowest {slowest:.1f} Mnt/s, goal {GOAL:.0f}: {'met' if slowest >= GOAL else 'missed'}")
    return 0 if slowest >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
