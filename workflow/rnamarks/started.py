"""Processes that work on one job together: how they are started, and what each is told."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from .errors import InputError

_SHELL = "SLURM_PTY_PORT"


def started_with(environment: Mapping[str, str]) -> dict[str, Any] | None:
    """Rank, number on the machine, count, address and port, from the variables of torchrun or SLURM; None if alone.

    A batch script of SLURM that runs a program without ``srun`` is alone, whatever it was given; so is one in an
    interactive shell of several tasks, of which only the first has the terminal.
    """
    if "TORCHELASTIC_RUN_ID" in environment:
        rank, local, count = (int(environment[name]) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"))
        where = (environment["MASTER_ADDR"], int(environment["MASTER_PORT"]))
    elif int(environment.get("SLURM_STEP_NUM_TASKS", 1)) > 1 and _SHELL not in environment:
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
    environment = dict(os.environ)
    if "SLURM_JOB_ID" in environment:
        if not shutil.which("srun"):
            raise InputError(
                "a job of SLURM starts processes by srun, which is not found",
                value=environment["SLURM_JOB_ID"],
                remedy="put it on PATH, or set resources.training_processes to 1",
            )
        start = ["srun", f"--ntasks={count}", f"--cpus-per-task={threads}", "--kill-on-bad-exit=1", sys.executable]
        # where this is a step itself, such as an interactive shell, which has all that the job has
        environment["SLURM_OVERLAP"] = "1"
        environment.pop(_SHELL, None)
    else:
        start = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    command = [*start, *sys.argv]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=terminal, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.returncode if done.returncode > 0 else 128 - done.returncode)
    return True


def gpu_of(place: Mapping[str, Any], seen: int, environment: Mapping[str, str]) -> int:
    """Which of the GPUs that a process sees is its own: SLURM may show a task no others, and else all of the machine's.

    Parameters
    ----------
    place : mapping
        See :func:`started_with`.
    seen : int
    environment : mapping of str to str

    Raises
    ------
    InputError
        If there are more processes than GPUs.
    """
    bound = place["slurm"] and 0 < seen < int(environment.get("SLURM_GPUS_ON_NODE", seen))
    if place["local"] >= seen and not bound:
        raise InputError("more processes than GPUs on this machine", value=seen, remedy="start fewer")
    return 0 if bound else place["local"]


def check_address(place: Mapping[str, Any]) -> None:
    """Refuse a first machine whose name leads nowhere, which the others would try to reach for as long as they wait.

    Raises
    ------
    InputError
    """
    try:
        socket.getaddrinfo(place["address"], place["port"])
    except OSError as error:
        raise InputError(
            "the machine of the first process has no address", value=place["address"], remedy="set MASTER_ADDR to it"
        ) from error


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
