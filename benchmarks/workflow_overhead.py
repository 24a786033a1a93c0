"""Snakemake's own share of the wall time of a whole run.

    python benchmarks/workflow_overhead.py [--configfile config/config.yaml] [--cores 2] [--folder FOLDER]

The run happens in a new folder with a copy of config/, or in --folder. Two things count as Snakemake's own: wall time
in which no job's process lives (start, planning, gaps, the end), and processor time of Snakemake's process while jobs
live. Their sum is an upper bound, because some of it passes while a core has nothing else to do. The time that scripts
take to start is the jobs' own.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
INTERVAL = 0.02


def watch(command: list[str], folder: Path) -> dict[str, float]:
    """Seconds of a command: ``wall``, ``alone`` (wall time without a child), ``own`` (processor time beside one)."""
    measured = {"wall": 0.0, "alone": 0.0, "own": 0.0}
    began = time.perf_counter()
    with open(folder / "snakemake.log", "w") as log:
        child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        process = psutil.Process(child.pid)
        last, spent = began, 0.0
        while child.poll() is None:
            time.sleep(INTERVAL)
            now = time.perf_counter()
            try:
                used = sum(process.cpu_times()[:2])
                busy = any(one.status() != psutil.STATUS_ZOMBIE for one in process.children())
            except psutil.NoSuchProcess:
                break
            measured["own" if busy else "alone"] += (used - spent) if busy else (now - last)
            last, spent = now, used
        child.wait()
    measured["alone"] += time.perf_counter() - last
    measured["wall"] = time.perf_counter() - began
    if child.returncode:
        sys.exit(f"the run failed: {folder / 'snakemake.log'}")
    return measured


def benchmarked(folder: Path) -> tuple[int, float]:
    """Number of jobs with a benchmark table and the sum of their wall times in seconds."""
    seconds = []
    for file in (folder / "benchmarks" / "results").rglob("*.tsv"):
        with open(file, newline="") as handle:
            seconds += [float(row["s"]) for row in csv.DictReader(handle, delimiter="\t")]
    return len(seconds), sum(seconds)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", type=Path, default=ROOT / "config" / "config.yaml")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="a folder to keep; a temporary one without it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        shutil.copytree(ROOT / "config", folder / "config", dirs_exist_ok=True)
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
        command += ["--configfile", str(arguments.configfile.resolve()), "--cores", str(arguments.cores)]
        measured = watch(command, folder)
        jobs, seconds = benchmarked(folder)
    overhead = measured["alone"] + measured["own"]
    print(f"wall time, s\t{measured['wall']:.1f}")
    print(f"jobs with a benchmark table, their wall time summed, s\t{jobs}\t{seconds:.1f}")
    print(f"no job alive, s\t{measured['alone']:.1f}")
    print(f"processor time of Snakemake beside jobs, s\t{measured['own']:.1f}")
    print(f"Snakemake's own share, at most\t{overhead / measured['wall']:.1%}\t(wanted: less than 10 %)")


if __name__ == "__main__":
    main()
