"""What a cluster with SLURM has, held against what jobs ask for before any of them is submitted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from .errors import InputError

_PATIENCE = 120
"""Seconds that SLURM may take to answer."""
_BETWEEN_LOOKS = 200
"""Seconds that Snakemake may let pass between two looks at its jobs, 180, and those that a look takes."""


def partitions_here() -> dict[str, bool]:
    """Partitions of the cluster, and whether machines of theirs have GPUs.

    Raises
    ------
    InputError
        If SLURM does not answer.
    """
    # hidden ones, too, to which jobs may go
    return read_partitions(_ask("sinfo", "--all", "--noheader", "--format", "%R %G"))


def status_command_here(chosen: str) -> str:
    """Which of ``squeue`` and ``sacct`` tells how the jobs of a run on this cluster ended.

    Parameters
    ----------
    chosen : str
        The one that is asked if both do.

    Raises
    ------
    InputError
        If neither does, so that a run would wait for ever, or SLURM does not answer.
    """
    return choose_status_command(_ask("scontrol", "show", "config"), chosen)


def _ask(*command: str) -> str:
    # a user's own choice of what sinfo shows is none of what the cluster has
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SINFO_")}
    options = {"capture_output": True, "text": True, "check": False, "timeout": _PATIENCE, "env": environment}
    try:
        done = subprocess.run(command, **options)
        said, failed = done.stderr.strip(), done.returncode != 0
    except (OSError, subprocess.TimeoutExpired) as error:
        said, failed = str(error), True
    if failed:
        raise InputError(
            "SLURM does not answer",
            value=said.splitlines()[-1] if said else command[0],
            remedy="start the run on a machine that jobs can be submitted from, or without the profile for clusters",
        )
    return done.stdout


def choose_status_command(shown: str, chosen: str) -> str:
    """As :func:`status_command_here`, from what ``scontrol show config`` shows.

    ``squeue`` tells it where ended jobs are remembered from one look of Snakemake to the next, ``sacct`` where there is
    accounting.

    >>> choose_status_command("MinJobAge = 60 sec\nAccountingStorageType = accounting_storage/slurmdbd\n", "squeue")
    'sacct'
    """
    settings = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in shown.splitlines())}
    # 300 s if it is not said; 0 is for ever
    age, storage = settings.get("MinJobAge", "300 sec"), settings.get("AccountingStorageType", "")
    seconds = int(age.split()[0])
    tells = {"squeue": seconds == 0 or seconds >= _BETWEEN_LOOKS, "sacct": storage.endswith("slurmdbd")}
    for command in (chosen, *tells):
        if tells.get(command):
            return command
    raise InputError(
        "the cluster forgets how jobs ended before Snakemake asks, and has no accounting",
        value=f"MinJobAge {age}",
        remedy=f"ask for a MinJobAge of {_BETWEEN_LOOKS} or more, or run without the profile for clusters",
    )


def read_partitions(shown: str) -> dict[str, bool]:
    """What ``sinfo --noheader --format "%R %G"`` shows: a row per partition and kind of machine in it.

    >>> read_partitions("cpu (null)\\nall (null)\\nall gpu:a100:4(S:0-1)\\n")
    {'cpu': False, 'all': True}
    """
    found: dict[str, bool] = {}
    for line in shown.splitlines():
        name, _, resources = line.partition(" ")
        has_gpu = any(one.partition(":")[0].strip() == "gpu" for one in resources.split(","))
        found[name] = found.get(name, False) or has_gpu
    return found


def check_partitions(jobs: Iterable[Mapping[str, Any]], limits: str | Path | None, here: Mapping[str, bool]) -> None:
    """Refuse partitions that the cluster does not have, and GPUs where it has none.

    Parameters
    ----------
    jobs : iterable of mapping
        Resources of each: ``slurm_partition``, if it names one, and ``gpu``, how many it asks for.
    limits : path-like or None
        The file of partitions among which the others' is chosen; they go to the cluster's default one without it.
    here : mapping of str to bool
        See :func:`partitions_here`.

    Raises
    ------
    InputError
    """
    known = ", ".join(here)
    offered = yaml.safe_load(Path(limits).read_text(encoding="utf-8"))["partitions"] if limits else {}
    for name in offered:
        if name not in here:
            raise InputError(
                "the cluster has no such partition", path=limits, value=name, remedy=f"name some of {known}"
            )
    for job in jobs:
        name, gpus = job.get("slurm_partition"), job.get("gpu") or 0
        if name and name not in here:
            raise InputError("the cluster has no such partition", value=name, remedy=f"name one of {known}")
        if not gpus:
            continue
        within = [name] if name else [one for one, most in offered.items() if (most or {}).get("max_gpu", 0) >= gpus]
        if not any(here[one] for one in within or ([] if offered else here)):
            raise InputError(
                "a GPU is asked for where the cluster has none",
                path=limits,
                value=", ".join(within) or f"no partition with max_gpu of {gpus} or more",
                remedy="name a partition that has GPUs, or choose resources.device cpu",
            )
