"""Where along transcripts sites lie: Figure 3 of the paper, and the neighbourhood of the stop codon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .captions import Captions, captioned, say_p
from .design import Design
from .lookup import rows_by, select
from .palette import INK, QUIET
from .panels import (
    DIFFERENCE,
    MEASURED,
    Look,
    add_letters,
    annotate,
    bare_rows,
    draw_interval,
    draw_reference,
    legend_columns,
    legend_entry,
    place_legend,
    predictor_looks,
    predictors_of,
    spread,
    task_entries,
    value_axis,
    write_inside,
)
from .style import WIDTH, new_figure, styled

REGION_LABELS = {"utr5": "5′UTR", "cds": "CDS", "utr3": "3′UTR"}


def own_rows(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """Rows about the transcripts of each task's own species, see :func:`~rnamarks.figures.lookup.select`."""
    return select(table[table["transcripts"] == table["species"]], **wanted)


def _curve(
    axes: Axes, rows: pd.DataFrame, colour: str, dash: object = "-", width: float = 1.4, band: float = 0.13
) -> float:
    """Draw a line with its band; returns the highest value that should fit the panel, NaN for no line."""
    rows = rows.sort_values("bin")
    middle = (rows["from"] + rows["to"]).to_numpy() / 2
    if rows["value"].notna().any():
        axes.fill_between(middle, rows["low"], rows["high"], color=colour, alpha=band, linewidth=0)
        axes.plot(middle, rows["value"], color=colour, linestyle=dash, linewidth=width)
    return float(np.nanmax(rows["value"])) if rows["value"].notna().any() else float("nan")


def _transcript(axes: Axes, rows: pd.DataFrame) -> None:
    """A transcript below the axis: UTRs thin, the coding sequence thick, and a line at either end of it."""
    edges = [*(rows.loc[rows["region"] == name, "from"].min() for name in REGION_LABELS), 1.0]
    below = axes.get_xaxis_transform()
    for name, left, right in zip(REGION_LABELS, edges, edges[1:], strict=False):
        height, colour = (0.075, "#C9C9C9") if name == "cds" else (0.032, "#E2E2E2")
        look = {"facecolor": colour, "transform": below, "edgecolor": "none", "clip_on": False}
        axes.add_patch(Rectangle((left, -0.06 - height / 2), right - left, height, **look))
        place = {"xycoords": below, "ha": "center", "va": "center"}
        annotate(axes, REGION_LABELS[name], ((left + right) / 2, -0.06), (0, -13), fontsize=7.5, **place)
    for place in edges[1:3]:
        _upright(axes, place)
    draw_reference(axes, 1, across=True)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.grid(axis="y")


def _upright(axes: Axes, place: float) -> None:
    """A border of the coding sequence."""
    axes.axvline(place, color=QUIET, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)


def compared_tasks(table: pd.DataFrame, design: Design) -> list[str]:
    """At most three tasks for which several predictors are drawn side by side: those with most of them, in order."""
    names = design.ordered(table["task"])
    many = table.groupby("task")["predictor"].nunique()
    kept = sorted(names, key=lambda name: -many[name])[:3]
    return [name for name in names if name in kept and many[name] > 1]


@styled
def draw_metagene(landscape: pd.DataFrame, statistics: pd.DataFrame, design: Design) -> Figure:
    """Density of sites along the metagene: by task, and by predictor beside measured sites."""
    rows = own_rows(landscape, axis="metagene", quantity="density")
    names, looks, compared = design.ordered(rows["task"]), _looks(rows), compared_tasks(rows, design)
    together = len(names) > 1 or not compared
    ratios = [1.15] * together + [1.0] * bool(compared)
    figure = new_figure(0.45 + 2.35 * sum(ratios))
    grid = figure.add_gridspec(len(ratios), max(1, len(compared)), height_ratios=ratios)
    panels = []
    if together:
        top = figure.add_subplot(grid[0, :])
        _draw_tasks(top, rows, names, looks, design, band=0.09)
        _transcript(top, rows)
        top.set_ylabel("density of called sites")
        panels.append(top)
    lower, peaks = [], []
    for at, name in enumerate(compared):
        axes = figure.add_subplot(grid[-1, at], sharey=lower[0] if lower else None)
        mine = select(rows, task=name)
        lines = [
            _curve(axes, select(mine, predictor=key), look.colour, look.dash, 1.2 if key == MEASURED else 1.4)
            for key, look in looks.items()
            if key in set(mine["predictor"])
        ]
        _say_no_call(axes, lines)
        _transcript(axes, rows)
        axes.set_title(design.label(name), color=INK)
        axes.tick_params(labelleft=at == 0)
        lower.append(axes)
        peaks += lines
    add_letters([*panels, *lower])
    if compared:
        lower[0].set_ylabel("density of sites")
        lower[0].set_ylim(0, _top(peaks))
        place_legend(figure, [legend_entry(look.label, look.colour, line=look.dash) for look in looks.values()])
    return figure


def _draw_tasks(
    axes: Axes, rows: pd.DataFrame, names: Sequence[str], looks: Mapping[str, Look], design: Design, band: float
) -> None:
    """A line per task of the sites that the first predictor calls."""
    shown, look = next(iter(looks.items()))
    peaks = [_curve(axes, select(rows, predictor=shown, task=name), design.colour(name), band=band) for name in names]
    _say_no_call(axes, peaks)
    axes.set_ylim(0, _top(peaks))
    alone = f" in {', '.join(map(design.label, names))}" if len(names) < 2 else ""
    # the title above the legend: the lines leave no corner free
    entries = task_entries(design, names, marker="") if len(names) > 1 else []
    columns = legend_columns([entry.get_label() for entry in entries], WIDTH, len(names) or 1)
    axes.set_title(f"sites called by {look.label}{alone}", pad=6 + 12 * -(-len(entries) // columns))
    if entries:
        place = {"loc": "lower left", "bbox_to_anchor": (-0.01, 0.98), "borderpad": 0.3, "columnspacing": 1.2}
        axes.legend(handles=entries, ncols=columns, **place)


def _looks(rows: pd.DataFrame) -> dict[str, Look]:
    return predictor_looks(predictors_of(rows)) or {"": Look("", INK, "-", "o")}


def _say_no_call(axes: Axes, peaks: Sequence[float]) -> None:
    if not np.isfinite(peaks).any():
        write_inside(axes, "no site called")


def _top(peaks: Sequence[float]) -> float:
    """Upper end of a scale that fits the lines; bands of bins with few sites may leave it."""
    return 1.15 * max((peak for peak in peaks if peak > 0), default=1.0)


def _say_calls(statistics: pd.DataFrame, names: Sequence[str], predictor: str, design: Design) -> str:
    rows = own_rows(statistics, predictor=predictor).set_index("task")
    return ", ".join(
        f"{design.label(name)} {int(rows.at[name, 'called']):,} of {int(rows.at[name, 'candidates']):,} in "
        f"{int(rows.at[name, 'genes']):,} genes"
        for name in names
        if name in rows.index
    )


@captioned
def explain_metagene(landscape: pd.DataFrame, statistics: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_metagene`, by panel."""
    rows = own_rows(landscape, axis="metagene", quantity="density")
    names, looks = design.ordered(rows["task"]), _looks(rows)
    lead = next(iter(looks))
    scale = (
        "Horizontal: position as a fraction of 5′UTR, CDS and 3′UTR, as wide as the median of their median lengths "
        "over the sets of transcripts. Vertical: fraction of the sites in a bin over the bin's fraction of the axis, "
        "no unit; dashed: 1, evenly spread. Bands: pointwise 95 % bootstrap intervals over genes."
    )
    compared = compared_tasks(rows, design)
    texts = []
    if len(names) > 1 or not compared:
        calls = _say_calls(statistics, names, lead, design) or f"none, as 0 {design.words} were predicted"
        texts.append(
            f"Density of the sites that {looks[lead].label} calls, by {design.word}. {scale} Called sites of all motif "
            f"positions: {calls}."
        )
    for name in compared:
        mine = own_rows(statistics, task=name).set_index("predictor")
        counts = ", ".join(f"{looks[key].label} {int(mine.at[key, 'called']):,}" for key in looks if key in mine.index)
        measured = MEASURED in mine.index
        texts.append(
            f"Density of the sites of {design.label(name)} by each model{' and of measured sites' * measured}. "
            f"{'Axes as in A.' if texts else scale} Sites: {counts}, in {int(mine['genes'].max()):,} "
            f"genes.{' Measured sites include those that the models were trained on.' * measured}"
        )
    return texts


@styled
def draw_stop(landscape: pd.DataFrame, statistics: pd.DataFrame, design: Design) -> Figure:
    """Fraction of motif positions called by distance to the stop codon, and how much nearer called sites lie."""
    rows = own_rows(landscape, axis="stop", quantity="rate")
    names, looks = design.ordered(rows["task"]), _looks(rows)
    lines = len(names) * (len(looks) + 0.6)
    ratios = [2.6, max(1.0, 0.14 * lines)]
    figure = new_figure(0.9 + sum(ratios))
    grid = figure.add_gridspec(2, 2, height_ratios=ratios)
    top = figure.add_subplot(grid[0, :])
    _draw_tasks(top, rows, names, looks, design, band=0.13)
    _upright(top, 0)
    if len(rows):
        top.set_xlim(rows["from"].min(), rows["to"].max())
    top.set_xlabel("distance to the stop codon (nt)")
    top.set_ylabel("called per motif position")
    top.grid(axis="y")
    left = figure.add_subplot(grid[1, 0])
    right = figure.add_subplot(grid[1, 1], sharey=left)
    _forest(left, statistics, names, looks, design, DIFFERENCE)
    draw_reference(left, 0)
    left.set_xlabel("difference in median distance (nt)")
    _forest(right, statistics, names, looks, design, ("nearer", "nearer_low", "nearer_high"))
    draw_reference(right, 0.5)
    right.set_xlabel("pairs of one transcript, called nearer")
    right.tick_params(labelleft=False)
    left.set_ylim(max(lines, 1) - 0.9, -0.7)
    add_letters([top, left, right])
    if len(looks) > 1:
        entries = [legend_entry(look.label, QUIET, look.marker, size=4.5, line="none") for look in looks.values()]
        place_legend(figure, entries)
    return figure


def _forest(
    axes: Axes,
    statistics: pd.DataFrame,
    names: Sequence[str],
    looks: Mapping[str, Look],
    design: Design,
    keys: tuple[str, str, str],
) -> None:
    middles = [number * (len(looks) + 0.6) + (len(looks) - 1) / 2 for number in range(len(names))]
    for middle, name in zip(middles, names, strict=True):
        found = rows_by(own_rows(statistics, task=name), "predictor")
        for (key, look), shift in zip(looks.items(), spread(len(looks), len(looks)), strict=True):
            if (key,) in found:
                colour = design.colour(name)
                draw_interval(axes, middle + shift, found[key,], colour, keys=keys, marker=look.marker, size=4.5)
    axes.set_yticks(middles, [design.label(name) for name in names])
    bare_rows(axes)
    value_axis(axes)


@captioned
def explain_stop(landscape: pd.DataFrame, statistics: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_stop`, by panel."""
    rows = own_rows(landscape, axis="stop", quantity="rate")
    names, looks = design.ordered(rows["task"]), _looks(rows)
    lead = next(iter(looks))
    mine = own_rows(statistics, predictor=lead).dropna(subset=["median_called", "peak_from"])
    medians = "; ".join(
        f"{design.label(row['task'])} {row['median_called']:,.0f} against {row['median_other']:,.0f} nt, "
        f"{say_p(row['p'])}, δ = {row['delta']:.2f}, peak {row['peak_from']:,.0f} to {row['peak_to']:,.0f} nt"
        for row in mine.to_dict("records")
    )
    width = f"{(rows['to'] - rows['from']).max():,.0f} nt" if len(rows) else "equal width"
    return [
        (
            f"Fraction of motif positions that {looks[lead].label} calls, by their distance from the first nucleotide "
            f"of the stop codon (nt, 3′ to the right) in bins of {width}. Bands: pointwise 95 % bootstrap intervals "
            f"over genes. Called sites of all motif positions: {_say_calls(statistics, names, lead, design) or '0'}."
        ),
        (
            "Median distance to the stop codon (nt, either direction) of called or measured sites minus that of the "
            "other motif positions; left of 0 they lie nearer. Lines: 95 % bootstrap intervals over genes. Medians, "
            "two-sided Mann-Whitney test (sites taken for independent), Cliff's δ and the bin of highest density for "
            f"{looks[lead].label}: {medians or 'no site is called, 0 tests'}."
        ),
        (
            "Of all pairs of a called and another motif position of one transcript, the fraction in which the called "
            "one is nearer the stop codon, so that differences between transcripts do not enter; 0.5 (dashed) is no "
            "preference. Lines: 95 % bootstrap intervals over genes."
        ),
    ]
