"""Stacks: a weighted sum of the logits of networks and baselines that err in different ways.

    logit = sum over members of weight[task, member] * logit[member]

Stacked generalisation (Wolpert 1992) with the non-negative weights of Breiman (1996): no member is subtracted. There is
no intercept, so a window that all members find even stays even, and the sum is log odds at 1:1 as theirs are. The
weights are a task's own and common to all seeds of the network, hence the mean of the seeds' stacks is the stack of
their mean, and an ensemble is a stack like any other.

Weights come from the validation split, on which no member was fitted, though a network's best epoch is chosen there.
Calibration is fitted on the same split afterwards: two numbers per task, after one per member, from thousands of
windows. The test split is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from ..dictionary import column_names
from ..errors import InputError
from ..tables import require_columns

_KEY = ["task", "split", "window"]


def fit_weights(members: Mapping[str, Sequence[pd.DataFrame]]) -> pd.DataFrame:
    """Weights of a stack, by task.

    For each task a logistic regression of the label on the members' logits over the validation split, without
    intercept, weights held at 0 or above, both labels given the same total weight. Targets are softened as Platt
    (1999) does, so that members that separate the labels get finite weights.

    Parameters
    ----------
    members : mapping of str to sequence of pandas.DataFrame
        Predictions of each member, one table per seed: columns ``window``, ``task``, ``split``, ``label``,
        ``logit`` (log odds at 1:1). A member's logits are first averaged over its seeds. The tasks are those of
        the first member; others may know more.

    Returns
    -------
    pandas.DataFrame
        Columns ``task``, ``member``, ``weight`` (of the member's logit, without unit; 0 where it adds nothing).

    Raises
    ------
    InputError
        If the members were not scored on the same windows with the same labels, a logit is not finite, or a task's
        validation split lacks a label.
    """
    whole, logits = _align(members)
    valid = (whole["split"] == "valid").to_numpy()
    rows = []
    for task in whole["task"].unique():
        chosen = valid & (whole["task"] == task).to_numpy()
        labels = whole.loc[chosen, "label"].to_numpy().astype(bool)
        if labels.all() or not labels.any():
            raise InputError(
                f"the validation split of {task} has {labels.sum()} modified and {(~labels).sum()} other windows",
                remedy="a stack needs both; give more windows",
            )
        weights = _regress(labels, logits[chosen])
        rows += [(task, name, weight) for name, weight in zip(members, weights, strict=True)]
    return pd.DataFrame(rows, columns=column_names("stack_weights"))


def apply_weights(weights: pd.DataFrame, members: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Predictions of a stack from one table of predictions per member.

    Parameters
    ----------
    weights : pandas.DataFrame
        As :func:`fit_weights` gives them.
    members : mapping of str to pandas.DataFrame
        One seed of each.

    Returns
    -------
    pandas.DataFrame
        The *predictions* border, in the order of the first member.

    Raises
    ------
    InputError
        If the members were not scored on the same windows, or a task has no weights for exactly these members.
    """
    whole, logits = _align({name: [frame] for name, frame in members.items()})
    table = weight_table(weights)
    total = np.zeros(len(whole))
    for task in whole["task"].unique():
        known = table.get(task, {})
        if set(known) != set(members):
            raise InputError(
                f"the weights of {task} are for other members than {', '.join(members)}",
                value=", ".join(known) or "none",
                remedy="fit the weights again",
            )
        chosen = (whole["task"] == task).to_numpy()
        total[chosen] = logits[chosen] @ [known[name] for name in members]
    return whole.assign(logit=total)[column_names("predictions")]


def weight_table(weights: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Task to member to weight."""
    require_columns(weights, column_names("stack_weights"), "the weights of the stack")
    return {
        task: dict(zip(part["member"], part["weight"].astype(float), strict=True))
        for task, part in weights.groupby("task", sort=False)
    }


def _align(members: Mapping[str, Sequence[pd.DataFrame]]) -> tuple[pd.DataFrame, np.ndarray]:
    """The first member's windows, and each member's logits on them averaged over seeds, shape (windows, members)."""
    if len(members) < 2 or not all(members.values()):
        raise InputError("a stack needs predictions of two members or more", value=", ".join(members))
    first = next(iter(members))
    whole = members[first][0].reset_index(drop=True)
    index = pd.MultiIndex.from_frame(whole[_KEY])
    columns = []
    for name, seeds in members.items():
        tables = []
        for frame in seeds:
            require_columns(frame, column_names("predictions"), f"the predictions of {name}")
            tables.append(_like(whole, index, frame[frame["task"].isin(whole["task"])], (first, name)))
        columns.append(np.mean(tables, axis=0))
    return whole, np.column_stack(columns)


def _like(whole: pd.DataFrame, index: pd.MultiIndex, frame: pd.DataFrame, names: tuple[str, str]) -> np.ndarray:
    """Logits of ``frame`` in the order of ``whole``; both must hold the same windows once, with the same labels."""
    own = pd.MultiIndex.from_frame(frame[_KEY])
    if not own.is_unique:
        raise InputError(
            f"{names[1]} scored a window twice", value=own[own.duplicated()][0][2], remedy="make its predictions again"
        )
    place = own.get_indexer(index)
    extra = own.difference(index)
    if (place < 0).any() or len(extra):
        task, split, window = index[place < 0][0] if (place < 0).any() else extra[0]
        raise InputError(
            f"{names[0]} and {names[1]} were not scored on the same {split} windows of {task}",
            value=window,
            remedy="make the predictions of both on the same splits table",
        )
    if not np.array_equal(frame["label"].to_numpy()[place], whole["label"].to_numpy()):
        wrong = np.flatnonzero(frame["label"].to_numpy()[place] != whole["label"].to_numpy())[0]
        raise InputError(
            f"{names[0]} and {names[1]} have different labels for a window of {whole.at[wrong, 'task']}",
            value=whole.at[wrong, "window"],
            remedy="make the predictions of both on the same splits table",
        )
    logits = frame["logit"].to_numpy(np.float64)[place]
    if not np.isfinite(logits).all():
        raise InputError(
            f"{names[1]} gave a logit that is not finite",
            value=whole.loc[~np.isfinite(logits), "window"].iloc[0],
            remedy="train it again",
        )
    return logits


def _regress(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Non-negative weights, shape (members,), of logits, shape (windows, members)."""
    positives, negatives = labels.sum(), (~labels).sum()
    soft = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    balance = np.where(labels, 0.5 / positives, 0.5 / negatives)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total = logits @ weights
        return balance @ (np.logaddexp(0.0, total) - soft * total), (balance * (expit(total) - soft)) @ logits

    # convex; from zero, a constant member keeps weight 0 and equal members share it
    start = np.zeros(logits.shape[1])
    bounds = [(0.0, None)] * len(start)
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000}
    )
    return found.x
