"""Baselines of downstream tasks: what composition, k-mers, position, the nearest example and thermodynamics tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InputError, needs
from ..models.kmers import kmer_codes
from ..registry import Register
from ..sequences import ALPHABET, encode, encode_windows
from ..structure.decoding import allowed_pairs
from ..structure.pairs import pairs_of, partners_of, read_brackets
from .formats import TARGET_COLUMNS
from .predictions import fold_rows, label_names, predictions_table
from .targets import check_target

DOWNSTREAM_BASELINES: Register = Register("baseline of downstream tasks", "DOWNSTREAM_BASELINES")
LONGEST_WORD = 5
_NEAREST_WORD = 4
_NEIGHBOURS = 5
_RIDGES = 10.0 ** np.arange(-1, 7)
_STRENGTHS = 10.0 ** np.arange(-3, 2)
_ROWS_AT_ONCE = 2000


@dataclass(frozen=True)
class Lesson:
    """What a baseline is given: training examples, all others (validation among them), and the labels in order."""

    target: str
    train: pd.DataFrame
    others: pd.DataFrame
    labels: list[str]
    seed: int
    threads: int

    @property
    def answers(self) -> np.ndarray:
        """Of the training examples: numbers, or indices of labels."""
        return self._numbers(self.train)

    @property
    def validation(self) -> tuple[np.ndarray, np.ndarray]:
        """Which of the other examples are for validation, bool, and their answers."""
        chosen = (self.others["split"] == "valid").to_numpy()
        return chosen, self._numbers(self.others[chosen])

    def _numbers(self, rows: pd.DataFrame) -> np.ndarray:
        values = rows[TARGET_COLUMNS[self.target]]
        return np.searchsorted(self.labels, values) if self.target == "label" else values.to_numpy(np.float64)


def fit_baseline(
    name: str, examples: pd.DataFrame, fold: str, target: str, *, seed: int = 1, threads: int = 1
) -> pd.DataFrame:
    """Fit a baseline on the training part of a fold and predict all other parts.

    Parameters
    ----------
    name : str
        Of :data:`DOWNSTREAM_BASELINES`.
    examples : pandas.DataFrame
        From :func:`~rnamarks.downstream.examples.read_examples`.
    fold : str
    target : {"pairs", "label", "value"}
    seed, threads : int

    Returns
    -------
    pandas.DataFrame
        See :func:`~rnamarks.downstream.predictions.predictions_table`.

    Raises
    ------
    InputError
        If the baseline does not fit the target or the examples, or a part of the fold is empty.
    """
    check_target(name, target)
    train, others = fold_rows(examples, fold)
    if not len(train) or not (others["split"] == "valid").any():
        raise InputError("the fold has no training or no validation part", value=fold, remedy="choose another fold")
    labels = label_names(examples) if target == "label" else []
    lesson = Lesson(target, train, others, labels, seed, threads)
    return predictions_table(others, target, DOWNSTREAM_BASELINES[name](lesson), labels)


@DOWNSTREAM_BASELINES.add("constant")
def constant(lesson: Lesson) -> np.ndarray | list[np.ndarray]:
    """The frequencies of the labels, the mean value, or no pair at all."""
    if lesson.target == "pairs":
        return [np.full(len(sequence), -1, np.int32) for sequence in lesson.others["sequence"]]
    if lesson.target == "value":
        return np.full(len(lesson.others), lesson.answers.mean())
    share = np.bincount(lesson.answers, minlength=len(lesson.labels)) / len(lesson.train)
    return np.tile(share, (len(lesson.others), 1))


@DOWNSTREAM_BASELINES.add("composition")
def composition(lesson: Lesson) -> np.ndarray:
    """A linear model of the length, its logarithm and the fractions of A, C, G and U."""
    return _linear(lesson, _composition)


@DOWNSTREAM_BASELINES.add("kmer_ridge")
def kmer_ridge(lesson: Lesson) -> np.ndarray:
    """A linear model of the frequencies of all k-mers of 1 to 5 nt and of the length."""
    return _linear(lesson, lambda texts: np.hstack([kmer_frequencies(texts, LONGEST_WORD), _composition(texts)]))


@DOWNSTREAM_BASELINES.add("one_hot")
def one_hot(lesson: Lesson) -> np.ndarray:
    """A linear model of the nucleotide at each position, for examples of one length.

    Raises
    ------
    InputError
        If lengths differ.
    """
    lengths = pd.concat([lesson.train["sequence"], lesson.others["sequence"]]).str.len()
    if lengths.nunique() > 1:
        raise InputError(
            "one_hot needs examples of one length",
            value=f"{lengths.min()} to {lengths.max()} nt",
            remedy="choose kmer_ridge",
        )
    return _linear(lesson, _positions)


@DOWNSTREAM_BASELINES.add("nearest")
def nearest(lesson: Lesson) -> np.ndarray | list[np.ndarray]:
    """The answers of the training examples with the most similar frequencies of k-mers of 1 to 4 nt.

    Of labels and values the mean of five; of pairs those of the nearest RNA, position by position, where they can form.
    """
    from sklearn.neighbors import NearestNeighbors

    known, asked = (kmer_frequencies(rows["sequence"], _NEAREST_WORD) for rows in (lesson.train, lesson.others))
    count = 1 if lesson.target == "pairs" else min(_NEIGHBOURS, len(known))
    found = NearestNeighbors(n_neighbors=count, metric="cosine").fit(known).kneighbors(asked, return_distance=False)
    if lesson.target == "value":
        return lesson.answers[found].mean(axis=1)
    if lesson.target == "label":
        return np.eye(len(lesson.labels))[lesson.answers[found]].mean(axis=1)
    copied = []
    for sequence, row in zip(lesson.others["sequence"], found[:, 0], strict=True):
        pairs = pairs_of(lesson.train["partners"].iloc[row])
        pairs = pairs[(pairs < len(sequence)).all(axis=1)]
        copied.append(partners_of(pairs[allowed_pairs(sequence)[pairs[:, 0], pairs[:, 1]]], len(sequence)))
    return copied


@DOWNSTREAM_BASELINES.add("vienna")
def vienna(lesson: Lesson) -> list[np.ndarray]:
    """Structures of minimum free energy from ViennaRNA at 37 °C, which is not trained here.

    Raises
    ------
    InputError
        If ViennaRNA is not installed.
    """
    sequences = lesson.others["sequence"].tolist()
    if lesson.threads == 1:
        return [fold_by_energy(sequence) for sequence in sequences]
    with ProcessPoolExecutor(lesson.threads) as pool:
        return list(pool.map(fold_by_energy, sequences, chunksize=16))


def fold_by_energy(sequence: str) -> np.ndarray:
    """Partners in the structure of minimum free energy, shape (nt,), int32.

    Raises
    ------
    InputError
        If ViennaRNA is not installed.
    """
    with needs("ViennaRNA", "run `pip install ViennaRNA`"):
        import RNA
    return partners_of(read_brackets(RNA.fold(sequence)[0]), len(sequence))


def kmer_frequencies(sequences: Sequence[str], longest: int) -> np.ndarray:
    """Frequencies of all k-mers of 1 to ``longest`` nt among those of their length, shape (n, 4 + 16 + …), float32.

    k-mers with other letters than A, C, G and U count for none.
    """
    rows = np.zeros((len(sequences), sum(4**k for k in range(1, longest + 1))), dtype=np.float32)
    for row, sequence in zip(rows, sequences, strict=True):
        codes = encode(sequence)[None]
        start = 0
        for k in range(1, longest + 1):
            found = kmer_codes(codes, k)[0]
            row[start : start + 4**k] = np.bincount(found[found >= 0], minlength=4**k) / max(len(found), 1)
            start += 4**k
    return rows


def _composition(sequences: Sequence[str]) -> np.ndarray:
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.float32)[:, None]
    return np.hstack([kmer_frequencies(sequences, 1), lengths, np.log(lengths)])


def _positions(sequences: Sequence[str]) -> np.ndarray:
    codes = encode_windows(sequences)
    return (codes[:, :, None] == np.arange(len(ALPHABET))).reshape(len(codes), -1).astype(np.float32)


def _linear(lesson: Lesson, features: Callable[[Sequence[str]], np.ndarray]) -> np.ndarray:
    """Ridge or logistic regression on features of one scale; how much it is held back is chosen by validation."""
    train, others = (features(rows["sequence"].tolist()) for rows in (lesson.train, lesson.others))
    centre, spread = train.mean(axis=0, dtype=np.float64), train.std(axis=0, dtype=np.float64)
    varied = spread > 1e-6
    train, others = ((one[:, varied] - centre[varied]) / spread[varied] for one in (train, others))
    valid, expected = lesson.validation
    fit = _ridges if lesson.target == "value" else _logistics
    best, answer = -np.inf, np.zeros(0)
    for predicted in fit(train, lesson, others):
        if lesson.target == "value":
            score = -float(((predicted[valid] - expected) ** 2).mean())
        else:
            chances = predicted[valid][np.arange(len(expected)), expected]
            score = float(np.log(np.maximum(chances, 1e-12)).mean())
        if score > best:
            best, answer = score, predicted
    return answer


def _ridges(train: np.ndarray, lesson: Lesson, others: np.ndarray):
    """Predictions for each strength of the ridge, from one decomposition."""
    mean = lesson.answers.mean()
    values, vectors = np.linalg.eigh(train.T.astype(np.float64) @ train)
    turned = vectors.T @ (train.T @ (lesson.answers - mean))
    for ridge in _RIDGES:
        yield mean + others @ (vectors @ (turned / (np.maximum(values, 0) + ridge)))


def _logistics(train: np.ndarray, lesson: Lesson, others: np.ndarray):
    """Probabilities for each strength, shape (n, n_labels)."""
    from sklearn.linear_model import LogisticRegression

    present = np.unique(lesson.answers)
    if len(present) == 1:
        yield constant(lesson)
        return
    for strength in _STRENGTHS / train.shape[1] ** 0.5:
        model = LogisticRegression(C=strength, max_iter=300).fit(train, lesson.answers)
        predicted = np.zeros((len(others), len(lesson.labels)))
        predicted[:, present] = model.predict_proba(others)
        yield predicted
