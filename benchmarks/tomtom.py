"""Seconds that a comparison of filters with a motif database takes: cold, with compiled code at hand, and warm.

    PYTHONPATH=workflow python benchmarks/tomtom.py DATABASE.meme.gz [--queries 300] [--width 18] [--threads 2]

*Cold*: a fresh process that has to compile (its NUMBA_CACHE_DIR is an empty folder). *Compiled*: a fresh process that
finds what the first one compiled. *Warm*: a further call in one process, median of the repeats. Both fresh processes
include the import of the package. The library's own comparer, ``numpy``, has nothing to compile. Queries are random
columns of the database.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from rnamarks.interpretation.motif_files import read_motifs
from rnamarks.interpretation.pwm import PWM
from rnamarks.interpretation.tomtom import COMPARERS, compare


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--width", type=int, default=18)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--once", choices=COMPARERS.names(), help="time one call in this process and stop")
    arguments = parser.parse_args()
    targets = read_motifs(arguments.database).motifs
    generator = np.random.default_rng(0)
    pool = np.concatenate([target.frequencies for target in targets])
    queries = [
        PWM(f"q{at}", pool[generator.integers(0, len(pool), arguments.width)]) for at in range(arguments.queries)
    ]

    def seconds(method: str) -> float:
        started = time.perf_counter()
        compare(queries, targets, method=method, jobs=arguments.threads)
        return time.perf_counter() - started

    if arguments.once:
        print(seconds(arguments.once))
        return
    print(f"queries\t{len(queries)} of width {arguments.width}\ntargets\t{len(targets)}\nthreads\t{arguments.threads}")
    print("comparer\tcold, s\tcompiled, s\twarm, s")
    for method in COMPARERS:
        with tempfile.TemporaryDirectory() as cache:
            fresh = [_in_a_fresh_process(method, cache) for _ in range(2)]
        seconds(method)
        warm = statistics.median(seconds(method) for _ in range(arguments.repeats))
        print(f"{method}\t{fresh[0]:.2f}\t{fresh[1]:.2f}\t{warm:.2f}")


def _in_a_fresh_process(method: str, cache: str) -> float:
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    command = [sys.executable, *sys.argv, "--once", method]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
