"""Logits of all tasks on all held-out windows of a run, lined up over models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..tables import require_columns
from ..tasks import Task, find_task
from .seeds import Run, join_seeds
from .thresholds import g_mean_threshold

HELD_OUT = ("valid", "test")
CHOICES = ("validation", "published")
_KEY = ["own", "window", "positive"]


@dataclass
class Held:
    """Windows of one split with the logits of every model.

    Attributes
    ----------
    own, positive : numpy.ndarray, shape=(n, n_tasks), dtype=bool
        Whether a window was measured for a task, and found to be modified.
    unknown : numpy.ndarray, shape=(n, n_tasks), dtype=bool
        Whether a window was not measured for a task, but another task found the same modification in it: neither
        modified nor unmodified. Other windows that were not measured count as unmodified.
    base : numpy.ndarray of str, shape=(n,)
        nucleotide in the middle.
    fresh : numpy.ndarray, shape=(n,), dtype=bool
        Whether no training split has the sequence.
    logits : numpy.ndarray, shape=(n_rows, n, n_tasks)
        NaN for tasks that a model does not know.
    """

    own: np.ndarray
    positive: np.ndarray
    unknown: np.ndarray
    base: np.ndarray
    fresh: np.ndarray
    logits: np.ndarray

    @property
    def strata(self) -> np.ndarray:
        """Windows of the same tasks and labels share a number, shape=(n,)."""
        return np.unique(np.hstack([self.own, self.positive]), axis=0, return_inverse=True)[1].ravel()

    def windows(self, task: int, against: str) -> np.ndarray:
        """Indices of a task's own windows (``own``), or of these and those that count as unmodified (``all``).

        The latter leave out windows whose sequence a training split has.
        """
        chosen = self.own[:, task]
        if against == "all":
            chosen = chosen | self.fresh & ~self.unknown[:, task]
        return np.flatnonzero(chosen)


@dataclass
class Pool:
    """All runs of one scheme that know the windows of all tasks.

    Attributes
    ----------
    scheme : str
    tasks : tuple of str
    bases : numpy.ndarray of str, shape=(n_tasks,)
        The base that most positives of a task have in the middle.
    keys : pandas.DataFrame
        See :func:`~rnamarks.evaluation.seeds.join_seeds`.
    known : numpy.ndarray, shape=(n_rows, n_tasks), dtype=bool
        Whether the row's model has the task.
    valid, test : Held
    """

    scheme: str
    tasks: tuple[str, ...]
    bases: np.ndarray
    keys: pd.DataFrame
    known: np.ndarray
    valid: Held
    test: Held

    def thresholds(self, choice: str) -> np.ndarray:
        """Logits at and above which windows are called, shape=(n_rows, n_tasks); NaN where a model lacks the task.

        Parameters
        ----------
        choice : {"validation", "published"}
            ``validation``: largest G-mean on the task's own validation windows. ``published``: on the test windows,
            the task's positives against all others, as the program of Song et al. 2021 does. It looks at what it is
            measured on.
        """
        held, against = (self.valid, "own") if choice == "validation" else (self.test, "all")
        chosen = np.full(self.known.shape, np.nan)
        for row, task in np.argwhere(self.known):
            windows = held.windows(task, against)
            chosen[row, task] = g_mean_threshold(held.positive[windows, task], held.logits[row, windows, task])
        return chosen


def build_pools(runs: Sequence[Run], tasks: Sequence[Task]) -> list[Pool]:
    """Line up runs on common windows and average their logits over seeds, one pool for each scheme.

    Runs that share model, setting, scheme and seed are parts of one model with different tasks.

    Parameters
    ----------
    runs : sequence of Run
        Frames are tables ``tasks_predictions`` and one column of logits per task.
    tasks : sequence of Task
        Those of the runs, and possibly more.

    Raises
    ------
    InputError
        If a logit is not finite, runs of one scheme were made on different windows, a task is unknown or given twice,
        or one lacks a label among its own windows of either split.
    """
    schemes = dict.fromkeys(run.scheme for run in runs)
    return [_pool(scheme, [run for run in runs if run.scheme == scheme], tasks) for scheme in schemes]


def _pool(scheme: str, runs: Sequence[Run], tasks: Sequence[Task]) -> Pool:
    columns = column_names("tasks_predictions")
    of_run = [[name for name in run.frame.columns if name not in columns] for run in runs]
    names = tuple(dict.fromkeys(name for known in of_run for name in known))
    modifications = np.array([find_task(tasks, name).modification or name for name in names])
    windows: dict[str, pd.DataFrame] = {}
    found: dict[str, dict[tuple[str, str], dict[str, np.ndarray]]] = {split: {} for split in HELD_OUT}
    for run, known in zip(runs, of_run, strict=True):
        require_columns(run.frame, columns, run.name)
        if not known or not np.isfinite(run.frame[known].to_numpy(np.float64)).all():
            raise InputError(
                "a run has a logit that is not finite" if known else "a run has no task",
                path=run.name,
                remedy="score its windows again; training may have diverged",
            )
        for split in HELD_OUT:
            frame = run.frame[run.frame["split"] == split].sort_values(_KEY, kind="stable", ignore_index=True)
            if not windows.setdefault(split, frame[columns])[_KEY].equals(frame[_KEY]):
                raise InputError(
                    f"{run.name} and {runs[0].name} were not scored on the same {split} windows",
                    remedy="score them on the same splits tables",
                )
            seeds = found[split].setdefault((run.model, run.setting), {})
            logits = seeds.setdefault(str(run.seed), np.full((len(frame), len(names)), np.nan))
            at = [names.index(name) for name in known]
            if np.isfinite(logits[:, at]).any():
                raise InputError(f"{run.name} is given twice", remedy="give each model, setting, scheme and seed once")
            logits[:, at] = frame[known].to_numpy(np.float64)
    held = {
        split: _held(windows[split], names, modifications, join_seeds(found[split])[1], scheme) for split in HELD_OUT
    }
    test = held["test"]
    bases = [pd.Series(test.base[test.positive[:, at]]).mode()[0] for at in range(len(names))]
    known = np.isfinite(test.logits).all(axis=1)
    return Pool(scheme, names, np.array(bases), join_seeds(found["test"])[0], known, held["valid"], test)


def _held(
    windows: pd.DataFrame, names: Sequence[str], modifications: np.ndarray, logits: np.ndarray, scheme: str
) -> Held:
    own, positive = (_members(windows[column], names) for column in ("own", "positive"))
    split = windows["split"].iloc[0] if len(windows) else "valid or test"
    for at, name in enumerate(names):
        labels = positive[own[:, at], at]
        if not labels.any() or labels.all():
            raise InputError(
                f"the {split} split of the scheme {scheme} has {labels.sum()} windows with {name} and "
                f"{(~labels).sum()} of its own without",
                remedy="give windows of both labels in each split",
            )
    unknown = positive @ (modifications[:, None] == modifications) & ~own
    return Held(own, positive, unknown, windows["base"].to_numpy(str), ~windows["seen"].to_numpy(bool), logits)


def _members(lists: pd.Series, names: Sequence[str]) -> np.ndarray:
    """Which tasks each text, joined by ``,``, names; shape=(n, n_tasks)."""
    kinds, kind_of = np.unique(lists.fillna("").to_numpy(str), return_inverse=True)
    return np.array([[name in kind.split(",") for name in names] for kind in kinds], dtype=bool)[kind_of]
