"""Global motifs: optimised windows (Figure 5 of the paper), their spread over starts, and co-occurrence of elements."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from .captions import PANELS, Captions, captioned, say_each, say_range
from .design import Design
from .logos import draw_logo
from .lookup import rows_by, select
from .palette import INK, NUCLEOTIDES, QUIET
from .panels import (
    MEASURED,
    add_letters,
    draw_interval,
    draw_reference,
    label_bottom,
    legend_entry,
    letter,
    nothing,
    panel_grid,
    place_legend,
    predictor_looks,
    predictors_of,
    rows_axis,
    spread,
)
from .style import WIDTH, new_figure, styled

_MARGIN = 3
_LEAST_BITS = 0.2


def predictor_label(name: str, design: Design) -> str:
    """A predictor in words."""
    labels = {"multi": f"all {design.words} together", "single": f"one {design.word} each", MEASURED: "measured sites"}
    return labels.get(name, name.replace("_", " "))


def _mean(motifs: pd.DataFrame) -> pd.DataFrame:
    return motifs[motifs["start"].astype(str) == "mean"]


def _view(mean: pd.DataFrame) -> tuple[int, int]:
    """First and last offset with information in any row, and a margin."""
    told = mean.loc[(mean["bits"] >= _LEAST_BITS) | mean["held"].astype(bool), "offset"]
    first, last = (told.min(), told.max()) if len(told) else (mean["offset"].min(), mean["offset"].max())
    return max(int(first) - _MARGIN, int(mean["offset"].min())), min(int(last) + _MARGIN, int(mean["offset"].max()))


@styled
def draw_optimised(motifs: pd.DataFrame, design: Design) -> Figure:
    """Logos of the optimised windows, Figure 5 A and B of the paper: a panel per predictor, in it a row per task."""
    mean = _mean(motifs)
    predictors, tasks = predictors_of(mean), design.ordered(mean["task"])
    first, last = _view(mean)
    top = np.ceil(2 * max(mean.loc[~mean["held"].astype(bool), "bits"].max(), 0.25)) / 2
    figure = new_figure(0.35 + len(predictors) * (0.5 + 0.46 * len(tasks)))
    figure.get_layout_engine().set(h_pad=0.02, hspace=0)
    outer = figure.subfigures(len(predictors), 1, squeeze=False)[:, 0]
    for part, predictor, panel in zip(outer, predictors, PANELS, strict=False):
        grid = part.subplots(len(tasks), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, name in zip(grid, tasks, strict=True):
            rows = select(mean, predictor=predictor, task=name).sort_values("offset")
            rows = rows[rows["offset"].between(first, last)]
            places, held = rows["offset"].to_numpy(), rows["held"].to_numpy(dtype=bool)
            heights = rows[list(NUCLEOTIDES)].to_numpy() * rows["bits"].to_numpy()[:, None]
            ends = rows["low"][~held], rows["high"][~held]
            axes.vlines(places[~held], *ends, color="#B9B9B9", linewidth=1.1, zorder=2)
            draw_logo(axes, heights, places, faded=held)
            axes.xaxis.set_major_locator(MultipleLocator(10))
            axes.set_xlim(first - 0.6, last + 0.6)
            axes.set_ylim(0, top)
            axes.set_yticks([0, top], ["0", f"{top:g}"])
            look = {"rotation": 0, "ha": "right", "va": "center", "labelpad": 4, "color": design.colour(name)}
            axes.set_ylabel(design.label(name), **look)
            axes.tick_params(axis="x", labelbottom=axes is grid[-1])
        grid[0].set_title(predictor_label(predictor, design))
        letter(grid[0], panel)
        grid[-1].set_xlabel("position relative to the site, nt" if part is outer[-1] else "")
    figure.supylabel("information, bits", fontsize=8)
    return figure


@captioned
def explain_optimised(motifs: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_optimised`, by panel."""
    mean = _mean(motifs)
    first, last = _view(mean)
    held = mean["held"].astype(bool)
    imposed = (
        f" Pale nucleotides, {int(held.groupby([mean['predictor'], mean['task']]).sum().max())} positions around the "
        "site, were imposed, since all windows that the models know have them, and end at the axis."
        if held.any()
        else ""
    )
    texts = []
    for predictor in predictors_of(mean):
        totals = select(mean[~held], predictor=predictor).groupby("task")["bits"].sum()
        texts.append(
            f"Windows optimised for each {design.word}, models of {predictor_label(predictor, design)}: the mean over "
            f"{_starts(motifs)} random starts, as logos; height: information in bits; position relative to the site "
            f"(0), shown from {first} to {last} nt, beyond which no position of any row has {_LEAST_BITS:g} bits. Grey "
            "bars: 5 % to 95 % quantile of the single starts' information, which stands above the logo where starts "
            f"disagree. Sums over positions, bits: {say_each(totals, design, '.1f')}.{imposed} The nucleotides raise "
            "the logit; they are no frequencies among sites."
        )
    return texts


def _starts(motifs: pd.DataFrame) -> int:
    return motifs.loc[motifs["start"].astype(str) != "mean", "start"].nunique()


@styled
def draw_optimised_spread(motifs: pd.DataFrame, design: Design) -> Figure:
    """Information by position with its spread over starts, predictors side by side, one panel per task.

    Imposed positions are left out.
    """
    mean = _mean(motifs)
    looks, tasks = predictor_looks(predictors_of(mean)), design.ordered(mean["task"])
    first, last = _view(mean)
    figure, grid = panel_grid(len(tasks), 2, height=1.2, above=0.7, width=0.6 * WIDTH, sharex=True, sharey=True)
    for axes, name in zip(grid.flat, tasks, strict=False):
        for predictor, look in looks.items():
            part = select(mean, predictor=predictor, task=name).sort_values("offset")
            part = part[part["offset"].between(first, last)]
            shown = part.loc[:, ["mean_bits", "low", "high"]].where(~part["held"].astype(bool))
            axes.fill_between(part["offset"], shown["low"], shown["high"], color=look.colour, alpha=0.22, linewidth=0)
            axes.plot(part["offset"], shown["mean_bits"], color=look.colour, linestyle=look.dash, linewidth=1.0)
        axes.axvline(0, color=INK, linewidth=0.6, linestyle=(0, (1, 2)), zorder=1)
        axes.set_title(design.label(name), color=design.colour(name))
        axes.grid(axis="y")
    grid[0, 0].set_ylim(bottom=0)
    grid[0, 0].set_xlim(first, last)
    label_bottom(grid, "position relative to the site, nt")
    figure.supylabel("information of one start, bits", fontsize=8)
    labels = {name: predictor_label(name, design) for name in looks}
    place_legend(figure, [legend_entry(labels[name], look.colour, line=look.dash) for name, look in looks.items()])
    return figure


@captioned
def explain_optimised_spread(motifs: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_optimised_spread`."""
    held = _mean(motifs)["held"].astype(bool).any()
    return (
        f"Information in bits (0 to 2) of each position of the windows optimised for each {design.word}. Lines: mean "
        f"over {_starts(motifs)} starts; bands: 5 % to 95 % quantile of the starts."
        + (" Positions that were imposed are left out." if held else "")
        + " A task whose logits span more gets more information at the same penalty."
    )


@styled
def draw_cooccurrence(pairs: pd.DataFrame, design: Design) -> Figure:
    """Pairs of elements in windows: how much commoner together in called ones, and the interaction.

    A row of panels per pair; on the left the enrichment, on the right the interaction; a line per task.
    """
    kinds = list(dict.fromkeys(zip(pairs["element_a"], pairs["element_b"], strict=True)))
    if not kinds:
        return nothing("no pair of elements was asked for")
    looks, tasks = predictor_looks(predictors_of(pairs)), design.ordered(pairs["task"])
    figure = new_figure(0.75 + len(kinds) * (0.4 + (0.06 + 0.085 * len(looks)) * len(tasks)))
    grid = figure.subplots(len(kinds), 2, sharex="col", sharey=True, squeeze=False)
    for line, (first, second) in zip(grid, kinds, strict=True):
        found = rows_by(select(pairs, element_a=first, element_b=second), "predictor", "task")
        for axes, value in zip(line, ("enrichment", "interaction"), strict=True):
            for (name, look), shift in zip(looks.items(), spread(len(looks), 0.75), strict=True):
                for at, task in enumerate(tasks):
                    if (name, task) in found:
                        keys = (value, f"{value}_low", f"{value}_high")
                        row = found[name, task]
                        draw_interval(axes, at + shift, row, look.colour, keys=keys, marker=look.marker, size=4.2)
            draw_reference(axes, 0, colour=QUIET)
            rows_axis(axes, [design.label(name) for name in tasks])
        line[0].set_title(f"{first} and {second}".replace("_", " "))
    add_letters(grid[:, 0])
    grid[-1, 0].set_xlabel("log2 (fraction with both, called / not called)")
    grid[-1, 1].set_xlabel("interaction, log2 ratio of odds ratios")
    labels = {name: predictor_label(name, design) for name in looks}
    entries = [legend_entry(labels[name], look.colour, look.marker, size=4.2) for name, look in looks.items()]
    place_legend(figure, entries)
    return figure


@captioned
def explain_cooccurrence(pairs: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_cooccurrence`, by panel."""
    if pairs.empty:
        return "0 pairs of elements were tested: the configuration names none."
    texts = []
    for (first, second), rows in pairs.groupby(["element_a", "element_b"], sort=False):
        significant = rows.groupby("predictor", sort=False)["p_together"].agg(lambda p: int((p < 0.05).sum()))
        together = ", ".join(f"{predictor_label(name, design)} {count}" for name, count in significant.items())
        texts.append(
            f"Windows of the test split that hold both elements, {first} and {second}, each in its range of distances "
            f"from the site ({say_range(rows['both_called'])} called windows with both). Left: log2 of their fraction "
            "among called windows over that among others; right: log2 of the odds ratios' ratio, 0 where the two add "
            "up. Bars: 95 % Wald intervals. Permuting the calls among windows with the same five nucleotides at the "
            f"site, they are together more often at P < 0.05 (one-sided) in so many of {rows['task'].nunique()} "
            f"{design.words}: {together}."
        )
    return texts
