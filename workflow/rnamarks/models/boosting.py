"""Boosted trees on the nucleotides of a window by position: what Song et al. 2021 compare MultiRM with.

Each library has two forms. ``*_one_hot`` is fitted for each task, positives against its own negatives, as every other
baseline here is. ``*_multiclass`` is the paper's: one classifier of all tasks' positives and one more class for what is
unmodified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import logsumexp

from ..errors import InputError, about
from ..sequences import UNKNOWN, distinct
from .baselines import BASELINES, Baseline, check_training
from .settings import Whole, setting
from .trees import Margin, TreeSettings, fit_catboost, fit_xgboost, load_catboost, load_xgboost


def one_hot(codes: np.ndarray) -> np.ndarray:
    """Nucleotides by position: column 4 i + c is 1 where position i (0-based) has code c; N has no 1.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n, width), dtype=uint8

    Returns
    -------
    numpy.ndarray, shape=(n, 4 * width), dtype=uint8
    """
    return np.eye(UNKNOWN + 1, UNKNOWN, dtype=np.uint8)[codes].reshape(len(codes), -1)


def multiclass_windows(
    codes: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All tasks' windows as those of one classifier.

    A sequence that is positive for one task and negative for another, or for the same, counts as positive alone; one
    that is positive for several tasks is once in the class of each.

    Parameters
    ----------
    codes : mapping of task to numpy.ndarray, shape=(n, width), dtype=uint8
    labels : mapping of task to numpy.ndarray, shape=(n,), dtype=bool

    Returns
    -------
    codes : numpy.ndarray, shape=(n_all, width), dtype=uint8
    classes : numpy.ndarray, shape=(n_all,), dtype=int64
        Place of the task in the mapping; the number of tasks for unmodified windows.
    weights : numpy.ndarray, shape=(n_all,), dtype=float64
        Mean 1. Unmodified windows have half of the total, and each task an equal fraction of the other half.

    Raises
    ------
    InputError
        If widths differ, or no window is left that is positive for no task.
    """
    widths = {table.shape[1] for table in codes.values()}
    if len(widths) > 1:
        raise InputError(
            "tasks have windows of several widths",
            value=sorted(widths),
            remedy="choose a baseline that is fitted for each task",
        )
    joined = np.concatenate(list(codes.values()))
    positive = np.concatenate(list(labels.values()))
    classes = np.repeat(np.arange(len(codes)), [len(table) for table in codes.values()])
    classes[~positive] = len(codes)
    sequence = distinct(joined)[1]
    modified = np.bincount(sequence, weights=positive) > 0
    kept = positive | ~modified[sequence]
    joined, classes = joined[kept], classes[kept]
    counts = np.bincount(classes, minlength=len(codes) + 1)
    if not counts[-1]:
        raise InputError(
            "every unmodified window is a modified one of some task, too", remedy="give windows of unmodified bases"
        )
    shares = np.append(np.full(len(codes), 0.5 / len(codes)), 0.5)
    return joined, classes, (shares / counts * len(classes))[classes]


@dataclass
class OneHotTrees(TreeSettings, Baseline):
    """Trees on :func:`one_hot`, classes weighted to 1:1."""

    saved: ClassVar[tuple[str, ...]] = ("booster",)
    fit_trees: ClassVar[Callable[..., np.ndarray]]
    load_trees: ClassVar[Callable[[np.ndarray, int], Margin]]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], hyperparameters: Mapping[str, Any] | None = None) -> Self:
        """See :meth:`Baseline.from_arrays`; without the library it is an :class:`InputError`, before it scores."""
        baseline = super().from_arrays(arrays, hyperparameters)
        baseline._load()
        return baseline

    def _load(self) -> None:
        self._margin = self.load_trees(self.booster, self.threads)

    def _fit(self, codes, labels, seed):
        self.booster = self.fit_trees(one_hot(codes), labels, seed=seed, settings=self)
        self._load()

    def _logit(self, codes):
        return self._margin(one_hot(codes))


@BASELINES.add("xgboost_one_hot")
@dataclass
class XGBoostOneHot(OneHotTrees):
    """XGBoost; see :class:`OneHotTrees`."""

    fit_trees: ClassVar = staticmethod(fit_xgboost)
    load_trees: ClassVar = staticmethod(load_xgboost)


@BASELINES.add("catboost_one_hot")
@dataclass
class CatBoostOneHot(OneHotTrees):
    """CatBoost; see :class:`OneHotTrees`."""

    fit_trees: ClassVar = staticmethod(fit_catboost)
    load_trees: ClassVar = staticmethod(load_catboost)


@lru_cache(maxsize=4)
def _load_once(load: Callable[[np.ndarray, int], Margin], saved: bytes, threads: int) -> Margin:
    """The trees that all tasks of a joint fit score with; reading them for every task would multiply the memory."""
    return load(np.frombuffer(saved, dtype=np.uint8), threads)


@dataclass
class MulticlassTrees(OneHotTrees):
    """One classifier of as many classes as there are tasks, and one of unmodified windows (Song et al. 2021).

    Fitted on :func:`multiclass_windows`. The logit of a task is the log odds of its class against all others, moved
    from the class's fraction of the training weight, 1 in 2 n_tasks, to 1:1.
    """

    saved: ClassVar[tuple[str, ...]] = (*OneHotTrees.saved, "place")
    shared: ClassVar[tuple[str, ...]] = OneHotTrees.saved
    joint: ClassVar[bool] = True

    def fit_tasks(self, codes, labels, *, seed=0):
        """See :meth:`Baseline.fit_tasks`."""
        checked = {}
        for task, table in codes.items():
            with about(task):
                checked[task] = check_training(table, labels[task])
        joined, classes, weights = multiclass_windows(codes, checked)
        booster = self.fit_trees(
            one_hot(joined), classes, seed=seed, settings=self, classes=len(checked) + 1, weights=weights
        )
        tasks = {}
        for place, task in enumerate(checked):
            tasks[task] = replace(self)
            tasks[task].width, tasks[task].booster, tasks[task].place = joined.shape[1], booster, place
            tasks[task]._load()
        return tasks

    def _load(self):
        self._margin = _load_once(self.load_trees, self.booster.tobytes(), self.threads)

    def _fit(self, codes, labels, seed):
        alone = self.fit_tasks({"": codes}, {"": labels}, seed=seed)[""]
        self.booster, self.place = alone.booster, alone.place
        self._load()

    def _logit(self, codes):
        margins = self._margin(one_hot(codes)).astype(np.float64)
        odds = margins[:, self.place] - logsumexp(np.delete(margins, self.place, axis=1), axis=1)
        return odds + np.log(2 * (margins.shape[1] - 1) - 1)


@BASELINES.add("xgboost_multiclass")
@dataclass
class XGBoostMulticlass(MulticlassTrees):
    """XGBoost; see :class:`MulticlassTrees`."""

    trees: int = setting(200, Whole(1, 100_000))
    fit_trees: ClassVar = staticmethod(fit_xgboost)
    load_trees: ClassVar = staticmethod(load_xgboost)


@BASELINES.add("catboost_multiclass")
@dataclass
class CatBoostMulticlass(MulticlassTrees):
    """CatBoost; see :class:`MulticlassTrees`."""

    trees: int = setting(200, Whole(1, 100_000))
    fit_trees: ClassVar = staticmethod(fit_catboost)
    load_trees: ClassVar = staticmethod(load_catboost)
