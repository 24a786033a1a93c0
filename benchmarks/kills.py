"""Whether a run that is killed again and again ends like one that was not.

    python benchmarks/kills.py CONFIG [--kills 20] [--seed 1] [--cores 2] [--folder FOLDER]

The configuration is run twice in folders of their own: once undisturbed, and once with SIGKILL to Snakemake and all
its jobs at moments drawn over the time that the first run took, each time started again by the same command. Printed
are the rules that were at work when they were killed, and each file of the results that differs. Histories of
trainings always do, which hold seconds. Ends with exit code 1 where others differ or the killed run does not end.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
TIMES = ("history.tsv", "histories.tsv")
"""Ends of the names of files that say how long epochs took."""


def main() -> int:
    """Run the benchmark; 1 where results differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="to work in; a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.folder or Path(made)
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "workflow" / "Snakefile"]
        command = [*map(str, command), "--configfile", str(arguments.config.resolve()), "--cores", str(arguments.cores)]
        began = time.monotonic()
        finish(command, folder / "whole")
        seconds = time.monotonic() - began
        moments = np.sort(np.random.default_rng(arguments.seed).uniform(0, seconds, arguments.kills))
        killed: Counter[str] = Counter()
        # what is lost by a kill is made again, so the moments count from each start
        for pause in np.diff(moments, prepend=0):
            killed.update(kill_after(command, folder / "killed", pause))
        finish(command, folder / "killed")
        print(f"undisturbed in {seconds:.0f} s; killed {arguments.kills} times, while at work: ", end="")
        print(", ".join(f"{rule} {times}" for rule, times in sorted(killed.items())) or "nothing")
        different = sorted(differences(folder / "whole" / "results", folder / "killed" / "results"))
        unexpected = [name for name in different if not name.endswith(TIMES)]
        total = sum(path.is_file() for path in (folder / "whole" / "results").rglob("*"))
        print(f"{total} files of results, {len(different)} differ: {', '.join(different) or 'none'}")
        return bool(unexpected)


def start(command: list[str], folder: Path, log: str) -> subprocess.Popen:
    """Start Snakemake as the head of a process group."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "config").exists():
        (folder / "config").symlink_to(ROOT / "config")
    path = os.pathsep.join([str(Path(sys.executable).parent), str(ROOT / ".tools" / "bin"), os.environ["PATH"]])
    with open(folder / log, "ab") as out:
        return subprocess.Popen(
            command, cwd=folder, env=os.environ | {"PATH": path}, stdout=out, stderr=out, start_new_session=True
        )


def finish(command: list[str], folder: Path) -> None:
    """Run to the end."""
    if start(command, folder, "snakemake.out").wait():
        raise SystemExit(f"the run failed: {folder / 'snakemake.out'} ends with\n" + tail(folder / "snakemake.out"))


def kill_after(command: list[str], folder: Path, seconds: float) -> set[str]:
    """Kill a run at a moment after its first job, and say which rules were at work."""
    process = start(command, folder, "killed.out")
    while process.poll() is None and not rules_of(process):
        time.sleep(0.05)
    time.sleep(seconds)
    if process.poll() is None:
        rules = rules_of(process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return rules
    if process.returncode:
        raise SystemExit(f"the run failed after a kill:\n{tail(folder / 'killed.out')}")
    return set()


def rules_of(process: subprocess.Popen) -> set[str]:
    """Rules whose scripts a run is at."""
    try:
        words = [word for one in psutil.Process(process.pid).children(recursive=True) for word in one.cmdline()]
    except psutil.NoSuchProcess:
        return set()
    return {found[1] for word in words if (found := re.search(r"\.snakemake/scripts/tmp\w+\.(\w+)\.py$", word))}


def differences(first: Path, second: Path) -> set[str]:
    """Files that one folder lacks or that are not equal."""
    names = {path.relative_to(folder) for folder in (first, second) for path in folder.rglob("*") if path.is_file()}
    return {
        str(name)
        for name in names
        if not (first / name).exists()
        or not (second / name).exists()
        or not filecmp.cmp(first / name, second / name, shallow=False)
    }


def tail(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")[-2000:]


if __name__ == "__main__":
    sys.exit(main())
