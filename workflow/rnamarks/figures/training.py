"""How training went: validation AUROC by epoch, with the stages of the curriculum."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .captions import Captions, captioned
from .design import Design, Series
from .lookup import select
from .palette import INK
from .panels import label_bottom, legend_entry, panel_grid, place_legend, task_entries
from .style import styled


def _panels(design: Design) -> list[tuple[Series, str]]:
    return [(series, scheme) for series in design.series if series.kind == "network" for scheme in series.schemes]


@styled
def draw_training(histories: pd.DataFrame, design: Design) -> Figure:
    """One panel per training, one line per task and seed.

    Shaded bands are the stages of the first seed; the black line is the score that the best epoch is chosen by.
    """
    panels = _panels(design)
    figure, grid = panel_grid(len(panels), 3, height=1.65, above=0.6, width=2.5, sharey=True)
    for axes, (series, scheme) in zip(grid.flat, panels, strict=False):
        mine = select(histories, model=series.model, setting=series.setting, scheme=scheme)
        for _, line in mine.groupby(["seed", "task"], sort=False):
            line = line.sort_values("epoch")
            colour = design.colour(line["task"].iloc[0])
            axes.plot(line["epoch"], line["auroc"], color=colour, linewidth=0.9, alpha=0.75)
        if series.setting != "single" and len(mine):
            first = mine[mine["seed"] == mine["seed"].iloc[0]]
            _shade_stages(axes, first, mine["epoch"].max())
            first = first.drop_duplicates("epoch").sort_values("epoch")
            axes.plot(first["epoch"], first["score"], color=INK, linewidth=1.5)
        axes.set_title(series.label + (f"\n{scheme} scheme" if len({at for _, at in panels}) > 1 else ""), fontsize=7.5)
        axes.grid(axis="y")
        axes.xaxis.get_major_locator().set_params(integer=True)
    label_bottom(grid, "epoch")
    figure.supylabel("AUROC, validation split", fontsize=8)
    entries = task_entries(design, marker="")
    if any(series.setting != "single" for series, _ in panels):
        entries.append(legend_entry(f"mean of {design.words}, first seed"))
    place_legend(figure, entries, 4)
    return figure


def _shade_stages(axes: Axes, first: pd.DataFrame, last: int) -> None:
    if first["stage"].nunique() < 2:
        return
    for stage, epochs in first.groupby("stage")["epoch"]:
        if int(stage) % 2:
            axes.axvspan(epochs.min() - 0.5, epochs.max() + 0.5, color="#EFEFEF", linewidth=0, zorder=0)
    axes.set_xlim(first["epoch"].min() - 0.5, last + 0.5)


@captioned
def explain_training(histories: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_training`."""
    seeds = histories.groupby(["model", "setting", "scheme"])["seed"].nunique()
    fewest, most = seeds.min(), seeds.max()
    many = f"{fewest} to {most} seeds" if fewest < most else "1 seed" if most == 1 else f"{most} seeds"
    return (
        f"AUROC on the validation split after each epoch of training, one line per {design.word} and seed ({many}), "
        f"coloured by {design.word}. Bands: stages of the curriculum (first seed), in each of which one {design.word} "
        f"joins. Black: mean over the stage's {design.words} of the first seed, by which the best epoch of a stage is "
        "kept; the model of the last stage is the one that is used."
    )
