"""Folds of examples: as published, by similarity and family, and one family left out at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..datasets.redundancy import neighbour_clusters
from ..datasets.splits import assign_components, components_of
from ..errors import InputError

SPLITS = ("train", "valid", "test")
IDENTITY = 0.8
FRACTIONS = (0.8, 0.1, 0.1)
_VALID = 0.1
_SPARE = 2.0
_MANY, _LONG_WORD = 20_000, 11


def similar_groups(sequences: Sequence[str], families: np.ndarray | None = None, *, threads: int = 1) -> np.ndarray:
    """Groups of examples that no fair split divides.

    Parameters
    ----------
    sequences : sequence of str
    families : numpy.ndarray of str, shape=(n,), optional
        Examples of one family are one group; ``""`` is none.
    threads : int

    Returns
    -------
    numpy.ndarray, shape=(n,), dtype=int64
        From an identity of 0.8 on two sequences are of one group
        (:func:`~rnamarks.datasets.redundancy.neighbour_clusters`); of sequences with fewer than 30 known nt copies
        alone are.
    """
    # a longer word than neighbours takes by itself: the time for 100,000 splice windows falls from minutes
    word = _LONG_WORD if len(sequences) > _MANY else None
    keys = [neighbour_clusters(sequences, identity=IDENTITY, threads=threads, word=word)]
    if families is not None:
        keys.append(np.where(families == "", -1, pd.factorize(families)[0]))
    return components_of(keys)


def guarded_fold(groups: np.ndarray, strata: np.ndarray, seed: int) -> np.ndarray:
    """Whole groups drawn for training, validation and test, 8:1:1 within each stratum as far as groups allow.

    The largest groups are for training, as far as twice the wanted examples of each stratum are left to draw from.

    Parameters
    ----------
    groups : numpy.ndarray, shape=(n,)
        From :func:`similar_groups`.
    strata : numpy.ndarray, shape=(n,)
        Such as labels.
    seed : int

    Returns
    -------
    numpy.ndarray of str, shape=(n,)

    Raises
    ------
    InputError
        If a split would be empty.
    """
    fold = _draw(groups, strata, np.array(FRACTIONS), seed)
    for split in SPLITS:
        if not (fold == split).any():
            raise InputError(
                f"no example is left for {split}: {len(np.unique(groups))} groups of similar examples are too few",
                remedy="give more examples, or a split of your own",
            )
    return fold


def tested_part(part: np.ndarray) -> np.ndarray:
    """A published split, where no test part is published, or it is kept back, with the validation part as the test."""
    if (part == "test").any():
        return part
    return np.where(part == "valid", "test", part).astype(object)


def given_fold(part: np.ndarray, groups: np.ndarray, strata: np.ndarray, seed: int) -> np.ndarray | None:
    """The published split, shape (n,), or None where none was published or none of its test or training part is left.

    Where there is no validation part, whole groups with a tenth of the training examples are.

    Parameters
    ----------
    part : numpy.ndarray of str, shape=(n,)
        ``train``, ``valid``, ``test`` or ``""``, from :func:`tested_part`.
    groups, strata, seed
        As of :func:`guarded_fold`.
    """
    fold = part.astype(object)
    if not (fold == "test").any() or not (fold == "train").any():
        return None
    if not (fold == "valid").any():
        fold = with_validation(fold, groups, strata, seed)
    return fold


def with_validation(fold: np.ndarray, groups: np.ndarray, strata: np.ndarray, seed: int) -> np.ndarray:
    """The same fold with whole groups, about a tenth of the training examples, drawn for validation."""
    fold = fold.copy()
    train = np.flatnonzero(fold == "train")
    fold[train] = _draw(groups[train], strata[train], np.array([1 - _VALID, _VALID]), seed)
    return fold


def thin(fold: np.ndarray, most: int, rank: np.ndarray) -> np.ndarray:
    """The fold with at most ``most`` examples per split, those of lowest rank; the others are in no split."""
    fold = fold.copy()
    for split in np.unique(fold[fold != ""]):
        rows = np.flatnonzero(fold == split)
        if len(rows) > most:
            fold[rows[np.argsort(rank[rows], kind="stable")[most:]]] = ""
    return fold


def _draw(groups: np.ndarray, strata: np.ndarray, fractions: np.ndarray, seed: int) -> np.ndarray:
    component = pd.factorize(groups)[0]
    sizes = np.bincount(component)[component]
    # a part of few large groups would measure those groups, so as many small ones as it takes are drawn from
    enough = min(1.0, _SPARE * fractions[1:].sum())
    limit = max(np.quantile(sizes[strata == one], enough, method="higher") for one in np.unique(strata))
    small = sizes <= limit
    fold = np.full(len(groups), SPLITS[0], dtype=object)
    rest = np.flatnonzero(small)
    number = pd.factorize(component[rest])[0]
    kinds = pd.factorize(strata)[0]
    kinds_left = pd.unique(kinds[rest])
    left = np.bincount(kinds[rest], minlength=kinds.max() + 1) / np.bincount(kinds)
    shares = np.vstack([np.zeros(len(kinds_left)), fractions[1:, None] / left[kinds_left]])
    shares[0] = 1 - shares.sum(axis=0)
    chosen = assign_components(number, np.zeros(len(rest), dtype=np.int64), strata[rest], shares, seed)
    fold[rest] = np.array(SPLITS, dtype=object)[chosen[number]]
    return fold
