"""Do the positions that weigh most matter: single substitutions inside and outside of them.

As in MultiRM (Song et al. 2021, Figure S3), the two windows with most attention are attended; random substitutions of
single nucleotides inside and outside of them change the probability. What counts is the absolute change, and each
window is its own control. The site itself is never substituted, since a task's windows all have its base there, nor is
anything that the network does not read. Where networks have no attention, integrated gradients take its place.

Attention lies near the site in every window, where any substitution may matter more. So there is a second control,
``elsewhere``: nucleotides of the window that are not attended in it but are in another window of the same task. It
asks whether attention knows more than the place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from scipy.special import expit
from torch import nn

from ..dictionary import column_names
from ..evaluation.calibration import Calibration
from ..prediction.attended import covered_by, top_windows
from ..prediction.score import score_windows
from ..sequences import UNKNOWN, encode_windows
from .attended import weight_matrix

CONTROLS = ("outside", "elsewhere")
UNITS = ("probability", "logit")
WIDTH, TOPS, MARGIN = 3, 2, 1
"""What is attended of a window: its two heaviest stretches of 3 nt, at least 1 nt apart (Song et al. 2021)."""
SUBSTITUTIONS, RESAMPLES = 20, 2000
"""Substitutions per window and region; resamples of the windows behind an interval."""
FEWEST = 6
"""Windows below which no test is made: with five, no signed-rank p-value can be below 0.05."""


@dataclass(frozen=True)
class Regions:
    """Nucleotides that may be substituted, by kind; each shape (n, window), dtype bool, a window in none twice.

    Attributes
    ----------
    inside : numpy.ndarray
    outside : numpy.ndarray
        Read by the network and not attended.
    elsewhere : numpy.ndarray
        The part of ``outside`` that is attended in another window.
    """

    inside: np.ndarray
    outside: np.ndarray
    elsewhere: np.ndarray


def find_regions(
    codes: np.ndarray, weights: np.ndarray, *, view: tuple[int, int] | None = None, seed: int = 0
) -> Regions:
    """Attended nucleotides of windows and those that serve as control.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n, window), dtype=uint8
    weights : numpy.ndarray, shape=(n, window)
        Attention to nucleotides.
    view : (int, int), optional
        First nucleotide that the network reads, 0-based, and how many; default all.
    seed : int
        Of the pairing of windows for ``elsewhere``.
    """
    n, window = codes.shape
    first, read = view or (0, window)
    may = np.zeros(window, dtype=bool)
    may[first : first + read] = True
    may[window // 2] = False
    allowed = may & (codes < UNKNOWN)
    starts, _ = top_windows(weights[:, first : first + read], width=WIDTH, count=TOPS, margin=MARGIN)
    attended = covered_by(np.where(starts >= 0, starts + first, -1), WIDTH, window)
    partner = np.arange(n)
    if n > 1:
        cycle = np.random.default_rng(seed).permutation(n)
        partner[cycle] = np.roll(cycle, 1)
    outside = allowed & ~attended
    return Regions(allowed & attended, outside, outside & attended[partner] & (partner != np.arange(n))[:, None])


def substitute(
    codes: np.ndarray, allowed: np.ndarray, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random single substitutions.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n, window), dtype=uint8
    allowed : numpy.ndarray, shape=(n, window), dtype=bool
        Nucleotides that may change, at least one in every window; none may be N.
    count : int
        Mutants per window; places may repeat.
    generator : numpy.random.Generator

    Returns
    -------
    mutants : numpy.ndarray, shape=(n, count, window), dtype=uint8
        Each differs from its window in one nucleotide.
    places : numpy.ndarray, shape=(n, count), dtype=int64
    """
    n = len(codes)
    sizes = allowed.sum(axis=1)
    if n and (sizes == 0).any():
        raise ValueError("a window has no nucleotide that may change")
    picked = (generator.random((n, count)) * sizes[:, None]).astype(np.int64)
    # the k-th allowed place: places sorted by whether they are allowed
    places = np.take_along_axis(np.argsort(~allowed, axis=1, kind="stable"), picked, axis=1)
    mutants = np.repeat(codes[:, None], count, axis=1)
    own = np.take_along_axis(codes, places, axis=1)
    changed = (own + generator.integers(1, UNKNOWN, (n, count))) % UNKNOWN
    np.put_along_axis(mutants, places[..., None], changed[..., None].astype(np.uint8), axis=2)
    return mutants, places


def mutation_effects(
    score: Callable[[np.ndarray], np.ndarray],
    codes: np.ndarray,
    allowed: np.ndarray,
    *,
    seed: int,
    calibration: Calibration | None = None,
) -> dict[str, np.ndarray]:
    """Mean absolute change of each window under random substitutions.

    Parameters
    ----------
    score : callable
        Codes, shape (n, window), to logits, shape (n,).
    codes : numpy.ndarray, shape=(n, window), dtype=uint8
    allowed : numpy.ndarray, shape=(n, window), dtype=bool
    seed : int
    calibration : Calibration, optional
        Without one the probability is that of a world with as many modified as other windows.

    Returns
    -------
    dict of str to numpy.ndarray, shape=(n,)
        By unit: ``probability``, and ``logit`` in nats. NaN where nothing may change.
    """
    effects = {unit: np.full(len(codes), np.nan) for unit in UNITS}
    usable = np.flatnonzero(allowed.any(axis=1))
    if not len(usable):
        return effects
    mutants, _ = substitute(codes[usable], allowed[usable], SUBSTITUTIONS, np.random.default_rng(seed))
    before = np.asarray(score(codes[usable]), dtype=np.float64)[:, None]
    after = np.asarray(score(mutants.reshape(-1, codes.shape[1])), dtype=np.float64).reshape(len(usable), -1)
    probability = calibration.probability if calibration else expit
    effects["logit"][usable] = np.abs(after - before).mean(axis=1)
    effects["probability"][usable] = np.abs(probability(after) - probability(before)).mean(axis=1)
    return effects


def compare_effects(inside: np.ndarray, control: np.ndarray, *, seed: int = 0) -> dict[str, float]:
    """Paired comparison of the effects in the same windows.

    Parameters
    ----------
    inside, control : numpy.ndarray, shape=(n,)
        Windows in which one of the two is NaN are left out.
    seed : int
        Of the resamples of windows.

    Returns
    -------
    dict of str to float
        Keys as in the table ``mutations`` from ``inside`` to ``fraction_larger``, ``windows`` and ``p``: 95 %
        percentile intervals of both means and of their difference over resampled windows; Wilcoxon's signed-rank test,
        two-sided, 1 where all pairs are equal, NaN below :data:`FEWEST` windows.
    """
    kept = np.isfinite(inside) & np.isfinite(control)
    pair = np.stack([inside[kept], control[kept]])
    n = pair.shape[1]
    empty = dict.fromkeys(column_names("mutations", first="inside", last="fraction_larger"), float("nan"))
    if not n:
        return {**empty, "windows": 0, "p": float("nan")}
    values = np.stack([pair[0], pair[1], pair[0] - pair[1]])
    generator = np.random.default_rng(seed)
    drawn = np.empty((3, RESAMPLES))
    for start in range(0, RESAMPLES, 200):
        weights = generator.multinomial(n, np.full(n, 1 / n), size=200)
        drawn[:, start : start + len(weights)] = values @ weights.T / n
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    means = values.mean(axis=1)
    p = float("nan")
    if n >= FEWEST:
        p = 1.0 if not values[2].any() else float(scipy.stats.wilcoxon(pair[0], pair[1], method="auto").pvalue)
    named = {}
    for at, names in enumerate(
        (
            ("inside", "inside_low", "inside_high"),
            ("control_mean", "control_low", "control_high"),
            ("difference", "low", "high"),
        )
    ):
        named |= dict(zip(names, (means[at], low[at], high[at]), strict=True))
    return {**named, "fraction_larger": float((values[2] > 0).mean()), "windows": n, "p": p}


def mutate_task(
    model: nn.Module,
    attended: pd.DataFrame,
    *,
    calibration: Mapping[str, object] | None = None,
    view: tuple[int, int] | None = None,
    maximum: int = 0,
    number: int = 0,
    seed: int = 0,
    device: str = "cpu",
) -> list[dict[str, object]]:
    """Effects of substitutions in the explained windows of one task.

    Parameters
    ----------
    model : Ensemble or Stack
        The whole of it scores the mutants: the question is what the probability that users get depends on.
    attended : pandas.DataFrame
        Table ``explained``, of one predictor, task and method.
    calibration : mapping, optional
        Of the model and task.
    view
        See :func:`find_regions`.
    maximum : int
        Windows, those with the highest logit; 0 takes all.
    seed : int
    number : int
        Of the task, from 0: each draws substitutions of its own.
    device : str

    Returns
    -------
    list of dict
        Keys as in the table ``mutations``, without ``q``: one per control and unit.
    """
    who = {name: attended[name].iloc[0] for name in ("predictor", "task", "method")}
    mine = attended.sort_values("logit", ascending=False, kind="stable").iloc[: maximum or None]
    codes = encode_windows(mine["sequence"])
    regions = find_regions(codes, weight_matrix(mine), view=view, seed=seed)
    options = {"calibration": Calibration.from_dict(calibration) if calibration else None}

    def score(windows: np.ndarray) -> np.ndarray:
        return score_windows(model, windows, who["task"], device=device)

    inside = mutation_effects(score, codes, regions.inside, seed=seed + 3 * number, **options)
    rows = []
    for at, control in enumerate(CONTROLS, 1):
        against = mutation_effects(score, codes, getattr(regions, control), seed=seed + 3 * number + at, **options)
        for unit in UNITS:
            compared = compare_effects(inside[unit], against[unit], seed=seed)
            rows.append(who | {"control": control, "unit": unit, "substitutions": SUBSTITUTIONS} | compared)
    return rows


def mutation_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows of :func:`mutate_task` of several tasks.

    Returns
    -------
    pandas.DataFrame
        Table ``mutations``; ``q`` is Benjamini and Hochberg's over the tasks of one predictor, control and unit.
    """
    table = pd.DataFrame(rows, columns=column_names("mutations", task_columns=False))
    for _, part in table[table["p"].notna()].groupby(["predictor", "control", "unit"]):
        table.loc[part.index, "q"] = scipy.stats.false_discovery_control(part["p"].to_numpy(dtype=np.float64))
    return table[column_names("mutations", task_columns=False)]
