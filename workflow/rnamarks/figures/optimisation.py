"""Global motifs: optimised windows (Figure 5 of the paper), their spread over starts, and co-occurrence of elements."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.ticker import MultipleLocator

from .design import Design
from .lookup import select
from .palette import FAINT, INK, QUIET
from .style import WIDTH, grid_of, label_bottom, letter, new_figure, styled

LETTER_COLOURS = {"A": "#117733", "C": "#1F6FB4", "G": "#D98E04", "U": "#B2182B"}
PREDICTOR_LABELS = {"multi": "all species together", "single": "one species each", "measured": "measured sites"}
PREDICTOR_LOOKS = (("#3F1273", "o"), ("#C1660B", "s"), ("#00706A", "^"), ("#8A0F4C", "D"))
MEASURED = "measured"
_MARGIN = 3
_LEAST_BITS = 0.2


@cache
def _glyph(base: str) -> Path:
    """The letter in a unit square."""
    outline = TextPath((0, 0), base, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    low, high = outline.vertices.min(axis=0), outline.vertices.max(axis=0)
    return Path((outline.vertices - low) / (high - low), outline.codes)


def draw_logo(axes: Axes, heights: np.ndarray, places: np.ndarray, *, faded: np.ndarray | None = None) -> None:
    """Stacks of RNA letters, the tallest on top; one patch per letter, whatever the number of positions.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Limits are left alone.
    heights : numpy.ndarray, shape=(n_positions, 4)
        Of A, C, G, U, in bits; not negative.
    places : numpy.ndarray, shape=(n_positions,)
        Centre of each stack; stacks are 0.92 wide.
    faded : numpy.ndarray, shape=(n_positions,), dtype=bool, optional
        Stacks drawn pale.
    """
    order = np.argsort(heights, axis=1, kind="stable")
    tops = np.take_along_axis(heights, order, axis=1).cumsum(axis=1)
    faded = np.zeros(len(places), dtype=bool) if faded is None else faded
    for code, base in enumerate(LETTER_COLOURS):
        glyph = _glyph(base)
        for pale in (False, True):
            parts = []
            for row in np.flatnonzero(faded == pale):
                height = heights[row, code]
                if height > 0.005:
                    top = tops[row, int(np.flatnonzero(order[row] == code)[0])]
                    corner = places[row] - 0.46, top - height
                    parts.append(Path(glyph.vertices * (0.92, height) + corner, glyph.codes))
            if parts:
                whole = Path.make_compound_path(*parts)
                alpha = 0.3 if pale else 1.0
                axes.add_patch(PathPatch(whole, facecolor=LETTER_COLOURS[base], linewidth=0, alpha=alpha, zorder=3))


def predictor_label(name: str) -> str:
    """A predictor in words."""
    return PREDICTOR_LABELS.get(name, name.replace("_", " "))


def _predictors(table: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(table["predictor"]))


def _species(table: pd.DataFrame, design: Design) -> list[str]:
    present = set(table["species"])
    return [name for name in design.species if name in present]


def _mean(motifs: pd.DataFrame) -> pd.DataFrame:
    return motifs[motifs["start"].astype(str) == "mean"]


def _view(mean: pd.DataFrame) -> tuple[int, int]:
    """First and last offset with information in any row, and a margin."""
    told = mean.loc[(mean["bits"] >= _LEAST_BITS) | mean["held"].astype(bool), "offset"]
    first, last = (told.min(), told.max()) if len(told) else (mean["offset"].min(), mean["offset"].max())
    return max(int(first) - _MARGIN, int(mean["offset"].min())), min(int(last) + _MARGIN, int(mean["offset"].max()))


@styled
def draw_optimised(motifs: pd.DataFrame, design: Design) -> Figure:
    """Logos of the optimised windows, Figure 5 A and B of the paper.

    Parameters
    ----------
    motifs : pandas.DataFrame
        What :func:`rnamarks.interpretation.optimisation.motif_table` makes, for several species and predictors.
    design : Design

    Returns
    -------
    matplotlib.figure.Figure
        A panel per predictor, in it a row per species.
    """
    mean = _mean(motifs)
    predictors, species = _predictors(mean), _species(mean, design)
    first, last = _view(mean)
    top = np.ceil(2 * max(mean.loc[~mean["held"].astype(bool), "bits"].max(), 0.25)) / 2
    figure = new_figure(0.35 + len(predictors) * (0.5 + 0.46 * len(species)))
    figure.get_layout_engine().set(h_pad=0.02, hspace=0)
    outer = figure.subfigures(len(predictors), 1, squeeze=False)[:, 0]
    for part, predictor, panel in zip(outer, predictors, "ABCDEFGH", strict=False):
        grid = part.subplots(len(species), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, name in zip(grid, species, strict=True):
            rows = select(mean, predictor=predictor, species=name).sort_values("offset")
            rows = rows[rows["offset"].between(first, last)]
            places, held = rows["offset"].to_numpy(), rows["held"].to_numpy(dtype=bool)
            heights = rows[list(LETTER_COLOURS)].to_numpy() * rows["bits"].to_numpy()[:, None]
            axes.vlines(
                places[~held], rows["low"][~held], rows["high"][~held], color="#B9B9B9", linewidth=1.1, zorder=2
            )
            draw_logo(axes, heights, places, faded=held)
            axes.xaxis.set_major_locator(MultipleLocator(10))
            axes.set_xlim(first - 0.6, last + 0.6)
            axes.set_ylim(0, top)
            axes.set_yticks([0, top], ["0", f"{top:g}"])
            axes.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=4, color=design.colours[name])
            axes.tick_params(axis="x", labelbottom=axes is grid[-1])
        grid[0].set_title(predictor_label(predictor))
        letter(grid[0], panel)
        grid[-1].set_xlabel("position relative to the site, nt" if panel == "ABCDEFGH"[len(predictors) - 1] else "")
    figure.supylabel("information, bits", fontsize=8)
    return figure


def explain_optimised(motifs: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_optimised`, by panel."""
    mean = _mean(motifs)
    first, last = _view(mean)
    starts = motifs.loc[motifs["start"].astype(str) != "mean", "start"].nunique()
    held = mean["held"].astype(bool)
    imposed = (
        f" Pale letters, {int(held.groupby([mean['predictor'], mean['species']]).sum().max())} positions around the "
        "site, were imposed, since all windows that the models know have them, and end at the axis."
        if held.any()
        else ""
    )
    texts = []
    for predictor, panel in zip(_predictors(mean), "ABCDEFGH", strict=False):
        rows = select(mean, predictor=predictor)[lambda frame: ~frame["held"].astype(bool)]
        totals = rows.groupby("species")["bits"].sum()
        names = [name for name in _species(mean, design) if name in totals.index]
        counts = ", ".join(f"{name} {totals[name]:.1f}" for name in names)
        texts.append(
            (
                panel,
                f"Windows optimised for each species' head, models of {predictor_label(predictor)}: the mean over "
                f"{starts} random starts, as logos; height: information in bits; position relative to the site "
                f"(0), shown from {first} to {last} nt, beyond which no position of any row has "
                f"{_LEAST_BITS:g} bits. Grey bars: 5 % to 95 % quantile of the single starts' information, which "
                "stands above the letters where starts disagree on the letter. Sums over positions, bits: "
                f"{counts}.{imposed} The letters raise the logit; they are no frequencies among sites.",
            )
        )
    return texts


@styled
def draw_optimised_spread(motifs: pd.DataFrame, design: Design) -> Figure:
    """Information by position with its spread over starts, predictors side by side in each species.

    Parameters
    ----------
    motifs : pandas.DataFrame
    design : Design

    Returns
    -------
    matplotlib.figure.Figure
        One panel per species; imposed positions are left out.
    """
    mean = _mean(motifs)
    predictors, species = _predictors(mean), _species(mean, design)
    first, last = _view(mean)
    rows, columns = grid_of(len(species), 2)
    figure = new_figure(0.7 + 1.2 * rows, WIDTH if columns > 1 else 0.6 * WIDTH)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, species, strict=False):
        for predictor, (colour, _) in zip(predictors, PREDICTOR_LOOKS, strict=False):
            part = select(mean, predictor=predictor, species=name).sort_values("offset")
            part = part[part["offset"].between(first, last)]
            shown = part.loc[:, ["mean_bits", "low", "high"]].where(~part["held"].astype(bool))
            axes.fill_between(part["offset"], shown["low"], shown["high"], color=colour, alpha=0.22, linewidth=0)
            axes.plot(part["offset"], shown["mean_bits"], color=colour, linewidth=1.0)
        axes.axvline(0, color=INK, linewidth=0.6, linestyle=(0, (1, 2)), zorder=1)
        axes.set_title(name, color=design.colours[name])
        axes.grid(axis="y", color=FAINT)
    grid[0, 0].set_ylim(bottom=0)
    grid[0, 0].set_xlim(first, last)
    label_bottom(grid, len(species), "position relative to the site, nt")
    figure.supylabel("information of one start, bits", fontsize=8)
    handles = [
        Line2D([], [], color=colour, linewidth=1.4, label=predictor_label(predictor))
        for predictor, (colour, _) in zip(predictors, PREDICTOR_LOOKS, strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def explain_optimised_spread(motifs: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Caption of :func:`draw_optimised_spread`."""
    starts = motifs.loc[motifs["start"].astype(str) != "mean", "start"].nunique()
    held = _mean(motifs)["held"].astype(bool).any()
    return [
        (
            "",
            f"Information in bits (0 to 2) of each position of the windows optimised for a species' head. Lines: mean "
            f"over {starts} starts; bands: 5 % to 95 % quantile of the starts."
            + (" Positions that were imposed are left out." if held else "")
            + " A head whose logits span more gets more information at the same penalty.",
        )
    ]


@styled
def draw_cooccurrence(pairs: pd.DataFrame, design: Design) -> Figure:
    """Pairs of elements in windows: how much commoner together in called ones, and the interaction.

    Parameters
    ----------
    pairs : pandas.DataFrame
        What :func:`rnamarks.interpretation.cooccurrence.cooccurrence_tables` makes of known elements.
    design : Design

    Returns
    -------
    matplotlib.figure.Figure
        A row of panels per pair; on the left the enrichment, on the right the interaction; a line per species.
    """
    kinds = list(dict.fromkeys(zip(pairs["element_a"], pairs["element_b"], strict=True)))
    if not kinds:
        figure = new_figure(0.6)
        axes = figure.subplots()
        axes.axhline(0, color=FAINT)
        axes.set_axis_off()
        axes.text(0.5, 0.6, "no pair of elements was asked for", ha="center", transform=axes.transAxes)
        return figure
    predictors, species = _predictors(pairs), _species(pairs, design)
    looks = _looks(predictors)
    step = 0.75 / len(predictors)
    figure = new_figure(0.75 + len(kinds) * (0.4 + (0.06 + 0.085 * len(predictors)) * len(species)))
    grid = figure.subplots(len(kinds), 2, sharex="col", sharey=True, squeeze=False)
    for line, (first, second) in enumerate(kinds):
        for column, value in enumerate(("enrichment", "interaction")):
            axes = grid[line, column]
            for number, predictor in enumerate(predictors):
                colour, marker = looks[predictor]
                rows = select(pairs, element_a=first, element_b=second, predictor=predictor).set_index("species")
                for at, name in enumerate(species):
                    if name in rows.index:
                        row, place = rows.loc[name], at + (number - (len(predictors) - 1) / 2) * step
                        axes.plot(
                            [row[f"{value}_low"], row[f"{value}_high"]], [place, place], color=colour, linewidth=1.3
                        )
                        axes.plot(row[value], place, marker, color=colour, markersize=4.2, markeredgewidth=0)
            axes.axvline(0, color=QUIET, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
            axes.grid(axis="x", color=FAINT)
            axes.set_yticks(range(len(species)), species)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
        grid[line, 0].set_title(f"{first} and {second}".replace("_", " "))
        letter(grid[line, 0], "ABCDEFGH"[line % 8])
    grid[0, 0].set_ylim(len(species) - 0.45, -0.55)
    grid[-1, 0].set_xlabel("log2 (share with both, called / not called)")
    grid[-1, 1].set_xlabel("interaction, log2 ratio of odds ratios")
    handles = [
        Line2D([], [], color=looks[name][0], marker=looks[name][1], markersize=4.2, linewidth=1.3, label=text)
        for name, text in ((name, predictor_label(name)) for name in predictors)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _looks(predictors: list[str]) -> dict[str, tuple[str, str]]:
    models = [name for name in predictors if name != MEASURED]
    looks = {name: PREDICTOR_LOOKS[at % len(PREDICTOR_LOOKS)] for at, name in enumerate(models)}
    return looks | {MEASURED: (INK, "X")}


def explain_cooccurrence(pairs: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_cooccurrence`, by panel."""
    if pairs.empty:
        return [("", "0 pairs of elements were tested: the configuration names none.")]
    texts = []
    for number, ((first, second), rows) in enumerate(pairs.groupby(["element_a", "element_b"], sort=False)):
        significant = rows.groupby("predictor", sort=False)["p_together"].agg(lambda p: int((p < 0.05).sum()))
        together = ", ".join(f"{predictor_label(name)} {count}" for name, count in significant.items())
        texts.append(
            (
                "ABCDEFGH"[number % 8],
                f"Windows of the test part that hold both elements, {first} and {second}, each in its range of "
                f"distances from the site ({int(rows['both_called'].min()):,} to {int(rows['both_called'].max()):,} "
                "called windows with both). Left: log2 of their share among called windows over that among others; "
                f"right: log2 of the odds ratios' ratio, 0 where the two add up. Bars: 95 % Wald intervals. Permuting "
                "the calls among windows with the same five letters at the site, they are together more often at "
                f"P < 0.05 (one-sided) in so many of {rows['species'].nunique()} species: {together}.",
            )
        )
    return texts
