"""What rules used against what they ask for: megabytes and minutes by MB of input.

Two commands. The first runs Snakemake with extended benchmark files, which name each job's rule and the sizes of its
input, and looks at memory twice a second to the end (by itself Snakemake looks every 30 s after the first quarter of a
minute, so that it misses peaks). The second prints a line per rule and folder, of the job that comes nearest to its
limit. What is asked for is read from workflow/rules as it is now, for the first attempt, so that a new figure there can
be held against sizes measured before.

    python benchmarks/resources.py run --cores 2 --configfile CONFIG [any other argument of snakemake]
    python benchmarks/resources.py table benchmarks/results/RUN [benchmarks/results/OTHER ...]

The table ends with exit code 1 if a rule asks for less than 1.2 times what a job used, and warns of jobs that ask for
more than 2 GB and 8 times what they used. Memory is the resident size of a job's processes together, in MB of a million
bytes. Minutes are wall time, on a busy machine too long, and the processor's.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from rnamarks.training.settings import SiteSettings

ROOT = Path(__file__).resolve().parents[1]
MIB = 1024 * 1024 / 1e6
LEAST, MOST, MUCH_MB = 1.2, 8, 2000
RULE = re.compile(r"^ *rule (\w+):$", re.MULTILINE)
BATCH = re.compile(r"'batch_size': (\d+)")
ASKED = re.compile(r"mem_mb=memory\(([^()]*)\),\s*runtime=minutes\(([^()]*)\)")


@dataclass
class Job:
    """One benchmark file; ``peak`` in MB is None where a job ended before Snakemake looked."""

    rule: str
    input_mb: float
    peak: float | None
    minutes: float
    cpu_minutes: float
    asked_mb: int
    asked_minutes: int

    @property
    def ratios(self) -> tuple[float | None, float]:
        """Asked over used: memory, time."""
        return self.asked_mb / self.peak if self.peak else None, self.asked_minutes / max(self.minutes, 1e-3)


def run_snakemake(arguments: list[str]) -> None:
    """Run Snakemake in this process, with a sample of memory every half second."""
    from snakemake import benchmark
    from snakemake.cli import main

    benchmark.benchmarked.__wrapped__.__defaults__ = (None, None, benchmark.BENCHMARK_INTERVAL_SHORT)
    main(["--benchmark-extended", *arguments])


def asked_by_rules(folder: Path) -> dict[str, list[list[float]]]:
    """What every rule asks for, as numbers: of MB and of minutes a base, a slope by MB of input, one by batch size."""
    asked = {}
    for file in folder.glob("*.smk"):
        parts = RULE.split(file.read_text(encoding="utf-8"))
        for rule, text in zip(parts[1::2], parts[2::2], strict=True):
            if found := ASKED.search(text):
                asked[rule] = [[float(number) for number in group.split(",")] for group in found.groups()]
    return asked


def read_job(path: Path, asked: dict[str, list[list[float]]]) -> Job:
    """A job from its extended benchmark file."""
    header, *rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    row = dict(zip(header, rows[-1], strict=True))
    if "input_size_mb" not in row:
        sys.exit(f"{path} does not name the sizes of the input; make the run with benchmarks/resources.py run")
    rule = row["rule_name"].strip("(',)")
    # in MiB, as input.size_mb of a rule
    size = sum(ast.literal_eval(row["input_size_mb"]).values())
    batch = max(map(int, BATCH.findall(row["params"])), default=SiteSettings.batch_size)
    memory, minutes = (
        int(sum(number * times for number, times in zip(numbers, (1, size, batch), strict=False)))
        for numbers in asked[rule]
    )
    peak = None if row["max_rss"] == "NA" else float(row["max_rss"]) * MIB
    return Job(rule, size, peak, float(row["s"]) / 60, float(row["cpu_time"].replace("NA", "0")) / 60, memory, minutes)


def print_table(folders: list[Path]) -> bool:
    """Print a line per rule and folder; whether every rule asks for enough."""
    asked = asked_by_rules(ROOT / "workflow" / "rules")
    enough, warnings = True, []
    print(f"{'rule':22} {'folder':14} jobs  input MB   peak MB  asked MB ratio  minutes    cpu asked")
    for folder in folders:
        by_rule: dict[str, list[Job]] = {}
        for path in sorted(folder.rglob("*.tsv")):
            job = read_job(path, asked)
            by_rule.setdefault(job.rule, []).append(job)
        for rule, jobs in sorted(by_rule.items()):
            measured = [job for job in jobs if job.peak] or jobs
            tightest = min(measured, key=lambda job: job.ratios[0] or 0)
            slowest = max(jobs, key=lambda job: job.minutes)
            ratio = tightest.ratios[0]
            short = (ratio is not None and ratio < LEAST) or slowest.ratios[1] < LEAST
            enough &= not short
            loosest = max(measured, key=lambda job: job.ratios[0] or 0)
            if loosest.asked_mb > MUCH_MB and (loosest.ratios[0] or 0) > MOST:
                warnings.append(f"{rule} asks for {loosest.asked_mb} MB and used {loosest.peak:.0f} MB in {folder}")
            print(
                f"{rule:22} {folder.name:14} {len(jobs):4d} {tightest.input_mb:9.1f} {tightest.peak or 0:9.0f} "
                f"{tightest.asked_mb:9d} {ratio or 0:5.1f} {slowest.minutes:8.2f} {slowest.cpu_minutes:6.2f} "
                f"{slowest.asked_minutes:5d}" + (" too little" if short else "")
            )
    for line in warnings:
        print(f"warning: {line}", file=sys.stderr)
    return enough


def main() -> None:
    """Run Snakemake, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("command", choices=["run", "table"])
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="Snakemake's arguments, or folders of benchmark files")
    options = parser.parse_args()
    if options.command == "run":
        run_snakemake(options.rest)
    elif not print_table([Path(folder) for folder in options.rest]):
        sys.exit(1)


if __name__ == "__main__":
    main()
