"""The windows of a head that are explained: modified ones that the model calls with most confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from ..errors import InputError
from ..prediction.score import score_windows
from ..sequences import encode_windows
from ..tables import require_columns
from .attribution import letter_shares

ATTENDED_COLUMNS = ("modification", "method", "window", "sequence", "logit", "weights")


def best_true_positives(
    logits: np.ndarray, *, share: float = 0.1, least: int = 0, threshold: float = 0.0
) -> np.ndarray:
    """The modified windows that a head calls with most confidence.

    Parameters
    ----------
    logits : numpy.ndarray, shape=(n,)
        Of modified windows, natural-log odds as trained.
    share : float
        Part of the windows called that is taken.
    least : int
        Windows to take where the share is fewer, as far as so many are called.
    threshold : float
        Logit above which a window is called.

    Returns
    -------
    numpy.ndarray of int64
        Indices, highest logit first.
    """
    if not 0 < share <= 1 or least < 0:
        raise InputError("the share of windows must be above 0 and at most 1", value=(share, least))
    order = np.argsort(-logits, kind="stable")
    called = order[logits[order] > threshold]
    return called[: max(int(np.ceil(share * len(called) - 1e-9)), least)]


@dataclass(frozen=True)
class Positives:
    """Modified windows that a head calls with most confidence, highest logit first.

    Attributes
    ----------
    windows : pandas.DataFrame
        Their rows of the table given.
    codes : numpy.ndarray, shape=(n, window), dtype=uint8
    logits : numpy.ndarray, shape=(n,)
        Natural-log odds as trained.
    """

    windows: pd.DataFrame
    codes: np.ndarray
    logits: np.ndarray

    def __len__(self) -> int:
        return len(self.windows)

    def first(self, most: int) -> Positives:
        """The first so many; 0 for all."""
        cut = slice(most or None)
        return Positives(self.windows.iloc[cut], self.codes[cut], self.logits[cut])

    def table(self, head: str, method: str, weights: np.ndarray) -> pd.DataFrame:
        """Weights of nucleotides, shape (n, window), beside their windows: columns :data:`ATTENDED_COLUMNS`."""
        return pd.DataFrame(
            {
                "modification": head,
                "method": method,
                "window": self.windows["window"].to_numpy(),
                "sequence": self.windows["sequence"].to_numpy(),
                "logit": self.logits,
                "weights": list(weights.astype(np.float32)),
            }
        )[list(ATTENDED_COLUMNS)]


@dataclass(frozen=True)
class Head:
    """One head of a model and the windows on which it is explained.

    Attributes
    ----------
    model : Ensemble or Stack
        Windows are called by the whole of it and explained by its networks.
    heads : sequence of str
        The model's heads in their order.
    name : str
        One of them.
    frame : pandas.DataFrame
        Windows of this head: ``window``, ``sequence`` (RNA) and ``label``, of the parts wanted.
    seed : int
    batch_size : int, optional
    device : str or torch.device

    Raises
    ------
    InputError
        If the model has no such head or a column is missing.
    """

    model: nn.Module
    heads: Sequence[str]
    name: str
    frame: pd.DataFrame
    seed: int = 0
    batch_size: int | None = None
    device: str | torch.device = "cpu"

    def __post_init__(self) -> None:
        if self.name not in self.heads:
            raise InputError("the model has no such head", value=self.name, remedy=f"it has {', '.join(self.heads)}")
        require_columns(self.frame, ["window", "sequence", "label"], f"windows of {self.name}")

    @property
    def number(self) -> int:
        """Place among the model's heads, from 0."""
        return list(self.heads).index(self.name)

    @property
    def where(self) -> dict[str, Any]:
        """How networks are run: ``batch_size`` and ``device``."""
        return {"batch_size": self.batch_size, "device": self.device}

    def positives(self, *, share: float = 0.1, least: int = 0, most: int = 0) -> Positives:
        """Modified windows that the model calls, as :func:`best_true_positives` chooses them.

        Parameters
        ----------
        share, least
            See :func:`best_true_positives`.
        most : int
            Modified windows that are scored; more are drawn from at random. 0 takes all.
        """
        rows = self.frame[self.frame["label"] == 1]
        if most and len(rows) > most:
            kept = np.random.default_rng([self.seed, self.number]).choice(len(rows), most, replace=False)
            rows = rows.iloc[np.sort(kept)]
        if rows.empty:
            return Positives(rows, np.zeros((0, 0), dtype=np.uint8), np.zeros(0, dtype=np.float32))
        codes = encode_windows(rows["sequence"])
        logits = score_windows(self.model, codes, self.name, **self.where)
        chosen = best_true_positives(logits, share=share, least=least)
        return Positives(rows.iloc[chosen], codes[chosen], logits[chosen])

    def gradient_options(self, options: Mapping[str, Any] | None) -> dict[str, Any]:
        """All options of :func:`~rnamarks.interpretation.attribution.integrated_gradients`.

        Those given come first; a baseline ``composition`` gets the letters of the unmodified windows.

        Parameters
        ----------
        options : mapping, optional
        """
        options = {"seed": self.seed, **self.where} | dict(options or {})
        if options.get("baseline") == "composition":
            others = self.frame.loc[self.frame["label"] == 0, "sequence"]
            if others.empty:
                raise InputError(
                    "there is no unmodified window whose letters could be the baseline",
                    value=options["baseline"],
                    remedy="choose another baseline",
                )
            options["shares"] = letter_shares(encode_windows(others))
        return options
