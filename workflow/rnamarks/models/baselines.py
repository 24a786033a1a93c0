"""Baselines: what a model must beat before its network means anything.

Every baseline is fitted on integer codes and labels, gives log odds at 1:1 like the networks, and turns into plain
arrays and back. Whether the training windows are centred (see :mod:`rnamarks.models.kmers`) is measured once, in
``fit``, and kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from ..errors import InputError, about
from ..registry import Register
from ..sequences import encode_windows
from ..tasks import Task
from .kmers import ROWS_AT_ONCE, is_centred, kmer_codes, kmer_counts, log_ratio, motif_starts
from .settings import Motif, Real, Settings, Whole, setting


class Baseline(Settings, ABC):
    """One fitted or unfitted baseline; subclasses are dataclasses of their hyperparameters.

    Attributes
    ----------
    saved : tuple of str
        Names of what is learned, beside ``width``.
    joint : bool
        Whether it learns from all tasks at once, with :meth:`fit_tasks`.
    shared : tuple of str
        Those of ``saved`` that are the same for all tasks of a joint fit; a file holds them once.
    """

    width: int = 0
    saved: ClassVar[tuple[str, ...]] = ()
    joint: ClassVar[bool] = False
    shared: ClassVar[tuple[str, ...]] = ()

    def fit(self, codes: np.ndarray, labels: np.ndarray, *, seed: int = 0) -> Self:
        """Learn from training windows.

        Parameters
        ----------
        codes : numpy.ndarray, shape=(n, width), dtype=uint8
        labels : array, shape=(n,)
            1 and 0.
        seed : int
            Used by those that draw random numbers.

        Returns
        -------
        Baseline
            Itself.

        Raises
        ------
        InputError
            If there is not at least one window of each label.
        """
        labels = check_training(codes, labels)
        self.width = codes.shape[1]
        self._fit(codes, labels, seed)
        return self

    def fit_tasks(
        self, codes: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], *, seed: int = 0
    ) -> dict[str, Self]:
        """Learn from the training windows of all tasks at once, where the baseline is ``joint``.

        Parameters
        ----------
        codes, labels : mapping of task to array
            As for :meth:`fit`.
        seed : int

        Returns
        -------
        dict of task to Baseline

        Raises
        ------
        InputError
            If a task lacks a label, or tasks have windows of different widths.
        """
        raise TypeError(f"{type(self).__name__} is fitted one task at a time")

    def logit(self, codes: np.ndarray) -> np.ndarray:
        """Log odds of windows at 1:1.

        Parameters
        ----------
        codes : numpy.ndarray, shape=(n, width), dtype=uint8

        Returns
        -------
        numpy.ndarray, shape=(n,), dtype=float64

        Raises
        ------
        InputError
            If the windows have another width than those it was fitted on.
        """
        if not self.width:
            raise RuntimeError("fit the baseline, or load it, before it scores")
        if codes.ndim != 2 or codes.shape[1] != self.width:
            raise InputError(
                f"windows have shape {codes.shape}", remedy=f"give windows of {self.width} nt, as in training"
            )
        blocks = [self._logit(codes[start : start + ROWS_AT_ONCE]) for start in range(0, len(codes), ROWS_AT_ONCE)]
        return np.concatenate(blocks).astype(np.float64) if blocks else np.empty(0)

    def hyperparameters(self) -> dict[str, Any]:
        """What the constructor takes, as plain values."""
        return asdict(self)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything learned, as numeric arrays."""
        if not self.width:
            raise RuntimeError("fit the baseline before saving it")
        return {"width": np.array(self.width)} | {name: np.asarray(getattr(self, name)) for name in self.saved}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], hyperparameters: Mapping[str, Any] | None = None) -> Self:
        """The reverse of :meth:`to_arrays`; missing or superfluous names are an :class:`InputError`."""
        expected = {"width", *cls.saved}
        if set(arrays) != expected:
            raise InputError(
                "a saved baseline has unknown or missing arrays",
                value=sorted(set(arrays) ^ expected),
                remedy="use the version of rnamarks that wrote it",
            )
        baseline = cls.from_mapping(hyperparameters or {})
        for name, value in arrays.items():
            value = np.asarray(value)
            setattr(baseline, name, value.item() if value.ndim == 0 else value)
        return baseline

    @abstractmethod
    def _fit(self, codes: np.ndarray, labels: np.ndarray, seed: int) -> None: ...

    @abstractmethod
    def _logit(self, codes: np.ndarray) -> np.ndarray: ...


BASELINES: Register[type[Baseline]] = Register("baseline", "BASELINES")


def check_training(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Labels as bool, shape (n,), once there is one per window and at least one of each; else :class:`InputError`."""
    labels = np.asarray(labels).astype(bool)
    if codes.ndim != 2 or len(codes) != len(labels):
        raise InputError(
            f"windows have shape {codes.shape} and labels {labels.shape}", remedy="give one label per window"
        )
    if not labels.any() or labels.all():
        raise InputError(
            f"{labels.sum()} positives and {(~labels).sum()} negatives cannot train a baseline",
            remedy="give windows of both labels in the training split",
        )
    return labels


@BASELINES.add("prevalence")
@dataclass
class Prevalence(Baseline):
    """Nothing is known of a window: log odds 0 at 1:1, hence the prevalence after calibration."""

    def _fit(self, codes, labels, seed):
        pass

    def _logit(self, codes):
        return np.zeros(len(codes))


@BASELINES.add("motif_rule")
@dataclass
class MotifRule(Baseline):
    """Log odds of how often a motif, and its strong form, occur.

    Centred windows: motif yes or no and strong form yes or no, the site being the middle nucleotide. Other windows:
    number of motifs (0 to 7 and more) and of strong forms (0 to 3 and more) anywhere. One table, with one
    pseudo-window in each cell.

    Parameters
    ----------
    motif, strong : str
        IUPAC; both hold the site at the same index.
    motif_offset : int
        0-based index of the site in them.
    """

    motif: str = setting("DRACH", Motif())
    strong: str = setting("GGAC", Motif())
    motif_offset: int = setting(2, Whole(0, 31))
    saved: ClassVar[tuple[str, ...]] = ("centred", "table")

    def check(self) -> None:
        if not (self.motif and self.strong):
            raise InputError("the motif rule needs a motif that all tasks share", remedy="leave the baseline out")

    def _cells(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        counts = []
        for motif, most in ((self.motif, 7), (self.strong, 3)):
            row, start = motif_starts(codes, motif)
            if self.centred:
                row = row[start + self.motif_offset == self.width // 2]
            counts.append(np.minimum(np.bincount(row, minlength=len(codes)), most))
        return counts[0], counts[1]

    def _fit(self, codes, labels, seed):
        self.centred = is_centred(codes)
        cells = np.ravel_multi_index(self._cells(codes), (8, 4))
        positive, negative = (np.bincount(cells[chosen], minlength=32) for chosen in (labels, ~labels))
        self.table = log_ratio(positive, negative, 1.0).reshape(8, 4)

    def _logit(self, codes):
        return self.table[self._cells(codes)]


@BASELINES.add("kmer_frequency")
@dataclass
class KmerFrequency(Baseline):
    """5-mer frequency: log ratio of a 5-mer's frequency in positives and in negatives.

    Centred windows: of the one 5-mer around the middle. Other windows: of every 5-mer, summed. A 5-mer with N counts
    as 0.

    Parameters
    ----------
    k : int
        Odd.
    smoothing : float
        Added to each count.
    """

    k: int = setting(5, Whole(1, 9))
    smoothing: float = setting(1.0, Real(0, 1e6, above=True))
    saved: ClassVar[tuple[str, ...]] = ("centred", "table")

    def _kmers(self, codes: np.ndarray) -> np.ndarray:
        if self.centred:
            start = self.width // 2 - self.k // 2
            codes = codes[:, start : start + self.k]
        return kmer_codes(codes, self.k)

    def _fit(self, codes, labels, seed):
        self.centred = is_centred(codes)
        found = self._kmers(codes)
        # the last bin takes k-mers with N
        positive, negative = (
            np.bincount(found[chosen].ravel() % (4**self.k + 1), minlength=4**self.k + 1)[:-1]
            for chosen in (labels, ~labels)
        )
        self.table = np.append(log_ratio(positive, negative, self.smoothing), 0.0)

    def _logit(self, codes):
        return self.table[self._kmers(codes)].sum(axis=1)


@BASELINES.add("composition")
@dataclass
class Composition(Baseline):
    """How often A, C, G and U occur, wherever: log ratios of the nucleotides' frequencies, summed over the window.

    It sees no motif. What it scores above chance tells how far positives and negatives come from different sequence.
    """

    saved: ClassVar[tuple[str, ...]] = ("table",)

    def _fit(self, codes, labels, seed):
        counts = kmer_counts(codes, 1)
        self.table = log_ratio(counts[labels].sum(axis=0, dtype=float), counts[~labels].sum(axis=0, dtype=float), 1.0)

    def _logit(self, codes):
        return kmer_counts(codes, 1) @ self.table


@BASELINES.add("naive_bayes_trinucleotide")
@dataclass
class NaiveBayes(Baseline):
    """Position-specific trinucleotides taken as independent: their log ratios, summed over the window.

    A trinucleotide with N counts as 0.

    Parameters
    ----------
    k : int
    smoothing : float
        Added to each count.
    """

    k: int = setting(3, Whole(1, 9))
    smoothing: float = setting(2.0, Real(0, 1e6, above=True))
    saved: ClassVar[tuple[str, ...]] = ("table",)

    def _fit(self, codes, labels, seed):
        found = kmer_codes(codes, self.k)
        outcomes = 4**self.k + 1
        cells = found % outcomes + outcomes * np.arange(found.shape[1])
        positive, negative = (
            np.bincount(cells[chosen].ravel(), minlength=outcomes * found.shape[1]).reshape(-1, outcomes)[:, :-1]
            for chosen in (labels, ~labels)
        )
        ratios = log_ratio(positive, negative, self.smoothing)
        self.table = np.hstack([ratios, np.zeros((len(ratios), 1))])

    def _logit(self, codes):
        found = kmer_codes(codes, self.k)
        return self.table[np.arange(found.shape[1]), found].sum(axis=1)


def fit_baselines(
    frames: Mapping[str, pd.DataFrame],
    name: str,
    *,
    tasks: Sequence[Task],
    scheme: str,
    seed: int = 0,
    hyperparameters: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Baseline], pd.DataFrame]:
    """Fit one kind of baseline and predict the validation and test splits.

    Parameters
    ----------
    frames : mapping of task to pandas.DataFrame
        The *splits* border of each.
    name : str
        In :data:`BASELINES`. One is fitted for each task, from its own training split; a joint one from all of them.
    tasks : sequence of Task
        Those of ``frames``. A baseline that knows a motif gets the one that all of them share; where they share none
        it keeps its own, which is m6A's, if all are about m6A, and has none otherwise.
    scheme : str
    seed : int
    hyperparameters : mapping, optional
        Of the baseline's class.

    Returns
    -------
    fitted : dict of task to Baseline
    predictions : pandas.DataFrame
        The *predictions* border: ``window``, ``task``, ``split``, ``label``, ``logit``.

    Raises
    ------
    InputError
        If the scheme is unknown, or a training split lacks a label.
    """
    kind = BASELINES[name]
    chosen = dict(hyperparameters or {})
    if "motif" in kind.kinds():
        chosen = _shared_motif(tasks) | chosen
    unfitted = kind.from_mapping(chosen)
    codes, labels, trained = {}, {}, {}
    for task, frame in frames.items():
        if scheme not in frame.columns:
            raise InputError(f"the windows of {task} have no such scheme", value=scheme, remedy="use paper or guarded")
        codes[task] = encode_windows(frame["sequence"])
        labels[task] = frame["label"].to_numpy()
        trained[task] = (frame[scheme] == "train").to_numpy()
    windows = {task: codes[task][rows] for task, rows in trained.items()}
    known = {task: labels[task][rows] for task, rows in trained.items()}
    fitted: dict[str, Baseline] = {}
    if kind.joint:
        fitted = unfitted.fit_tasks(windows, known, seed=seed)
    else:
        for task in frames:
            with about(task):
                fitted[task] = replace(unfitted).fit(windows[task], known[task], seed=seed)
    tables = []
    for task, frame in frames.items():
        kept = frame[scheme].isin(["valid", "test"]).to_numpy()
        table = frame.loc[kept, ["window", "task", scheme, "label"]].rename(columns={scheme: "split"})
        tables.append(table.assign(logit=fitted[task].logit(codes[task][kept])))
    return fitted, pd.concat(tables, ignore_index=True)


def _shared_motif(tasks: Sequence[Task]) -> dict[str, Any]:
    places = {(task.motif, task.motif_offset) for task in tasks}
    motif, offset = next(iter(places))
    if len(places) == 1 and len(motif.strip("N")) > 1:
        return {"motif": motif, "motif_offset": offset}
    return {} if {task.modification for task in tasks} == {"m6A"} else {"motif": ""}
