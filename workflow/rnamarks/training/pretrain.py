"""From a corpus to a pre-trained language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from .. import __version__
from ..corpus.store import Corpus
from ..models.language import Language
from ..models.language_files import save_language
from ..models.packing import kernel_for
from ..prediction.score import pick_device
from ..tables import write_tsv
from .checks import pretraining_settings
from .processes import join
from .settings import MaskingSettings, TrainingSettings
from .targets.masked import TASK, MaskedTarget
from .trainer import digest_of, train

OUTPUTS = {TASK: {"target": "masked"}}


def published_settings(*, batch_size: int, steps: int, epochs: int, rate: float) -> TrainingSettings:
    """:func:`~rnamarks.training.checks.pretraining_settings` of what a command line gives.

    Parameters
    ----------
    batch_size, epochs : int
    steps : int
        Of an epoch, which ends with a validation; 0 for a pass over all clusters.
    rate : float
        Highest learning rate.
    """
    return pretraining_settings(
        {"batch_size": batch_size, "steps_per_epoch": steps, "epochs": epochs, "learning_rate": rate}
    )


def pretrain(
    corpus: str | Path,
    folder: str | Path,
    sizes: Mapping[str, Any],
    settings: TrainingSettings,
    masking: MaskingSettings,
    *,
    seed: int,
    checkpoints: str | Path,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Train a language model to fill masked nucleotides, or finish a training of the same one that was interrupted.

    Under ``torchrun``, or as a step of several tasks of SLURM, each process computes a share of every batch; the one
    with rank 0 writes. Batches are those of one process, so that steps differ by rounding and dropout alone.

    Parameters
    ----------
    corpus : path-like
        Written by :func:`rnamarks.corpus.build.build_corpus`.
    folder : path-like
        Gets ``weights.safetensors``, ``config.json`` and ``history.tsv``.
    sizes : mapping
        Of :class:`~rnamarks.models.settings.language.LanguageSettings`.
    settings, masking
    seed : int
        Of the initial weights and of every draw.
    checkpoints : path-like
        Root under which a folder named by a hash of settings, corpus, seed and version is kept.
    device, threads, report
        See :func:`rnamarks.training.trainer.train`.

    Returns
    -------
    pandas.DataFrame
        The history, as written: of each epoch ``loss``, and of held-out sequences ``nll``, ``perplexity``,
        ``accuracy``.
    """
    opened = Corpus(corpus)
    record = {
        "sizes": dict(sizes),
        "settings": asdict(settings),
        "masking": asdict(masking),
        "seed": seed,
        "threads": threads,
        "corpus": opened.about,
        "version": __version__,
    }
    where = pick_device(device)
    with join(where) as processes:
        if processes.count > 1:
            # sums have another order
            record |= {"processes": processes.count}
        torch.manual_seed(seed)
        network = Language(OUTPUTS, **sizes)
        target = MaskedTarget(opened, settings, masking, seed)
        if processes.rank == 0:
            report(_described(network, opened, where) + f"; {processes.count} processes" * (processes.count > 1))
        if settings.compiled and where.type == "cuda":
            # packs have another length each; attention has kernels of its own
            for block in network.trunk.blocks:
                block.feedforward.compile(dynamic=True)
        result = train(
            network,
            target,
            settings,
            seed=seed,
            checkpoints=Path(checkpoints) / digest_of(record),
            device=device,
            threads=threads,
            report=report,
            processes=processes,
        )
        history = pd.DataFrame(result.history)
        if processes.rank == 0:
            network.load_state_dict(result.state)
            save_language(folder, network, sizes, OUTPUTS, training=record | {"best_epoch": result.best_epoch})
            write_tsv(history, Path(folder) / "history.tsv")
    return history


def _described(network: Language, corpus: Corpus, device: torch.device) -> str:
    half = torch.bfloat16 if device.type == "cuda" else torch.float32
    kernel = kernel_for(device, half, network.trunk.settings.attention_dropout)
    count = sum(one.numel() for one in network.parameters())
    return f"{count:,} weights, {len(corpus):,} sequences; attention by {kernel}"
