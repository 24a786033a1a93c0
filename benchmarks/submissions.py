"""Jobs of a run and submissions to a cluster that they come in, as the shipped profile for SLURM groups them.

    python benchmarks/submissions.py config/demo_marks.yaml

Nothing is run or submitted, and no SLURM is needed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LOCAL = re.compile(r"rule (\w+):\n(?:(?! *rule ).*\n)*? +localrule: True")


def count(config: Path) -> tuple[int, int]:
    """Jobs and submissions of a run that has nothing yet; what runs on the submitting machine is no submission."""
    profile = ROOT / "workflow" / "profiles" / "slurm"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config").symlink_to(ROOT / "config")
        command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", ROOT / "workflow" / "Snakefile"]
        command += ["--workflow-profile", profile, "--configfile", config.resolve()]
        done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr or done.stdout)
    shown = done.stdout + done.stderr
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    local = {"all", *_LOCAL.findall(rules)}
    jobs = int(re.search(r"^total\s+(\d+)$", shown, re.MULTILINE)[1]) - 1
    groups = len(re.findall(r"\] Group job \w+", shown))
    alone = [name for name in re.findall(r"^(?:local)?rule (\w+):", shown, re.MULTILINE) if name not in local]
    return jobs, groups + len(alone)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print("{}: {} jobs in {} submissions".format(name, *count(Path(name))))
