"""What a network of several modifications looks at, and where its sites lie: Figures 3, S3, S4 of Song et al. 2021."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .design import Design
from .lookup import select
from .marks import SEQUENTIAL, cell
from .palette import FAINT, INK, QUIET, ink_on
from .style import WIDTH, letter, new_figure, styled

DIVERGING = LinearSegmentedColormap.from_list("diverging", ["#16306B", "#A9BCE0", "#FAFAFA", "#F3B27A", "#8C3A04"])
METHOD_LABELS = {"attention": "attention", "integrated_gradients": "integrated gradients"}
MEASURE_LABELS = {
    "score_rows": "rows of the attention's last layer, r",
    "attention": "attention in the same windows, r above chance",
}
NULL_LABELS = {
    "transcript": "same base, same transcript",
    "region": "same base, same region",
    "rotation": "regions rotated, clusters kept",
}
CONTROL_LABELS = {"outside": "outside", "elsewhere": "attended in another window"}
CONTROL_COLOURS = {"outside": "#767676", "elsewhere": "#B9B9B9"}
SIGNIFICANT = 0.05
LETTERS = "ABCDEFGH"


def say_mark(name: str) -> str:
    """A modification's short name as figures write it."""
    return {"Y": "Ψ"}.get(name, name)


def in_order(names: Iterable[str], design: Design) -> list[str]:
    """Names once each, in the order of the design; those that it does not know come last."""
    present = list(dict.fromkeys(names))
    known = [name for name in design.species if name in present]
    return [*known, *(name for name in present if name not in known)]


def say_q(value: float) -> str:
    """A p- or q-value with two digits, or in powers of ten; a dash where there is none."""
    if not np.isfinite(value):
        return "–"
    return f"{value:.2g}" if value >= 0.001 else f"{value:.0e}".replace("e-0", "e-")


def nothing(text: str) -> Figure:
    """A figure that says that there is nothing to show."""
    figure = new_figure(1.0)
    axes = figure.subplots()
    axes.axhline(0, color=FAINT)
    axes.set_axis_off()
    axes.text(0.5, 0.6, text, ha="center", transform=axes.transAxes, color=QUIET)
    return figure


def say_range(numbers: Iterable[float]) -> str:
    """``12 to 1,200``, or one number where they are all the same; ``0`` for none."""
    values = [int(number) for number in numbers]
    low, high = min(values, default=0), max(values, default=0)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def scale(figure: Figure, axes: Axes | Sequence[Axes], low: float, high: float, colours: Any, label: str) -> None:
    """A colour scale made of rectangles, which stays a drawing where an image would not."""
    # above fifty steps matplotlib makes an image of it
    steps = ScalarMappable(Normalize(low, high), colours.resampled(41))
    bar = figure.colorbar(steps, ax=axes, shrink=0.6, aspect=18, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize=6.5)
    bar.set_label(label, fontsize=7)


@styled
def draw_attention(profile: pd.DataFrame, design: Design) -> Figure:
    """Mean weight of each place of the window, a row per mark, a panel per method.

    Parameters
    ----------
    profile : pandas.DataFrame
        Columns of :data:`rnamarks.interpretation.attention.PROFILE_COLUMNS`.
    design : Design
    """
    if profile.empty:
        return nothing("no window was explained")
    methods = list(dict.fromkeys(profile["method"]))
    marks = in_order(profile["modification"], design)
    figure = new_figure(0.4 + len(methods) * (0.65 + 0.17 * len(marks)))
    grid = figure.subplots(len(methods), 1, squeeze=False, sharex=True)[:, 0]
    for axes, method, panel in zip(grid, methods, LETTERS, strict=False):
        rows = select(profile, method=method)
        signed = bool((rows["relative"] < 0).any())
        colours, low = (DIVERGING, -1.0) if signed else (SEQUENTIAL, 0.0)
        norm = Normalize(low, 1.0)
        for row in rows.to_dict("records"):
            axes.add_patch(cell(row["offset"], marks.index(row["modification"]), colours(norm(row["relative"]))))
        axes.set_xlim(rows["offset"].min() - 0.5, rows["offset"].max() + 0.5)
        axes.set_ylim(len(marks) - 0.5, -0.5)
        axes.set_yticks(range(len(marks)), [say_mark(mark) for mark in marks])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_title(METHOD_LABELS.get(method, method))
        scale(figure, axes, low, 1.0, colours, "of the largest mean")
        letter(axes, panel)
    grid[-1].set_xlabel("position relative to the site, nt")
    return figure


def explain_attention(profile: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_attention`, by panel."""
    if profile.empty:
        return [("", "The model calls no modified window of any mark: 0 windows.")]
    texts = []
    for method, panel in zip(dict.fromkeys(profile["method"]), LETTERS, strict=False):
        rows = select(profile, method=method)
        counts = rows.drop_duplicates("modification").set_index("modification")["windows"]
        told = ", ".join(f"{say_mark(mark)} {counts[mark]:,}" for mark in in_order(counts.index, design))
        texts.append(
            (
                panel,
                f"Mean {METHOD_LABELS.get(method, method)} at each position of the window (horizontal axis, nt "
                "from the site) in the most confident true positives of each mark (rows), relative to the row's "
                f"largest mean; intervals are in the table. Windows: {told}.",
            )
        )
    return texts


@styled
def draw_association(association: pd.DataFrame, design: Design) -> Figure:
    """Maps of how alike two heads are, in the order of a hierarchical clustering.

    Parameters
    ----------
    association : pandas.DataFrame
        Columns of :data:`rnamarks.interpretation.association.COLUMNS`.
    design : Design
    """
    measures = list(dict.fromkeys(association["measure"]))
    figure = new_figure(0.46 * WIDTH if len(measures) > 1 else 4.2)
    grid = figure.subplots(1, len(measures), squeeze=False)[0]
    for axes, measure, panel in zip(grid, measures, LETTERS, strict=False):
        rows = select(association, measure=measure)
        value = "r" if measure == "score_rows" else "excess"
        places = dict(zip(rows["modification_a"], rows["place_a"], strict=True))
        places |= dict(zip(rows["modification_b"], rows["place_b"], strict=True))
        reach = max(0.2, float(np.ceil(10 * rows[value].abs().max()) / 10))
        norm = Normalize(-reach, reach)
        _triangles(axes, places, rows, value, norm)
        _matrix_axes(axes, [say_mark(mark) for mark in sorted(places, key=places.get)])
        axes.set_title(MEASURE_LABELS.get(measure, measure), fontsize=7.6)
        scale(figure, axes, -reach, reach, DIVERGING, "")
        letter(axes, panel)
    return figure


def _triangles(axes: Axes, places: dict[str, int], rows: pd.DataFrame, value: str, norm: Normalize) -> None:
    for place in places.values():
        axes.add_patch(cell(place - 1, place - 1, FAINT))
    for row in rows.to_dict("records"):
        a, b = places[row["modification_a"]] - 1, places[row["modification_b"]] - 1
        colour = DIVERGING(norm(row[value]))
        star = "*" if row["q"] < SIGNIFICANT else ""
        for x, y, text in (
            (max(a, b), min(a, b), star),
            (min(a, b), max(a, b), f"{row[value]:.2f}".replace("0.", ".").replace("-", "−")),
        ):
            axes.add_patch(cell(x, y, colour))
            size, drop = (8, 0.12) if text == "*" else (4.8, 0.0)
            axes.text(x, y + drop, text, ha="center", va="center", fontsize=size, color=ink_on(colour[:3]))


def _matrix_axes(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=6.8)
    axes.set_yticks(range(len(labels)), labels, fontsize=6.8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_aspect("equal")


def explain_association(association: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_association`, by panel."""
    texts = []
    for measure, panel in zip(dict.fromkeys(association["measure"]), LETTERS, strict=False):
        rows = select(association, measure=measure)
        networks, n = int(rows["networks"].iloc[0]), say_range(rows["n"])
        what = (
            f"Pearson correlation of two heads' rows of the layer that scores words ({n} hidden units), mean over "
            f"{networks} networks; null: units permuted within each row"
            if measure == "score_rows"
            else f"Pearson correlation of two heads' attention over the words of the same window, mean over {n} test "
            f"windows of the two marks and {networks} networks, less the mean of the null: one head's attention in "
            "another window of the same mark"
        )
        texts.append(
            (
                panel,
                f"{what} ({say_range(rows['permutations'])} permutations). Numbers below the diagonal; stars above it: "
                f"q < 0.05, two-sided by permutation, Benjamini and Hochberg over {len(rows)} pairs "
                f"({int((rows['q'] < SIGNIFICANT).sum())} of them). Order: average linkage.",
            )
        )
    return texts


@styled
def draw_mutations(mutations: pd.DataFrame, design: Design, *, unit: str = "probability") -> Figure:
    """Effect of single substitutions inside and outside what is attended, and the paired differences.

    Parameters
    ----------
    mutations : pandas.DataFrame
        Columns of :data:`rnamarks.interpretation.mutations.COLUMNS`.
    design : Design
    unit : {"probability", "logit"}
    """
    rows = select(mutations, unit=unit)
    if rows.empty:
        return nothing("no window was mutated")
    marks = in_order(rows["modification"], design)
    figure = new_figure(0.9 + 0.27 * len(marks))
    effects, differences = figure.subplots(1, 2, sharey=True)
    for at, mark in enumerate(marks):
        colour = design.colours.get(mark, INK)
        for control, shift in zip(CONTROL_LABELS, (0.0, 0.22), strict=True):
            for row in select(rows, modification=mark, control=control).to_dict("records"):
                grey = CONTROL_COLOURS[control]
                _dot(effects, at + shift, row, ("control_mean", "control_low", "control_high"), grey, hollow=True)
                if control == "outside":
                    _dot(effects, at - 0.22, row, ("inside", "inside_low", "inside_high"), colour)
                shade = colour if control == "outside" else grey
                _dot(differences, at + shift - 0.11, row, ("difference", "low", "high"), shade)
                if row["q"] < SIGNIFICANT:
                    differences.annotate(
                        "*",
                        (max(row["high"], row["difference"]), at + shift - 0.11),
                        xytext=(4, -3.4),
                        textcoords="offset points",
                        fontsize=8,
                        color=shade,
                    )
    named = "probability" if unit == "probability" else "logit, nats"
    effects.set_xlabel(f"mean |change of {named}|")
    differences.set_xlabel("inside less control")
    differences.axvline(0, color=QUIET, linewidth=0.7)
    effects.set_xlim(left=0)
    effects.set_yticks(range(len(marks)), [say_mark(mark) for mark in marks])
    effects.set_ylim(len(marks) - 0.4, -0.6)
    for axes, panel in ((effects, "A"), (differences, "B")):
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        letter(axes, panel)
    entries = [Line2D([], [], color=INK, marker="o", markersize=4, label="inside (A), less outside (B)")]
    entries += [
        Line2D([], [], color=CONTROL_COLOURS[name], marker="o", markersize=4, markerfacecolor="white", label=label)
        for name, label in CONTROL_LABELS.items()
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=3)
    return figure


def _dot(
    axes: Axes, at: float, row: dict[str, Any], names: Sequence[str], colour: str, *, hollow: bool = False
) -> None:
    value, low, high = (float(row[name]) for name in names)
    if np.isfinite([low, high]).all():
        axes.plot([low, high], [at, at], color=colour, linewidth=1.2, solid_capstyle="round", zorder=3)
    axes.plot([value], [at], "o", color=colour, markersize=4, markerfacecolor="white" if hollow else colour, zorder=4)


def explain_mutations(mutations: pd.DataFrame, design: Design, *, unit: str = "probability") -> list[tuple[str, str]]:
    """Captions of :func:`draw_mutations`, by panel."""
    rows = select(mutations, unit=unit)
    if rows.empty:
        return [("", "No true positive was explained by attention: 0 windows.")]
    outside, elsewhere = (select(rows, control=control) for control in CONTROL_LABELS)
    told = [
        f"{int(((part['q'] < SIGNIFICANT) & (part['difference'] > 0)).sum())} of {len(part)} marks"
        for part in (outside, elsewhere)
    ]
    return [
        (
            "A",
            f"Mean absolute change of the {unit} under {say_range(rows['substitutions'])} random single substitutions "
            "in the two attended windows of 3 nt (filled), outside of them (hollow) and, paler, at nucleotides that "
            "are attended in another window of the mark; the site itself is left alone. Lines: 95 % bootstrap "
            f"intervals over {say_range(outside['windows'])} windows per mark, the most confident true positives.",
        ),
        (
            "B",
            "Differences within the same windows, coloured against outside, grey against what another window attends "
            "to, which has the same places. Star: q < 0.05, Wilcoxon's signed-rank test, two-sided, Benjamini and "
            f"Hochberg over marks. Inside is larger than outside in {told[0]}, and than elsewhere in {told[1]}.",
        ),
    ]


@styled
def draw_proximity(proximity: pd.DataFrame, design: Design) -> Figure:
    """Distance of two marks' sites over that of random positions, a map per null.

    Parameters
    ----------
    proximity : pandas.DataFrame
        Columns of :data:`rnamarks.biology.proximity.COLUMNS`.
    design : Design
    """
    measured = proximity[proximity["p"].notna()]
    if measured.empty:
        return nothing("no pair of marks has sites on the same transcripts")
    nulls = list(dict.fromkeys(proximity["null"]))
    marks = in_order([*proximity["modification_a"], *proximity["modification_b"]], design)
    figure = new_figure(0.3 + 0.8 * WIDTH / max(len(nulls), 2))
    grid = figure.subplots(1, len(nulls), squeeze=False)[0]
    reach = max(0.5, float(np.ceil(2 * np.log2(measured["ratio"].astype(float)).abs().max()) / 2))
    norm = Normalize(-reach, reach)
    for axes, null, panel in zip(grid, nulls, LETTERS, strict=False):
        for row in select(proximity, null=null).to_dict("records"):
            places = sorted(marks.index(row[name]) for name in ("modification_a", "modification_b"))
            tested = np.isfinite(row["p"])
            colour = DIVERGING(norm(np.log2(row["ratio"]))) if tested else (0.93, 0.93, 0.93, 1.0)
            axes.add_patch(cell(places[0], places[1], colour))
            if tested and row["q"] < SIGNIFICANT:
                ink = ink_on(colour[:3])
                axes.text(places[0], places[1] + 0.12, "*", ha="center", va="center", fontsize=8, color=ink)
        _matrix_axes(axes, [say_mark(mark) for mark in marks])
        axes.set_title(NULL_LABELS.get(null, null), fontsize=7.2)
        letter(axes, panel)
    scale(figure, list(grid), -reach, reach, DIVERGING, "log2(distance / random)")
    return figure


def explain_proximity(proximity: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_proximity`, by panel."""
    measured = proximity[proximity["p"].notna()]
    if measured.empty:
        reasons = "; ".join(dict.fromkeys(proximity["reason"])) or "no pair of marks"
        return [("", f"Distances between sites could not be measured: {reasons} ({len(proximity)} rows).")]
    texts = []
    for null, panel in zip(dict.fromkeys(proximity["null"]), LETTERS, strict=False):
        rows = select(measured, null=null)
        if rows.empty:
            continue
        strong = rows["q"] < SIGNIFICANT
        texts.append(
            (
                panel,
                "Distance from each site to the nearest site of the other mark on the same transcript, nt, geometric "
                f"mean, over that of random positions ({NULL_LABELS.get(null, null)}; "
                f"{say_range(rows['permutations'])} arrangements). Stars: q < 0.05, two-sided, normal, Benjamini and "
                f"Hochberg over {len(rows)} pairs: {int((strong & (rows['ratio'] < 1)).sum())} closer and "
                f"{int((strong & (rows['ratio'] > 1)).sum())} farther than random. {say_range(rows['transcripts'])} "
                f"transcripts per pair; grey: not measured ({len(select(proximity, null=null)) - len(rows)} pairs).",
            )
        )
    return texts
