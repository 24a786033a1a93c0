"""A released model on labelled windows from elsewhere: other laboratories, assays, tissues, widths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..dictionary import column_names
from ..errors import InputError
from ..models.checkpoint import load_model
from ..prediction.score import fit_to_window, pick_device, score_windows
from ..sequences import encode, encode_windows
from ..sites.drops import Drops
from ..sites.window_files import read_task_windows
from ..tables import read_parquet
from ..tasks import find_task
from .bootstrap import bootstrap_metrics
from .contained import find_contained

STAGE = "external"


def evaluate_external(
    folder: str | Path,
    sets: Sequence[Mapping[str, Any]],
    splits: Sequence[str | Path],
    *,
    scheme: str,
    bootstrap: int = 1000,
    seed: int = 0,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> tuple[pd.DataFrame, Drops]:
    """Metrics of a released model on external sets.

    Windows whose sequence the model was trained on are removed and counted, and so are those that lie inside a
    wider training window or hold a narrower one, on the same strand, and sequences that a set holds with both labels.
    Shorter windows are padded with N on both sides, longer ones cut to the centre; ``width`` is that of the set.

    Parameters
    ----------
    folder : path-like
        A model directory.
    sets : sequence of mappings
        ``name``, ``task`` and ``files``, the latter as for :func:`~rnamarks.sites.window_files.read_task_windows`.
    splits : sequence of path-like
        The run's splits tables; their training split is what the model has seen.
    scheme : str
        The scheme that the model was trained on.

    Returns
    -------
    table : pandas.DataFrame
        Table ``external``.
    drops : Drops
        Rows of each set by what became of them.

    Raises
    ------
    InputError
        If the model lacks a task, a table cannot be used, or of a set no window of one label remains.
    """
    torch.set_num_threads(threads)
    model, config = load_model(folder)
    target = pick_device(device)
    tasks = [find_task(config.tasks, entry["task"]) for entry in sets]
    read = [
        read_task_windows(entry["files"], task=replace(task, name=entry["name"], centred=False), width=None)
        for entry, task in zip(sets, tasks, strict=True)
    ]
    trained = _trained_on([windows["sequence"] for windows, _ in read], splits, scheme)
    tables, drops = [], Drops()
    for entry, (windows, dropped) in zip(sets, read, strict=True):
        classes = windows.groupby("sequence")["label"].transform("nunique")
        both = classes > 1
        known, within = (~both & windows["sequence"].isin(trained[kind]) for kind in ("same", "within"))
        kept = windows[~both & ~known & ~within]
        drops.merge(dropped)
        scope = drops.scope(STAGE, entry["name"], entry["task"])
        scope.count("both labels", both.sum())
        scope.count("same sequence in training", known.sum())
        scope.count("inside a training window, or around one", within.sum())
        scope.count("kept", len(kept))
        labels = kept["label"].to_numpy(dtype=bool)
        if labels.all() or not labels.any():
            raise InputError(
                f"of {entry['name']} {labels.sum()} modified and {(~labels).sum()} unmodified windows remain after "
                f"{known.sum()} that the model was trained on, {within.sum()} inside a training window or around one, "
                f"and {both.sum()} with both labels",
                path=entry["files"][0]["file"],
                remedy="give a set that the model has not seen",
            )
        codes = np.stack([fit_to_window(encode(sequence), config.window) for sequence in kept["sequence"]])
        logits = score_windows(model, codes, entry["task"], device=target)
        metrics = bootstrap_metrics(labels, logits, n=bootstrap, seed=seed)
        width = int(kept["sequence"].str.len().iloc[0])
        tables.append(
            metrics.assign(
                name=entry["name"],
                task=entry["task"],
                width=width,
                n_positive=int(labels.sum()),
                n_negative=int((~labels).sum()),
                prevalence=float(labels.mean()),
                removed_seen_in_training=int(known.sum()),
                removed_within_training=int(within.sum()),
                removed_both_labels=int(both.sum()),
            )
        )
        values = metrics.set_index("metric")["value"]
        report(f"{entry['name']}, task {entry['task']}: AUROC {values['auroc']:.3f}, AUPRC {values['auprc']:.3f}")
    return pd.concat(tables, ignore_index=True)[column_names("external", task_columns=False)], drops


def _trained_on(texts: Sequence[pd.Series], splits: Sequence[str | Path], scheme: str) -> dict[str, set[str]]:
    """External sequences that are a training window (``same``), and others inside one or around one (``within``).

    Parameters
    ----------
    texts : sequence of pandas.Series of str
        Sequences of the sets.
    splits, scheme
        See :func:`evaluate_external`; one table is in memory at a time.
    """
    distinct = pd.Series(pd.unique(pd.concat(texts)))
    by_width = {width: part for width, part in distinct.groupby(distinct.str.len())}
    codes = {width: encode_windows(part.tolist()) for width, part in by_width.items()}
    found: dict[str, set[str]] = {"same": set(), "within": set()}
    for path in splits:
        frame, _ = read_parquet(path, ["sequence", scheme])
        training = pd.Series(frame.loc[frame[scheme] == "train", "sequence"].unique())
        for own, part in training.groupby(training.str.len()):
            mine = encode_windows(part.tolist())
            for width, tested in codes.items():
                hit = find_contained(tested, mine)[0] if width <= own else find_contained(mine, tested)[1]
                found["same" if width == own else "within"].update(by_width[width][hit])
    found["within"] -= found["same"]
    return found
