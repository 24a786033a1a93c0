"""Which positions of a task's windows carry its logit: attention where networks attend, gradients for every network.

The windows explained are the modified ones that the model calls with most confidence. They may be of the splits that
the model was trained on, since motifs are judged, and the network was tested, on others.

A nucleotide's integrated gradient is read against the nucleotides of the task's unmodified windows (baseline
``composition`` of :func:`~rnamarks.interpretation.attribution.integrated_gradients`): where all windows hold one motif,
such as DRACH, the nucleotides that it fixes tell nothing and get nothing, and G before the site counts for as much as
it beats A and U there. Attention says where a network looks, not what it concludes from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
import torch
from torch import nn

from ..dictionary import column_names
from ..errors import InputError
from ..prediction.score import score_windows
from ..sequences import ALPHABET, UNKNOWN, encode_windows
from ..tables import require_columns, stack_frames
from .attended import ATTENTION, GRADIENTS
from .attention import attend_nucleotides, attends
from .attribution import Attribution, agreement, integrated_gradients, mutagenesis, nucleotide_fractions
from .settings import GradientSettings

MUTAGENESIS = "mutagenesis"


def best_true_positives(logits: np.ndarray, *, fraction: float = 0.1, minimum: int = 0) -> np.ndarray:
    """The modified windows that a task calls, by a logit above 0, with most confidence.

    Parameters
    ----------
    logits : numpy.ndarray, shape=(n,)
        Of modified windows, natural-log odds as trained.
    fraction : float
        Fraction of the windows called that is taken.
    minimum : int
        Windows to take where the fraction is fewer, as far as so many are called.

    Returns
    -------
    numpy.ndarray of int64
        Indices, highest logit first.
    """
    if not 0 <= fraction <= 1 or minimum < 0:
        raise InputError("the fraction of windows must lie between 0 and 1", value=(fraction, minimum))
    order = np.argsort(-logits, kind="stable")
    called = order[logits[order] > 0]
    return called[: max(int(np.ceil(fraction * len(called) - 1e-9)), minimum)]


@dataclass(frozen=True)
class Positives:
    """Modified windows that a task calls with most confidence, highest logit first.

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

    def first(self, maximum: int) -> Positives:
        """The first so many; 0 for all."""
        cut = slice(maximum or None)
        return Positives(self.windows.iloc[cut], self.codes[cut], self.logits[cut])

    def table(self, predictor: str, task: str, method: str, weights: np.ndarray) -> pd.DataFrame:
        """Weights of positions, shape (n, window), beside their windows: table ``explained``."""
        return pd.DataFrame(
            {
                "predictor": predictor,
                "task": task,
                "method": method,
                "window": self.windows["window"].to_numpy(),
                "sequence": self.windows["sequence"].to_numpy(),
                "logit": self.logits,
                "weights": list(weights.astype(np.float32)),
            }
        )[column_names("explained")]


@dataclass(frozen=True)
class TaskWindows:
    """One task of a model and the windows on which it is explained.

    Attributes
    ----------
    model : Ensemble or Stack
        Windows are called by the whole of it and explained by its networks.
    tasks : sequence of str
        The model's tasks in their order.
    name : str
        One of them.
    frame : pandas.DataFrame
        Windows of this task: ``window``, ``sequence`` (RNA) and ``label``, of the splits wanted.
    predictor : str
        The model's name in the tables.
    seed : int
    device : str or torch.device

    Raises
    ------
    InputError
        If the model has no such task or a column is missing.
    """

    model: nn.Module
    tasks: Sequence[str]
    name: str
    frame: pd.DataFrame
    predictor: str = ""
    seed: int = 0
    device: str | torch.device = "cpu"

    def __post_init__(self) -> None:
        if self.name not in self.tasks:
            raise InputError("the model has no such task", value=self.name, remedy=f"it has {', '.join(self.tasks)}")
        require_columns(self.frame, ["window", "sequence", "label"], f"windows of {self.name}")

    @property
    def number(self) -> int:
        """Place among the model's tasks, from 0."""
        return list(self.tasks).index(self.name)

    def positives(self, *, fraction: float = 0.1, minimum: int = 0, maximum: int = 0) -> Positives:
        """Modified windows that the model calls, as :func:`best_true_positives` chooses them.

        Parameters
        ----------
        fraction, minimum
            See :func:`best_true_positives`.
        maximum : int
            Modified windows that are scored; more are drawn from at random. 0 takes all.
        """
        rows = self.frame[self.frame["label"] == 1]
        if maximum and len(rows) > maximum:
            kept = np.random.default_rng([self.seed, self.number]).choice(len(rows), maximum, replace=False)
            rows = rows.iloc[np.sort(kept)]
        if rows.empty:
            return Positives(rows, np.zeros((0, 0), dtype=np.uint8), np.zeros(0, dtype=np.float32))
        codes = encode_windows(rows["sequence"])
        logits = score_windows(self.model, codes, self.name, device=self.device)
        chosen = best_true_positives(logits, fraction=fraction, minimum=minimum)
        return Positives(rows.iloc[chosen], codes[chosen], logits[chosen])

    def gradient_options(self, settings: GradientSettings) -> dict[str, Any]:
        """Options of :func:`~rnamarks.interpretation.attribution.integrated_gradients`, the baseline included."""
        options = asdict(settings) | {"device": self.device}
        if options.pop("baseline") == "composition":
            others = self.frame.loc[self.frame["label"] == 0, "sequence"]
            if others.empty:
                raise InputError(
                    "there is no unmodified window whose nucleotides could be the baseline",
                    value=settings.baseline,
                    remedy="choose another baseline",
                )
            options["fractions"] = nucleotide_fractions(encode_windows(others))
        return options


@dataclass(frozen=True)
class Explanation:
    """One task explained.

    Attributes
    ----------
    attended : pandas.DataFrame
        Table ``explained``, a row per method and window: attention (0
        where the network does not read), where all networks attend, and nats of log odds.
    summary : dict
        Keys as in the table ``attribution``: how integrated gradients add up.
    profile : pandas.DataFrame
        Table ``attribution_profile``.
    """

    attended: pd.DataFrame
    summary: dict[str, object]
    profile: pd.DataFrame


def explain_task(
    given: TaskWindows,
    *,
    fraction: float = 0.1,
    minimum: int = 200,
    maximum: int = 0,
    mean: bool = True,
    gradients: Mapping[str, Any] | None = None,
    maximum_gradients: int = 0,
    mutated: int = 50,
    reach: int = 12,
    warn: Callable[[str], None] = print,
) -> Explanation:
    """Attention, integrated gradients and in-silico mutagenesis of a task's most confident true positives.

    Parameters
    ----------
    given : TaskWindows
    fraction, minimum, maximum
        See :meth:`TaskWindows.positives`.
    mean : bool
        Of attention, see :func:`~rnamarks.prediction.attended.spread_kmers`.
    gradients : mapping, optional
        See :class:`~rnamarks.interpretation.settings.GradientSettings`.
    maximum_gradients : int
        Windows that integrated gradients explain, those with the highest logit; 0 takes all. They cost some hundred
        times as much as attention.
    mutated : int
        The first so many of them that are mutated, too.
    reach : int
        Farthest substitution from the middle of the window, nt.
    warn : callable

    Returns
    -------
    Explanation
        Without a row, and ``windows`` 0, where the task calls no modified window.
    """
    positives = given.positives(fraction=fraction, minimum=minimum, maximum=maximum)
    settings = GradientSettings.from_mapping(gradients or {})
    options = given.gradient_options(settings)
    who = {"predictor": given.predictor, "task": given.name}
    if not len(positives):
        summary = dict.fromkeys(column_names("attribution", first="windows"), np.nan)
        summary = who | summary | {"baseline": settings.baseline, "windows": 0, "mutated": 0}
        return Explanation(pd.DataFrame(columns=column_names("explained")), summary, _profile({}, who))
    attended = []
    if attends(given.model):
        weights = attend_nucleotides(given.model, positives.codes, given.number, mean=mean, device=given.device)
        attended.append(positives.table(*who.values(), ATTENTION, weights))
    positives = positives.first(maximum_gradients)
    codes, network = positives.codes, given.model.networks
    parts = integrated_gradients(network, codes, given.name, warn=warn, **options)
    attended.append(positives.table(*who.values(), GRADIENTS, parts.nucleotides))
    middle = codes.shape[1] // 2
    places = np.arange(max(0, middle - reach), min(codes.shape[1], middle + reach + 1))
    changes = mutagenesis(network, codes[:mutated], given.name, places=places, device=given.device)
    summary = {
        **who,
        "windows": len(codes),
        "mutated": len(changes.logits),
        "baseline": settings.baseline,
        "logit": float(np.median(parts.logits)),
        "difference": float(np.median(parts.logits - parts.baseline_logits)),
        "error_median": float(np.median(np.abs(parts.errors))),
        "error_largest": float(np.abs(parts.errors).max()),
        "steps": float(parts.steps.mean()),
        "complete": float(parts.complete.mean()),
        "agreement": _agreement(parts, changes, places),
    }
    profile = _profile(
        {
            GRADIENTS: _by_nucleotide(parts.nucleotides, codes),
            MUTAGENESIS: _by_change(changes.contributions, codes[:mutated], places),
        },
        who,
    )
    return Explanation(pd.concat(attended, ignore_index=True), summary, profile)


def _agreement(parts: Attribution, changes: Attribution, places: np.ndarray) -> float:
    """Median over windows of the rank correlation of the two methods over positions."""
    n = len(changes.logits)
    if not n or len(places) < 3:
        return float("nan")
    return float(np.nanmedian(agreement(parts.nucleotides[:n, places], changes.nucleotides[:, places])))


def _by_nucleotide(weights: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Weights by nucleotide, shape (n, 4, window); NaN where a window has another."""
    return np.where(codes[:, None] == np.arange(UNKNOWN)[:, None], weights[:, None], np.nan)


def _by_change(changes: np.ndarray, codes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Changes of the logit, NaN for the window's own nucleotide and beyond the places."""
    known = np.zeros(codes.shape, dtype=bool)
    known[:, places] = codes[:, places] < UNKNOWN
    return np.where(known[:, None] & (codes[:, None] != np.arange(UNKNOWN)[:, None]), changes, np.nan)


def _profile(values: Mapping[str, np.ndarray], who: Mapping[str, str]) -> pd.DataFrame:
    """Mean over windows of each nucleotide at each position, with its 95 % interval (Student's t), by method."""
    tables = []
    for method, each in values.items():
        n = np.isfinite(each).sum(axis=0)
        code, place = np.nonzero(n)
        n = n[code, place]
        total = np.nansum(each, axis=0, dtype=np.float64)[code, place]
        squares = np.nansum(np.square(each, dtype=np.float64), axis=0)[code, place]
        mean = total / n
        spread = np.sqrt(np.maximum(squares - n * mean**2, 0) / np.maximum(n - 1, 1))
        half = np.where(n > 1, scipy.stats.t.ppf(0.975, np.maximum(n - 1, 1)) * spread / np.sqrt(n), np.nan)
        tables.append(
            pd.DataFrame(
                {
                    **who,
                    "method": method,
                    "offset": place - each.shape[2] // 2,
                    "nucleotide": np.array(list(ALPHABET))[code],
                    "mean": mean,
                    "low": mean - half,
                    "high": mean + half,
                    "windows": n,
                }
            )
        )
    return stack_frames(tables, column_names("attribution_profile", task_columns=False))
