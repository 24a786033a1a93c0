"""Attention of a network on the windows that it calls, by head.

Networks with attention give each head a distribution over words of their window; :mod:`rnamarks.prediction.attended`
turns it into weights of nucleotides and into the few windows that have most of it.

Attention says where a head looks, not what it concludes from it: integrated gradients
(:mod:`rnamarks.interpretation.attribution`) come in the same form, one number per nucleotide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import norm
from torch import nn

from ..errors import InputError
from ..prediction.attended import spread_words, top_windows
from ..prediction.score import BATCH_SIZES
from ..sequences import decode, encode_windows
from .attribution import integrated_gradients
from .positives import ATTENDED_COLUMNS, Head

METHODS = ("attention", "integrated_gradients")
TOP_COLUMNS = ("modification", "method", "window", "logit", "rank", "first", "last", "letters", "weight", "share")
PROFILE_COLUMNS = ("modification", "method", "offset", "mean", "low", "high", "relative", "windows")
_Z = float(norm.ppf(0.975))


def attentive(model: nn.Module) -> list[nn.Module]:
    """The networks of a model, which must all have attention.

    Parameters
    ----------
    model : Ensemble or Stack
        Of a stack the networks alone are asked: baselines attend to nothing.

    Raises
    ------
    InputError
        If a network has none.
    """
    members = list(model.networks.members)
    for member in members:
        if not hasattr(member, "attend"):
            raise InputError(
                "the network has no attention to read",
                value=type(member).__name__,
                remedy="choose a multirm network, or integrated gradients",
            )
    return members


def view_of(network: nn.Module, window: int) -> tuple[int, int]:
    """First nucleotide of a window that the network reads, 0-based, and how many it reads."""
    width = int(getattr(network, "crop", 0)) or window
    return (window - width) // 2, width


@torch.inference_mode()
def attend(
    network: nn.Module, codes: np.ndarray, *, batch_size: int | None = None, device: str | torch.device = "cpu"
) -> np.ndarray:
    """Attention of one network to the words of windows.

    Parameters
    ----------
    network : torch.nn.Module
        With ``attend``; put into evaluation mode here.
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    batch_size : int, optional
    device : str or torch.device

    Returns
    -------
    numpy.ndarray, shape=(n_windows, n_heads, n_words), dtype=float32
        Every row sums to 1. Words are those of the part of the window that the network reads.
    """
    network.eval().to(device)
    batch_size = batch_size or BATCH_SIZES[torch.device(device).type]
    # one window tells the numbers of heads and words where there is none to read
    given = codes if len(codes) else np.zeros((1, codes.shape[1]), dtype=np.uint8)
    parts = [
        network.attend(torch.from_numpy(np.ascontiguousarray(given[start : start + batch_size])).to(device))
        for start in range(0, len(given), batch_size)
    ]
    return torch.cat([part.float().cpu() for part in parts]).numpy()[: len(codes)]


def attend_letters(
    model: nn.Module,
    codes: np.ndarray,
    head: int,
    *,
    mean: bool = False,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Attention of one head to the nucleotides of windows, mean over the networks of a model.

    Parameters
    ----------
    model : Ensemble or Stack
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    head : int
        Its number among the model's heads.
    mean : bool
        See :func:`spread_words`.
    batch_size : int, optional
    device : str or torch.device

    Returns
    -------
    numpy.ndarray, shape=(n_windows, window), dtype=float32
        0 where the network does not read.
    """
    members = attentive(model)
    window = codes.shape[1]
    total = np.zeros(codes.shape, dtype=np.float32)
    for member in members:
        words = attend(member, codes, batch_size=batch_size, device=device)[:, head]
        first, width = view_of(member, window)
        total[:, first : first + width] += spread_words(words, width - words.shape[1] + 1, mean=mean)
    return total / len(members)


def attend_positives(
    given: Head,
    *,
    methods: Sequence[str] = ("attention",),
    share: float = 0.1,
    least: int = 0,
    most: int = 0,
    mean: bool = False,
    gradients: Mapping[str, Any] | None = None,
    most_gradients: int = 0,
    warn: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Weights of the nucleotides of one head's most confident true positives.

    Parameters
    ----------
    given : Head
    methods : sequence of str
        Of :data:`METHODS`.
    share, least, most
        See :meth:`~rnamarks.interpretation.positives.Head.positives`.
    mean : bool
        See :func:`spread_words`.
    gradients : mapping, optional
        Options of :func:`rnamarks.interpretation.attribution.integrated_gradients`.
    most_gradients : int
        Windows that integrated gradients explain, those with the highest logit; 0 takes all that attention does. They
        cost some hundred times as much.
    warn : callable

    Returns
    -------
    pandas.DataFrame
        Columns :data:`ATTENDED_COLUMNS`: one row per window and method, ``weights`` one float32 per nucleotide:
        attention (0 where the network does not read), or nats of log odds. Highest logit first; empty where the head
        calls no modified window.
    """
    for method in methods:
        if method not in METHODS:
            raise InputError("no such way to weigh nucleotides", value=method, remedy=f"one of {', '.join(METHODS)}")
    positives = given.positives(share=share, least=least, most=most)
    if not len(positives):
        return pd.DataFrame(columns=list(ATTENDED_COLUMNS))
    tables = []
    for method in methods:
        if method == "attention":
            mine = positives
            weights = attend_letters(given.model, mine.codes, given.number, mean=mean, **given.where)
        else:
            mine = positives.first(most_gradients)
            options = {"warn": warn} | given.gradient_options(gradients)
            weights = integrated_gradients(given.model.networks, mine.codes, given.name, **options).letters
        tables.append(mine.table(given.name, method, weights))
    return pd.concat(tables, ignore_index=True)


def weight_matrix(attended: pd.DataFrame) -> np.ndarray:
    """The column ``weights`` of :func:`attend_positives` as an array, shape (n, window), dtype float32."""
    if attended.empty:
        return np.zeros((0, 0), dtype=np.float32)
    return np.stack([np.asarray(row, dtype=np.float32) for row in attended["weights"]])


def top_table(attended: pd.DataFrame, *, width: int = 3, count: int = 3, margin: int = 1) -> pd.DataFrame:
    """The windows with most weight of each explained window, as the original's command line lists them.

    Parameters
    ----------
    attended : pandas.DataFrame
        Columns :data:`ATTENDED_COLUMNS`.
    width, count, margin
        See :func:`top_windows`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`TOP_COLUMNS`: ``first`` and ``last`` nucleotide relative to the site, ``letters`` RNA,
        ``weight`` their sum and ``share`` its part of the sum of all absolute weights.
    """
    tables = []
    for _, rows in attended.groupby(["modification", "method"], sort=False):
        weights = weight_matrix(rows)
        window = weights.shape[1]
        starts, sums = top_windows(weights, width=width, count=count, margin=margin)
        codes = encode_windows(rows["sequence"])
        row, rank = np.nonzero(starts >= 0)
        begin = starts[row, rank]
        total = np.abs(weights, dtype=np.float64).sum(axis=1)
        tables.append(
            rows.iloc[row][["modification", "method", "window", "logit"]].assign(
                rank=rank + 1,
                first=begin - window // 2,
                last=begin + width - 1 - window // 2,
                letters=[decode(codes[at, start : start + width]) for at, start in zip(row, begin, strict=True)],
                weight=sums[row, rank],
                share=np.divide(sums[row, rank], total[row], out=np.zeros(len(row)), where=total[row] > 0),
            )
        )
    if not tables:
        return pd.DataFrame(columns=list(TOP_COLUMNS))
    return pd.concat(tables, ignore_index=True)[list(TOP_COLUMNS)]


def profile_table(attended: pd.DataFrame) -> pd.DataFrame:
    """Mean weight of each place in the window.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`PROFILE_COLUMNS`: ``offset`` from the site, nt, negative upstream; ``low`` and ``high`` the 95 %
        interval of the mean over windows (normal approximation, NaN for one window); ``relative`` the mean over the
        largest of the mark and method. Places that get nothing in any
        window, which the network does not read, are left out.
    """
    tables = []
    for (modification, method), rows in attended.groupby(["modification", "method"], sort=False):
        weights = weight_matrix(rows).astype(np.float64)
        n, window = weights.shape
        read = np.flatnonzero(weights.mean(axis=0))
        if not len(read):
            continue
        read = np.arange(read[0], read[-1] + 1)
        centre = weights[:, read].mean(axis=0)
        reach = _Z * weights[:, read].std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.nan
        tables.append(
            pd.DataFrame(
                {
                    "modification": modification,
                    "method": method,
                    "offset": read - window // 2,
                    "mean": centre,
                    "low": centre - reach,
                    "high": centre + reach,
                    "relative": centre / np.abs(centre).max(),
                    "windows": n,
                }
            )
        )
    if not tables:
        return pd.DataFrame(columns=list(PROFILE_COLUMNS))
    return pd.concat(tables, ignore_index=True)[list(PROFILE_COLUMNS)]
