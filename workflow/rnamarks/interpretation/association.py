"""Which tasks a network reads alike: from the rows of its attention's last layer, and from what it attends to.

*score_rows* is the map of MultiRM (Song et al. 2021, Figure 3): Pearson correlation of two tasks' rows of the layer
that turns hidden units into scores. Hidden units of separately trained networks have nothing to do with each other, so
each network gives a correlation of its own; the mean over networks is reported, with their spread. The null permutes
the hidden units within each row.

*attention* asks what the tasks do with these rows: for each window the Pearson correlation of two tasks' attention over
its k-mers, mean over networks and over the windows of the two tasks, half of the weight on either's. All tasks look
near the site, so this is high for any two; the null pairs one task's attention in a window with the other's in another
window of the same task, which keeps what they attend to in any window. ``excess``, the correlation less the null's
mean, is the part that depends on the sequence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import scipy
import torch
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from torch import nn

from ..dictionary import column_names
from ..errors import InputError
from ..sequences import encode_windows
from .attention import attend, attends, attentive

_AT_ONCE = 200
_PER_TASK, _PERMUTATIONS = 100, 1999
"""Windows of each task, and permutations of them; ten times as many of the units, which cost less."""


def score_rows(model: nn.Module) -> np.ndarray:
    """Rows of the layers that score k-mers, one per task.

    Parameters
    ----------
    model : Ensemble or Stack

    Returns
    -------
    numpy.ndarray, shape=(n_networks, n_tasks, n_units), dtype=float64

    Raises
    ------
    InputError
        If a network has no attention.
    """
    return np.stack([member.pool.score.weight.detach().cpu().double().numpy() for member in attentive(model)])


def standardised(values: np.ndarray) -> np.ndarray:
    """Rows (last axis) less their mean, of length 1: their products are Pearson correlations. Constant rows give 0."""
    centred = values - values.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    # what is left of a constant row is rounding
    constant = length <= 1e-12 * np.abs(values).max(axis=-1, keepdims=True, initial=0) * np.sqrt(values.shape[-1])
    return np.divide(centred, length, out=np.zeros_like(centred), where=~constant)


def associate_rows(rows: np.ndarray, tasks: Sequence[str], *, permutations: int = 9999, seed: int = 0) -> pd.DataFrame:
    """Correlation of tasks' rows, with a permutation of the units within each row as the null.

    Parameters
    ----------
    rows : numpy.ndarray, shape=(n_networks, n_tasks, n_units)
    tasks : sequence of str
    permutations : int
    seed : int

    Returns
    -------
    pandas.DataFrame
        Table ``association``, ``measure`` ``score_rows``; ``n`` is the number of units.
    """
    _check(rows.ndim == 3 and rows.shape[1] == len(tasks), tasks, permutations)
    unit = standardised(np.asarray(rows, dtype=np.float64))
    each = unit @ unit.transpose(0, 2, 1)
    generator = np.random.default_rng(seed)
    null = []
    for start in range(0, permutations, _AT_ONCE):
        size = min(_AT_ONCE, permutations - start)
        total = np.zeros((size, len(tasks), len(tasks)))
        for member in unit:
            drawn = generator.permuted(np.broadcast_to(member, (size, *member.shape)), axis=-1)
            total += drawn @ drawn.transpose(0, 2, 1)
        null.append(total / len(unit))
    first, second = np.triu_indices(len(tasks), 1)
    drawn = np.concatenate(null)[:, first, second]
    return _table("score_rows", each[:, first, second], drawn, tasks, rows.shape[2])


def associate_attention(
    attention: np.ndarray,
    tasks: Sequence[str],
    *,
    groups: np.ndarray | None = None,
    permutations: int = 999,
    seed: int = 0,
) -> pd.DataFrame:
    """Correlation of tasks' attention over the k-mers of the same windows, with windows exchanged as the null.

    Parameters
    ----------
    attention : numpy.ndarray, shape=(n_networks, n_windows, n_tasks, n_kmers)
        See :func:`rnamarks.interpretation.attention.attend`.
    tasks : sequence of str
    groups : numpy.ndarray, shape=(n_windows,), optional
        The task whose windows they are, at least two of each task: windows are exchanged among those of one task, and
        two tasks are compared in their own windows, since what a task attends to in others is hardly trained. Default:
        all windows are every task's.
    permutations : int
    seed : int

    Returns
    -------
    pandas.DataFrame
        Table ``association``, ``measure`` ``attention``; ``n`` is the number of windows of the two tasks.
    """
    _check(attention.ndim == 4 and attention.shape[2] == len(tasks), tasks, permutations)
    n = attention.shape[1]
    names = list(tasks) if groups is not None else [""]
    labels = np.asarray(groups, dtype=str) if groups is not None else np.full(n, "")
    members = [np.flatnonzero(labels == name) for name in names]
    if min(map(len, members)) < 2:
        raise InputError(
            "attention is compared over at least two windows of each task",
            value={name: len(rows) for name, rows in zip(names, members, strict=True)},
            remedy="give more windows",
        )
    unit = [standardised(np.asarray(member, dtype=np.float32)) for member in attention]

    def correlate(orders: Sequence[np.ndarray]) -> np.ndarray:
        """Mean correlation in each group's windows, shape (n_networks, n_groups, n_tasks, n_tasks)."""
        return np.array(
            [
                [
                    np.tensordot(one[rows], one[order], axes=([0, 2], [0, 2])) / len(rows)
                    for rows, order in zip(members, orders, strict=True)
                ]
                for one in unit
            ]
        )

    first, second = np.triu_indices(len(tasks), 1)
    both = (first, second) if groups is not None else (np.zeros_like(first),) * 2

    def of_pairs(values: np.ndarray) -> np.ndarray:
        """Shape (n_networks, n_pairs)."""
        return (values[:, both[0], first, second] + values[:, both[1], first, second]) / 2

    generator = np.random.default_rng(seed)
    null = np.stack(
        [of_pairs(correlate([_moved(rows, generator) for rows in members])).mean(axis=0) for _ in range(permutations)]
    )
    sizes = np.array([len(rows) for rows in members])
    counts = sizes[both[0]] + sizes[both[1]] if groups is not None else n
    return _table("attention", of_pairs(correlate(members)), null, tasks, counts)


def _moved(rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The rows in an order in which none is at its own place: a random cycle through all."""
    cycle = generator.permutation(len(rows))
    order = np.empty(len(rows), dtype=np.int64)
    order[cycle] = np.roll(cycle, 1)
    return rows[order]


def sample_windows(frames: Mapping[str, pd.DataFrame], per_task: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """As many windows of every task, drawn at random, whatever their label.

    Parameters
    ----------
    frames : mapping of str to pandas.DataFrame
        Windows by task, column ``sequence``, all of one width.
    per_task : int
        A task with fewer gives all.
    seed : int

    Returns
    -------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    groups : numpy.ndarray, shape=(n_windows,)
        The task of each window.
    """
    sequences: list[str] = []
    groups: list[str] = []
    for number, (name, frame) in enumerate(frames.items()):
        size = min(per_task, len(frame))
        chosen = np.sort(np.random.default_rng([seed, number]).choice(len(frame), size, replace=False))
        sequences += frame["sequence"].iloc[chosen].tolist()
        groups += [name] * size
    return encode_windows(sequences), np.array(groups, dtype=object)


def associate_tasks(
    model: nn.Module,
    tasks: Sequence[str],
    frames: Mapping[str, pd.DataFrame],
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """Both measures for a model.

    Parameters
    ----------
    model : Ensemble or Stack
    tasks : sequence of str
        Its tasks in their order.
    frames : mapping of str to pandas.DataFrame
        See :func:`sample_windows`.
    seed : int
    device : str or torch.device

    Returns
    -------
    pandas.DataFrame
        Table ``association``, one row per measure and pair of tasks; one row that gives the reason for a model of one
        task, or without attention.
    """
    if len(tasks) < 2 or not attends(model):
        reason = "the model has one task" if len(tasks) < 2 else "the network has no attention"
        texts = dict.fromkeys(("measure", "task_a", "task_b"), "")
        return pd.DataFrame([texts | {"reason": reason}], columns=column_names("association"))
    codes, groups = sample_windows(frames, _PER_TASK, seed)
    attention = np.stack([attend(one, codes, device=device) for one in attentive(model)])
    return pd.concat(
        [
            associate_rows(score_rows(model), tasks, permutations=10 * _PERMUTATIONS + 9, seed=seed),
            associate_attention(attention, tasks, groups=groups, permutations=_PERMUTATIONS, seed=seed),
        ],
        ignore_index=True,
    )


def _check(fits: bool, tasks: Sequence[str], permutations: int) -> None:
    if not fits:
        raise ValueError("the array does not have one row per task")
    if len(tasks) < 2:
        raise InputError("an association needs two tasks", value=list(tasks), remedy="choose a model of several tasks")
    if permutations < 1:
        raise InputError("the number of permutations must be at least 1", value=permutations)


def _table(
    measure: str, values: np.ndarray, drawn: np.ndarray, tasks: Sequence[str], n: int | np.ndarray
) -> pd.DataFrame:
    """The table from the pairs' values, shape (n_networks, n_pairs), and their null, shape (permutations, n_pairs)."""
    first, second = np.triu_indices(len(tasks), 1)
    r, centre = values.mean(axis=0), drawn.mean(axis=0)
    # two-sided about the null's own mean, which is not 0 where every task looks near the site; what differs from the
    # observed value by rounding is as far away as it
    reached = (np.abs(drawn - centre) >= np.abs(r - centre) - 1e-9).sum(axis=0)
    p = (1 + reached) / (1 + len(drawn))
    excess = r - centre
    square = np.eye(len(tasks))
    square[first, second] = square[second, first] = excess
    place = np.empty(len(tasks), dtype=np.int64)
    place[order_of(square)] = np.arange(1, len(tasks) + 1)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    names = np.asarray(tasks, dtype=object)
    return pd.DataFrame(
        {
            "measure": measure,
            "task_a": names[first],
            "task_b": names[second],
            "place_a": place[first],
            "place_b": place[second],
            "r": r,
            "sd": values.std(axis=0, ddof=1) if len(values) > 1 else np.nan,
            "low": values.min(axis=0),
            "high": values.max(axis=0),
            "networks": len(values),
            "null_mean": centre,
            "null_low": low,
            "null_high": high,
            "excess": excess,
            "permutations": len(drawn),
            "p": p,
            "q": scipy.stats.false_discovery_control(p),
            "n": n,
            "reason": "",
        }
    )[column_names("association")]


def order_of(correlation: np.ndarray) -> np.ndarray:
    """Order of tasks in which those alike are neighbours.

    Average linkage of 1 - r, its leaves turned so that neighbours are most alike (Bar-Joseph et al. 2001).

    Parameters
    ----------
    correlation : numpy.ndarray, shape=(n, n)
        Symmetric.

    Returns
    -------
    numpy.ndarray, shape=(n,), dtype=int64
        Indices of the tasks.
    """
    if len(correlation) < 3:
        return np.arange(len(correlation))
    distance = np.clip(1 - correlation, 0.0, None)
    np.fill_diagonal(distance, 0.0)
    return leaves_list(linkage(squareform(distance, checks=False), "average", optimal_ordering=True)).astype(np.int64)
