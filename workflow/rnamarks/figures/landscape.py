"""Where along transcripts sites lie: Figure 3 of the paper, and the neighbourhood of the stop codon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from .design import Design
from .lookup import select
from .marks import species_handles
from .palette import CHANCE, DASHES, FAINT, INK, QUIET, ramp
from .style import letter, new_figure, say_p, styled

MEASURED = "measured"
REGION_LABELS = {"utr5": "5′UTR", "cds": "CDS", "utr3": "3′UTR"}
NO_CALL = "no site called"


@dataclass(frozen=True)
class Look:
    """Colour, line style and marker of a predictor."""

    label: str
    colour: str
    dash: object
    marker: str


def predictor_looks(names: Sequence[str]) -> dict[str, Look]:
    """Looks of predictors, in the order in which the configuration has them; measured sites are black."""
    looks, models = {}, [name for name in dict.fromkeys(names) if name != MEASURED]
    for index, name in enumerate(models):
        dash = "-" if not index else DASHES[index % len(DASHES)]
        looks[name] = Look(name.replace("_", " "), ramp(index, 0.75), dash, "osDv^P"[index % 6])
    if MEASURED in names:
        looks[MEASURED] = Look("measured sites", INK, "-", "X")
    return looks


def _predictors(table: pd.DataFrame) -> list[str]:
    found = list(dict.fromkeys(table["predictor"]))
    return [name for name in found if name != MEASURED] + [name for name in found if name == MEASURED]


def _species(table: pd.DataFrame, design: Design) -> list[str]:
    present = set(table["species"])
    return [name for name in design.species if name in present]


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


def _start(rows: pd.DataFrame, region: str) -> float:
    return float(rows.loc[rows["region"] == region, "from"].min())


def _transcript(axes: Axes, rows: pd.DataFrame) -> None:
    """A transcript below the axis: UTRs thin, the coding sequence thick, and a line at either end of it."""
    edges = [*(_start(rows, name) for name in REGION_LABELS), 1.0]
    for at, name in enumerate(REGION_LABELS):
        left, right = edges[at], edges[at + 1]
        height = 0.075 if name == "cds" else 0.032
        axes.add_patch(
            Rectangle(
                (left, -0.06 - height / 2),
                right - left,
                height,
                transform=axes.get_xaxis_transform(),
                facecolor="#C9C9C9" if name == "cds" else "#E2E2E2",
                edgecolor="none",
                clip_on=False,
            )
        )
        axes.annotate(
            REGION_LABELS[name],
            ((left + right) / 2, -0.06),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, -13),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=7.5,
            annotation_clip=False,
        )
    for place in edges[1:3]:
        axes.axvline(place, color=QUIET, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
    axes.axhline(1, color=CHANCE, linewidth=1.0, linestyle=(0, (3, 2)), zorder=1)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.grid(axis="y")


def _say_nothing(axes: Axes, text: str = NO_CALL) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=QUIET)


def compared_species(table: pd.DataFrame, design: Design) -> list[str]:
    """At most three species for which several predictors stand side by side: those with most of them, from the root."""
    names = _species(table, design)
    many = table.groupby("species")["predictor"].nunique()
    kept = sorted(names, key=lambda name: -many[name])[:3]
    return [name for name in names if name in kept and many[name] > 1]


@styled
def draw_metagene(landscape: pd.DataFrame, statistics: pd.DataFrame, design: Design) -> Figure:
    """Density of sites along the metagene: by species, and by predictor beside measured sites.

    Parameters
    ----------
    landscape : pandas.DataFrame
        Columns of :data:`rnamarks.biology.landscape.COLUMNS`.
    statistics : pandas.DataFrame
        Columns of :data:`rnamarks.biology.landscape.STATISTICS_COLUMNS`.
    design : Design
    """
    rows = select(landscape, axis="metagene", quantity="density")
    names, predictors, compared = _species(rows, design), _predictors(rows), compared_species(rows, design)
    looks, panels = _looks(predictors), iter("ABCD")
    together = len(names) > 1 or not compared
    heights = [1.15] * together + [1.0] * bool(compared)
    figure = new_figure(0.45 + 2.35 * sum(heights))
    grid = figure.add_gridspec(len(heights), max(1, len(compared)), height_ratios=heights)
    if together:
        top = figure.add_subplot(grid[0, :])
        shown = next(iter(looks))
        peaks = [
            _curve(top, select(rows, predictor=shown, species=name), design.colours[name], band=0.09) for name in names
        ]
        _transcript(top, rows)
        _finish(top, peaks)
        top.set_title(f"sites called by {looks[shown].label}")
        top.set_ylabel("density of called sites")
        _species_legend(top, design, names)
        letter(top, next(panels))
    first, heights = None, []
    for at, name in enumerate(compared):
        axes = first = figure.add_subplot(grid[-1, at], sharey=first)
        mine = select(rows, species=name)
        peaks = [
            _curve(axes, select(mine, predictor=key), look.colour, look.dash, 1.2 if key == MEASURED else 1.4)
            for key, look in looks.items()
            if key in set(mine["predictor"])
        ]
        heights += peaks
        if not np.isfinite(peaks).any():
            _say_nothing(axes)
        _transcript(axes, rows)
        axes.set_title(name, color=INK)
        letter(axes, next(panels))
        if at:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("density of sites")
    if compared:
        first.set_ylim(0, _top(heights))
        handles = [Line2D([], [], color=look.colour, linestyle=look.dash, label=look.label) for look in looks.values()]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _species_legend(axes: Axes, design: Design, names: Sequence[str]) -> None:
    # above the lines, which leave no corner free
    handles = _lines(species_handles(design), names)
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(handles), columnspacing=1)


def _looks(predictors: Sequence[str]) -> dict[str, Look]:
    return predictor_looks(predictors) or {"": Look("", INK, "-", "o")}


def _lines(handles: Sequence[Line2D], names: Sequence[str]) -> list[Line2D]:
    kept = [handle for handle in handles if handle.get_label() in names]
    for handle in kept:
        handle.set_marker("")
    return kept


def _finish(axes: Axes, peaks: Sequence[float]) -> None:
    if not np.isfinite(peaks).any():
        _say_nothing(axes)
    axes.set_ylim(0, _top(peaks))


def _top(peaks: Sequence[float]) -> float:
    """Upper end of a scale that fits the lines; bands of bins with few sites may leave it."""
    return 1.15 * max((peak for peak in peaks if peak > 0), default=1.0)


def _say_calls(statistics: pd.DataFrame, names: Sequence[str], predictor: str) -> str:
    rows = select(statistics, predictor=predictor).set_index("species")
    return ", ".join(
        f"{name} {int(rows.at[name, 'called']):,} of {int(rows.at[name, 'candidates']):,} in "
        f"{int(rows.at[name, 'genes']):,} genes"
        for name in names
        if name in rows.index
    )


def explain_metagene(landscape: pd.DataFrame, statistics: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_metagene`, by panel."""
    rows = select(landscape, axis="metagene", quantity="density")
    names, predictors = _species(rows, design), _predictors(rows)
    looks = _looks(predictors)
    lead = next(iter(looks))
    scale = (
        "Horizontal: position as a fraction of 5′UTR, CDS and 3′UTR, which are as wide as the median over species of "
        "their median lengths. Vertical: share of the sites in a bin over the bin's share of the axis, no unit; "
        "dashed: 1, evenly spread. Bands: pointwise 95 % bootstrap intervals over genes."
    )
    compared = compared_species(rows, design)
    panels, texts = iter("ABCD"), []
    if len(names) > 1 or not compared:
        calls = _say_calls(statistics, names, lead)
        texts.append(
            (
                next(panels),
                f"Density of the sites that {looks[lead].label} calls, by species. {scale} Called sites of all motif "
                f"positions: {calls or 'none, as 0 species were predicted'}.",
            )
        )
    for name in compared:
        mine = select(statistics, species=name).set_index("predictor")
        counts = ", ".join(f"{looks[key].label} {int(mine.at[key, 'called']):,}" for key in looks if key in mine.index)
        text = f"Density of the sites of {name} by each model"
        text += " and of measured sites. " if MEASURED in mine.index else ". "
        text += "Axes as in A. " if texts else f"{scale} "
        text += f"Sites: {counts}, in {int(mine['genes'].max()):,} genes."
        if MEASURED in mine.index:
            text += " Measured sites include those that the models were trained on."
        texts.append((next(panels), text))
    return texts


@styled
def draw_stop(landscape: pd.DataFrame, statistics: pd.DataFrame, design: Design) -> Figure:
    """Share of motif positions called by distance to the stop codon, and how much nearer called sites lie.

    Parameters
    ----------
    landscape, statistics : pandas.DataFrame
        As for :func:`draw_metagene`.
    design : Design
    """
    rows = select(landscape, axis="stop", quantity="rate")
    names, predictors = _species(rows, design), _predictors(rows)
    looks = _looks(predictors)
    shown = next(iter(looks))
    lines = len(names) * (len(predictors) + 0.6)
    figure = new_figure(2.6 + 0.7 + max(1.0, 0.14 * lines))
    grid = figure.add_gridspec(2, 2, height_ratios=[2.6, max(1.0, 0.14 * lines)])
    top = figure.add_subplot(grid[0, :])
    peaks = [_curve(top, select(rows, predictor=shown, species=name), design.colours[name]) for name in names]
    top.axvline(0, color=QUIET, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
    if len(rows):
        top.set_xlim(rows["from"].min(), rows["to"].max())
    _finish(top, peaks)
    top.set_xlabel("distance to the stop codon (nt)")
    top.set_ylabel("called per motif position")
    top.grid(axis="y")
    top.set_title(f"sites called by {looks[shown].label}" + ("" if len(names) > 1 else f" in {', '.join(names)}"))
    if len(names) > 1:
        _species_legend(top, design, names)
    letter(top, "A")
    first = None
    panels = (
        ("B", ("difference", "low", "high"), 0.0, "difference in median distance (nt)"),
        ("C", ("nearer", "nearer_low", "nearer_high"), 0.5, "pairs of one transcript, called nearer"),
    )
    for column, (panel, keys, none, label) in enumerate(panels):
        axes = first = figure.add_subplot(grid[1, column], sharey=first)
        _forest(axes, statistics, names, looks, design, keys)
        axes.axvline(none, color=CHANCE, linewidth=1.1, linestyle=(0, (3, 2)), zorder=1)
        axes.set_xlabel(label)
        letter(axes, panel)
        if column:
            axes.tick_params(labelleft=False)
    first.set_ylim(max(lines, 1) - 0.9, -0.7)
    if len(predictors) > 1:
        handles = [
            Line2D([], [], color=QUIET, marker=look.marker, linestyle="none", label=look.label)
            for look in looks.values()
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _forest(
    axes: Axes,
    statistics: pd.DataFrame,
    names: Sequence[str],
    looks: dict[str, Look],
    design: Design,
    keys: tuple[str, str, str],
) -> None:
    middles = []
    for number, name in enumerate(names):
        top = number * (len(looks) + 0.6)
        middles.append(top + (len(looks) - 1) / 2)
        mine = select(statistics, species=name).set_index("predictor")
        for line, (key, look) in enumerate(looks.items()):
            value, low, high = (mine.at[key, column] if key in mine.index else np.nan for column in keys)
            colour = design.colours[name]
            if np.isfinite(value):
                axes.plot([low, high], [top + line] * 2, color=colour, linewidth=1.5, solid_capstyle="round")
                axes.plot(value, top + line, look.marker, color=colour, markersize=4.5)
    axes.set_yticks(middles, names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=FAINT)
    axes.locator_params(axis="x", nbins=5)


def explain_stop(landscape: pd.DataFrame, statistics: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_stop`, by panel."""
    rows = select(landscape, axis="stop", quantity="rate")
    names, looks = _species(rows, design), _looks(_predictors(rows))
    lead = next(iter(looks))
    mine = select(statistics, predictor=lead).dropna(subset=["median_called", "peak_from"])
    medians = "; ".join(
        f"{row['species']} {row['median_called']:,.0f} against {row['median_other']:,.0f} nt, "
        f"{say_p(row['p'])}, δ = {row['delta']:.2f}, peak {row['peak_from']:,.0f} to {row['peak_to']:,.0f} nt"
        for row in mine.to_dict("records")
    )
    width = f"{(rows['to'] - rows['from']).max():,.0f} nt" if len(rows) else "equal width"
    return [
        (
            "A",
            f"Share of motif positions that {looks[lead].label} calls, by their distance from the first nucleotide of "
            f"the stop codon (nt, 3′ to the right) in bins of {width}. Bands: pointwise 95 % bootstrap intervals over "
            f"genes. Called sites of all motif positions: {_say_calls(statistics, names, lead) or '0'}.",
        ),
        (
            "B",
            "Median distance to the stop codon (nt, either direction) of called or measured sites minus that of the "
            "other motif positions; left of 0 they lie nearer. Lines: 95 % bootstrap intervals over genes. Medians, "
            "two-sided Mann-Whitney test (sites taken for independent), Cliff's δ and the bin of highest "
            f"density for {looks[lead].label}: {medians or 'no site is called, 0 tests'}.",
        ),
        (
            "C",
            "Of all pairs of a called and another motif position of one transcript, the share in which the called one "
            "is nearer the stop codon, so that differences between transcripts do not enter; 0.5 (dashed) is no "
            "preference. Lines: 95 % bootstrap intervals over genes.",
        ),
    ]
