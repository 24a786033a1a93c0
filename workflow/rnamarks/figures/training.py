"""How training went: validation AUROC by round, with the stages of the curriculum."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .design import Design, Series
from .lookup import select
from .marks import species_handles
from .palette import FAINT, INK, QUIET
from .style import grid_of, label_bottom, new_figure, styled


def _panels(design: Design) -> list[tuple[Series, str]]:
    return [(series, split) for series in design.series if series.kind == "network" for split in series.splits]


@styled
def draw_training(histories: pd.DataFrame, design: Design) -> Figure:
    """One panel per training, one line per species and seed.

    Parameters
    ----------
    histories : pandas.DataFrame
        Columns ``model``, ``setting``, ``split``, ``seed`` and those of ``history.tsv``.
    design : Design

    Returns
    -------
    matplotlib.figure.Figure
        Shaded bands are the stages of the first seed; the black line is the score that the best round is chosen by.
    """
    panels = _panels(design)
    rows, columns = grid_of(len(panels), 3)
    figure = new_figure(0.6 + 1.65 * rows, min(7.2, 2.5 * columns + 0.3))
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, (series, split) in zip(grid.flat, panels, strict=False):
        mine = select(histories, model=series.model, setting=series.setting, split=split)
        if series.setting != "single" and len(mine):
            _shade_stages(axes, mine)
        for _, line in mine.groupby(["seed", "head"], sort=False):
            line = line.sort_values("round")
            colour = design.colours.get(line["head"].iloc[0], QUIET)
            axes.plot(line["round"], line["auroc"], color=colour, linewidth=0.9, alpha=0.75)
        if series.setting != "single" and len(mine):
            first = mine[mine["seed"] == mine["seed"].iloc[0]].drop_duplicates("round").sort_values("round")
            axes.plot(first["round"], first["score"], color=INK, linewidth=1.5)
        axes.set_title(series.label + (f"\n{split} split" if len({at for _, at in panels}) > 1 else ""), fontsize=7.5)
        axes.grid(axis="y", color=FAINT)
        axes.xaxis.get_major_locator().set_params(integer=True)
    label_bottom(grid, len(panels), "round")
    figure.supylabel("AUROC, validation part", fontsize=8)
    handles = [*species_handles(design)]
    for handle in handles:
        handle.set_marker("")
    if any(series.setting != "single" for series, _ in panels):
        handles.append(Line2D([], [], color=INK, linewidth=1.5, label="mean of species, first seed"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def _shade_stages(axes, mine: pd.DataFrame) -> None:
    first = mine[mine["seed"] == mine["seed"].iloc[0]]
    if first["stage"].nunique() < 2:
        return
    for stage, rounds in first.groupby("stage")["round"]:
        if int(stage) % 2:
            axes.axvspan(rounds.min() - 0.5, rounds.max() + 0.5, color="#EFEFEF", linewidth=0, zorder=0)
    axes.set_xlim(first["round"].min() - 0.5, mine["round"].max() + 0.5)


def explain_training(histories: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Caption of :func:`draw_training`."""
    seeds = histories.groupby(["model", "setting", "split"])["seed"].nunique()
    many = f"{seeds.min()} to {seeds.max()}" if len(seeds) and seeds.min() != seeds.max() else f"{int(np.max(seeds))}"
    return [
        (
            "",
            "AUROC on the validation part after each round of training, one line per species and seed "
            f"({many} seeds), coloured by species. Bands: stages of the curriculum (first seed), in each of which one "
            "species joins. Black: mean over the stage's species of the first seed, by which the best round of a stage "
            "is kept; the model of the last stage is the one that is used.",
        )
    ]
