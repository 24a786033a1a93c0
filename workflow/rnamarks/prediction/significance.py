"""How often an unmodified nucleotide scores as high: p-values from a null distribution.

The null of a task is the logits that a model gives to nucleotides known to be unmodified, kept sorted in
``null.safetensors`` of the model directory, one array per mode and task, named ``<mode>.<task>``. A nucleotide's p is
(1 + null logits at least as high) / (1 + null logits) (Davison & Hinkley 1997, 4.11; Phipson & Smyth 2010): never 0,
and down to 1e-4 for a null of 10,000.

That count jumps where a logit meets a null logit, and the last digits of a logit depend on the size of the batches. So
a null logit that is lower, but by less than :data:`EASE` of the null's standard deviation, counts in part: p is the
mean of the formula over that little stretch below the logit, hence continuous and never less than the formula's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..models.directory import NULL, STUDENT, read_config, read_sidecar, sidecar_settings, write_sidecar
from ..tasks import find_task

EASE = 0.002


class Null:
    """The null distribution of one task.

    Parameters
    ----------
    logits : array, shape=(n,)
        Of unmodified nucleotides, in any order. A model that knows nothing of a task, such as a stack whose weights are
        0, gives all nucleotides one logit; its p is 1.

    Raises
    ------
    InputError
        If there are fewer than two, or one is not finite.
    """

    def __init__(self, logits: np.ndarray) -> None:
        logits = np.sort(np.asarray(logits, dtype=np.float64))
        if not np.isfinite(logits).all() or len(logits) < 2:
            raise InputError(
                "a null distribution needs two or more finite logits",
                value=f"{len(logits)} logits",
                remedy="score more unmodified nucleotides",
            )
        self.size = len(logits)
        self._logits = logits
        self._reach = EASE * logits.std()
        # centred, so that sums of many keep their digits
        self._centre = logits.mean()
        self._sums = np.concatenate(([0.0], np.cumsum(logits - self._centre)))

    def p(self, logits: np.ndarray) -> np.ndarray:
        """p-values of logits of any shape, dtype=float64, in [1 / (1 + n), 1]."""
        logits = np.asarray(logits, dtype=np.float64)
        low = logits - self._reach
        first = np.searchsorted(self._logits, low, side="left")
        last = np.searchsorted(self._logits, logits, side="left")
        partly = self._sums[last] - self._sums[first] - (last - first) * (low - self._centre)
        if self._reach:
            partly /= self._reach
        return (1.0 + self.size - last + np.clip(partly, 0.0, last - first)) / (1.0 + self.size)


def write_null(
    folder: str | Path,
    null: Mapping[str, Mapping[str, np.ndarray]],
    *,
    source: str,
    changes: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> None:
    """Put null distributions into a model directory, in place of those that it has.

    Parameters
    ----------
    folder : path-like
    null : mapping of str to mapping of str to array, shape=(n,)
        Mode, then task, to logits of unmodified nucleotides.
    source : str
        Which nucleotides, in words.
    changes : mapping of str to mapping of str to array, shape=(n,), optional
        Mode, then task, to absolute differences in logit that random changes of one nucleotide make, see
        :mod:`rnamarks.prediction.changes`.

    Raises
    ------
    InputError
        If the model has no such task, or an array is no null distribution.
    """
    config, _ = read_config(folder)
    arrays = {}
    for mode, by_task in null.items():
        for task, logits in by_task.items():
            find_task(config.tasks, task)
            Null(logits)
            arrays[f"{mode}.{task}"] = np.sort(np.asarray(logits, dtype=np.float32))
    for mode, by_task in (changes or {}).items():
        arrays |= {f"changes.{mode}.{task}": np.sort(np.float32(sizes)) for task, sizes in by_task.items()}
    student = sidecar_settings(folder, STUDENT) if "fast" in null else None
    write_sidecar(folder, NULL, arrays, {"source": source, "student": student["sha256"] if student else ""})


def read_null(folder: str | Path, tasks: Iterable[str], mode: str) -> tuple[dict[str, Null], str]:
    """Null distributions of a model directory.

    Parameters
    ----------
    folder : path-like
    tasks : iterable of str
    mode : {"exact", "fast"}

    Returns
    -------
    null : dict of str to Null
        Of those tasks that have one in this mode; none where the directory holds no null distribution.
    source : str
        Which nucleotides, in words; ``""`` without any.

    Raises
    ------
    InputError
        If the file is damaged, or was made with other weights or, in fast mode, with another student.
    """
    if sidecar_settings(folder, NULL) is None:
        return {}, ""
    arrays, settings = read_sidecar(folder, NULL)
    if mode == "fast" and settings["student"] != sidecar_settings(folder, STUDENT)["sha256"]:
        raise InputError(
            "the null distribution was made with another student",
            path=Path(folder) / NULL,
            remedy="make it again: rnamarks null",
        )
    names = {task: f"{mode}.{task}" for task in tasks}
    found = {task: Null(arrays[name]) for task, name in names.items() if name in arrays}
    return found, str(settings["source"]) if found else ""
