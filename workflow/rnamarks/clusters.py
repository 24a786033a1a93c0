"""What a cluster with SLURM has, held against what jobs ask for before any of them is submitted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from .errors import InputError

_SHOW = ("sinfo", "--noheader", "--format", "%R %G")


def partitions_here() -> dict[str, bool]:
    """Partitions of the cluster, and whether machines of theirs have GPUs.

    Raises
    ------
    InputError
        If SLURM does not answer.
    """
    try:
        done = subprocess.run(_SHOW, capture_output=True, text=True, check=False, timeout=120)
        said, failed = done.stderr.strip(), done.returncode != 0
    except (OSError, subprocess.TimeoutExpired) as error:
        said, failed = str(error), True
    if failed:
        raise InputError(
            "SLURM does not answer",
            value=said.splitlines()[-1] if said else "sinfo",
            remedy="start the run on a machine that jobs can be submitted from, or without the profile for clusters",
        )
    return read_partitions(done.stdout)


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
