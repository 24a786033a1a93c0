"""Every head's logits of several runs, lined up on common windows, and resamples of these windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InputError
from ..tables import require_columns

WINDOW_COLUMNS = ("window", "part", "own", "positive", "base", "seen")
PARTS = ("valid", "test")
_KEY = ["own", "window", "positive"]
_CELLS_AT_ONCE = 250_000


@dataclass
class MarkRun:
    """Logits of every head of one model, setting, split and seed.

    Parameters
    ----------
    model, setting, split : str
    seed : int
    frame : pandas.DataFrame
        As :func:`rnamarks.prediction.heads.predict_heads` gives it: :data:`WINDOW_COLUMNS` and one column per mark.
    """

    model: str
    setting: str
    split: str
    seed: int
    frame: pd.DataFrame

    def __post_init__(self) -> None:
        require_columns(self.frame, WINDOW_COLUMNS, self.name)
        logits = self.frame[self.marks].to_numpy(np.float64)
        if not self.marks or not np.isfinite(logits).all():
            raise InputError(
                "a run has a logit that is not finite" if self.marks else "a run has no heads",
                path=self.name,
                remedy="score its windows again; training may have diverged",
            )

    @property
    def name(self) -> str:
        return f"{self.model}, {self.setting}, {self.split}, seed {self.seed}"

    @property
    def marks(self) -> list[str]:
        """Heads of the model, in its order."""
        return [name for name in self.frame.columns if name not in WINDOW_COLUMNS]


@dataclass
class Held:
    """Windows of one part and what every model says of them.

    Attributes
    ----------
    own, positive : numpy.ndarray, shape=(n, n_marks), dtype=bool
        Whether a window was measured for a mark, and found to have it.
    base : numpy.ndarray of str, shape=(n,)
        RNA letter in the centre.
    fresh : numpy.ndarray, shape=(n,), dtype=bool
        Whether no training part has the sequence.
    logits : numpy.ndarray, shape=(n_rows, n, n_marks)
        NaN for marks that a model does not know.
    """

    own: np.ndarray
    positive: np.ndarray
    base: np.ndarray
    fresh: np.ndarray
    logits: np.ndarray

    def own_of(self, mark: int) -> np.ndarray:
        """Indices of a mark's own windows: AUCb."""
        return np.flatnonzero(self.own[:, mark])

    def all_of(self, mark: int) -> np.ndarray:
        """Indices of a mark's positives and of every other window: AUCm.

        Windows of other marks whose sequence was trained on are left out.
        """
        return np.flatnonzero(self.fresh | self.own[:, mark])


@dataclass
class MarkPanel:
    """All runs of one split.

    Attributes
    ----------
    split : str
    marks : tuple of str
    bases : numpy.ndarray of str, shape=(n_marks,)
        The base that most positives of a mark have in their centre.
    keys : pandas.DataFrame
        ``model``, ``setting``, ``seed`` of each row of logits; ``seed`` is text, ``ensemble`` for mean logits.
    known : numpy.ndarray, shape=(n_rows, n_marks), dtype=bool
        Whether the row's model has the mark.
    valid, test : Held
    """

    split: str
    marks: tuple[str, ...]
    bases: np.ndarray
    keys: pd.DataFrame
    known: np.ndarray
    valid: Held
    test: Held

    def aggregates(self) -> Iterator[tuple[str, str, np.ndarray, int]]:
        """``model, setting, rows of the seeds, row of the ensemble`` of each model and setting."""
        together = (self.keys["seed"] == "ensemble").to_numpy()
        for model, setting in self.keys[["model", "setting"]].drop_duplicates().itertuples(index=False, name=None):
            mine = ((self.keys["model"] == model) & (self.keys["setting"] == setting)).to_numpy()
            yield model, setting, np.flatnonzero(mine & ~together), int(np.flatnonzero(mine & together)[0])


def build_mark_panels(runs: Sequence[MarkRun]) -> list[MarkPanel]:
    """Line up runs on common windows and average their logits over seeds.

    Runs that share model, setting, split and seed are parts of one model with different heads.

    Raises
    ------
    InputError
        If runs of one split were made on different windows, a head is given twice, or a mark lacks a label among its
        own windows of either part.
    """
    if not runs:
        raise InputError("there are no predictions to evaluate", remedy="give at least one run")
    splits = dict.fromkeys(run.split for run in runs)
    return [_panel(split, [run for run in runs if run.split == split]) for split in splits]


def _panel(split: str, runs: Sequence[MarkRun]) -> MarkPanel:
    marks = tuple(dict.fromkeys(mark for run in runs for mark in run.marks))
    windows: dict[str, pd.DataFrame] = {}
    found: dict[tuple[str, str], dict[str, dict[str, np.ndarray]]] = {}
    for run in runs:
        seeds = found.setdefault((run.model, run.setting), {})
        parts = seeds.setdefault(str(run.seed), {})
        for part in PARTS:
            frame = run.frame[run.frame["part"] == part].sort_values(_KEY, kind="stable", ignore_index=True)
            known = windows.setdefault(part, frame[list(WINDOW_COLUMNS)])
            if not known[_KEY].equals(frame[_KEY]):
                raise InputError(
                    f"{run.name} and {runs[0].name} were not scored on the same {part} windows",
                    remedy="score them on the same splits tables",
                )
            logits = parts.setdefault(part, np.full((len(frame), len(marks)), np.nan))
            for mark in run.marks:
                column = logits[:, marks.index(mark)]
                if np.isfinite(column).any():
                    raise InputError(
                        f"{run.name} is given twice for {mark}", remedy="give each model, setting, split and seed once"
                    )
                column[:] = frame[mark].to_numpy(np.float64)
    keys, rows = [], {part: [] for part in PARTS}
    for (model, setting), seeds in found.items():
        keys += [(model, setting, seed) for seed in (*seeds, "ensemble")]
        for part in PARTS:
            stack = [parts[part] for parts in seeds.values()]
            rows[part] += [*stack, np.mean(stack, axis=0)]
    held = {part: _held(windows[part], marks, np.stack(rows[part]), split) for part in PARTS}
    test = held["test"]
    return MarkPanel(
        split,
        marks,
        np.array([_most(test.base[test.positive[:, i]]) for i in range(len(marks))]),
        pd.DataFrame(keys, columns=["model", "setting", "seed"]),
        np.isfinite(test.logits).all(axis=1),
        held["valid"],
        test,
    )


def _held(windows: pd.DataFrame, marks: Sequence[str], logits: np.ndarray, split: str) -> Held:
    own, positive = (_members(windows[column], marks) for column in ("own", "positive"))
    part = windows["part"].iloc[0] if len(windows) else "valid or test"
    for i, mark in enumerate(marks):
        labels = positive[own[:, i], i]
        if not labels.any() or labels.all():
            raise InputError(
                f"the {part} part of the split {split} has {labels.sum()} windows with {mark} and "
                f"{(~labels).sum()} of its own without",
                remedy="give windows of both labels in each part",
            )
    return Held(own, positive, windows["base"].to_numpy(str), ~windows["seen"].to_numpy(bool), logits)


def _members(lists: pd.Series, marks: Sequence[str]) -> np.ndarray:
    """Which marks each text, joined by ``,``, names; shape (n, marks)."""
    kinds, kind_of = np.unique(lists.fillna("").to_numpy(str), return_inverse=True)
    return np.array([[mark in kind.split(",") for mark in marks] for kind in kinds], dtype=bool)[kind_of]


def _most(letters: np.ndarray) -> str:
    names, counts = np.unique(letters, return_counts=True)
    return str(names[counts.argmax()])


def resample_windows(held: Held, n: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks of resamples as counts: windows are drawn among those of the same marks and the same labels.

    The same seed gives the same resamples, which makes differences between models and between marks paired.

    Yields
    ------
    numpy.ndarray, shape=(up to n, n_windows), dtype=float64
        In Fortran order, as :class:`~rnamarks.evaluation.bootstrap.Ranking` likes it.
    """
    combined = np.hstack([held.own, held.positive])
    _, stratum = np.unique(combined, axis=0, return_inverse=True)
    order = np.argsort(stratum.ravel(), kind="stable")
    _, starts, sizes = np.unique(stratum.ravel()[order], return_index=True, return_counts=True)
    start, size = np.repeat(starts, sizes), np.repeat(sizes, sizes)
    windows, generator = len(order), np.random.default_rng(seed)
    block = max(1, min(n, _CELLS_AT_ONCE // windows))
    for first in range(0, n, block):
        rows = min(block, n - first)
        drawn = order[start + (generator.random((rows, windows)) * size).astype(np.int64)]
        drawn *= rows
        drawn += np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * windows).reshape(windows, rows).astype(np.float64).T


def g_mean_threshold(labels: np.ndarray, logits: np.ndarray) -> float:
    """The logit at and above which windows are called, so that sqrt(sensitivity · specificity) is largest.

    Among equals the highest. Song et al. 2021 took it from the test windows, against all other windows; on validation
    windows it flatters no model.
    """
    labels, logits = np.asarray(labels, dtype=bool), np.asarray(logits, dtype=np.float64)
    order = np.argsort(-logits, kind="stable")
    ranked = logits[order]
    # the last of equal logits, where a threshold can stand
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    true, called = np.cumsum(labels[order])[last], last + 1
    positives, negatives = labels.sum(), (~labels).sum()
    g_means = np.sqrt(true / positives * (1 - (called - true) / negatives))
    # as where nothing is called
    return float(ranked[last[g_means.argmax()]]) if g_means.max() > 0 else float("inf")


def call_ratios(
    true_positives: np.ndarray, false_positives: np.ndarray, false_negatives: np.ndarray, true_negatives: np.ndarray
) -> dict[str, np.ndarray]:
    """Ratios of confusion matrices, arrays of one shape.

    Returns
    -------
    dict
        ``sensitivity``, ``specificity``, ``accuracy``, ``mcc`` (Matthews' correlation, 0 where a margin of the matrix
        is empty), ``precision``, ``recall`` and ``f1`` (all three 0 where nothing is called or nothing is positive),
        ``hamming`` (share of wrong labels).
    """
    tp, fp, fn, tn = (
        np.asarray(x, np.float64) for x in (true_positives, false_positives, false_negatives, true_negatives)
    )
    margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return {
        "sensitivity": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
        "mcc": _ratio(tp * tn - fp * fn, np.sqrt(margins)),
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "hamming": (fp + fn) / (tp + fp + fn + tn),
    }


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return np.divide(over, under, out=np.zeros(np.broadcast(over, under).shape), where=under > 0)
