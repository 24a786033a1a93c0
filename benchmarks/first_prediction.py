"""Seconds from the command to the table of one RNA, and of the imports that it pays for, each in a new interpreter.

    PYTHONPATH=workflow python benchmarks/first_prediction.py [--model m6a] [--python PYTHON] [--nt 2000] [--repeats 5]

`--python` is the interpreter of an environment that rnamarks was installed into; default this one. The first call may
have to read everything from the disk and is printed apart from the median and the range of the others.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="m6a", help="a name or a directory")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--nt", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fasta, table = Path(folder, "rna.fa"), Path(folder, "sites.tsv")
        fasta.write_text(f">rna\n{''.join(random.Random(0).choices('ACGU', k=arguments.nt))}\n")
        scan = ["-m", "rnamarks.cli", "scan", "--model", arguments.model, "--threads", str(arguments.threads)]
        print("what\tfirst, s\tothers, s")
        for what, options in (
            ("scan", [*scan, str(fasta), "--out", str(table)]),
            ("rnamarks --version", ["-m", "rnamarks.cli", "--version"]),
            ("import rnamarks", ["-c", "import rnamarks"]),
            ("an empty program", ["-c", ""]),
        ):
            first, *others = (seconds([arguments.python, *options]) for _ in range(1 + arguments.repeats))
            spread = f"{statistics.median(others):.2f} ({min(others):.2f} to {max(others):.2f})"
            print(f"{what}\t{first:.2f}\t{spread}", flush=True)


def seconds(command: list[str]) -> float:
    """How long a program takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
