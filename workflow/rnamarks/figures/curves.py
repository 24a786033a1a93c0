"""ROC and precision-recall curves of all species; S1 of the paper."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .design import Design, Series
from .lookup import best_baseline, counts_by_species, metric_rows, say_counts, select
from .marks import legend_columns
from .palette import CHANCE, FAINT
from .style import WIDTH, grid_of, label_bottom, new_figure, styled

AXES = {
    "roc": ("share of others called", "share of sites called"),
    "pr": ("recall", "precision"),
}
AREAS = {"roc": ("auroc", "AUROC"), "pr": ("auprc", "AUPRC")}


@styled
def draw_curves(curves: pd.DataFrame, metrics: pd.DataFrame, design: Design, curve: str = "roc") -> Figure:
    """One panel per species.

    Parameters
    ----------
    curves : pandas.DataFrame
        Columns of :data:`rnamarks.evaluation.curves.CURVE_COLUMNS`.
    metrics : pandas.DataFrame
    design : Design
    curve : {"roc", "pr"}

    Returns
    -------
    matplotlib.figure.Figure
        Curves of ensembles: the recommended model, networks of one species, the best baseline. The area of the
        recommended one is written in.
    """
    rows, columns = grid_of(len(design.species))
    shown = _shown(metrics, design)
    width = min(WIDTH, 1.8 * columns + 0.2)
    wide = legend_columns([*(series.label for series in shown), "random order"], width, 3)
    figure = new_figure(0.75 + 1.9 * rows + 0.2 * -(-len(shown) // wide), width, "compressed")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    area, label = AREAS[curve]
    areas = metric_rows(metrics, area, design.split, seed="ensemble")
    here = select(curves, split=design.split, curve=curve)
    drawn = set()
    for axes, name in zip(grid.flat, design.species, strict=False):
        counts = counts_by_species(metrics, [name], design.split).get(name)
        chance = ([0, 1], [0, 1]) if curve == "roc" else ([0, 1], [counts[0] / sum(counts)] * 2) if counts else ([], [])
        axes.plot(*chance, color=CHANCE, linestyle=(0, (3, 2)), linewidth=1)
        for series in reversed(shown):
            points = select(here, model=series.model, setting=series.setting, species=name)
            if points.empty:
                continue
            drawn.add(series.key)
            first = series.key == (design.recommended or shown[0].key)
            axes.plot(
                points["x"].to_numpy(),
                points["y"].to_numpy(),
                color=series.colour,
                linestyle="-" if series.trained else series.dash,
                linewidth=1.9 if first else 1.3 if series.trained else 1.0,
                zorder=4 if first else 3 if series.trained else 2,
            )
        axes.set_title(name)
        best = areas.get((*shown[0].key, name)) if shown else None
        if best:
            place = {"x": 0.97, "y": 0.05, "ha": "right", "va": "bottom"}
            if curve == "pr":
                place = {"x": 0.97, "y": 0.97, "ha": "right", "va": "top"}
            axes.text(
                place.pop("x"),
                place.pop("y"),
                f"{label} {best['value']:.3f}",
                transform=axes.transAxes,
                color=shown[0].colour,
                fontsize=7.5,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85},
                zorder=5,
                **place,
            )
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.02)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_aspect("equal")
        axes.grid(color=FAINT)
    label_bottom(grid, len(design.species), AXES[curve][0])
    figure.supylabel(AXES[curve][1], fontsize=8)
    handles = [
        Line2D(
            [],
            [],
            color=series.colour,
            linestyle="-" if series.trained else series.dash,
            linewidth=1.9 if series.trained else 1.2,
            label=series.label,
        )
        for series in shown
        if series.key in drawn
    ]
    handles.append(Line2D([], [], color=CHANCE, linestyle=(0, (3, 2)), linewidth=1, label="random order"))
    figure.legend(handles=handles, loc="outside lower center", ncols=wide)
    return figure


def _shown(metrics: pd.DataFrame, design: Design) -> list[Series]:
    lead = best_baseline(metrics, design, design.split)
    return [*design.headline(), *([lead] if lead else [])]


def explain_curves(
    curves: pd.DataFrame, metrics: pd.DataFrame, design: Design, curve: str = "roc"
) -> list[tuple[str, str]]:
    """Caption of :func:`draw_curves`."""
    counts = say_counts(counts_by_species(metrics, design.species, design.split))
    shown = _shown(metrics, design)
    area = f" The number is the {AREAS[curve][1]} of {shown[0].label}." if shown else ""
    if curve == "roc":
        what = (
            "ROC curves on the test part of each species: share of sites called (sensitivity) against share of others "
            "called (1 − specificity) over all thresholds."
        )
    else:
        what = (
            "Precision-recall curves on the test part of each species: share of calls that are sites against share of "
            "sites that are called, over all thresholds. The dashed line is the prevalence."
        )
    return [
        (
            "",
            f"{what} {design.split.capitalize()} split, ensembles (mean logit of the seeds).{area} Sites : others: "
            f"{counts}. At most 200 points per curve, chosen to keep its area.",
        )
    ]
