"""Processes that work on one job together: how they are started, and what each is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from .errors import InputError


def started_with(environment: Mapping[str, str]) -> dict[str, Any] | None:
    """Rank, number on the machine, count, address and port, from the variables of torchrun or SLURM; None if alone.

    A batch script of SLURM that runs a program without ``srun`` is alone, whatever it was given.
    """
    if "TORCHELASTIC_RUN_ID" in environment:
        rank, local, count = (int(environment[name]) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"))
        where = (environment["MASTER_ADDR"], int(environment["MASTER_PORT"]))
    elif int(environment.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        rank, local, count = (
            int(environment[name]) for name in ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_STEP_NUM_TASKS")
        )
        # a port of the range that no service has, and steps of one job at different ones
        port = 20_000 + (int(environment["SLURM_JOB_ID"]) * 16 + int(environment["SLURM_STEP_ID"])) % 12_000
        first = first_host(environment["SLURM_STEP_NODELIST"])
        where = (environment.get("MASTER_ADDR", first), int(environment.get("MASTER_PORT", port)))
    else:
        return None
    keys = ("rank", "local", "count", "address", "port", "slurm")
    return dict(zip(keys, (rank, local, count, *where, "TORCHELASTIC_RUN_ID" not in environment), strict=True))


def start_together(count: int, threads: int, terminal: TextIO) -> bool:
    """Run this program again as several processes that train together, and wait for them.

    In a job of SLURM they are a step of it, on all of its machines; elsewhere ``torchrun`` starts them on this one.

    Parameters
    ----------
    count : int
    threads : int
        Processors of each.
    terminal : text stream
        Gets their standard error.

    Returns
    -------
    bool
        Whether they ran; False in one of them, and where one is enough.

    Raises
    ------
    SystemExit
        With the code of one that failed, which has said why.
    """
    if count == 1 or started_with(os.environ) is not None:
        return False
    if "SLURM_JOB_ID" in os.environ:
        start = ["srun", f"--ntasks={count}", f"--cpus-per-task={threads}", "--kill-on-bad-exit=1", sys.executable]
    else:
        start = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    done = subprocess.run([*start, *sys.argv], stderr=terminal, check=False)
    if done.returncode:
        raise SystemExit(done.returncode if done.returncode > 0 else 128 - done.returncode)
    return True


def is_first() -> bool:
    """Whether this process is alone or the first of several: the one that says what came out."""
    place = started_with(os.environ)
    return place is None or place["rank"] == 0


def first_host(hosts: str) -> str:
    """The first of SLURM's list of machines, such as ``gpu[07-09,12],login1``."""
    found = re.match(r"([^\[,]+)(?:\[(\d+)[^\]]*\])?([^,\[]*)", hosts)
    if not found:
        raise InputError("SLURM's list of machines cannot be read", value=hosts, remedy="set MASTER_ADDR")
    return found[1] + (found[2] or "") + found[3]
