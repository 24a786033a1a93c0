"""From split windows to a trained model directory: what the rule ``train_model`` and the line search call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from .. import __version__
from ..errors import InputError
from ..models.checkpoint import save_model
from ..models.directory import ModelConfig
from ..models.registry import build_model
from ..prediction.score import pick_device
from ..sequences import encode_windows
from ..tables import digest_columns, read_parquet, write_tsv
from ..tasks import Task
from .sampler import TaskData
from .settings import SiteSettings
from .targets.base import Target
from .targets.site import SiteTarget
from .trainer import TrainingResult, digest_of, train
from .trunks import FROZEN, Pretrained
from .warm_start import Start, begin_from


def read_split(path: str | Path, scheme: str, split: str) -> TaskData:
    """The windows of one task and one split (``train``, ``valid``, ``test``) of a scheme, as codes and labels."""
    frame, _ = read_parquet(path, only=["sequence", "label", scheme])
    chosen = frame[frame[scheme] == split]
    if chosen.empty:
        raise InputError(
            f"no window of the split {split!r} of the scheme {scheme!r}", path=path, remedy="give more windows"
        )
    return TaskData(encode_windows(chosen["sequence"]), chosen["label"].to_numpy(dtype=bool))


def digest_splits(splits: Mapping[str, str | Path], scheme: str, *chosen: str) -> dict[str, str]:
    """Hashes of the windows of some splits of a scheme, by task: of their sequences, labels and splits, in their order.

    What else a file holds does not count: other schemes and splits, and columns that only evaluation reads.
    """
    return {
        task: digest_columns(path, ["sequence", "label", scheme], where={scheme: chosen})
        for task, path in splits.items()
    }


def fit_network(
    network: str,
    hyperparameters: Mapping[str, Any],
    tasks: Sequence[str],
    window: int,
    target: Target,
    settings: SiteSettings,
    *,
    data: Mapping[str, Any],
    seed: int,
    checkpoints: str | Path,
    start: Start | None = None,
    trunk: Pretrained | None = None,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> TrainingResult:
    """Build a network from the registry and train it, or finish an interrupted training of the same one.

    Parameters
    ----------
    network, hyperparameters, tasks, window
        What to build.
    target : Target
        Made with the same settings and seed.
    settings : SiteSettings
    data : mapping
        What tells the target's examples from others: their hashes, see :func:`digest_splits`.
    seed : int
        Of the initial weights and of every draw.
    checkpoints : path-like
        Root under which a folder named by :func:`~rnamarks.training.trainer.digest_of` is kept.
    start : Start, optional
        Weights of a trained network to begin with, instead of random ones.
    trunk : Pretrained, optional
        The language model that ``hyperparameters`` have the sizes of, see :meth:`Pretrained.under`. Weights of
        ``start`` take the place of its own.
    device, threads, report
        See :func:`rnamarks.training.trainer.train`.
    """
    tasks = list(tasks)
    record = {
        "network": network,
        "hyperparameters": dict(hyperparameters),
        "settings": asdict(settings),
        "seed": seed,
        "threads": threads,
        "tasks": tasks,
        "window": window,
        "data": dict(data),
        # another version may draw or sum in another way, so it must not go on from this one's state
        "version": __version__,
    }
    if start:
        record["start"] = start.record()
    if trunk:
        record["trunk"] = trunk.record()
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    built = build_model(network, tasks, window, hyperparameters)
    if trunk:
        trunk.place(built)
    if start:
        begin_from(built, start, name=network, hyperparameters=hyperparameters, tasks=tasks, seed=seed)
    else:
        target.prepare(built, seed)
    if trunk:
        if trunk.way == FROZEN and settings.shift:
            report("windows are shifted: the vectors of the training windows are computed at every step")
        trunk.keep(built, target.repeated(), Path(checkpoints) / "vectors", device=pick_device(device), report=report)
    return train(
        built,
        target,
        settings,
        seed=seed,
        checkpoints=Path(checkpoints) / digest_of(record),
        device=device,
        threads=threads,
        report=report,
    )


def fit_from_splits(
    splits: Mapping[str, str | Path],
    tasks: Sequence[Task],
    *,
    scheme: str,
    network: str,
    hyperparameters: Mapping[str, Any],
    settings: SiteSettings,
    seed: int,
    checkpoints: str | Path,
    folder: str | Path,
    start: Start | None = None,
    trunk: Pretrained | None = None,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Train on the split windows of some tasks and write the model directory.

    Parameters
    ----------
    splits : mapping of task to path
        Parquet files of the **splits** border.
    tasks : sequence of Task
        In the order of the curriculum.
    scheme : str
    network, hyperparameters, settings, seed, checkpoints
        See :func:`fit_network`.
    folder : path-like
        Gets ``weights.safetensors``, ``config.json`` and ``history.tsv``.
    start : Start, optional
        Weights to begin with; ``config.json`` keeps their hash.
    trunk : Pretrained, optional
        A language model in place of the network's own trunk; ``config.json`` has its sizes and keeps its hash.
    device, threads, report
        See :func:`rnamarks.training.trainer.train`.

    Returns
    -------
    pandas.DataFrame
        The history, as written.
    """
    hyperparameters = trunk.under(hyperparameters) if trunk else dict(hyperparameters)
    splits = {task.name: splits[task.name] for task in tasks}
    training = {task: read_split(path, scheme, "train") for task, path in splits.items()}
    validation = {task: read_split(path, scheme, "valid") for task, path in splits.items()}
    window = next(iter(training.values())).codes.shape[1]
    result = fit_network(
        network,
        hyperparameters,
        list(training),
        window,
        SiteTarget(training, validation, settings, seed),
        settings,
        data=digest_splits(splits, scheme, "train", "valid"),
        seed=seed,
        checkpoints=checkpoints,
        start=start,
        trunk=trunk,
        device=device,
        threads=threads,
        report=report,
    )
    config = ModelConfig(
        model=network,
        tasks=list(tasks),
        window=window,
        hyperparameters=hyperparameters,
        training={
            "scheme": scheme,
            "seed": seed,
            "settings": asdict(settings),
            "best_epoch": result.best_epoch,
            **({"start": start.record()} if start else {}),
            **({"trunk": trunk.record()} if trunk else {}),
            "windows": {
                task: {"positives": int(part.labels.sum()), "negatives": int((~part.labels).sum())}
                for task, part in training.items()
            },
        },
    )
    save_model(folder, [result.state], config)
    history = pd.DataFrame(result.history).assign(threads=threads)
    write_tsv(history, Path(folder) / "history.tsv")
    return history
