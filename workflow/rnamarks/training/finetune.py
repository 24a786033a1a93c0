"""From a language model and examples to a model of one task, and its predictions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save
from torch import nn

from .. import __version__
from ..downstream.examples import FOLD, fold_names
from ..downstream.predictions import predictions_table
from ..errors import InputError, about, check_choice
from ..models.language import Language
from ..models.language_files import load_language, read_language, save_language
from ..models.vector_cache import Vectors, cached_vectors
from ..prediction.score import pick_device
from ..tables import write_parquet, write_tsv
from .allocation import keep_freed_memory
from .processes import join
from .settings import RANDOM_WAYS, UNTRAINED, WAYS, FinetuneSettings
from .targets.examples import ExampleTarget
from .targets.label import LabelTarget, probabilities_of
from .targets.pairs import PairsTarget, best_threshold, predicted_partners
from .targets.value import ValueTarget
from .trainer import digest_of, train
from .tuning_data import Examples, split_examples

TARGETS: dict[str, type[ExampleTarget]] = {"pairs": PairsTarget, "label": LabelTarget, "value": ValueTarget}
TASKS = {"pairs": "structure", "label": "label", "value": "value"}
"""Name of a target's head in the model."""


def finetune(
    examples: pd.DataFrame,
    fold: str,
    folder: str | Path,
    *,
    target: str,
    model: str | Path | None,
    sizes: Mapping[str, Any] | None = None,
    way: str = "finetuned",
    head: Mapping[str, Any] | None = None,
    settings: FinetuneSettings,
    seed: int,
    checkpoints: str | Path,
    device: str = "auto",
    threads: int = 1,
    cache: str | Path | None = None,
    source: str | Path | None = None,
    report: Callable[[str], None] = print,
) -> pd.DataFrame | None:
    """Train a language model for a task, or finish a training of the same one that was interrupted.

    Under ``torchrun``, or as a step of several tasks of SLURM, each process computes a share of every batch, where the
    trunk is trained, too.

    Parameters
    ----------
    examples : pandas.DataFrame
        The examples table.
    fold : str
        Its column ``fold_<fold>`` says what is trained on (``train``), what the epoch and the threshold are chosen on
        (``valid``), and what is only predicted (``test``).
    folder : path-like
        Gets ``weights.safetensors``, ``config.json``, ``history.tsv`` and ``predictions.parquet``.
    target : {"pairs", "label", "value"}
    model : path-like or None
        Directory of the language model; None is for ``scratch`` and ``untrained`` with ``sizes``.
    sizes : mapping, optional
        Of :class:`~rnamarks.models.settings.language.LanguageSettings`; default those of ``model``.
    way : {"finetuned", "frozen", "scratch", "untrained"}
        Trunk and head are trained; the head alone; both, from random weights and with the head's rate from the first
        epoch on; the head alone, over random weights.
    head : mapping, optional
        Settings of the head; of ``label`` without the labels, which follow from the examples.
    settings : FinetuneSettings
    seed : int
        Of the head's first weights, without pre-training also of the trunk's, and of every draw.
    checkpoints : path-like
        Root under which a folder named by a hash of all that decides the weights is kept; folds that differ in what is
        tested share one training.
    device, threads, report
        See :func:`rnamarks.training.trainer.train`.
    cache : path-like, optional
        Folder in which ``frozen`` and ``untrained`` keep the vectors of all sequences of the table, so that they are
        computed once for all its folds, and of ``frozen`` for all seeds, see :mod:`rnamarks.models.vector_cache`;
        without it they are computed in every step. The file holds half precision, so that predictions differ slightly.
    source : path-like, optional
        File of the examples, for errors.

    Returns
    -------
    pandas.DataFrame or None
        The predictions table, as written: the splits ``valid`` and ``test``. None in all processes but the first.

    Raises
    ------
    InputError
        If the examples lack what the target needs, a sequence is too long for the model, the way needs a model, or
        several processes are to train the head alone.
    """
    for what, value, known in (("target", target, tuple(TARGETS)), ("way", way, WAYS)):
        check_choice(value, known, f"no such {what}")
    is_random, is_frozen = way in RANDOM_WAYS, way in ("frozen", UNTRAINED)
    if model is None and (not is_random or sizes is None):
        raise InputError("no language model", value=way, remedy="give one, or for scratch and untrained its size")
    with about(path=source):
        splits, labels = split_examples(examples, fold, target)
    task = TASKS[target]
    entry = {"target": target} | dict(head or {})
    if target == "label":
        entry |= {"labels": len(labels) if len(labels) > 2 else 1, "names": list(labels)}
    weights = ""
    if model is not None:
        config, weights = read_language(model)
        sizes = sizes or config.hyperparameters["sizes"]
    torch.manual_seed(seed)
    network = Language({task: entry}, **(sizes or {}))
    if is_random:
        # of those that vectors are kept of, what was drawn: another torch may draw others
        weights = "" if way == "scratch" else hashlib.sha256(save(network.trunk.state_dict())).hexdigest()
    if way == "scratch":
        settings = replace(settings, learning_rate=settings.head_learning_rate, head_epochs=0, blocks_per=0)
    record = {
        "sizes": dict(sizes or {}),
        "head": entry,
        "settings": asdict(settings),
        "way": way,
        "language": weights,
        "seed": seed,
        "threads": threads,
        "cached": bool(cache) and is_frozen,
        "examples": {split: _digest(part) for split, part in splits.items() if split != "test"},
        "version": __version__,
    }
    _check_lengths(network, splits)
    place = pick_device(device)
    if place.type == "cpu":
        keep_freed_memory()
    vectors = None
    if not is_random:
        pretrained, _ = load_language(model)
        if asdict(pretrained.trunk.settings) != asdict(network.trunk.settings):
            raise InputError("the sizes are not those of the model", path=model, remedy="leave the sizes out")
        network.trunk.load_state_dict(pretrained.trunk.state_dict())
        del pretrained
    if is_frozen and cache is not None:
        vectors = _vectors(network, weights, examples, target, cache, place, threads, report)
    trained: nn.Module = network if vectors is None else _HeadAlone(network.heads)
    asked = TARGETS[target](
        splits["train"], splits["valid"], settings, seed, task=task, is_frozen=is_frozen, vectors=vectors
    )
    asked.prepare(trained, seed)
    counts = ", ".join(f"{len(part):,} {split}" for split, part in splits.items())
    left = len(splits["train"]) - len(asked.training_examples)
    with join(place) as processes:
        if processes.count > 1:
            if is_frozen:
                raise InputError(
                    "the head alone is trained in one process",
                    value=processes.count,
                    remedy="start it without torchrun",
                )
            # sums have another order
            record |= {"processes": processes.count}
        if processes.rank == 0:
            report(
                f"examples: {counts}"
                + (f"; longer than {settings.longest} nt and not trained on: {left:,}" if left else "")
            )
        result = train(
            trained,
            asked,
            settings,
            seed=seed,
            checkpoints=Path(checkpoints) / digest_of(record),
            device=device,
            threads=threads,
            report=report,
            processes=processes,
        )
    if processes.rank:
        return None
    trained.load_state_dict(result.state)
    record |= {"fold": fold, "best_epoch": result.best_epoch}
    predictions, threshold = _predict(trained, asked, target, splits, labels, place)
    save_language(
        folder,
        network,
        sizes or {},
        {task: entry},
        threshold=None if threshold is None else {task: threshold},
        training=record,
    )
    write_tsv(pd.DataFrame(result.history), Path(folder) / "history.tsv")
    write_parquet(predictions, Path(folder) / "predictions.parquet")
    return predictions


class _HeadAlone(nn.Module):
    """What is trained where the trunk's vectors are known; its heads are those of the whole network."""

    def __init__(self, heads: nn.ModuleDict) -> None:
        super().__init__()
        self.heads = heads


def _vectors(
    network: Language,
    weights: str,
    examples: pd.DataFrame,
    target: str,
    cache: str | Path,
    place: torch.device,
    threads: int,
    report: Callable[[str], None],
) -> Vectors:
    """Vectors of every sequence that some fold of the table uses."""
    used = (examples[[FOLD + name for name in fold_names(examples)]] != "").any(axis=1)
    torch.set_num_threads(threads)
    return cached_vectors(
        network,
        weights,
        examples["sequence"][used],
        cache,
        pool="cls" if target == "label" else "tokens",
        device=place,
        report=report,
    )


def _check_lengths(network: Language, splits: Mapping[str, Examples]) -> None:
    """Positions that are learned have an end."""
    if network.trunk.places is None:
        return
    most = network.trunk.settings.longest
    for part in splits.values():
        for name, tokens in zip(part.frame["example"], part.tokens, strict=True):
            if len(tokens) > most:
                raise InputError(
                    f"example {name} has more than the {most - 2} nt that the model has positions for",
                    value=len(tokens) - 2,
                    remedy="leave it out or take a model with rotary positions",
                )


def _digest(examples: Examples) -> str:
    """A hash of examples: names, sequences, answers."""
    digest = hashlib.sha256()
    for name, tokens, answer in zip(examples.frame["example"], examples.tokens, examples.answers, strict=True):
        digest.update(f"{name}\n{len(tokens)}\n".encode() + tokens.tobytes() + np.asarray(answer).tobytes())
    return digest.hexdigest()


def _predict(
    network: nn.Module,
    asked: ExampleTarget,
    target: str,
    splits: Mapping[str, Examples],
    labels: tuple[str, ...],
    place: torch.device,
) -> tuple[pd.DataFrame, float | None]:
    """The predictions table, and the threshold of pairs, which is that of the validation split."""
    said = {split: asked.answers(network, splits[split], place) for split in ("valid", "test")}
    threshold = None
    if target == "pairs":
        threshold, _ = best_threshold(said["valid"], splits["valid"].answers)
    frames = []
    for split, found in said.items():
        if not found:
            continue
        predicted: Any = found
        if threshold is not None:
            predicted = predicted_partners(found, splits[split], threshold)
        elif target == "label":
            predicted = probabilities_of(np.stack(found))
        frames.append(predictions_table(splits[split].frame.assign(split=split), target, predicted, labels))
    return pd.concat(frames, ignore_index=True), threshold
