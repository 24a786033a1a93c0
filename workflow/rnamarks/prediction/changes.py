"""How much random changes of one nucleotide move a logit: what the effect of a variant is compared with.

For each task, windows around its bases get one other nucleotide at a place drawn evenly from those that the model
reads; where the base or its motif is lost, nothing can be compared, and the window is left out. The sizes of the
differences in logit, after minus before, lie sorted in ``null.safetensors`` beside the null distribution, named
``changes.<mode>.<task>``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..models.directory import NULL, read_sidecar, sidecar_settings
from ..sequences import ALPHABET, UNKNOWN
from ..tasks import Task
from .engine import Engine, score_each
from .score import fits_task

MOST = 2000
"""Changes of each task: percentiles are told apart to 0.05."""
_SEED = 1


class Changes:
    """Differences in logit that random changes of one nucleotide make.

    Parameters
    ----------
    sizes : array, shape=(n,)
        Absolute differences, in any order.
    """

    def __init__(self, sizes: np.ndarray) -> None:
        self._sizes = np.sort(np.asarray(sizes, dtype=np.float32))
        self.size = len(self._sizes)

    def percentile(self, differences: np.ndarray) -> np.ndarray:
        """Percent of the random changes that are smaller, whatever the sign; NaN of NaN; dtype=float32.

        Many changes do not move the logit of trees at all; one more that does not is larger than none of them, 0.
        """
        sizes = np.abs(np.asarray(differences, dtype=np.float32))
        rank = np.searchsorted(self._sizes, sizes, side="left") * np.float32(100 / self.size)
        return np.where(np.isnan(sizes), np.float32(np.nan), rank.astype(np.float32))


def change_one(windows: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Windows with one nucleotide changed, drawn evenly from the middle ``width`` nt and the three others.

    Parameters
    ----------
    windows : numpy.ndarray, shape=(n, at least width), dtype=uint8
    width : int
    seed : int
        The same changes for the same number of windows, so that tasks that share windows share changed ones.

    Returns
    -------
    numpy.ndarray, shape=(n, the same width), dtype=uint8
        A window with an unknown letter at the place drawn stays as it is.
    """
    rng = np.random.default_rng(seed)
    place = (windows.shape[1] - width) // 2 + rng.integers(0, width, len(windows))
    step = rng.integers(1, len(ALPHABET), len(windows)).astype(np.uint8)
    changed = windows.copy()
    row = np.arange(len(windows))
    before = windows[row, place]
    changed[row, place] = np.where(before == UNKNOWN, before, (before + step) % len(ALPHABET))
    return changed


def change_sizes(
    engine: Engine,
    windows: Mapping[str, np.ndarray],
    logits: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    structure: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Absolute differences in logit that random changes of one nucleotide make.

    Parameters
    ----------
    engine : Engine
    windows : mapping of str to numpy.ndarray, shape=(n, window), dtype=uint8
        Task to windows around bases that fit it; the first :data:`MOST` are changed.
    logits : mapping of str to numpy.ndarray, shape=(n,)
        Those of the windows, see :func:`rnamarks.prediction.engine.score_each`.
    tasks : sequence of Task
        Those without windows are left out.
    structure : mapping of str to numpy.ndarray, optional
        Of engines that read it, that of the windows.

    Returns
    -------
    dict of str to numpy.ndarray, shape=(up to MOST,), dtype=float32
        Of the tasks that keep a window.
    """
    before, after, places = {}, {}, {}
    for task in tasks:
        if task.name not in windows:
            continue
        given = windows[task.name][:MOST]
        changed = change_one(given, engine.width, _SEED)
        kept = fits_task(changed, task) & (changed != given).any(axis=1)
        if kept.any():
            before[task.name], after[task.name] = logits[task.name][: len(given)][kept], changed[kept]
            if structure is not None:
                places[task.name] = structure[task.name][: len(given)][kept]
    if not after:
        return {}
    return {name: np.abs(found - before[name]) for name, found in score_each(engine, after, places).items()}


def read_changes(folder: str | Path, tasks: Iterable[str], mode: str) -> dict[str, Changes]:
    """Random changes of a model directory, of those tasks that have some in this mode.

    Whether they belong to the model's weights and student is what
    :func:`rnamarks.prediction.significance.read_null` finds out.
    """
    if sidecar_settings(folder, NULL) is None:
        return {}
    arrays, _ = read_sidecar(folder, NULL)
    names = {task: f"changes.{mode}.{task}" for task in tasks}
    return {task: Changes(arrays[name]) for task, name in names.items() if name in arrays}
