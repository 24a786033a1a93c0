"""From probabilities of pairs to a structure, and how near it is to the known one (Penić et al. 2024, Methods)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SHORTEST_LOOP = 4
"""Least j - i of a pair (i, j)."""
_CANONICAL = ("AU", "CG", "GU")


def allowed_pairs(sequence: str, *, canonical: bool = True, shortest_loop: int = SHORTEST_LOOP) -> np.ndarray:
    """Which pairs (i, j) may form, shape (n, n), bool, true above the diagonal alone.

    Parameters
    ----------
    sequence : str
        DNA or RNA in either case.
    canonical : bool
        Only A-U, C-G and G-U.
    shortest_loop : int
        Least j - i.
    """
    letters = np.frombuffer(sequence.upper().replace("T", "U").encode("latin-1", "replace"), np.uint8)
    mask = np.ones((len(letters), len(letters)), dtype=bool)
    if canonical:
        mask[:] = False
        for one, other in _CANONICAL:
            ours, theirs = letters == ord(one), letters == ord(other)
            mask |= np.outer(ours, theirs) | np.outer(theirs, ours)
    return np.triu(mask, max(1, shortest_loop))


def decode(probabilities: np.ndarray, sequence: str, threshold: float, **rules: object) -> np.ndarray:
    """Pairs by probability: the most probable first, then the most probable of nucleotides that are still free.

    Parameters
    ----------
    probabilities : numpy.ndarray, shape=(n, n)
        Above the diagonal.
    sequence : str
    threshold : float
        Pairs have more than this.
    **rules
        Of :func:`allowed_pairs`.

    Returns
    -------
    numpy.ndarray, shape=(n_pairs, 2)
        Sorted; no nucleotide is in two pairs.
    """
    rows, columns = np.nonzero(allowed_pairs(sequence, **rules) & (probabilities > threshold))  # type: ignore[arg-type]
    order = np.argsort(-probabilities[rows, columns], kind="stable")
    free = np.ones(len(sequence), dtype=bool)
    chosen = []
    for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if free[i] and free[j]:
            free[i] = free[j] = False
            chosen.append((i, j))
    return np.array(sorted(chosen), dtype=np.int64).reshape(-1, 2)


class Agreement(NamedTuple):
    """Fractions from 0 to 1; 0 where there is no pair to take a fraction of, as in the released code."""

    precision: float
    recall: float
    f1: float


def compare_pairs(found: np.ndarray, known: np.ndarray, *, relaxed: bool = False) -> Agreement:
    """Precision, recall and F1 of pairs.

    Parameters
    ----------
    found, known : numpy.ndarray, shape=(n, 2)
    relaxed : bool
        A pair (i, j) also agrees with (i ± 1, j) and (i, j ± 1).
    """
    precision, recall = _fraction_in(found, known, relaxed), _fraction_in(known, found, relaxed)
    total = precision + recall
    return Agreement(precision, recall, 2 * precision * recall / total if total else 0.0)


def _fraction_in(pairs: np.ndarray, others: np.ndarray, relaxed: bool) -> float:
    if not len(pairs) or not len(others):
        return 0.0
    moves = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)] if relaxed else [(0, 0)]
    # one number per pair; positions are below 2^31
    keys = np.unique(np.concatenate([(others + move) @ (1 << 31, 1) for move in moves]))
    return float(np.isin(pairs @ (1 << 31, 1), keys).mean())
