"""The bases of sequences that a model's tasks are about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..sequences import ALPHABET
from ..sites.motifs import bases_at_offset, find_motif
from ..tasks import Task, find_task
from .engine import Engine
from .site_files import KMER


def find_sites(codes: np.ndarray, task: Task) -> np.ndarray:
    """0-based positions of a task's base in its motif, ascending; see :func:`rnamarks.sites.motifs.find_motif`."""
    motif, offset = task.place
    at = find_motif(codes, motif, offset)
    return at[codes[at] == ALPHABET.index(task.base)] if task.base else at


def choose_tasks(tasks: Sequence[Task], names: Sequence[str] = ()) -> list[Task]:
    """The tasks of these names, all without any, in the order given first.

    Raises
    ------
    InputError
        If one is unknown, or a task does not tell which bases it is about.
    """
    wanted = {find_task(tasks, name).name for name in names} or {task.name for task in tasks}
    chosen = [task for task in tasks if task.name in wanted]
    for task in chosen:
        motif, offset = task.place
        if not motif:
            raise InputError("the model does not tell which bases the task is about", value=task.name)
        if task.base and task.base not in bases_at_offset(motif, offset):
            raise InputError(f"{motif} cannot have {task.base} at {offset}", value=task.name)
    return chosen


def gap_for(tasks: Sequence[Task], *engines: Engine) -> int:
    """Codes of 4 that sequences need between them."""
    return max(1, KMER // 2, *(engine.width // 2 for engine in engines), *(len(task.place[0]) for task in tasks))
