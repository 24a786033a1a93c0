"""ROC and precision-recall curves of all tasks; S1 of the paper."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from .captions import Captions, captioned
from .design import Design, Series
from .lookup import best_baseline, counts_by_task, ensembles, metric_rows, say_counts, select
from .palette import CHANCE
from .panels import (
    DASHED,
    chance_entry,
    draw_reference,
    label_bottom,
    legend_columns,
    legend_entry,
    panel_grid,
    place_legend,
    unit_axes,
    write_in_corner,
)
from .style import styled

CURVE_AXES = {"roc": ("fraction of others called", "fraction of sites called"), "pr": ("recall", "precision")}
AREAS = {"roc": ("auroc", "AUROC"), "pr": ("auprc", "AUPRC")}


@styled
def draw_curves(curves: pd.DataFrame, metrics: pd.DataFrame, design: Design, curve: str = "roc") -> Figure:
    """One panel per task, against own negatives.

    Curves of ensembles: the recommended model, networks of one task, the best baseline. The area of the recommended
    one is written in.

    Parameters
    ----------
    curve : {"roc", "pr"}
    """
    shown = _shown(metrics, design)
    figure, grid = panel_grid(
        len(design.tasks), height=1.9, above=0.95, width=1.8, layout="compressed", sharex=True, sharey=True
    )
    lines = -(-len(shown) // legend_columns([series.label for series in shown], figure.get_figwidth(), 3))
    figure.set_figheight(figure.get_figheight() + 0.2 * (lines - 1))
    area, label = AREAS[curve]
    areas = metric_rows(metrics, area, design.scheme, seed="ensemble")
    here = ensembles(curves, design, curve=curve, against="own")
    drawn = set()
    for axes, name in zip(grid.flat, design.names, strict=False):
        counts = counts_by_task(metrics, [name], design.scheme).get(name)
        if curve == "roc":
            axes.plot([0, 1], [0, 1], color=CHANCE, linestyle=DASHED, linewidth=1.1)
        elif counts:
            draw_reference(axes, counts[0] / sum(counts), across=True)
        for series in reversed(shown):
            points = select(here, model=series.model, setting=series.setting, task=name)
            if len(points):
                drawn.add(series.key)
                first = series.key == (design.recommended or shown[0].key)
                look = {"color": series.colour, "linestyle": _line(series), "zorder": 2 + series.trained + first}
                width = 1.9 if first else 1.3 if series.trained else 1.0
                axes.plot(points["x"].to_numpy(), points["y"].to_numpy(), linewidth=width, **look)
        axes.set_title(design.label(name))
        best = areas.get((*shown[0].key, name)) if shown else None
        if best:
            text = f"{label} {best['value']:.3f}"
            write_in_corner(axes, text, right=True, top=curve == "pr", color=shown[0].colour, fontsize=7.5)
        unit_axes(axes)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    label_bottom(grid, CURVE_AXES[curve][0])
    figure.supylabel(CURVE_AXES[curve][1], fontsize=8)
    entries = [legend_entry(one.label, one.colour, line=_line(one)) for one in shown if one.key in drawn]
    place_legend(figure, [*entries, chance_entry()], 3)
    return figure


def _line(series: Series) -> Any:
    return "-" if series.trained else series.dash


def _shown(metrics: pd.DataFrame, design: Design) -> list[Series]:
    lead = best_baseline(metrics, design, design.scheme)
    return [*design.headline(), *([lead] if lead else [])]


@captioned
def explain_curves(curves: pd.DataFrame, metrics: pd.DataFrame, design: Design, curve: str = "roc") -> Captions:
    """Caption of :func:`draw_curves`."""
    counts = say_counts(counts_by_task(metrics, design.names, design.scheme), design)
    shown = _shown(metrics, design)
    area = f" The number is the {AREAS[curve][1]} of {shown[0].label}." if shown else ""
    if curve == "roc":
        what = (
            f"ROC curves on the test split of each {design.word}: fraction of sites called (sensitivity) against "
            "fraction of others called (1 − specificity) over all thresholds."
        )
    else:
        what = (
            f"Precision-recall curves on the test split of each {design.word}: fraction of calls that are sites "
            "against fraction of sites that are called, over all thresholds. The dashed line is the prevalence."
        )
    return (
        f"{what} {design.scheme.capitalize()} scheme, ensembles (mean logit of the seeds).{area} Sites : others: "
        f"{counts}. At most 200 points per curve, chosen to keep its area."
    )
