"""Perplexity of masked nucleotides, of language models and of counts, on RNA that training kept away from.

All are asked for the same nucleotides of the same pieces, 80 % of them masked, 10 % replaced and 10 % as they were.
Sets are ``held``, the hold-out of the corpus, and those of a table of judged RNA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from ..corpus.store import HELD, Corpus
from ..dictionary import column_names
from ..errors import InputError
from ..models.language import Language
from ..models.packing import Pack
from ..models.tokens import letters_to_tokens
from ..training.masking import MaskedBatch, judged_batch
from ..training.settings import MaskingSettings
from ..training.targets.masked import TASK, split_batch
from .bootstrap import interval, resample_counts
from .context_counts import BASELINES, ContextCounts

_TOKENS = 8192
_MOST, _COUNTED = 2000, 20_000_000
"""Sequences of the hold-out that are judged, and nucleotides that are counted, at most."""
COLUMNS = column_names("perplexity")
"""Of the tables that :func:`judge_sets` and :func:`judge_baselines` make."""


Losses = Callable[[MaskedBatch], tuple[np.ndarray, np.ndarray]]
"""Of a batch the negative log-likelihood of each chosen token, and whether the most probable letter is the true one."""


class _Listed:
    """Sequences of a table, as tokens."""

    def __init__(self, sequences: pd.Series) -> None:
        self._tokens = [letters_to_tokens(text) for text in sequences]
        self.lengths = np.fromiter(map(len, self._tokens), np.int64, len(self._tokens))

    def __getitem__(self, index: int) -> np.ndarray:
        return self._tokens[index]


def judge_sets(
    network: Language,
    corpus: Corpus,
    judged: pd.DataFrame | None = None,
    *,
    language: str,
    seed: int = 0,
    masking: MaskingSettings | None = None,
    most: int = 2000,
    draws: int = 1000,
    device: torch.device | str = "cpu",
) -> pd.DataFrame:
    """Perplexity of a model on each set.

    Parameters
    ----------
    network : Language
        With a head for masked tokens.
    corpus : Corpus
        Its hold-out is the set ``held``, if it has one.
    judged : pandas.DataFrame, optional
        Columns ``set`` and ``sequence`` (RNA or DNA).
    language, seed
        For the table.
    masking : MaskingSettings, optional
        Which hold-out, how many nucleotides, and how long the pieces are that are read of longer sequences.
    most : int
        Sequences of a set, drawn once for all models; 0 for all. With that of the training's ``validation_windows``
        the perplexity of ``held`` is that of its history.
    draws : int
        Resamples of sequences, for the intervals.
    device : torch.device or str

    Returns
    -------
    pandas.DataFrame
        A row per set, with :data:`COLUMNS`: ``perplexity`` (exponential of the mean negative log-likelihood of the
        chosen nucleotides) with its 95 % interval over sequences, ``accuracy`` (fraction whose most probable letter is
        the true one), ``nucleotides`` (chosen ones).

    Raises
    ------
    InputError
        If there is no set, or the model has no head for masked tokens.
    """
    if TASK not in network.heads:
        raise InputError("the model has no head for masked tokens", value=language, remedy="give a pre-trained model")
    network.eval().to(device)
    keys = {"language": language, "seed": seed}
    size = sum(one.numel() for one in network.parameters())
    sets = _batches(corpus, judged, masking or MaskingSettings(), most)
    return _table(
        keys | row | {"parameters": size} for row in _judged(lambda batch: _losses(network, batch, device), sets, draws)
    )


def judge_baselines(
    corpus: Corpus,
    judged: pd.DataFrame | None = None,
    *,
    masking: MaskingSettings | None = None,
    draws: int = 1000,
) -> pd.DataFrame:
    """Perplexity of counts of nucleotides, as :func:`judge_sets` of a model; seed 0.

    ``composition`` knows how often each letter is, ``markov3`` how often behind the three before it, ``kmer7`` how
    often between the three before and the three behind it, see :class:`ContextCounts`. They are counted on what
    training reads of the corpus, on 20 million nucleotides at most of sequences drawn at random, and, like a model, see
    what stands in the place of a nucleotide that is not masked.
    """
    masking = masking or MaskingSettings()
    sets = _batches(corpus, judged, masking, _MOST)
    rows: list[dict[str, Any]] = []
    for name, (before, after) in BASELINES.items():
        counts = ContextCounts.of_corpus(corpus, before, after, held=masking.held, most=_COUNTED)
        keys = {"language": name, "seed": 0, "parameters": counts.parameters}
        rows += [keys | row for row in _judged(counts.losses, sets, draws)]
    return _table(rows)


def _table(rows) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=COLUMNS)
    if found.empty:
        raise InputError(
            "there is no RNA to judge a model on", value="held", remedy="hold clusters out, or give judged RNA"
        )
    return found


def _batches(
    corpus: Corpus, judged: pd.DataFrame | None, masking: MaskingSettings, most: int
) -> dict[str, MaskedBatch]:
    """What is asked of each set."""
    held = np.flatnonzero(corpus.held & HELD[masking.held])
    sets = [("held", corpus, held)] if len(held) else []
    if judged is not None:
        for name, own in judged.groupby("set", sort=False):
            sets.append((name, _Listed(own["sequence"]), np.arange(len(own))))
    return {
        name: judged_batch(sequences, indices, most, masking.longest, masking.fraction)
        for name, sequences, indices in sets
    }


def _judged(losses: Losses, sets: Mapping[str, MaskedBatch], draws: int) -> Iterator[Mapping[str, Any]]:
    for name, batch in sets.items():
        yield {"set": name} | summarise(batch, *losses(batch), draws)


def summarise(batch: MaskedBatch, nll: np.ndarray, right: np.ndarray, draws: int) -> dict[str, Any]:
    """Perplexity with its interval over sequences, accuracy and counts, of the loss and answer of each chosen token."""
    owners = np.searchsorted(batch.lengths.cumsum(), batch.rows, side="right")
    size = len(batch.lengths)
    sums, counts = np.bincount(owners, nll, size), np.bincount(owners, minlength=size)
    means = np.concatenate(
        [
            times @ sums / np.maximum(times @ counts, 1)
            for times in resample_counts(np.zeros(size), draws, np.random.default_rng(0))
        ]
    )
    low, high = np.exp(interval(means))
    return {
        "perplexity": float(np.exp(nll.mean())),
        "low": float(low),
        "high": float(high),
        "accuracy": float(right.mean()),
        "nucleotides": len(nll),
        "sequences": size,
    }


@torch.inference_mode()
def _losses(network: Language, batch: MaskedBatch, device: torch.device | str) -> tuple[np.ndarray, np.ndarray]:
    nll, right = [], []
    for part in split_batch(batch, _TOKENS):
        tokens, rows, truth = (torch.from_numpy(one).to(device) for one in (part.tokens, part.rows, part.truth))
        logits = network.heads[TASK](network.trunk(Pack(tokens.long(), tuple(part.lengths.tolist())))[rows]).float()
        nll.append(F.cross_entropy(logits, truth, reduction="none").double().cpu().numpy())
        right.append((logits.argmax(dim=1) == truth).cpu().numpy())
    return np.concatenate(nll), np.concatenate(right)
