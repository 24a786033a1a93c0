"""Logits of every head on every held-out window of a run, whichever head the window belongs to.

Each window was measured for its *own* mark only. What the other heads say of it is needed for AUCm and for the
multi-label metrics, where a window counts as unmodified for every mark that no file calls it modified by.

What needs torch is imported where a network is met: scoring with a baseline takes less time than that import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import InputError
from ..evaluation.mark_panels import PARTS, WINDOW_COLUMNS
from ..models.baseline_files import load_baselines
from ..models.baselines import BASELINES, Baseline
from ..models.directory import read_config
from ..models.stack import weight_table
from ..sequences import LETTERS, encode_windows
from ..tables import read_parquet, require_columns

if TYPE_CHECKING:
    import torch
    from torch import nn

_KEY = ["part", "own", "window"]


def pool_windows(splits: Mapping[str, str | Path], split: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Validation and test windows of all heads, a sequence that several heads have being one row.

    Parameters
    ----------
    splits : mapping of head to path
        Parquet files of the **splits** border.
    split : {"paper", "guarded"}

    Returns
    -------
    windows : pandas.DataFrame
        ``window`` (name in the file of the first head that has it), ``part`` (``valid``, ``test``), ``own`` (heads
        whose file has it in that part, joined by ``,``), ``positive`` (those for which it is modified, joined by
        ``,``), ``base`` (RNA letter in the centre), ``seen`` (whether a training part of any head has the sequence). A
        sequence that one file holds twice stays two rows, so that a head's own rows are those of its file.
    codes : numpy.ndarray, shape=(n_windows, width), dtype=uint8

    Raises
    ------
    InputError
        If a file lacks the split, windows have several widths, or nothing is held out.
    """
    tables, trained = [], []
    for head, path in splits.items():
        frame, _ = read_parquet(path, ["window", "sequence", "label", split])
        sequences = frame["sequence"].to_numpy(dtype=object)
        hashes = pd.util.hash_array(sequences)
        part = frame[split].to_numpy()
        trained.append(hashes[part == "train"])
        held = frame.loc[np.isin(part, PARTS), ["window", "sequence", "label", split]].rename(columns={split: "part"})
        tables.append(held.assign(hash=hashes[np.isin(part, PARTS)], head=head))
    rows = pd.concat(tables, ignore_index=True)
    if rows.empty:
        raise InputError(f"no window is held out in the split {split}", remedy="give more windows")
    rows["copy"] = rows.groupby(["head", "part", "sequence"], sort=False).cumcount()
    rows["row"] = rows.groupby(["part", "sequence", "copy"], sort=False).ngroup()
    first = rows.drop_duplicates("row")
    codes = encode_windows(first["sequence"])
    windows = pd.DataFrame(
        {
            "window": first["window"].to_numpy(),
            "part": first["part"].to_numpy(),
            "own": _join(rows, len(first)),
            "positive": _join(rows[rows["label"] == 1], len(first)),
            "base": list(LETTERS[codes[:, codes.shape[1] // 2]].tobytes().decode("ascii")),
            "seen": np.isin(first["hash"].to_numpy(), np.concatenate(trained)),
        }
    )
    return windows, codes


def _join(rows: pd.DataFrame, n: int) -> np.ndarray:
    """The heads of each row, joined; ``""`` for a row without any."""
    return rows.groupby("row")["head"].agg(",".join).reindex(range(n), fill_value="").to_numpy(dtype=object)


def load_scorer(folder: str | Path, threads: int = 1) -> tuple[nn.Module | dict[str, Baseline], list[str]]:
    """A model directory of networks, a stack or a baseline, as :func:`score_heads` takes it, and its heads.

    ``threads`` are the CPU threads of networks from here on.
    """
    config, _ = read_config(folder)
    if config.model in BASELINES:
        return load_baselines(folder)[0], config.heads
    import torch

    from ..models.checkpoint import load_model

    torch.set_num_threads(threads)
    return load_model(folder)[0], config.heads


def score_heads(
    model: nn.Module | Mapping[str, Baseline],
    codes: np.ndarray,
    heads: Sequence[str],
    *,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Logits of all heads.

    Parameters
    ----------
    model : Ensemble, Stack or mapping of head to fitted baseline
        See :func:`~rnamarks.prediction.network_heads.score_networks` for what is no baseline.
    codes : numpy.ndarray, shape=(n_windows, width), dtype=uint8
    heads : sequence of str
        Order of the columns.
    batch_size : int, optional
        Windows that a network reads at once; default :data:`~rnamarks.prediction.score.BATCH_SIZES`.
    device : str or torch.device
        Of networks; ``auto`` is a GPU where there is one.

    Returns
    -------
    numpy.ndarray, shape=(n_windows, n_heads), dtype=float32
    """
    if isinstance(model, Mapping):
        return np.column_stack([model[head].logit(codes) for head in heads]).astype(np.float32)
    from .network_heads import score_networks

    return score_networks(model, codes, heads, batch_size=batch_size, device=device)


def predict_heads(
    model: nn.Module | Mapping[str, Baseline],
    heads: Sequence[str],
    splits: Mapping[str, str | Path],
    split: str,
    *,
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """Every head of a model on the validation and test windows of all heads of the run.

    Parameters
    ----------
    model
        As in :func:`score_heads`.
    heads : sequence of str
        The model's; ``splits`` may know more.
    splits, split
        As in :func:`pool_windows`.
    device : str or torch.device

    Returns
    -------
    pandas.DataFrame
        ``WINDOW_COLUMNS`` (see :func:`pool_windows`), then one float32 column of logits (natural-log odds as trained)
        per head.
    """
    windows, codes = pool_windows(splits, split)
    logits = score_heads(model, codes, heads, device=device)
    return pd.concat([windows, pd.DataFrame(logits, columns=list(heads))], axis=1)


def stack_heads(weights: pd.DataFrame, members: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What :func:`predict_heads` gives for a stack, from the tables of its members.

    Parameters
    ----------
    weights : pandas.DataFrame
        Columns ``species`` (head), ``member``, ``weight``: see :func:`rnamarks.models.stack.fit_weights`.
    members : mapping of str to pandas.DataFrame
        One seed of each member.

    Raises
    ------
    InputError
        If the members were not scored on the same windows, or lack a head that has weights.
    """
    table = weight_table(weights)
    first, *others = members
    whole = members[first].reset_index(drop=True)
    for name, frame in members.items():
        require_columns(frame, [*WINDOW_COLUMNS, *table], f"the heads of {name}")
        if name in others and not whole[_KEY].equals(frame[_KEY].reset_index(drop=True)):
            raise InputError(
                f"{first} and {name} were not scored on the same windows", remedy="score both on the same splits tables"
            )
    for head, known in table.items():
        if set(known) != set(members):
            raise InputError(
                f"the weights of {head} are for other members than {', '.join(members)}",
                value=", ".join(known),
                remedy="fit the weights again",
            )
    logits = {
        head: sum(known[name] * frame[head].to_numpy(np.float64) for name, frame in members.items()).astype(np.float32)
        for head, known in table.items()
    }
    return pd.concat([whole[list(WINDOW_COLUMNS)], pd.DataFrame(logits)], axis=1)
