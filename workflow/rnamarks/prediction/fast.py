"""Sequences and windows in fast mode, and how far it is from exact mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Protocol

import numpy as np
import pandas as pd
import scipy
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from ..dictionary import column_names
from ..errors import InputError, check_choice
from ..evaluation.bootstrap import interval, resampled_metrics, two_sided_p
from ..models.student import Student
from ..sequences import distinct
from .engine import ByTask, Engine, Scores
from .score import score_windows

BATCH_SIZE = 256
SPARSE = 16
"""Nucleotides for each base asked about, from which on it is looked whether windows are fewer than nucleotides."""
MEAN = "mean"


class Labelled(Protocol):
    """Windows as codes, shape (n, window), and labels, shape (n,), as :class:`rnamarks.training.sampler.TaskData`."""

    codes: np.ndarray
    labels: np.ndarray


@torch.inference_mode()
def score_fast(
    student: Student, codes: np.ndarray, *, batch_size: int = BATCH_SIZE, device: str | torch.device = "cpu"
) -> np.ndarray:
    """Logits of a student for windows.

    Parameters
    ----------
    student : Student
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    batch_size : int
        Windows at once; bounds the memory, changes nothing else beyond float rounding.
    device : str or torch.device

    Returns
    -------
    numpy.ndarray, shape=(n_windows, n_tasks), dtype=float32
    """
    student.eval().to(device)
    logits = np.empty((len(codes), len(student.tasks)), dtype=np.float32)
    for start in range(0, len(codes), batch_size):
        batch = torch.from_numpy(np.ascontiguousarray(codes[start : start + batch_size])).to(device)
        logits[start : start + batch_size] = student(batch).cpu().numpy()
    return logits


class FastEngine(Engine):
    """A student (:class:`rnamarks.models.student.Student`) as an :class:`~rnamarks.prediction.engine.Engine`."""

    def __init__(self, student: Student, *, device: str | torch.device = "cpu") -> None:
        self.student = student.eval().to(device)
        self.width = student.receptive
        self._device = torch.device(device)
        self._column = {task: column for column, task in enumerate(student.tasks)}

    def score(
        self, codes: np.ndarray, sites: ByTask, *, attend: bool = False, structure: ByTask | None = None
    ) -> Scores:
        """See :meth:`~rnamarks.prediction.engine.Engine.score`; there is no attention."""
        every = reduce(np.union1d, sites.values(), np.zeros(0, dtype=np.int64))
        if len(every) * SPARSE < len(codes):
            # of isoforms, and of transcripts that differ by one variant, most windows are equal
            windows = sliding_window_view(codes, self.width)[every - self.width // 2]
            first, place = distinct(windows)
            if len(first) * self.width < len(codes):
                return Scores(self._windows(windows[first], sites, every, place), None)
        logits = {task: np.empty(len(at), dtype=np.float32) for task, at in sites.items()}
        for start, found in self.student.scan_chunks(codes):
            self.pause()
            for task, at in sites.items():
                here = slice(*np.searchsorted(at, (start, start + len(found))))
                logits[task][here] = found.numpy()[at[here] - start, self._column[task]]
        return Scores(logits, None)

    def _windows(
        self, windows: np.ndarray, sites: ByTask, every: np.ndarray, place: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Logits of bases by distinct windows; ``place``: the window of each of ``every``, which holds all sites."""
        found = np.empty((len(windows), len(self.student.tasks)), dtype=np.float32)
        for start in range(0, len(windows), BATCH_SIZE):
            self.pause()
            part = slice(start, start + BATCH_SIZE)
            found[part] = score_fast(self.student, windows[part], device=self._device)
        return {task: found[place[np.searchsorted(every, at)], self._column[task]] for task, at in sites.items()}

    def score_windows(self, codes: np.ndarray, rows: ByTask, structure: ByTask | None = None) -> dict[str, np.ndarray]:
        """See :meth:`~rnamarks.prediction.engine.Engine.score_windows`."""
        found = score_fast(self.student, codes, device=self._device)
        return {task: found[at, self._column[task]] for task, at in rows.items()}


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's correlation of two scores of the same windows, both of shape (n,); 0 where either is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(scipy.stats.spearmanr(a, b).statistic)


def compare_modes(
    model: nn.Module,
    student: Student,
    windows: Mapping[str, Labelled],
    *,
    n: int = 1000,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """AUCb of exact and of fast mode on the same windows, and the difference with its interval.

    Parameters
    ----------
    model : torch.nn.Module
        What :func:`rnamarks.models.checkpoint.load_model` gives.
    student : Student
    windows : mapping of task to Labelled
        Windows that neither was fitted on, of both labels: a task's positives and its own negatives.
    n, seed : int
        Paired bootstrap, stratified by label; see :func:`rnamarks.evaluation.bootstrap.resampled_metrics`.
    device : str or torch.device

    Returns
    -------
    pandas.DataFrame
        One row per task and the row ``mean``, the mean over tasks, whose windows are resampled independently. Columns
        ``task``; ``exact``, ``fast`` (AUCb: area under the ROC curve of a task's positives against its own
        negatives); ``difference`` (fast - exact), ``low``, ``high`` (95 % paired bootstrap), ``p`` (two-sided);
        ``agreement`` (Spearman's correlation of the logits); ``n_positive``, ``n_negative``.

    Raises
    ------
    InputError
        If a task is unknown to the student or its windows lack a label.
    """
    rows, values, draws = [], [], []
    for place, (task, data) in enumerate(windows.items()):
        check_choice(task, student.tasks, "the student has no such task")
        exact = score_windows(model, data.codes, task, device=device)
        fast = score_fast(student, data.codes, device=device)[:, student.tasks.index(task)]
        # a stream of its own for each task, so that the mean over tasks does not add up one and the same draw
        value, drawn = resampled_metrics(data.labels, np.stack([exact, fast]), n=n, seed=seed + place)
        values.append(value["auroc"])
        draws.append(drawn["auroc"])
        positives = int(np.sum(data.labels))
        counts = positives, len(data.labels) - positives
        rows.append(_row(task, values[-1], draws[-1], agreement(exact, fast), counts))
    if not rows:
        raise InputError("there are no windows to compare the modes on", remedy="give windows of at least one task")
    means = np.mean(values, axis=0), np.mean(draws, axis=0)
    total = tuple(sum(row[column] for row in rows) for column in (-2, -1))
    rows.append(_row(MEAN, *means, float(np.mean([row[7] for row in rows])), total))
    return pd.DataFrame(rows, columns=column_names("modes", task_columns=False))


def _row(name: str, values: np.ndarray, draws: np.ndarray, agreed: float, counts: Sequence[int]) -> tuple:
    differences = draws[1] - draws[0]
    return (
        name,
        float(values[0]),
        float(values[1]),
        float(values[1] - values[0]),
        *interval(differences),
        two_sided_p(differences),
        agreed,
        *counts,
    )
