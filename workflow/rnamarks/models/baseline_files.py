"""Fitted baselines as model directories; apart from the baselines, which need no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import InputError
from .baselines import BASELINES, Baseline
from .checkpoint import WEIGHTS, ModelConfig, load_members, save_model


def save_baselines(
    folder: str | Path,
    name: str,
    heads: Mapping[str, Baseline],
    *,
    modification: str = "m6A",
    motif: str = "",
    calibration: Mapping[str, Mapping[str, Any]] | None = None,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write fitted baselines as a model directory, in the networks' format, one head per species.

    Parameters
    ----------
    folder : path-like
    name : str
        In :data:`BASELINES`.
    heads : mapping of species to Baseline
        All of one kind, width and hyperparameters.
    modification, motif, calibration, training
        See :class:`~rnamarks.models.checkpoint.ModelConfig`.
    """
    first = next(iter(heads.values()))
    tensors = {
        f"{head}.{key}": torch.from_numpy(np.array(array))
        for head, baseline in heads.items()
        for key, array in baseline.to_arrays().items()
    }
    config = ModelConfig(
        name,
        list(heads),
        first.width,
        first.hyperparameters(),
        modification=modification,
        motif=motif,
        calibration=dict(calibration or {}),
        training=dict(training or {}),
    )
    save_model(folder, [tensors], config)


def load_baselines(folder: str | Path) -> tuple[dict[str, Baseline], ModelConfig]:
    """Read what :func:`save_baselines` wrote; the weights' hash is checked first."""
    (tensors,), config = load_members(folder)
    kind = BASELINES[config.model]
    arrays: dict[str, dict[str, np.ndarray]] = {head: {} for head in config.heads}
    for key, tensor in tensors.items():
        head, _, name = key.rpartition(".")
        if head not in arrays:
            raise InputError(
                "an array belongs to no head", path=Path(folder) / WEIGHTS, value=key, remedy="save the model again"
            )
        arrays[head][name] = tensor.numpy()
    return {head: kind.from_arrays(found, config.hyperparameters) for head, found in arrays.items()}, config
