"""Combiners fitted to sites of transcripts, with logits of networks that have not seen the sites' genes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import __version__
from ..errors import InputError
from ..files import atomic_path
from ..models.checkpoint import Ensemble, load_model
from ..models.combiner import Combiner, combine
from ..models.directory import read_config
from ..models.registry import build_model
from ..models.settings.combiner import CombinerSettings
from ..prediction.combined import unknown_places, within_reach
from ..prediction.exact import ExactEngine
from ..prediction.score import pick_device
from ..sequences import encode_windows
from ..sites.gene_structure import places_of
from ..sites.windows import lay
from ..tables import read_parquet
from ..tasks import Task
from .fit import digest_splits, fit_network
from .sampler import TaskData
from .settings import SiteSettings
from .targets.site import SiteTarget
from .trainer import digest_of
from .warm_start import Start

_REACH = 250
"""nt on either side within which logits of further bases are computed, whether or not the settings read them."""
COLUMNS = ["window", "transcript", "start", "gene", "sequence", "label"]


@dataclass(frozen=True)
class Networks:
    """The networks whose logits are combined.

    Where they were trained on the task itself, folds of it are trained as they were; where they were trained on windows
    apart from its transcripts, they are asked as they are.

    Attributes
    ----------
    folders : sequence of path-like
        Model directories of the seeds.
    heads : sequence of str
        Their tasks.
    network, hyperparameters, settings
        As they were trained, see :func:`rnamarks.training.fit.fit_network`.
    seeds : sequence of int
    starts : sequence of Start
        By seed; empty for random weights.
    """

    folders: Sequence[str | Path]
    heads: Sequence[str]
    network: str
    hyperparameters: Mapping[str, Any]
    settings: SiteSettings
    seeds: Sequence[int]
    starts: Sequence[Start] = ()


def fit_combiner(
    splits: str | Path,
    transcripts: str | Path,
    task: Task,
    settings: CombinerSettings,
    *,
    scheme: str,
    networks: Networks | None,
    folds: int,
    seed: int,
    checkpoints: str | Path,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> tuple[Combiner, pd.DataFrame]:
    """Fit trees to the sites of the training split, and score the other splits.

    Logits are means over the networks. Those that were trained on the task know the labels of its training sites, so
    the logits of these, and of their neighbours, come from networks that were trained with the same settings on the
    other folds of genes.

    Parameters
    ----------
    splits : path-like
        Border **splits** of the task.
    transcripts : path-like
        Border **transcripts** that its windows lie on.
    task : Task
    settings : CombinerSettings
    scheme : str
    networks : Networks or None
        Where the settings ask for logits.
    folds : int
        Folds of genes.
    seed : int
        Of the folds and the trees.
    checkpoints, device, threads, report
        See :func:`rnamarks.training.fit.fit_network`.

    Returns
    -------
    combiner : Combiner
    predictions : pandas.DataFrame
        Border **predictions** of ``valid`` and ``test``.

    Raises
    ------
    InputError
        If a transcript of the windows is missing or has no exons where the settings read them.
    """
    frame, _ = read_parquet(splits, [*COLUMNS, scheme])
    sites = _Sites(frame, transcripts, task, settings)
    split = frame[scheme].to_numpy(dtype=object)
    train, held = np.flatnonzero(split == "train"), np.flatnonzero(np.isin(split, ("valid", "test")))
    labels = frame["label"].to_numpy(dtype=bool)
    heads = list(networks.heads) if networks else []
    scorer = None
    if networks:
        members = [load_model(folder)[0].networks.members[0] for folder in networks.folders]
        digests = [read_config(folder)[1] for folder in networks.folders]
        scorer = _Scorer(members, heads, frame, device, Path(checkpoints), digest_of({"weights": digests}))
    if task.name not in heads:
        features = sites.features(np.arange(len(frame)), scorer)
    else:
        parts = [(held, sites.features(held, scorer))]
        for number, rows in enumerate(gene_folds(frame.iloc[train], folds, seed)):
            rows = train[rows]
            trained = _out_of_fold(
                networks, frame, task, np.setdiff1d(train, rows), split, splits, scheme, (number, folds, seed),
                checkpoints=checkpoints, device=device, threads=threads, report=report,
            )  # fmt: skip
            parts.append((rows, sites.features(rows, _Scorer(trained, heads, frame, device))))
            report(f"fold {number + 1} of {folds}: {len(rows):,} sites")
        features = np.empty((len(frame), parts[0][1].shape[1]), dtype=np.float32)
        for rows, values in parts:
            features[rows] = values
    learned, known = features[train], labels[train]
    if scorer and settings.reads != "exons" and task.name not in heads:
        # each site once more as its window alone shows it, so that windows can be asked about, too
        learned = np.concatenate([learned, sites.alone(scorer)[train]])
        known = np.tile(known, 2)
    combiner = Combiner.fit(settings, heads, learned, known, seed=seed)
    combiner.windows = {"positives": int(labels[train].sum()), "negatives": int((~labels[train]).sum())}
    predictions = pd.DataFrame(
        {
            "window": frame["window"].to_numpy()[held],
            "task": task.name,
            "split": split[held],
            "label": frame["label"].to_numpy()[held],
            "logit": combiner.logit(features[held]),
        }
    )
    return combiner, predictions


def gene_folds(windows: pd.DataFrame, folds: int, seed: int) -> list[np.ndarray]:
    """Rows of each fold: genes stay together, and folds have about as many positives.

    Parameters
    ----------
    windows : pandas.DataFrame
        Columns ``gene``, ``transcript`` (in place of a gene without a name) and ``label``.
    folds, seed : int

    Returns
    -------
    list of numpy.ndarray, dtype=int64
    """
    from sklearn.model_selection import StratifiedGroupKFold

    gene = windows["gene"].where(windows["gene"] != "", windows["transcript"])
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return [rows for _, rows in splitter.split(windows, windows["label"], gene)]


def _out_of_fold(
    networks: Networks,
    frame: pd.DataFrame,
    task: Task,
    rows: np.ndarray,
    split: np.ndarray,
    splits: str | Path,
    scheme: str,
    fold: tuple[int, int, int],
    **options: Any,
) -> list[Any]:
    """Networks, one per seed, trained on some rows of the training split."""

    def data(chosen: np.ndarray) -> dict[str, TaskData]:
        part = frame.iloc[chosen]
        return {task.name: TaskData(encode_windows(part["sequence"]), part["label"].to_numpy(dtype=bool))}

    training, validation = data(rows), data(np.flatnonzero(split == "valid"))
    window = len(frame["sequence"].iloc[0])
    digests = digest_splits({task.name: splits}, scheme, "train", "valid")
    found = []
    for at, one in enumerate(networks.seeds):
        result = fit_network(
            networks.network,
            networks.hyperparameters,
            [task.name],
            window,
            SiteTarget(training, validation, networks.settings, one),
            networks.settings,
            data={"windows": digests, "genes": "fold {} of {}, seed {}".format(*fold)},
            seed=one,
            start=networks.starts[at] if networks.starts else None,
            **options,
        )
        network = build_model(networks.network, [task.name], window, networks.hyperparameters)
        network.load_state_dict(result.state)
        found.append(network)
    return found


class _Scorer:
    """Mean logits of networks; those with a digest are kept in a folder, as several combiners ask for the same."""

    def __init__(
        self,
        members: Sequence[Any],
        heads: Sequence[str],
        frame: pd.DataFrame,
        device: str,
        folder: Path | None = None,
        digest: str = "",
    ) -> None:
        self._engine = ExactEngine(Ensemble(members).eval(), len(frame["sequence"].iloc[0]), device=pick_device(device))
        self._heads, self._folder, self._digest = list(heads), folder, digest
        self.width = self._engine.width

    def score(self, codes: np.ndarray, at: np.ndarray) -> list[np.ndarray]:
        """Logits of each head at ascending places of laid-out codes."""
        if self._folder is None:
            return self._ask(codes, at)
        asked = {"model": self._digest, "heads": self._heads, "codes": _sha256(codes), "at": _sha256(at)}
        path = self._folder / f"logits.{digest_of(asked | {'version': __version__})}.npy"
        if path.exists():
            return list(np.load(path))
        found = self._ask(codes, at)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as part, open(part, "wb") as handle:
            np.save(handle, np.stack(found))
        return found

    def _ask(self, codes: np.ndarray, at: np.ndarray) -> list[np.ndarray]:
        logits = self._engine.score(codes, dict.fromkeys(self._heads, at)).logits
        return [logits[head] for head in self._heads]


def _sha256(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


class _Sites:
    """Sites of a table, on their transcripts."""

    def __init__(self, frame: pd.DataFrame, transcripts: str | Path, task: Task, settings: CombinerSettings) -> None:
        table, _ = read_parquet(transcripts)
        table = table[table["transcript"].isin(set(frame["transcript"]))].reset_index(drop=True)
        row_of = pd.Series(table.index, index=table["transcript"])
        row = frame["transcript"].map(row_of)
        if row.isna().any():
            raise InputError(
                "a site lies on a transcript that is not there",
                path=transcripts,
                value=frame["transcript"][row.isna()].iloc[0],
                remedy="make transcripts and windows again",
            )
        self._task, self._settings = task, settings
        self._row, self._position = row.to_numpy(np.int64), frame["start"].to_numpy(np.int64)
        self._texts, self._windows = table["sequence"].tolist(), frame["sequence"].tolist()
        self._structure = places_of(settings.reads, table)
        if self._structure is not None and not self._structure.known.all():
            raise InputError("a transcript with sites has no exons", path=transcripts, remedy="give its annotation")

    def alone(self, scorer: _Scorer) -> np.ndarray:
        """Features of all rows of the table if nothing but their windows is known."""
        laid = lay(self._windows, self._margin(scorer))
        at = laid.starts + len(self._windows[0]) // 2
        others = within_reach(laid.codes, self._task, at, _REACH)
        places = unknown_places(self._settings.reads, len(at))
        return combine(self._settings, laid.codes, at, others, scorer.score(laid.codes, others), places)

    def _margin(self, scorer: _Scorer | None) -> int:
        # the same for all settings within it, so that logits are computed once
        return max(_REACH + (scorer.width // 2 if scorer else 0), self._settings.reach)

    def features(self, rows: np.ndarray, scorer: _Scorer | None) -> np.ndarray:
        """Features of some rows of the table, in their order, with logits of networks."""
        settings = self._settings
        chosen = np.unique(self._row[rows])
        laid = lay([self._texts[row] for row in chosen], self._margin(scorer))
        places = laid.starts[np.searchsorted(chosen, self._row[rows])] + self._position[rows]
        order = np.argsort(places)
        at = places[order]
        others = within_reach(laid.codes, self._task, at, max(_REACH, settings.neighbours))
        logits = scorer.score(laid.codes, others) if scorer else []
        structure = None
        if self._structure is not None:
            structure = self._structure.features(self._row[rows][order], self._position[rows][order])
        found = combine(settings, laid.codes, at, others, logits, structure)
        return found[np.argsort(order)]
