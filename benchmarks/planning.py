"""Seconds and megabytes that planning a run takes, and its jobs, by the number of species.

    python benchmarks/planning.py [--config config/config.yaml] [--species 2 7 20 50 100] [--chunks 1]

The run is that of a configuration with as many species, each with files of its own that are empty: planning looks at
names, dates and sizes. Its simulation is left out. Seconds are those of the whole command ``snakemake -n``, wall time
and the processor's; the second line of a number of species is with every output there and up to date. With --profile
the last run is profiled into a file for pstats.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.keys import with_defaults
from rnamarks.run_files import inputs_of
from rnamarks.schema import check_config
from rnamarks.yaml_files import read_yaml

ROOT = Path(__file__).resolve().parents[1]
SHEET = "species\tscientific\ttaxid\tassembly\ttree_name\tcolour\n"
TOTAL = re.compile(r"^total +(\d+)$", re.MULTILINE)


def write_project(folder: Path, base: Path, n: int, chunks: int) -> None:
    """A configuration like ``base`` with ``n`` species, and empty files where it names files.

    The first species keeps its name; settings of the nearest 7 species become settings of all.
    """
    shutil.copytree(ROOT / "config", folder / "config")
    config = read_yaml(base)
    root, entry = next(iter(config["species"].items()))
    names = [root, *(f"species{number:03}" for number in range(1, n))]
    rows = [
        f"{name}\tGenus {name}\t{number + 1}\tasm{number}\t{name}\t#{number:06X}\n" for number, name in enumerate(names)
    ]
    (folder / "species.tsv").write_text(SHEET + "".join(rows))
    tree = names[0]
    for name in names[1:]:
        tree = f"({tree}:1,{name}:1)"
    (folder / "species.nwk").write_text(f"{tree};\n")
    config |= {"species": {name: copy.deepcopy(entry) for name in names}, "root_species": root}
    config |= {"species_sheet": "species.tsv", "tree": "species.nwk"}
    for setting in config["settings"].values():
        setting["nearest"] = n if setting["nearest"] == 7 else min(n, setting["nearest"])
    config["transcriptome"]["chunks"] = chunks
    del config["simulation"]
    config = json.loads(json.dumps(config).replace("{world}", "world"))
    (folder / "config.json").write_text(json.dumps(config))
    # sheets and the tree are named relative to the folder
    os.chdir(folder)
    for one in inputs_of(Analyses(Plan(with_defaults(check_config(config))))):
        Path(one.reference).parent.mkdir(parents=True, exist_ok=True)
        Path(one.reference).touch()


def snakemake(*options: str) -> list[str]:
    """The command that plans the run in the working directory."""
    words = ["snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile"), "--configfile", "config.json"]
    return [*words, "--cores", "1", *options]


def measure(command: list[str]) -> tuple[float, float, int, str]:
    """Wall seconds, processor seconds, kilobytes and output of a command."""
    with tempfile.TemporaryFile("w+") as out:
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", *command], stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        out.seek(0)
        text = out.read()
    if status:
        sys.exit(text[-3000:])
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss, text


def finish() -> None:
    """Empty files in place of every output, and Snakemake's records of them."""
    _, _, _, text = measure(snakemake("--summary"))
    for line in text.splitlines():
        name = line.split("\t")[0]
        if name.startswith("results/"):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()
    measure(snakemake("--touch"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=ROOT / "config" / "config.yaml")
    parser.add_argument("--species", type=int, nargs="+", default=[2, 7, 20, 50, 100])
    parser.add_argument("--chunks", type=int, default=1, help="of each scan")
    parser.add_argument("--profile", type=Path)
    arguments = parser.parse_args()
    print("species\tstate\tjobs\twall s\tprocessor s\tMB\tload", flush=True)
    for n in arguments.species:
        with tempfile.TemporaryDirectory() as folder:
            write_project(Path(folder), arguments.config.resolve(), n, arguments.chunks)
            for state in ("nothing done", "all done"):
                if state == "all done":
                    finish()
                wall, cpu, kilobytes, text = measure(snakemake("-n", "--quiet", "rules"))
                jobs = TOTAL.findall(text)
                row = (n, state, jobs[-1] if jobs else 0, f"{wall:.1f}", f"{cpu:.1f}", f"{kilobytes / 1000:.0f}")
                print(*row, f"{os.getloadavg()[0]:.1f}", sep="\t", flush=True)
            if arguments.profile:
                measure(
                    ["cProfile", "-o", str(arguments.profile.resolve()), "-m", *snakemake("-n", "--quiet", "rules")]
                )
            os.chdir(ROOT)


if __name__ == "__main__":
    main()
