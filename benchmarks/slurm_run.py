"""A run through sbatch on a SLURM of this machine: submissions, time, waiting, and whether it makes the usual files.

    python benchmarks/slurm_run.py CONFIG [--folder FOLDER] [--jobs 50]

It takes root, slurm-wlm and munge, as tests marked `slurm` do, whose cluster of two nodes is started. The profile is
the shipped one, with as many jobs at once as it or `--jobs` says. What a folder that is given holds of either run is
not made again. Ends with exit code 1 where files differ; histories of trainings, which hold seconds, always do, and so
do the page that quotes them and the record of the command.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import yaml
from kills import ROOT, TIMES, differences, finish

sys.path.insert(0, str(ROOT / "tests"))
from slurm_cluster import Cluster, why_not

VARYING = (*TIMES, "report.html", "run.json")


def main() -> int:
    """Run the benchmark; 1 where results differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--folder", type=Path, help="to work in; a temporary one")
    parser.add_argument("--jobs", type=int, default=50, help="on the cluster at once")
    arguments = parser.parse_args()
    if reason := why_not():
        raise SystemExit(reason)
    run = yaml.safe_load(arguments.config.read_text(encoding="utf-8"))["run"]
    with tempfile.TemporaryDirectory() as made:
        folder = (arguments.folder or Path(made)).resolve()
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "workflow" / "Snakefile"]
        command = [*map(str, command), "--configfile", str(arguments.config.resolve()), "--cores", "2"]
        profile = ["--workflow-profile", str(ROOT / "workflow" / "profiles" / "slurm"), f"--jobs={arguments.jobs}"]
        cluster = Cluster(folder / "slurm")
        cluster.start()
        try:
            began = time.time()
            finish([*command, *profile], folder / "cluster")
            report(cluster, began, time.time(), folder / "cluster" / "benchmarks" / "results")
        finally:
            cluster.stop()
        began = time.monotonic()
        finish(command, folder / "local")
        print(f"without a cluster: {time.monotonic() - began:.0f} s")
        results = [folder / name / "results" / run for name in ("local", "cluster")]
        total = sum(path.is_file() for path in results[0].rglob("*"))
        different = sorted(differences(*results))
        print(f"{total} files of results, {len(different)} differ: {', '.join(different) or 'none'}")
        return any(not name.endswith(VARYING) for name in different)


def report(cluster: Cluster, began: float, ended: float, seconds: Path) -> None:
    """Say how many jobs there were, how long none ran, and what of their time scripts took."""
    jobs = [(*map(_seconds, (start, end)), state) for start, end, state in cluster.jobs("%S %e %T")]
    at_work, until = 0.0, 0.0
    for start, end, _ in sorted(jobs):
        at_work += max(0.0, end - max(start, until))
        until = max(until, end)
    scripts = sum(_took(path) for path in seconds.rglob("*.tsv"))
    ends = {state: sum(one[2] == state for one in jobs) for state in sorted({one[2] for one in jobs})}
    print(f"{len(jobs)} submissions: " + ", ".join(f"{count} {state}" for state, count in ends.items()))
    print(f"{ended - began:.0f} s, no job at work for {ended - began - at_work:.0f} s of them")
    print(f"{sum(end - start for start, end, _ in jobs):.0f} s of jobs, {scripts:.0f} s of scripts in them")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _took(path: Path) -> float:
    with open(path, encoding="utf-8") as handle:
        return sum(float(row["s"]) for row in csv.DictReader(handle, delimiter="\t"))


if __name__ == "__main__":
    sys.exit(main())
