"""Trained here, tested there: does what one laboratory's windows teach hold for another's?

The windows of a modification come from laboratories that found sites, and chose other nucleotides, in their own ways.
A model may learn the way instead of the modification: an adapter behind the site, GC-rich 5' ends. Each set of windows
therefore trains a baseline and is the test of those of all other sets; beside each AUROC stands that of the
composition of nucleotides, fitted to the same training windows. What beats it elsewhere has learned more than how the
two classes were collected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from ..datasets.neighbours import FEWEST_KNOWN, neighbours
from ..datasets.redundancy import connected
from ..datasets.splits import guarded_split
from ..dictionary import column_names
from ..models.baselines import BASELINES, Baseline
from ..models.checkpoint import load_model
from ..models.directory import RELEASED
from ..prediction.score import pick_device, score_windows
from ..sequences import UNKNOWN, encode_windows
from ..sites.drops import Drops
from ..sites.window_files import read_task_windows
from ..tables import read_parquet
from ..tasks import Task
from .bootstrap import interval, resample_genes, resampled_metrics
from .contained import find_contained

CONTROL = "composition"
_RUN = ""


def compare_laboratories(
    folder: str | Path,
    sets: Sequence[Mapping[str, Any]],
    splits: Mapping[str, str | Path],
    *,
    tasks: Sequence[Task],
    scheme: str,
    baseline: str = "kmer_blend",
    identity: float = 0.8,
    fewest: int = 30,
    bootstrap: int = 1000,
    seed: int = 0,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> tuple[pd.DataFrame, Drops]:
    """AUROC of each set's model, and of the released one, on each set of the same task.

    A set's own test windows are its test split by genes and similarity; of the others all windows are tested. Those
    that share a gene with the training windows, or resemble one at ``identity`` or above, an exact copy or a shifted
    one, are removed from the test and counted. The released model has seen the run's training and validation windows.

    Parameters
    ----------
    folder : path-like
        Directory of the released model.
    sets : sequence of mappings
        ``name``, ``task``, ``files``, ``negatives_per_positive`` and ``match_gc``, as
        :func:`~rnamarks.sites.window_files.read_task_windows` takes them.
    splits : mapping of task to path
        The run's tables of the border **splits**.
    tasks : sequence of Task
        Those of the sets. Of a task that the released model lacks, the sets' own models are tested alone.
    scheme : str
        That the released model was trained on.
    baseline : str
        Name of the baseline that each set trains.
    identity : float
        From it on windows are alike, see :func:`~rnamarks.datasets.neighbours.neighbours`.
    fewest : int
        Tests with fewer positives or negatives than this have no AUROC.
    bootstrap, seed, device, threads
        Resamples: genes are drawn whole where they are known, else windows.

    Returns
    -------
    table : pandas.DataFrame
        Table ``laboratories``, without the columns that :func:`~rnamarks.tasks.add_task_columns` adds.
    drops : Drops
        What became of the windows of each set when they were read.

    Raises
    ------
    InputError
        If a file cannot be used, or a set has no training window of a label.
    """
    torch.set_num_threads(threads)
    model, config = load_model(folder)
    target = pick_device(device)
    rows, drops = [], Drops()
    for task in tasks:
        asked = [entry for entry in sets if entry["task"] == task.name]
        names = [entry["name"] for entry in asked]
        windows = _read(asked, task, config.window, splits[task.name], scheme, drops, seed)
        pool = _Pool(windows, identity, seed, threads)
        for trained in [*names, RELEASED] if task.name in config.task_names else names:
            training = pool.training(trained)
            control = _fitted(CONTROL, pool, training, task, seed).logit(pool.codes)
            if trained == RELEASED:
                logits = score_windows(model, pool.codes, task.name, device=target)
            else:
                logits = _fitted(baseline, pool, training, task, seed).logit(pool.codes)
            for name in names:
                test, removed = pool.test(trained, name)
                measured = _measure(pool, test, np.stack([logits, control])[:, test], fewest, bootstrap, seed)
                rows.append({"task": task.name, "trained": trained, "tested": name, "removed": removed} | measured)
                figures = f"AUROC {measured['value']:.3f}, {CONTROL} {measured['control']:.3f}"
                report(f"{task.name}, {trained} on {name}: {figures}")
    table = pd.DataFrame(rows)
    table["model"] = np.where(table["trained"] == RELEASED, RELEASED, baseline)
    return table[column_names("laboratories", task_columns=False)], drops


def _read(
    sets: Sequence[Mapping[str, Any]], task: Task, width: int, split: str | Path, scheme: str, drops: Drops, seed: int
) -> pd.DataFrame:
    """Windows of all sets and, under the name ``""``, those that the released model has seen; column ``part``."""
    tables = []
    for entry in sets:
        frame, dropped = read_task_windows(
            entry["files"],
            task=replace(task, name=entry["name"], centred=True),
            width=width,
            negatives_per_positive=entry["negatives_per_positive"],
            match_gc=entry["match_gc"],
            pad=True,
            seed=seed,
        )
        drops.merge(dropped)
        tables.append(frame.assign(set=entry["name"], part=""))
    seen, _ = read_parquet(split, [*column_names("windows"), scheme])
    seen = seen[seen[scheme].isin(["train", "valid"])]
    return pd.concat([*tables, seen.assign(set=_RUN, part=seen[scheme])], ignore_index=True)


class _Pool:
    """Windows of one task from all sets, and which resemble which."""

    def __init__(self, windows: pd.DataFrame, identity: float, seed: int, threads: int) -> None:
        self.codes = encode_windows(windows["sequence"])
        self.labels = windows["label"].to_numpy() == 1
        self.names = windows["set"].to_numpy(dtype=object)
        self._distinct, texts = pd.factorize(windows["sequence"])
        pairs = neighbours(list(texts), min_identity=identity, threads=threads)
        self._pairs = pairs["query"].to_numpy(), pairs["target"].to_numpy()
        own = self.names != _RUN
        split = guarded_split(
            windows[own].assign(task=self.names[own]).reset_index(drop=True),
            seed=seed,
            clusters=connected(pairs, len(texts))[self._distinct[own]],
        )
        self.part = windows["part"].to_numpy(dtype=object)
        self.part[own] = split.splits
        gene = windows["gene"].to_numpy(dtype=object)
        self.gene = np.where(gene == "", [f"\t{at}" for at in range(len(gene))], gene)

    def training(self, trained: str) -> np.ndarray:
        """Which windows a baseline of this set is fitted to."""
        if trained == RELEASED:
            return (self.names == _RUN) & (self.part == "train")
        return (self.names == trained) & np.isin(self.part, ["train", "valid"])

    def test(self, trained: str, tested: str) -> tuple[np.ndarray, int]:
        """Which windows of a set are tested, and how many were removed as known to what is tested."""
        mine = self.names == tested
        if trained == tested:
            return mine & (self.part == "test"), 0
        seen = self.names == _RUN if trained == RELEASED else self.training(trained)
        known = np.zeros(self._distinct.max() + 1, dtype=bool)
        known[self._distinct[seen]] = True
        query, target = self._pairs
        alike = known.copy()
        alike[query[known[target]]] = True
        alike[target[known[query]]] = True
        removed = mine & (alike[self._distinct] | np.isin(self.gene, self.gene[seen]) | self._inside(mine, seen))
        return mine & ~removed, int(removed.sum())

    def _inside(self, mine: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Tested windows with too few letters to be aligned that lie inside a seen one, or hold such a seen one."""
        found = np.zeros(len(mine), dtype=bool)
        n_known = (self.codes < UNKNOWN).sum(axis=1)
        for short, wide, tested in ((mine, seen, 0), (seen, mine, 1)):
            few = short & (n_known < FEWEST_KNOWN)
            rows = np.flatnonzero(wide)
            for number in np.unique(n_known[few]):
                these = np.flatnonzero(few & (n_known == number))
                first = (self.codes.shape[1] - number) // 2
                cores = self.codes[these][:, first : first + number]
                hits = find_contained(cores, self.codes[rows])[tested]
                found[(rows if tested else these)[hits]] = True
        return found


def _fitted(kind: str, pool: _Pool, rows: np.ndarray, task: Task, seed: int) -> Baseline:
    found = BASELINES[kind]
    motif = {"motif": task.motif if len(task.motif.strip("N")) > 1 else "", "motif_offset": task.motif_offset}
    unfitted = found.from_mapping({name: value for name, value in motif.items() if name in found.kinds()})
    return unfitted.fit(pool.codes[rows], pool.labels[rows], seed=seed)


class _Value(NamedTuple):
    value: float
    low: float
    high: float


def _measure(pool: _Pool, test: np.ndarray, scores: np.ndarray, fewest: int, n: int, seed: int) -> dict[str, float]:
    """AUROC of a model and of the composition on the same windows and resamples, and their difference."""
    labels = pool.labels[test]
    counts = {
        "n_positive": int(labels.sum()),
        "n_negative": int((~labels).sum()),
        "prevalence": float(labels.mean()) if len(labels) else np.nan,
    }
    found = dict.fromkeys(("", "control", "difference"), _Value(np.nan, np.nan, np.nan))
    if min(counts["n_positive"], counts["n_negative"]) >= fewest:
        gene = pool.gene[test]
        resamples = resample_genes(gene, n, np.random.default_rng(seed)) if len(set(gene)) < len(gene) else None
        values, draws = resampled_metrics(labels, scores, n=n, seed=seed, resamples=resamples)
        value, draw = values["auroc"], draws["auroc"]
        for name, one, drawn in (
            ("", value[0], draw[0]),
            ("control", value[1], draw[1]),
            ("difference", value[0] - value[1], draw[0] - draw[1]),
        ):
            found[name] = _Value(float(one), *interval(drawn))
    return dict(_columns(found)) | counts


def _columns(found: Mapping[str, _Value]) -> Iterator[tuple[str, float]]:
    for name, value in found.items():
        yield name or "value", value.value
        yield f"{name}_low".strip("_"), value.low
        yield f"{name}_high".strip("_"), value.high
