"""Which positions carry a task's logit, and which tasks a network reads alike: Figures 3 and S3 of Song et al. 2021."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..sequences import ALPHABET
from .captions import Captions, captioned, say_each, say_range
from .design import Design
from .lookup import select
from .palette import FAINT, INK, QUIET, rgb
from .panels import (
    DIFFERENCE,
    DIVERGING,
    SEQUENTIAL,
    SIGNIFICANT,
    add_letters,
    annotate,
    cell,
    colour_scale,
    draw_cell,
    draw_interval,
    first_of,
    leaves_out,
    legend_entry,
    nothing,
    place_legend,
    rows_axis,
    square_axes,
)
from .style import WIDTH, new_figure, styled

METHODS = {"integrated_gradients": "Integrated gradients", "mutagenesis": "In-silico mutagenesis"}
_SMALL = 0.42
_AROUND = 12
METHOD_LABELS = {"attention": "attention", "integrated_gradients": "integrated gradients"}
MEASURE_LABELS = {
    "score_rows": "rows of the attention's last layer, r",
    "attention": "attention in the same windows, r above chance",
}
CONTROL_LABELS = {"outside": "outside", "elsewhere": "attended in another window"}
CONTROL_COLOURS = {"outside": "#767676", "elsewhere": "#B9B9B9"}


def _reach(profile: pd.DataFrame) -> int:
    """Farthest position shown: that of the substitutions."""
    mutated = select(profile, method="mutagenesis")
    return int(mutated["offset"].abs().max()) if len(mutated) else _AROUND


@styled
def draw_attribution(profile: pd.DataFrame, explained: pd.DataFrame, design: Design) -> Figure:
    """Mean attribution of each nucleotide around the site, and the mean change when it is put there; a row per task."""
    profile, explained = first_of(profile), first_of(explained)
    tasks = design.ordered(profile["task"])
    if not tasks:
        return nothing("no window was explained")
    reach = _reach(profile)
    figure = new_figure(0.75 + 0.72 * len(tasks))
    grid = figure.subplots(len(tasks), len(METHODS), squeeze=False, sharex=True, sharey=True)
    counts = explained.set_index("task")
    for line, name in zip(grid, tasks, strict=True):
        for axes, method, counted in zip(line, METHODS, ("windows", "mutated"), strict=True):
            rows = select(profile, task=name, method=method)
            largest = _draw_nucleotides(axes, rows[rows["offset"].abs() <= reach], reach)
            text = f"n = {int(counts[counted][name]):,}; full colour: {largest:.2g} nats"
            annotate(axes, text, (1, 1), (0, 2), ha="right", fontsize=6.3, color=QUIET)
        line[0].set_title(design.label(name), color=design.colour(name), fontsize=8, pad=3)
    for axes, title in zip(grid[0], METHODS.values(), strict=True):
        annotate(axes, title, (0.5, 1), (0, 13), ha="center", fontweight="bold")
    add_letters(grid[0])
    for axes in grid[-1]:
        axes.set_xlabel("position relative to the middle of the window, nt")
    label = "lowers the logit (−1)  …  raises it (1)"
    colour_scale(figure, list(grid.flat), Normalize(-1, 1), DIVERGING, label)
    return figure


def _draw_nucleotides(axes: Axes, rows: pd.DataFrame, reach: int) -> float:
    """A cell per nucleotide and position, small where the interval holds 0; the largest mean, which has full colour."""
    largest = float(rows["mean"].abs().max()) if len(rows) else 0.0
    norm = Normalize(-1.0, 1.0)
    axes.add_patch(Rectangle((-reach - 0.5, -0.5), 2 * reach + 1, 4, facecolor="#DCDCDC", linewidth=0))
    for row in rows.to_dict("records"):
        colour = DIVERGING(norm(row["mean"] / largest if largest else 0.0))
        # white around a small cell: grey is for nucleotides that no window has
        for side, shown in ((0.92, colour),) if leaves_out(row) else ((1.0, "white"), (_SMALL, colour)):
            place = row["offset"] - side / 2, ALPHABET.index(row["nucleotide"]) - side / 2
            axes.add_patch(Rectangle(place, side, side, facecolor=shown, linewidth=0))
    axes.axvline(0, ymin=-0.09, ymax=0, color=INK, linewidth=1.6, clip_on=False)
    axes.set_xlim(-reach - 0.5, reach + 0.5)
    axes.set_ylim(len(ALPHABET) - 0.5, -0.5)
    axes.set_yticks(range(len(ALPHABET)), list(ALPHABET))
    axes.tick_params(axis="y", length=0, labelsize=6.5)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    return largest


@captioned
def explain_attribution(profile: pd.DataFrame, explained: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_attribution`, by panel."""
    profile, explained = first_of(profile), first_of(explained)
    done = explained[explained["windows"] > 0]
    if done.empty:
        return f"The model calls no modified window of any {design.word}: 0 windows."
    who = done["predictor"].iloc[0]
    against = {
        "composition": f"the nucleotides of the {design.word}'s unmodified windows at the same position",
        "uniform": "equal fractions of the nucleotides",
    }[done["baseline"].iloc[0]]
    rest = (
        "full colour is the largest mean of the row. Small cells: the 95 % interval of the mean (Student's t) holds 0"
    )
    return [
        (
            "Mean part of the logit that integrated gradients give to a nucleotide (vertical) at a position "
            f"(horizontal) in the modified windows that hold it there: the most confident calls of {who} in the splits "
            f"for training and validation ({say_range(done['windows'])} per {design.word}), against {against}; {rest}. "
            "Grey: no window has the nucleotide; where all have one, it gets nothing. Parts of a window sum to its "
            f"logit less the baseline's (median {done['difference'].min():.2g} to {done['difference'].max():.2g} nats) "
            f"with a median error of {done['error_median'].min():.2g} to {done['error_median'].max():.2g} nats; "
            f"{100 * np.average(done['complete'], weights=done['windows']):.3g} % of windows are within the tolerance."
        ),
        (
            "Mean change of the logit when the nucleotide is put there in place of another, in the first "
            f"{say_range(done['mutated'])} of these windows per {design.word}; {rest}. Grey: all windows have the "
            "nucleotide. Rank correlation of A and B over positions of one window: median "
            f"{done['agreement'].min():.2f} to {done['agreement'].max():.2f}. Where windows hold their site anywhere, "
            "positions mean little."
        ),
    ]


@styled
def draw_attention(profile: pd.DataFrame, design: Design) -> Figure:
    """Mean weight of each place of the window, a row per task, a panel per method."""
    profile = first_of(profile)
    if profile.empty:
        return nothing("no window was explained")
    methods = list(dict.fromkeys(profile["method"]))
    tasks = design.ordered(profile["task"])
    figure = new_figure(0.4 + len(methods) * (0.65 + 0.17 * len(tasks)))
    grid = figure.subplots(len(methods), 1, squeeze=False, sharex=True)[:, 0]
    for axes, method in zip(grid, methods, strict=True):
        rows = select(profile, method=method)
        signed = bool((rows["relative"] < 0).any())
        colours, norm = (DIVERGING, Normalize(-1, 1)) if signed else (SEQUENTIAL, Normalize(0, 1))
        for row in rows.to_dict("records"):
            axes.add_patch(cell(row["offset"], tasks.index(row["task"]), colours(norm(row["relative"]))))
        rows_axis(axes, [design.label(task) for task in tasks])
        axes.set_ylim(len(tasks) - 0.5, -0.5)
        axes.set_xlim(rows["offset"].min() - 0.5, rows["offset"].max() + 0.5)
        axes.set_title(METHOD_LABELS.get(method, method))
        axes.xaxis.get_major_locator().set_params(integer=True)
        colour_scale(figure, axes, norm, colours, "of the largest mean")
    add_letters(grid)
    grid[-1].set_xlabel("position relative to the site, nt")
    return figure


@captioned
def explain_attention(profile: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_attention`, by panel."""
    profile = first_of(profile)
    texts = []
    for method in dict.fromkeys(profile["method"]):
        counts = select(profile, method=method).drop_duplicates("task").set_index("task")["windows"]
        texts.append(
            f"Mean {METHOD_LABELS.get(method, method)} at each position of the window (horizontal axis, nt from the "
            f"site) in the most confident true positives of each {design.word} (rows), relative to the row's largest "
            f"mean; intervals are in the table. Windows: {say_each(counts, design)}."
        )
    return texts or f"The model calls no modified window of any {design.word}: 0 windows."


@styled
def draw_association(association: pd.DataFrame, design: Design) -> Figure:
    """Maps of how alike two tasks are to a network, in the order of a hierarchical clustering."""
    if association.empty or association["reason"].iloc[0]:
        return nothing(next(iter(association["reason"]), "no two tasks were compared"))
    measures = list(dict.fromkeys(association["measure"]))
    figure = new_figure(0.46 * WIDTH if len(measures) > 1 else 4.2)
    grid = figure.subplots(1, len(measures), squeeze=False)[0]
    for axes, measure in zip(grid, measures, strict=True):
        rows = select(association, measure=measure)
        value = "r" if measure == "score_rows" else "excess"
        places = dict(zip(rows["task_a"], rows["place_a"], strict=True))
        places |= dict(zip(rows["task_b"], rows["place_b"], strict=True))
        reach = max(0.2, float(np.ceil(10 * rows[value].abs().max()) / 10))
        norm = Normalize(-reach, reach)
        for place in places.values():
            draw_cell(axes, place - 1, place - 1, rgb(FAINT))
        for row in rows.to_dict("records"):
            low, high = sorted((places[row["task_a"]] - 1, places[row["task_b"]] - 1))
            colour = DIVERGING(norm(row[value]))
            draw_cell(axes, high, low, colour, "*" if row["q"] < SIGNIFICANT else "", fontsize=8)
            text = f"{row[value]:.2f}".replace("0.", ".").replace("-", "−")
            draw_cell(axes, low, high, colour, text, fontsize=6.5 if len(places) < 10 else 4.8)
        square_axes(axes, [design.label(task) for task in sorted(places, key=places.get)])
        axes.set_title(MEASURE_LABELS.get(measure, measure), fontsize=7.6)
        colour_scale(figure, axes, norm, DIVERGING, "r" if value == "r" else "r above chance")
    add_letters(grid)
    return figure


@captioned
def explain_association(association: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_association`, by panel."""
    if association.empty or association["reason"].iloc[0]:
        return f"0 pairs were compared: {next(iter(association['reason']), 'there is one task')}."
    texts = []
    for measure in dict.fromkeys(association["measure"]):
        rows = select(association, measure=measure)
        networks, n = int(rows["networks"].iloc[0]), say_range(rows["n"])
        what = (
            f"Pearson correlation of two tasks' rows of the layer that scores k-mers ({n} hidden units), mean over "
            f"{networks} networks; null: units permuted within each row"
            if measure == "score_rows"
            else f"Pearson correlation of two tasks' attention over the k-mers of the same window, mean over {n} test "
            f"windows of the two tasks and {networks} networks, less the mean of the null: one task's attention in "
            "another window of the same task"
        )
        texts.append(
            f"{what} ({say_range(rows['permutations'])} permutations). Numbers below the diagonal; stars above it: q < "
            f"0.05, two-sided by permutation, Benjamini and Hochberg over {len(rows)} pairs "
            f"({int((rows['q'] < SIGNIFICANT).sum())} of them). Order: average linkage."
        )
    return texts


@styled
def draw_mutations(mutations: pd.DataFrame, design: Design) -> Figure:
    """Effect of single substitutions inside and outside what is attended, and the paired differences."""
    rows = first_of(select(mutations, unit="probability"))
    if rows.empty:
        return nothing("no window was mutated")
    tasks = design.ordered(rows["task"])
    figure = new_figure(0.9 + 0.27 * len(tasks))
    grid = effects, differences = figure.subplots(1, 2, sharey=True)
    for at, task in enumerate(tasks):
        for control, shift in zip(CONTROL_LABELS, (0.0, 0.22), strict=True):
            colour, grey = design.colour(task), CONTROL_COLOURS[control]
            for row in select(rows, task=task, control=control).to_dict("records"):
                keys = ("control_mean", "control_low", "control_high")
                draw_interval(effects, at + shift, row, grey, keys=keys, size=4, hollow=True)
                if control == "outside":
                    keys = ("inside", "inside_low", "inside_high")
                    draw_interval(effects, at - 0.22, row, colour, keys=keys, size=4)
                shade = colour if control == "outside" else grey
                place = at + shift - 0.11
                draw_interval(differences, place, row, shade, keys=DIFFERENCE, size=4)
                if row["q"] < SIGNIFICANT:
                    right = max(row["high"], row["difference"]), place
                    annotate(differences, "*", right, (4, -3.4), xycoords="data", fontsize=8, color=shade)
    effects.set_xlabel("mean |change of probability|")
    differences.set_xlabel("inside less control")
    differences.axvline(0, color=QUIET, linewidth=0.7)
    effects.set_xlim(left=0)
    for axes in grid:
        rows_axis(axes, [design.label(task) for task in tasks])
    add_letters(grid)
    entries = [legend_entry("inside (A), less outside (B)", marker="o", size=4)]
    entries += [
        legend_entry(label, CONTROL_COLOURS[name], "o", hollow=True, size=4) for name, label in CONTROL_LABELS.items()
    ]
    place_legend(figure, entries)
    return figure


@captioned
def explain_mutations(mutations: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_mutations`, by panel."""
    rows = first_of(select(mutations, unit="probability"))
    if rows.empty:
        return "No true positive was mutated: 0 windows."
    what = METHOD_LABELS[rows["method"].iloc[0]]
    outside, elsewhere = (select(rows, control=control) for control in CONTROL_LABELS)
    told = [
        f"{int(((part['q'] < SIGNIFICANT) & (part['difference'] > 0)).sum())} of {len(part)} {design.words}"
        for part in (outside, elsewhere)
    ]
    return [
        (
            f"Mean absolute change of the probability under {say_range(rows['substitutions'])} random single "
            f"substitutions in the two parts of 3 nt with most {what} (filled), outside of them (hollow) and, paler, "
            f"at nucleotides that are attended in another window of the {design.word}; the site itself is left alone. "
            f"Lines: 95 % bootstrap intervals over {say_range(outside['windows'])} windows per {design.word}, the most "
            "confident true positives."
        ),
        (
            "Differences within the same windows, coloured against outside, grey against what another window attends "
            "to, which has the same places. Star: q < 0.05, Wilcoxon's signed-rank test, two-sided, Benjamini and "
            f"Hochberg over {design.words}. Inside is larger than outside in {told[0]}, and than elsewhere in "
            f"{told[1]}."
        ),
    ]
