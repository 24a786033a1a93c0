"""Whether probabilities can be believed, and what a threshold brings."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .captions import Captions, captioned, say_each
from .design import Design
from .lookup import ENSEMBLE, rows_by, say_counts, select
from .palette import CHANCE, FAINT, QUIET
from .panels import (
    DASHED,
    add_letters,
    draw_interval,
    label_bottom,
    legend_entry,
    panel_grid,
    place_legend,
    spread,
    task_entries,
    write_in_corner,
)
from .style import new_figure, styled


@styled
def draw_reliability(reliability: pd.DataFrame, calibration: pd.DataFrame, design: Design) -> Figure:
    """Observed fraction of sites against predicted probability, one panel per task."""
    key = _best(design)
    bins, errors = select(reliability, **key), rows_by(select(calibration, **key), "task")
    figure, grid = panel_grid(
        len(design.tasks), height=1.85, above=0.45, width=1.8, layout="compressed", sharex=True, sharey=True
    )
    top = 1.0
    if len(bins):
        top = min(1.0, np.ceil(10.5 * np.nanmax(bins[["predicted", "high"]].to_numpy(float))) / 10)
    ticks = [tick for tick in (0, 0.02, 0.1, 0.25, 0.5, 0.75, 1) if tick <= top]
    for axes, name in zip(grid.flat, design.names, strict=False):
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.9, linestyle=DASHED)
        for row in select(bins, task=name).to_dict("records"):
            keys = ("observed", "low", "high")
            draw_interval(axes, row["predicted"], row, design.colour(name), keys=keys, size=4.5, upright=True)
        if (name,) in errors:
            row = errors[name,]
            text = f"ECE {row['ece_raw']:.3f} → {row['ece']:.3f}\n(noise {row['ece_noise']:.3f})"
            write_in_corner(axes, text, right=False, top=True)
        axes.set_title(design.label(name))
        axes.set_xscale("function", functions=(_root, np.square))
        axes.set_yscale("function", functions=(_root, np.square))
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)
        axes.set_box_aspect(1)
        axes.grid()
    label_bottom(grid, "calibrated probability")
    figure.supylabel("fraction of sites observed", fontsize=8)
    return figure


def _best(design: Design) -> dict[str, str]:
    """Values of the rows of the recommended ensemble."""
    return {"model": design.best.model, "setting": design.best.setting, "scheme": design.scheme, "seed": ENSEMBLE}


def _root(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(values, 0))


@captioned
def explain_reliability(reliability: pd.DataFrame, calibration: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_reliability`."""
    counts = say_each(select(reliability, **_best(design)).groupby("task")["n"].sum(), design)
    return (
        f"Reliability of {design.best.label} (ensemble) on the test split, {design.scheme} scheme. Each point is a "
        "tenth of the test windows, sorted by probability; vertical lines: 95 % Wilson intervals; dashed: perfect "
        "calibration. Both axes are on a square-root scale. ECE: expected calibration error of the raw output (trained "
        "at 1:1) → after undoing the prior and fitting on the validation split; in brackets what a perfectly "
        f"calibrated model would show by chance. Test windows: {counts}."
    )


@styled
def draw_thresholds(thresholds: pd.DataFrame, design: Design) -> Figure:
    """Precision kept and recall reached on the test split by thresholds chosen for a precision."""
    mine = select(thresholds, **_best(design))
    targets = sorted(mine["target_precision"].astype(float).unique())
    figure = new_figure(2.9)
    grid = figure.subplots(1, 2, sharex=True, sharey=True)
    lost = False
    for axes, measure in zip(grid, ("precision", "recall"), strict=True):
        for block, target in enumerate(targets):
            if measure == "precision":
                axes.plot([block - 0.46, block + 0.46], [target, target], color=CHANCE, linewidth=1.2, zorder=1)
            for name, shift in zip(design.names, spread(len(design.tasks)), strict=True):
                at, colour = block + shift, design.colour(name)
                for row in select(mine, task=name, target_precision=target).to_dict("records"):
                    keys = (measure, f"{measure}_low", f"{measure}_high")
                    draw_interval(axes, at, row, colour, keys=keys, size=4.5, upright=True)
                    if not np.isfinite(row[measure]):
                        lost = True
                        axes.plot(at, 0.015, "x", color=colour, markersize=4, markeredgewidth=1.1)
            if block:
                axes.axvline(block - 0.5, color=FAINT, linewidth=0.7)
        axes.set_xticks(range(len(targets)), [f"{target:g}" for target in targets])
        axes.set_xlim(-0.55, len(targets) - 0.45)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("precision asked for")
        axes.set_ylabel(f"{measure}, test split")
        axes.tick_params(labelleft=True)
        axes.grid(axis="y")
    add_letters(grid)
    entries = [*task_entries(design), legend_entry("asked for", CHANCE)]
    entries += [legend_entry("no threshold", marker="x", size=4, line="none")] if lost else []
    place_legend(figure, entries, 5)
    return figure


@captioned
def explain_thresholds(thresholds: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_thresholds`, by panel."""
    rows = rows_by(select(thresholds, **_best(design)).drop_duplicates("task"), "task")
    counts = {name: (int(rows[name,]["n_positive"]), int(rows[name,]["n_negative"])) for (name,) in rows}
    told = say_counts({name: counts[name] for name in design.ordered(counts)}, design)
    common = (
        f"{design.best.label}, ensemble, {design.scheme} scheme. For each {design.word} the threshold of highest "
        "recall that reaches the precision on the validation split was taken to the test split; 95 % Wilson intervals. "
        "x: no threshold reaches that precision, or none of the test windows is called. Sites : others in test: "
        f"{told}."
    )
    return [
        f"Precision found on the test split; red: what was asked for. {common}",
        f"Recall, the fraction of sites called. {common}",
    ]
