"""ROC and precision-recall curves as tidy points, few enough to draw and to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from ..dictionary import column_names
from ..tables import stack_frames
from .panels import Panel
from .seeds import ENSEMBLE, members_of

CURVES = ("roc", "pr")
MAXIMUM_POINTS = 200


def simplify_curve(x: np.ndarray, y: np.ndarray, maximum: int = MAXIMUM_POINTS) -> np.ndarray:
    """Indices of the points that matter most to the shape of a polyline (Visvalingam and Whyatt 1993).

    The point whose triangle with its neighbours is smallest goes first, so that the area below the line hardly changes.
    In one pass all points go together that are among the smallest and smaller than both their neighbours, which keeps
    the passes few.

    Parameters
    ----------
    x, y : numpy.ndarray, shape=(n,)
    maximum : int
        Points to keep; the first and the last always stay.

    Returns
    -------
    numpy.ndarray, shape=(min(n, maximum),)
        Ascending.
    """
    if maximum < 2:
        raise ValueError(f"a curve needs two points, not {maximum}")
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    kept = np.arange(len(x))
    if len(kept) > maximum:
        # runs of ties would leave one point in each pass
        turns = np.zeros(len(x), dtype=bool)
        turns[[0, -1]] = True
        for values in (x, y):
            level = np.diff(values) == 0
            turns[1:-1] |= level[:-1] != level[1:]
        sloped = (np.diff(x) != 0) & (np.diff(y) != 0)
        turns[1:-1] |= sloped[:-1] | sloped[1:]
        kept = np.flatnonzero(turns)
    while len(kept) > maximum:
        px, py = x[kept], y[kept]
        area = np.abs((px[1:-1] - px[:-2]) * (py[2:] - py[:-2]) - (px[2:] - px[:-2]) * (py[1:-1] - py[:-2]))
        excess = len(kept) - maximum
        padded = np.concatenate(([np.inf], area, [np.inf]))
        low = area <= np.partition(area, excess - 1)[excess - 1]
        removable = np.flatnonzero(low & (area < padded[:-2]) & (area <= padded[2:]))
        smallest = removable[np.argsort(area[removable], kind="stable")[:excess]]
        kept = np.delete(kept, smallest + 1)
    return kept


def curve_points(labels: np.ndarray, scores: np.ndarray, curve: str, maximum: int = MAXIMUM_POINTS) -> np.ndarray:
    """Points of one curve.

    Parameters
    ----------
    labels : numpy.ndarray, shape=(n,), dtype=bool
    scores : numpy.ndarray, shape=(n,)
    curve : {"roc", "pr"}
        ``roc``: x is the fraction of negatives called (1 - specificity), y the fraction of positives called. ``pr``: x
        is recall, y precision at the windows' own prevalence; where recall is 0 precision is not defined, and the first
        point repeats the precision of the highest score.
    maximum : int

    Returns
    -------
    numpy.ndarray, shape=(at most ``maximum``, 2)
        Ascending in x.
    """
    if curve == "roc":
        x, y, _ = roc_curve(labels, scores)
    elif curve == "pr":
        precision, recall, _ = precision_recall_curve(labels, scores)
        x, y = recall[::-1], precision[::-1].copy()
        y[0] = y[1]
    else:
        raise ValueError(f"no such curve: {curve}")
    kept = simplify_curve(x, y, maximum)
    return np.column_stack([x[kept], y[kept]])


def curve_table(panels: Sequence[Panel]) -> pd.DataFrame:
    """Both curves of every ensemble on the test split.

    Parameters
    ----------
    panels : sequence of Panel

    Returns
    -------
    pandas.DataFrame
        Table ``curves``; ``seed`` is ``ensemble`` throughout.
    """
    names = column_names("curves", task_columns=False)
    tables = []
    for panel in panels:
        if panel.split != "test":
            continue
        for model, members in members_of(panel.keys).items():
            for curve in CURVES:
                points = curve_points(panel.labels, panel.logits[members[ENSEMBLE][0]], curve)
                lead = (*model, panel.scheme, panel.task, panel.against, ENSEMBLE, curve)
                tables.append(pd.DataFrame(points, columns=["x", "y"]).assign(**dict(zip(names, lead, strict=False))))
    return stack_frames(tables, names)
