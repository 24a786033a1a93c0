"""The two schemes: what leaks from training into test, and what that is worth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..keys import SCHEMES
from .captions import Captions, captioned, say_each
from .design import Design, Series
from .lookup import AREA_METRICS, best_baseline, counts_by_task, metric_rows, rows_by, say_counts, select
from .palette import CHANCE, QUIET
from .panels import (
    SEQUENTIAL,
    add_letters,
    bare_rows,
    chance_entry,
    draw_cell,
    draw_interval,
    draw_reference,
    label_bottom,
    legend_entry,
    matrix_axes,
    panel_grid,
    place_legend,
    spread,
    value_axis,
)
from .style import new_figure, styled

KIND_LABELS = {
    "exact_own": "same sequence,\nown {word}",
    "exact_any": "same sequence,\nany {word}",
    "similar_own": "similar,\nown {word}",
    "similar_any": "similar,\nany {word}",
    "gene_own": "same\ngene",
    "orthogroup_own": "paralogue,\nown species",
    "orthogroup_other": "orthologue,\nother species",
}


@styled
def draw_leaks(leaks: pd.DataFrame, design: Design) -> Figure:
    """Fraction of test windows that have a relative in training, one panel per scheme."""
    rows = select(leaks, label="all")
    kinds = [kind for kind in dict.fromkeys(rows["kind"]) if rows.loc[rows["kind"] == kind, "n"].sum() > 0]
    schemes = list(dict.fromkeys(rows["scheme"]))
    figure = new_figure(0.75 + len(schemes) * (0.45 + 0.235 * len(design.tasks)))
    grid = figure.subplots(len(schemes), 1, squeeze=False)[:, 0]
    labels = [KIND_LABELS[kind].format(word=design.word) for kind in kinds]
    for axes, scheme in zip(grid, schemes, strict=True):
        here = rows_by(select(rows, scheme=scheme), "task", "kind")
        for (i, name), (j, kind) in product(enumerate(design.names), enumerate(kinds)):
            row = here.get((name, kind))
            if row is not None and row["n"] > 0:
                draw_cell(axes, j, i, SEQUENTIAL(row["fraction"]), _percent(row["fraction"]), fontsize=7.5)
            else:
                draw_cell(axes, j, i, (1, 1, 1, 1), "–", fontsize=7.5, color=QUIET)
        matrix_axes(axes, [task.label for task in design.tasks], labels if axes is grid[-1] else [""] * len(kinds))
        axes.set_title(f"{scheme} scheme: test windows with a relative in training")
    add_letters(grid)
    return figure


def _percent(fraction: float) -> str:
    if fraction == 0:
        return "0"
    return "<0.1 %" if fraction < 0.001 else f"{100 * fraction:.{1 if fraction < 0.0995 else 0}f} %"


@captioned
def explain_leaks(leaks: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_leaks`, by panel."""
    rows = select(leaks, label="all", kind="similar_any")
    texts = []
    for scheme in dict.fromkeys(leaks["scheme"]):
        told = say_each(select(rows, scheme=scheme).set_index("task")["n"], design)
        texts.append(
            f"Fraction of the test windows of each {design.word}, {scheme} scheme, that have in the training split a "
            "window of the same sequence, a similar one (identity as configured, same strand), one of the same gene, "
            "of another gene of its orthogroup, or of an orthologue in another species; –: genes or orthogroups are "
            f"not known. Test windows: {told}."
        )
    return texts


@styled
def draw_both_schemes(metrics: pd.DataFrame, design: Design) -> Figure:
    """Recommended model and best baseline on the two schemes, side by side."""
    shown = _on_both(metrics, design)
    schemes = _schemes(shown)
    block = len(design.tasks) + 0.9
    figure = new_figure(0.85 + len(shown) * (0.25 + 0.24 * len(design.tasks)))
    grid = figure.subplots(1, 2, sharey=True)
    for axes, metric in zip(grid, AREA_METRICS, strict=True):
        found = {scheme: metric_rows(metrics, metric, scheme) for scheme in schemes}
        for part, series in enumerate(shown):
            place = {"transform": axes.get_yaxis_transform(), "va": "center"}
            axes.text(0, part * block - 0.75, series.label, fontsize=7.5, fontweight="bold", **place)
            for line, name in enumerate(design.names):
                for scheme, shift in zip(schemes, (-0.16, 0.16), strict=False):
                    row, at = found[scheme].get((*series.key, name)), part * block + line + shift
                    if row is not None:
                        draw_interval(axes, at, row, design.colour(name), size=6, hollow=scheme != schemes[0])
                        chance = row["prevalence"] if metric == "auprc" else 0.5
                        axes.plot([chance] * 2, [at - 0.16, at + 0.16], color=CHANCE, linewidth=1.2)
        axes.set_xlabel(metric.upper())
        bare_rows(axes)
    add_letters(grid)
    ticks = [part * block + line for part in range(len(shown)) for line in range(len(design.tasks))]
    grid[0].set_yticks(ticks, [task.label for task in design.tasks] * len(shown))
    grid[0].set_ylim(len(shown) * block - 1.2, -1.2)
    value_axis(grid[0], select(metrics, split="test")["prevalence"].min())
    value_axis(grid[1])
    entries = [legend_entry(f"{scheme} scheme", marker="o", hollow=at > 0, size=6) for at, scheme in enumerate(schemes)]
    place_legend(figure, [*entries, legend_entry("random order", CHANCE, "|", size=9, line="none")], 3)
    return figure


def _schemes(shown: list[Series]) -> list[str]:
    return [scheme for scheme in SCHEMES if any(scheme in series.schemes for series in shown)]


def _on_both(metrics: pd.DataFrame, design: Design) -> list[Series]:
    shown = [design.best] if design.best and len(design.best.schemes) > 1 else []
    shown += [entry for entry in design.series if entry.trained and len(entry.schemes) > 1 and entry not in shown][:1]
    lead = best_baseline(metrics, design, design.scheme)
    return [*shown, *([lead] if lead else [])]


@captioned
def explain_both_schemes(metrics: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_both_schemes`, by panel."""
    schemes = _schemes(_on_both(metrics, design))
    told = "; ".join(
        f"{scheme}: {say_counts(counts_by_task(metrics, design.names, scheme), design)}" for scheme in schemes
    )
    return [
        f"{metric.upper()} on the test split of each scheme, mean over seeds with 95 % bootstrap interval. The paper "
        "scheme is random with test windows similar to training removed; the guarded scheme keeps genes, orthologues "
        "and similar windows together, so what it loses was memory of relatives. The two test splits hold different "
        f"windows. Red lines: a random order. Sites : others: {told}."
        for metric in AREA_METRICS
    ]


@styled
def draw_similarity(similarity: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Figure:
    """AUPRC at 1:1 by identity of the nearest training window, one panel per task."""
    shown = [entry for entry in (design.best, best_baseline(metrics, design, design.scheme)) if entry]
    rows = _by_identity(similarity, design)
    edges = rows[["identity_from", "identity_to"]].drop_duplicates().sort_values("identity_from").to_numpy(float)
    found = rows_by(rows, "model", "setting", "task", "identity_from")
    names = _with_values(rows, design) or list(design.names[:1])
    figure, grid = panel_grid(len(names), height=1.75, above=0.85, width=1.8, sharex=True, sharey=True)
    for axes, name in zip(grid.flat, names, strict=False):
        for place, (low, _) in enumerate(edges):
            mine = [found.get((*series.key, name, low)) for series in shown]
            for series, row, shift in zip(shown, mine, spread(len(shown), 0.2 * len(shown)), strict=True):
                if row and np.isfinite(row["value"]):
                    draw_interval(axes, place + shift, row, series.colour, marker=series.marker, size=6, upright=True)
            for row in list(filter(None, mine))[-1:]:
                look = {"fontsize": 6.3, "ha": "center", "va": "bottom", "color": QUIET}
                axes.text(place, 0.01, f"{int(row['n_positive']):,}", transform=axes.get_xaxis_transform(), **look)
        draw_reference(axes, 0.5, across=True)
        axes.set_title(design.label(name))
        axes.grid(axis="y")
        turned = {"rotation": 55, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(range(len(edges)), [_bin(*edge) for edge in edges], **turned)
        axes.set_xlim(-0.6, len(edges) - 0.4)
    low = rows["low"].min()
    grid[0, 0].set_ylim(min(0.4, low - 0.05) if np.isfinite(low) else 0.4, 1.02)
    label_bottom(grid, "identity, %")
    figure.supylabel("AUPRC at 1:1", fontsize=8)
    entries = [legend_entry(series.label, series.colour, series.marker, size=6) for series in shown]
    place_legend(figure, [*entries, chance_entry()], 4)
    return figure


def _by_identity(similarity: pd.DataFrame, design: Design) -> pd.DataFrame:
    return select(similarity, metric="auprc_1to1", scheme=design.scheme, split="test", seed="mean")


def _with_values(rows: pd.DataFrame, design: Design) -> list[str]:
    return design.ordered(rows.loc[rows["value"].notna(), "task"])


def _bin(low: float, high: float) -> str:
    return f"<{100 * high:.0f}" if low == 0 else f"{100 * low:.0f}–{100 * high:.0f}"


@captioned
def explain_similarity(similarity: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_similarity`."""
    counts = say_counts(counts_by_task(metrics, design.names, design.scheme), design)
    rows = _by_identity(similarity, design)
    absent = [task.label for task in design.tasks if task.name not in _with_values(rows, design)]
    left_out = f" Without such a bin, and not shown: {', '.join(absent)}." if absent else ""
    return (
        "AUPRC with test windows weighted to one site per other window, so that bins compare, by the highest identity "
        f"of the test window with any training window of any {design.word} (horizontal axis), {design.scheme} scheme; "
        "mean over seeds with 95 % bootstrap interval. Small numbers: sites in the bin; a bin with fewer than 20 sites "
        f"or 20 others has no value. Identity below 60 % is a lower bound.{left_out} Sites : others in all: {counts}."
    )
