"""Logits of every task on every held-out window of a run, whichever task the window belongs to.

Each window was measured for its *own* task only. The logits of the others are needed for AUCm and for the multi-label
metrics, where a window counts as unmodified for every modification that no file calls it modified by.

What needs torch is imported where a network is met: scoring with a baseline takes less time than that import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..evaluation.pools import HELD_OUT
from ..models.baseline_files import load_baselines
from ..models.baselines import BASELINES, Baseline
from ..models.directory import read_config
from ..models.stack import weight_table
from ..sequences import LETTERS, encode_windows
from ..tables import read_parquet, require_columns

if TYPE_CHECKING:
    import torch
    from torch import nn

_KEY = ["split", "own", "window"]


def pool_windows(splits: Mapping[str, str | Path], scheme: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Validation and test windows of all tasks, a sequence that several tasks have being one row.

    Parameters
    ----------
    splits : mapping of task to path
        Parquet files of the **splits** border.
    scheme : str

    Returns
    -------
    windows : pandas.DataFrame
        ``window`` (name in the file of the first task that has it), ``split`` (``valid``, ``test``), ``own`` (tasks
        whose file has it in that split, joined by ``,``), ``positive`` (those for which it is modified, joined by
        ``,``), ``base`` (nucleotide in the centre), ``seen`` (whether a training split of any task has the sequence). A
        sequence that one file holds twice stays two rows, so that a task's own rows are those of its file.
    codes : numpy.ndarray, shape=(n_windows, width), dtype=uint8

    Raises
    ------
    InputError
        If a file lacks the scheme, windows have several widths, or nothing is held out.
    """
    tables, trained = [], []
    for task, path in splits.items():
        frame, _ = read_parquet(path, ["window", "sequence", "label", scheme])
        sequences = frame["sequence"].to_numpy(dtype=object)
        hashes = pd.util.hash_array(sequences)
        split = frame[scheme].to_numpy()
        trained.append(hashes[split == "train"])
        held = frame.loc[np.isin(split, HELD_OUT), ["window", "sequence", "label", scheme]].rename(
            columns={scheme: "split"}
        )
        tables.append(held.assign(hash=hashes[np.isin(split, HELD_OUT)], task=task))
    rows = pd.concat(tables, ignore_index=True)
    if rows.empty:
        raise InputError(f"no window is held out in the scheme {scheme}", remedy="give more windows")
    rows["copy"] = rows.groupby(["task", "split", "sequence"], sort=False).cumcount()
    rows["row"] = rows.groupby(["split", "sequence", "copy"], sort=False).ngroup()
    first = rows.drop_duplicates("row")
    codes = encode_windows(first["sequence"])
    windows = pd.DataFrame(
        {
            "window": first["window"].to_numpy(),
            "split": first["split"].to_numpy(),
            "own": _join(rows, len(first)),
            "positive": _join(rows[rows["label"] == 1], len(first)),
            "base": list(LETTERS[codes[:, codes.shape[1] // 2]].tobytes().decode("ascii")),
            "seen": np.isin(first["hash"].to_numpy(), np.concatenate(trained)),
        }
    )
    return windows, codes


def _join(rows: pd.DataFrame, n: int) -> np.ndarray:
    """The tasks of each row, joined; ``""`` for a row without any."""
    return rows.groupby("row")["task"].agg(",".join).reindex(range(n), fill_value="").to_numpy(dtype=object)


def load_scorer(folder: str | Path, threads: int = 1) -> tuple[nn.Module | dict[str, Baseline], list[str]]:
    """A model directory of networks, a stack or a baseline, as :func:`predict_tasks` takes it, and its tasks.

    ``threads`` are the CPU threads of networks from here on.
    """
    config, _ = read_config(folder)
    if config.model in BASELINES:
        return load_baselines(folder)[0], config.task_names
    import torch

    from ..models.checkpoint import load_model

    torch.set_num_threads(threads)
    return load_model(folder)[0], config.task_names


def predict_tasks(
    model: nn.Module | Mapping[str, Baseline],
    tasks: Sequence[str],
    splits: Mapping[str, str | Path],
    scheme: str,
    *,
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """Every task of a model on the validation and test windows of all tasks of the run.

    Parameters
    ----------
    model : Ensemble, Stack or mapping of task to fitted baseline
    tasks : sequence of str
        The model's; ``splits`` may know more.
    splits, scheme
        As in :func:`pool_windows`.
    device : str or torch.device

    Returns
    -------
    pandas.DataFrame
        Table ``tasks_predictions`` (see :func:`pool_windows`), then one float32 column of logits (natural-log odds as
        trained) per task.
    """
    windows, codes = pool_windows(splits, scheme)
    if isinstance(model, Mapping):
        logits = np.column_stack([model[task].logit(codes) for task in tasks]).astype(np.float32)
    else:
        from .score import score_tasks

        logits = score_tasks(model, codes, tasks, device=device)
    return pd.concat([windows, pd.DataFrame(logits, columns=list(tasks))], axis=1)


def stack_tasks(weights: pd.DataFrame, members: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What :func:`predict_tasks` gives for a stack, from the tables of its members.

    Parameters
    ----------
    weights : pandas.DataFrame
        Columns ``task``, ``member``, ``weight``: see :func:`rnamarks.models.stack.fit_weights`.
    members : mapping of str to pandas.DataFrame
        One seed of each member.

    Raises
    ------
    InputError
        If the members were not scored on the same windows, or lack a task that has weights.
    """
    table = weight_table(weights)
    first, *others = members
    whole = members[first].reset_index(drop=True)
    for name, frame in members.items():
        require_columns(frame, [*column_names("tasks_predictions"), *table], f"the tasks of {name}")
        if name in others and not whole[_KEY].equals(frame[_KEY].reset_index(drop=True)):
            raise InputError(
                f"{first} and {name} were not scored on the same windows", remedy="score both on the same splits tables"
            )
    for task, known in table.items():
        if set(known) != set(members):
            raise InputError(
                f"the weights of {task} are for other members than {', '.join(members)}",
                value=", ".join(known),
                remedy="fit the weights again",
            )
    logits = {
        task: sum(known[name] * frame[task].to_numpy(np.float64) for name, frame in members.items()).astype(np.float32)
        for task, known in table.items()
    }
    return pd.concat([whole[column_names("tasks_predictions")], pd.DataFrame(logits)], axis=1)
