"""Seconds that a comparison of filters with a motif database takes, beside memelite's compiled one.

    PYTHONPATH=workflow python benchmarks/tomtom.py DATABASE.meme.gz [--queries 300] [--width 18] [--threads 2]

The library compares with NumPy; memelite, which its tests hold it against, compiles on its first call. Both are timed
in one process, median of the repeats after a first call. Queries are random columns of the database.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from memelite import tomtom

from rnamarks.interpretation.motif_files import read_motifs
from rnamarks.interpretation.pwm import PWM
from rnamarks.interpretation.tomtom import compare


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--width", type=int, default=18)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    targets = read_motifs(arguments.database, "meme", source="database").motifs
    generator = np.random.default_rng(0)
    pool = np.concatenate([target.frequencies for target in targets])
    queries = [
        PWM(f"q{at}", pool[generator.integers(0, len(pool), arguments.width)]) for at in range(arguments.queries)
    ]
    sides = [[np.ascontiguousarray(motif.frequencies.T) for motif in side] for side in (queries, targets)]
    ways = {
        "numpy": lambda: compare(queries, targets, warn=lambda line: None),
        "memelite": lambda: tomtom(*sides, reverse_complement=False, n_jobs=arguments.threads),
    }
    print(f"queries\t{len(queries)} of width {arguments.width}\ntargets\t{len(targets)}\nthreads\t{arguments.threads}")
    print("comparer\tfirst, s\twarm, s")
    for name, way in ways.items():
        first = seconds(way)
        warm = statistics.median(seconds(way) for _ in range(arguments.repeats))
        print(f"{name}\t{first:.2f}\t{warm:.2f}")


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
