"""A released model on labelled windows from elsewhere: other laboratories, assays, tissues, widths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..errors import InputError
from ..models.checkpoint import load_model, require_head
from ..prediction.score import fit_to_window, pick_device, score_windows
from ..sequences import encode
from ..sites.window_sets import read_species_windows
from ..tables import read_parquet
from .bootstrap import bootstrap_metrics

COLUMNS = (
    "name",
    "head",
    "width",
    "metric",
    "value",
    "low",
    "high",
    "n_positive",
    "n_negative",
    "prevalence",
    "removed_seen_in_training",
    "removed_both_labels",
)


def evaluate_external(
    folder: str | Path,
    sets: Sequence[Mapping[str, Any]],
    splits: Sequence[str | Path],
    *,
    split: str,
    bootstrap: int = 1000,
    seed: int = 0,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Metrics of a released model on external sets.

    Windows whose sequence the model was trained on are removed and counted, and so are sequences that a set holds with
    both labels. Shorter windows are padded with N on both sides, longer ones cut to the centre; ``width`` says what the
    set had.

    Parameters
    ----------
    folder : path-like
        A model directory.
    sets : sequence of mappings
        ``name``, ``head`` and ``files``, the latter as for :func:`read_species_windows`.
    splits : sequence of path-like
        The run's splits tables; their training part is what the model has seen.
    split : {"paper", "guarded"}
        The split that the model was trained on.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`.

    Raises
    ------
    InputError
        If the model lacks a head, a table cannot be used, or of a set no window of one label remains.
    """
    torch.set_num_threads(threads)
    model, config = load_model(folder)
    target = pick_device(device)
    seen: set[str] = set()
    for path in splits:
        frame, _ = read_parquet(path, ["sequence", split])
        seen.update(frame.loc[frame[split] == "train", "sequence"])
    tables = []
    for entry in sets:
        require_head(config, entry["head"])
        windows, _ = read_species_windows(entry["files"], species=entry["name"], window=None)
        classes = windows.groupby("sequence")["label"].transform("nunique")
        both = classes > 1
        known = ~both & windows["sequence"].isin(seen)
        kept = windows[~both & ~known]
        labels = kept["label"].to_numpy(dtype=bool)
        if labels.all() or not labels.any():
            raise InputError(
                f"of {entry['name']} {labels.sum()} modified and {(~labels).sum()} unmodified windows remain after "
                f"{known.sum()} that the model was trained on and {both.sum()} with both labels",
                path=entry["files"][0]["file"],
                remedy="give a set that the model has not seen",
            )
        codes = np.stack([fit_to_window(encode(sequence), config.window) for sequence in kept["sequence"]])
        logits = score_windows(model, codes, entry["head"], device=target)
        metrics = bootstrap_metrics(labels, logits, n=bootstrap, seed=seed)
        width = int(kept["sequence"].str.len().iloc[0])
        tables.append(
            metrics.assign(
                name=entry["name"],
                head=entry["head"],
                width=width,
                n_positive=int(labels.sum()),
                n_negative=int((~labels).sum()),
                prevalence=float(labels.mean()),
                removed_seen_in_training=int(known.sum()),
                removed_both_labels=int(both.sum()),
            )
        )
        values = metrics.set_index("metric")["value"]
        report(f"{entry['name']}, head {entry['head']}: AUROC {values['auroc']:.3f}, AUPRC {values['auprc']:.3f}")
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]
