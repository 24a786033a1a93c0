"""From split windows to a trained model directory: what the rule ``train_model`` and the line search call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from .. import __version__
from ..errors import InputError
from ..models.checkpoint import ModelConfig, save_model
from ..models.register import build_model
from ..sequences import encode_windows
from ..tables import read_parquet, write_tsv
from .pooled import pool_heads
from .sampler import HeadData
from .trainer import TrainingResult, TrainingSettings, train
from .warm_start import Start, begin_from


def read_part(path: str | Path, split: str, part: str) -> HeadData:
    """The windows of one species and one part (``train``, ``valid``, ``test``) of a split, as codes and labels."""
    frame, _ = read_parquet(path, ["sequence", "label", split])
    chosen = frame[frame[split] == part]
    if chosen.empty:
        raise InputError(
            f"no window of the part {part!r} of the split {split!r}", path=path, remedy="give more windows"
        )
    return HeadData(encode_windows(chosen["sequence"]), chosen["label"].to_numpy(dtype=bool))


def digest_of(settings: Mapping[str, Any], data: Mapping[str, HeadData]) -> str:
    """A hash of everything that decides the weights: settings and data. It names the checkpoint folder."""
    sums = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, part in data.items():
        sums.update(name.encode())
        sums.update(np.ascontiguousarray(part.codes).tobytes())
        sums.update(np.packbits(part.labels).tobytes())
    return sums.hexdigest()[:16]


def fit_network(
    network: str,
    hyperparameters: Mapping[str, Any],
    training: Mapping[str, HeadData],
    validation: Mapping[str, HeadData],
    settings: TrainingSettings,
    *,
    seed: int,
    checkpoints: str | Path,
    start: Start | None = None,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> TrainingResult:
    """Build a network from the register and train it, or finish an interrupted training of the same one.

    Parameters
    ----------
    network, hyperparameters
        What to build.
    training, validation : mapping of head to HeadData
        In the order of the curriculum.
    settings : TrainingSettings
    seed : int
        Of the initial weights and of every draw.
    checkpoints : path-like
        Root under which a folder named by :func:`digest_of` is kept.
    start : Start, optional
        Weights of a trained network to begin with, instead of random ones.
    device, threads, report
        See :func:`rnamarks.training.trainer.train`.
    """
    window = next(iter(training.values())).codes.shape[1]
    record = {
        "network": network,
        "hyperparameters": dict(hyperparameters),
        "settings": asdict(settings),
        "seed": seed,
        "threads": threads,
        "heads": list(training),
        # another version may draw or sum in another way, so it must not go on from this one's state
        "version": __version__,
    }
    if start:
        record["start"] = start.record()
    data = {f"train/{head}": part for head, part in training.items()}
    data |= {f"valid/{head}": part for head, part in validation.items()}
    torch.manual_seed(seed)
    built = build_model(network, list(training), window, hyperparameters)
    if start:
        begin_from(built, start, name=network, hyperparameters=hyperparameters, heads=list(training), seed=seed)
    elif hasattr(built, "prepare"):
        built.prepare(pool_heads(training).codes, seed)
    return train(
        built,
        training,
        validation,
        settings,
        seed=seed,
        checkpoints=Path(checkpoints) / digest_of(record, data),
        device=device,
        threads=threads,
        report=report,
    )


def fit_from_splits(
    splits: Mapping[str, str | Path],
    order: Sequence[str],
    *,
    split: str,
    network: str,
    hyperparameters: Mapping[str, Any],
    settings: TrainingSettings,
    seed: int,
    checkpoints: str | Path,
    folder: str | Path,
    start: Start | None = None,
    modification: str = "",
    motif: str = "",
    modifications: Mapping[str, Mapping[str, Any]] | None = None,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Train on the split windows of the heads in ``order`` and write the model directory.

    Parameters
    ----------
    splits : mapping of head to path
        Parquet files of the **splits** border.
    order : sequence of str
        Species in the order of the curriculum, or modifications.
    split : {"paper", "guarded"}
    folder : path-like
        Gets ``weights.safetensors``, ``config.json`` and ``history.tsv``.
    start : Start, optional
        Weights to begin with; ``config.json`` keeps their hash.
    modification, motif : str
        What all heads are about, where they are species; not written where ``modifications`` are given.
    modifications : mapping of head to mapping, optional
        What each head is about, where they are modifications; see :class:`~rnamarks.models.directory.ModelConfig`.

    Returns
    -------
    pandas.DataFrame
        The history, as written.
    """
    training = {head: read_part(splits[head], split, "train") for head in order}
    validation = {head: read_part(splits[head], split, "valid") for head in order}
    result = fit_network(
        network,
        hyperparameters,
        training,
        validation,
        settings,
        seed=seed,
        checkpoints=checkpoints,
        start=start,
        device=device,
        threads=threads,
        report=report,
    )
    config = ModelConfig(
        model=network,
        heads=list(order),
        window=next(iter(training.values())).codes.shape[1],
        hyperparameters=dict(hyperparameters),
        modification="" if modifications else modification,
        motif="" if modifications else motif,
        modifications={head: dict(modifications[head]) for head in order} if modifications else {},
        training={
            "split": split,
            "seed": seed,
            "settings": asdict(settings),
            "best_round": result.best_round,
            **({"start": start.record()} if start else {}),
            "windows": {
                head: {"positives": int(part.labels.sum()), "negatives": int((~part.labels).sum())}
                for head, part in training.items()
            },
        },
    )
    save_model(folder, [result.state], config)
    history = pd.DataFrame(result.history)
    write_tsv(history, Path(folder) / "history.tsv")
    return history
