"""Predictions for the validation and test splits of a scheme: the **predictions** border."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from ..sequences import encode_windows
from ..tables import read_parquet
from .score import score_windows

HELD_OUT = ("valid", "test")


def predict_held_out(
    model: nn.Module, splits: Mapping[str, str | Path], scheme: str, *, device: str | torch.device = "cpu"
) -> pd.DataFrame:
    """Score the windows that a model was not trained on, each with its own task.

    Parameters
    ----------
    model : torch.nn.Module
    splits : mapping of task to path
        Parquet files of the **splits** border.
    scheme : str

    Returns
    -------
    pandas.DataFrame
        Columns ``window``, ``task``, ``split``, ``label``, ``logit``.
    """
    frames = []
    for task, path in splits.items():
        frame, _ = read_parquet(path, ["window", "sequence", "label", scheme])
        frame = frame[frame[scheme].isin(HELD_OUT)]
        logits = score_windows(model, encode_windows(frame["sequence"]), task, device=device)
        frames.append(
            pd.DataFrame(
                {
                    "window": frame["window"].to_numpy(),
                    "task": task,
                    "split": frame[scheme].to_numpy(),
                    "label": frame["label"].to_numpy(),
                    "logit": logits,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
