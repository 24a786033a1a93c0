"""Tasks against own negatives and against all other windows: AUCb, AUCm, Figures S1, S2 and S5 of Song et al. 2021."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .captions import Captions, captioned, say_each
from .curves import CURVE_AXES
from .design import Design
from .lookup import MEAN, counts_by_task, ensembles, lead_series, rows_by, say_counts, select, shown_series
from .palette import CHANCE, FAINT, INK
from .panels import (
    DASHED,
    add_letters,
    chance_entry,
    draw_cells,
    draw_interval,
    draw_reference,
    label_bottom,
    leaves_out,
    legend_entry,
    panel_grid,
    place_legend,
    rows_axis,
    task_entries,
    unit_axes,
    value_axis,
    write_beside,
    write_cells,
)
from .style import WIDTH, new_figure, styled

AREAS = {"own": "AUCb", "all": "AUCm"}
BINARY = "AUCb: sites against the negatives of their own data set"
MULTI = "AUCm: against every other test window"
AGAINST = {"own": "own negatives", "all": "every other window"}
MEAN_COLUMNS = {"mean": "value", "mean_low": "low", "mean_high": "high"}
"""A summary's mean over tasks as a value with its interval."""
_DOTTED = (0, (1, 1.5))
_MULTI = {
    f"{head}\n{average}": (average, metric)
    for average in ("micro", "macro")
    for head, metric in (("P", "precision"), ("R", "recall"), ("F1", "f1"))
} | {"Hamming\nloss": ("micro", "hamming")}


def say_test_counts(metrics: pd.DataFrame, design: Design, against: str = "own") -> str:
    """Sites before the other windows of the test split, of every task."""
    return say_counts(counts_by_task(metrics, design.names, design.scheme, against), design)


@styled
def draw_auc(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> Figure:
    """AUCb and AUCm of every model, one panel per task and one for their mean."""
    rows = ensembles(metrics, design, metric="auroc", split="test")
    names, shown = design.ordered(rows["task"]), shown_series(rows, design)
    found = rows_by(rows, "model", "setting", "task", "against")
    means = ensembles(summary, design, metric="auroc").rename(columns=MEAN_COLUMNS)
    found |= rows_by(means.assign(task=MEAN), "model", "setting", "task", "against")
    panels = [*names, MEAN]
    figure, grid = panel_grid(
        len(panels), height=0.42 + 0.15 * max(4, len(shown)), above=0.8, width=WIDTH, sharex=True, sharey=True
    )
    for axes, name in zip(grid.flat, panels, strict=False):
        for at, series in enumerate(shown):
            for against, shift in (("all", 0.18), ("own", -0.18)):
                row = found.get((*series.key, name, against))
                if row:
                    look = {"marker": series.marker, "size": 4, "hollow": against == "all"}
                    draw_interval(axes, at + shift, row, series.colour, **look)
        draw_reference(axes, 0.5)
        for value in select(rows, task=name, against="all")["chance"].head(1):
            draw_reference(axes, value, dash=_DOTTED)
        rows_axis(axes, [series.label for series in shown], 6.5)
        axes.set_title(f"mean of {design.words}" if name == MEAN else design.label(name))
    value_axis(grid[0, 0])
    label_bottom(grid, "AUCb, AUCm")
    entries = [
        legend_entry("AUCb (own negatives)", marker="o"),
        legend_entry("AUCm (every other window)", marker="o", hollow=True),
        chance_entry(),
        legend_entry("AUCm of the base in the middle", CHANCE, line=_DOTTED),
    ]
    if grid.size - len(panels) > 1:
        figure.legend(handles=entries, loc="lower right", bbox_to_anchor=(0.97, 0.06))
    else:
        place_legend(figure, entries)
    return figure


@captioned
def explain_auc(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_auc`."""
    return (
        f"AUROC of ensembles (mean logit of the seeds) on the test split, {design.scheme} scheme. Filled: {BINARY}; "
        f"open: {MULTI}{_say_left_out(design)}, which is easier where the base in the middle differs (dotted: what "
        "that base alone gives) and rewards telling laboratories apart. Lines: 95 % bootstrap intervals over windows. "
        f"Sites : own negatives: {say_test_counts(metrics, design)}; sites : other windows for AUCm: "
        f"{say_test_counts(metrics, design, 'all')}."
    )


def _say_left_out(design: Design) -> str:
    """What is not among the other windows, where tasks share a modification."""
    if len(design.modifications) == len(design.tasks):
        return ""
    return " but the sites of the same modification in other tasks"


@styled
def draw_curves(curves: pd.DataFrame, metrics: pd.DataFrame, design: Design, curve: str = "roc") -> Figure:
    """ROC or precision-recall curves of the recommended model, A against own negatives, B against every other window.

    Parameters
    ----------
    curve : {"roc", "pr"}
    """
    lead = _lead(metrics, design)
    rows = ensembles(curves, design, curve=curve, **lead)
    names = design.ordered(rows["task"])
    figure = new_figure(4.25, WIDTH, "compressed")
    grid = figure.subplots(1, 2, sharey=True)
    for axes, (against, whom) in zip(grid, AGAINST.items(), strict=True):
        for name in names:
            points = select(rows, task=name, against=against)
            axes.plot(points["x"].to_numpy(), points["y"].to_numpy(), color=design.colour(name), linewidth=1.3)
        prevalences = ensembles(metrics, design, metric="auprc", split="test", against=against, **lead)["prevalence"]
        chance = [0, 1] if curve == "roc" else [prevalences.median()] * 2
        axes.plot([0, 1], chance, color=CHANCE, linestyle=DASHED, linewidth=1.1)
        axes.set_title(f"against {whom}")
        axes.set_xlabel(CURVE_AXES[curve][0])
        unit_axes(axes)
    add_letters(grid)
    grid[0].set_ylabel(CURVE_AXES[curve][1])
    place_legend(figure, [*task_entries(design, names, marker=""), chance_entry()])
    return figure


def _lead(metrics: pd.DataFrame, design: Design) -> dict[str, str]:
    """Values of the rows of the recommended model among those that know all windows."""
    lead = lead_series(select(metrics, against="all"), design)
    return {"model": lead.model, "setting": lead.setting}


@captioned
def explain_curves(curves: pd.DataFrame, metrics: pd.DataFrame, design: Design, curve: str = "roc") -> Captions:
    """Captions of :func:`draw_curves`, by panel."""
    lead = _lead(metrics, design)
    what, metric = ("ROC curves", "auroc") if curve == "roc" else ("Precision-recall curves", "auprc")
    texts = []
    for against, whom in AGAINST.items():
        rows = ensembles(metrics, design, metric=metric, split="test", against=against, **lead)
        areas = say_each(rows.set_index("task")["value"], design, ".3f")
        line = "" if curve == "roc" else f" Dashed: the median prevalence, {rows['prevalence'].median():.3f}."
        texts.append(
            f"{what} of {design.find((lead['model'], lead['setting'])).label} (ensemble), the sites of each "
            f"{design.word} against {whom.replace('other', 'other test')}, test split, {design.scheme} scheme. Area "
            f"({metric.upper()}): {areas}.{line} Sites : others: {say_test_counts(metrics, design, against)}."
        )
    return texts


@styled
def draw_imbalance(imbalance: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Figure:
    """Average precision and precision at the threshold at the natural rarity of sites: Figure S5."""
    rows = ensembles(imbalance, design, **_lead(metrics, design))
    names, found = design.ordered(rows["task"]), rows_by(rows, "task", "against", "method", "metric")
    figure = new_figure(0.85 + 0.3 * len(names))
    grid = figure.subplots(1, 2, sharey=True)
    titles = {"auprc": "AUPRC", "precision": "precision at the threshold"}
    for axes, (metric, title) in zip(grid, titles.items(), strict=True):
        for at, name in enumerate(names):
            for against, shift in (("own", -0.17), ("all", 0.17)):
                row, paper = (found[name, against, method, metric] for method in ("weighted", "resampled"))
                axes.plot([paper["low"], paper["high"]], [at + shift] * 2, color=FAINT, linewidth=6, zorder=1)
                draw_interval(axes, at + shift, row, design.colour(name), hollow=against == "all")
            axes.plot([row["prevalence"]] * 2, [at - 0.38, at + 0.38], color=CHANCE, linewidth=1.2, zorder=2)
            if axes is grid[-1]:
                write_beside(axes, at, f"1 : {row['ratio']:,.0f}", 7)
        rows_axis(axes, [design.label(name) for name in names])
        axes.set_xlabel(title)
        axes.set_xlim(-0.01, 1.01)
    add_letters(grid)
    entries = [
        legend_entry("own negatives", marker="o"),
        legend_entry("every other window", marker="o", hollow=True),
        Line2D([], [], color=FAINT, linewidth=6, label="drawn up to the ratio, as in the paper"),
        legend_entry("prevalence", CHANCE, "|", size=9, line="none"),
    ]
    place_legend(figure, entries)
    return figure


@captioned
def explain_imbalance(imbalance: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_imbalance`, by panel."""
    lead = design.find(tuple(_lead(metrics, design).values()))
    resamples = int(imbalance["resamples"].iloc[0])
    whats = "Area under the precision-recall curve", "Precision of calls at the threshold chosen on validation windows"
    return [
        f"{what} of {lead.label} (ensemble) when negatives are as many per site as in the whole data set (ratios at "
        f"the right of B), test split, {design.scheme} scheme. Filled: own negatives; open: every other window. Lines: "
        f"95 % intervals from {resamples:,} bootstrap resamples with weighted negatives; grey: the paper's resamples, "
        "which draw the same few negatives many times and so hide how few they are. The ratio is the data set's, not "
        f"the cell's. Sites : own negatives: {say_test_counts(metrics, design)}."
        for what in whats
    ]


@styled
def draw_multilabel(multilabel: pd.DataFrame, design: Design) -> Figure:
    """Multi-label metrics of every model: Supplementary Table 3."""
    shown = shown_series(multilabel, design)
    rows = ensembles(multilabel, design, choice="validation")
    found = rows_by(rows, "model", "setting", "called", "average", "metric")
    figure = new_figure(1.0 + 0.25 * max(3, len(shown)))
    grid = figure.subplots(1, 2, sharey=True)
    titles = {"any": f"every {design.word} at every base", "fitting": "only where the base fits"}
    for axes, (rule, title) in zip(grid, titles.items(), strict=True):
        values = np.array([[found[*series.key, rule, *name]["value"] for name in _MULTI.values()] for series in shown])
        texts = write_cells(values, np.append(values[:, :-1].max(axis=0), values[:, -1].min()))
        values[:, -1] = np.nan
        draw_cells(axes, values, texts, [series.label for series in shown], list(_MULTI), Normalize(0, 1))
        axes.tick_params(axis="x", labelsize=6.5)
        axes.set_title(title, pad=6)
    add_letters(grid)
    return figure


@captioned
def explain_multilabel(multilabel: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_multilabel`, by panel."""
    first = multilabel.iloc[0]
    nothing = first["labels"] / (first["windows"] * first["tasks"])
    text = (
        f"Precision (P), recall (R), F1 and Hamming loss of ensembles over {first['windows']:,} test windows and "
        f"{first['tasks']} {design.words} ({first['labels']:,} labels of modified), {design.scheme} scheme; micro: "
        f"over all labels, macro: mean over {design.words}; thresholds of largest √(Sn · Sp) on validation windows. "
        f"Bold: best of the column. Calling nothing has a Hamming loss of {nothing:.3f}, so that high recall is paid "
        f"for in it. Windows were measured for one {design.word} each and count as unmodified for the "
        f"others{_say_left_out(design)}. "
    )
    return [
        f"{text}Every {design.word} may be called at every base, as in the paper.",
        f"{text}A {design.word} may be called only where its base is in the middle.",
    ]


@styled
def draw_sources(sources: pd.DataFrame, design: Design) -> Figure:
    """Which sets of unmodified windows can be told apart, pair by pair."""
    rows = sources.sort_values(["base", "auroc"], ascending=[True, False], kind="stable").to_dict("records")
    figure = new_figure(0.85 + 0.2 * max(3, len(rows)), 0.75 * WIDTH)
    axes = figure.subplots()
    for at, row in enumerate(rows):
        draw_interval(axes, at, row, INK, keys=("auroc", "low", "high"), hollow=not leaves_out(row, 0.5))
        write_beside(axes, at, f"{row['n_a']:,} : {row['n_b']:,}", 7)
        if at and row["base"] != rows[at - 1]["base"]:
            axes.axhline(at - 0.5, color=FAINT, linewidth=0.8)
    names = [f"{design.label(row['task_a'])}, {design.label(row['task_b'])} ({row['base']})" for row in rows]
    rows_axis(axes, names or ["no pair"])
    draw_reference(axes, 0.5)
    axes.set_xlabel("AUROC of the source, unmodified windows")
    value_axis(axes)
    return figure


@captioned
def explain_sources(sources: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_sources`."""
    known = sources["auroc"].dropna()
    apart = int((sources["low"] > 0.5).sum())
    span = f", {known.min():.2f} to {known.max():.2f}" if len(known) else ""
    folds = int(sources["folds"].iloc[0]) if len(sources) else 0
    return (
        "AUROC with 95 % interval (bootstrap, widened for cross-validation) of telling from an unmodified window's "
        f"sequence which of two {design.words} its set is about: k-mers up to 4 nt and nucleotides by position, "
        f"logistic regression, {folds}-fold cross-validation with genes kept together, for sets with the same base in "
        f"the middle. Where it is above 0.5 ({apart} of {len(sources)} pairs by the interval{span}) the sets differ "
        "without any modification, and AUCm measures the source as well. Filled: the interval leaves out 0.5. At the "
        "right: windows of the two sets."
    )
