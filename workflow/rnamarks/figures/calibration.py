"""Whether probabilities can be believed, and what a threshold brings."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .design import Design
from .lookup import select
from .marks import species_handles
from .palette import CHANCE, FAINT, INK, QUIET
from .style import WIDTH, grid_of, label_bottom, letter, new_figure, styled


@styled
def draw_reliability(reliability: pd.DataFrame, calibration: pd.DataFrame, design: Design) -> Figure:
    """Observed share of sites against predicted probability, one panel per species.

    Parameters
    ----------
    reliability : pandas.DataFrame
        Bins with Wilson intervals.
    calibration : pandas.DataFrame
        Calibration errors before and after.
    design : Design
    """
    key = {"model": design.best.model, "setting": design.best.setting, "split": design.split, "seed": "ensemble"}
    bins, errors = select(reliability, **key), select(calibration, **key)
    rows, columns = grid_of(len(design.species))
    figure = new_figure(0.45 + 1.85 * rows, min(WIDTH, 1.8 * columns + 0.2), "compressed")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    top = 1.0
    if len(bins):
        top = min(1.0, np.ceil(10.5 * np.nanmax(bins[["predicted", "high"]].to_numpy(float))) / 10)
    ticks = [tick for tick in (0, 0.02, 0.1, 0.25, 0.5, 0.75, 1) if tick <= top]
    for axes, name in zip(grid.flat, design.species, strict=False):
        mine = bins[bins["species"] == name]
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.vlines(mine["predicted"], mine["low"], mine["high"], color=design.colours[name], linewidth=1.5)
        axes.plot(mine["predicted"], mine["observed"], "o", color=design.colours[name], markersize=4.5)
        error = errors[errors["species"] == name]
        if len(error):
            row = error.iloc[0]
            axes.text(
                0.04,
                0.97,
                f"ECE {row['ece_raw']:.3f} → {row['ece']:.3f}\n(noise {row['ece_noise']:.3f})",
                transform=axes.transAxes,
                ha="left",
                va="top",
                fontsize=7,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85},
            )
        axes.set_title(name)
        axes.set_xscale("function", functions=(_root, np.square))
        axes.set_yscale("function", functions=(_root, np.square))
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)
        axes.set_box_aspect(1)
        axes.grid(color=FAINT)
    label_bottom(grid, len(design.species), "calibrated probability")
    figure.supylabel("share of sites observed", fontsize=8)
    return figure


def _root(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(values, 0))


def explain_reliability(reliability: pd.DataFrame, calibration: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Caption of :func:`draw_reliability`."""
    key = {"model": design.best.model, "setting": design.best.setting, "split": design.split, "seed": "ensemble"}
    bins = select(reliability, **key).groupby("species")["n"].sum()
    counts = ", ".join(f"{name} {int(bins[name]):,}" for name in design.species if name in bins.index)
    return [
        (
            "",
            f"Reliability of {design.best.label} (ensemble) on the test part, {design.split} split. Each point is a "
            "tenth of the test windows, sorted by probability; vertical lines: 95 % Wilson intervals; dashed: perfect "
            "calibration. Both axes are on a square-root scale. ECE: expected calibration error of the raw output "
            "(trained at 1:1) → after undoing the prior and fitting on the validation part; in brackets what a "
            f"perfectly calibrated model would show by chance. Test windows: {counts}.",
        )
    ]


@styled
def draw_thresholds(thresholds: pd.DataFrame, design: Design) -> Figure:
    """Precision kept and recall reached on the test part by thresholds chosen for a precision.

    Parameters
    ----------
    thresholds : pandas.DataFrame
    design : Design
    """
    mine = select(thresholds, model=design.best.model, setting=design.best.setting, split=design.split, seed="ensemble")
    targets = sorted(mine["target_precision"].astype(float).unique())
    figure = new_figure(2.9)
    grid = figure.subplots(1, 2, sharex=True, sharey=True)
    step = 0.8 / max(1, len(design.species))
    lost = False
    for axes, measure, panel in zip(grid, ("precision", "recall"), "AB", strict=True):
        for block, target in enumerate(targets):
            if measure == "precision":
                axes.plot([block - 0.46, block + 0.46], [target, target], color=CHANCE, linewidth=1.2, zorder=1)
            for line, name in enumerate(design.species):
                at = block + (line - (len(design.species) - 1) / 2) * step
                colour = design.colours[name]
                for row in select(mine, species=name, target_precision=target).to_dict("records"):
                    if np.isfinite(row[measure]):
                        low, high = row[f"{measure}_low"], row[f"{measure}_high"]
                        axes.plot([at, at], [low, high], color=colour, linewidth=1.4, solid_capstyle="round")
                        axes.plot(at, row[measure], "o", color=colour, markersize=4.5)
                    else:
                        lost = True
                        axes.plot(at, 0.015, "x", color=colour, markersize=4, markeredgewidth=1.1)
        axes.set_xticks(range(len(targets)), [f"{target:g}" for target in targets])
        axes.set_xlim(-0.55, len(targets) - 0.45)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("precision asked for")
        axes.set_ylabel(f"{measure}, test part")
        axes.tick_params(labelleft=True)
        axes.grid(axis="y")
        for block in range(1, len(targets)):
            axes.axvline(block - 0.5, color=FAINT, linewidth=0.7)
        letter(axes, panel)
    handles = species_handles(design)
    handles.append(Line2D([], [], color=CHANCE, linewidth=1.2, label="asked for"))
    if lost:
        handles.append(Line2D([], [], color=INK, marker="x", markersize=4, linestyle="none", label="no threshold"))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)))
    return figure


def explain_thresholds(thresholds: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_thresholds`, by panel."""
    mine = select(thresholds, model=design.best.model, setting=design.best.setting, split=design.split, seed="ensemble")
    counts = mine.drop_duplicates("species").set_index("species")
    told = ", ".join(
        f"{name} {int(counts.at[name, 'n_positive']):,} : {int(counts.at[name, 'n_negative']):,}"
        for name in design.species
        if name in counts.index
    )
    common = (
        f"{design.best.label}, ensemble, {design.split} split. For each species the threshold of highest recall that "
        "reaches the precision on the validation part was taken to the test part; 95 % Wilson intervals. x: no "
        f"threshold reaches that precision, or none of the test windows is called. Sites : others in test: {told}."
    )
    return [
        ("A", f"Precision found on the test part; red: what was asked for. {common}"),
        ("B", f"Recall, the share of sites called. {common}"),
    ]
