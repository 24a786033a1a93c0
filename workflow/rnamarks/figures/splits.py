"""The two splits: what leaks from training into test, and what that is worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .design import Design, Series
from .lookup import METRIC_LABELS, best_baseline, counts_by_species, metric_rows, say_counts, select
from .marks import SEQUENTIAL, cell, draw_interval, legend_columns, value_axis
from .palette import CHANCE, FAINT, INK, QUIET, ink_on
from .style import WIDTH, grid_of, label_bottom, letter, new_figure, styled

KIND_LABELS = {
    "exact_own": "same sequence,\nown species",
    "exact_any": "same sequence,\nany species",
    "similar_own": "similar,\nown species",
    "similar_any": "similar,\nany species",
    "gene_own": "same\ngene",
    "orthogroup_own": "paralogue,\nown species",
    "orthogroup_other": "orthologue,\nother species",
}


@styled
def draw_leaks(leaks: pd.DataFrame, design: Design) -> Figure:
    """Share of test windows that have a relative in training, one panel per split.

    Parameters
    ----------
    leaks : pandas.DataFrame
        ``split``, ``species``, ``label``, ``kind``, ``n``, ``n_leaky``, ``share``.
    design : Design
    """
    rows = select(leaks, label="all")
    kinds = [kind for kind in dict.fromkeys(rows["kind"]) if rows.loc[rows["kind"] == kind, "n"].sum() > 0]
    splits = list(dict.fromkeys(rows["split"]))
    figure = new_figure(0.75 + len(splits) * (0.45 + 0.235 * len(design.species)))
    grid = figure.subplots(len(splits), 1, squeeze=False)[:, 0]
    for axes, split, panel in zip(grid, splits, "AB", strict=False):
        here = {(row["species"], row["kind"]): row for row in select(rows, split=split).to_dict("records")}
        for i, name in enumerate(design.species):
            for j, kind in enumerate(kinds):
                row = here.get((name, kind))
                known = row is not None and row["n"] > 0
                colour = SEQUENTIAL(row["share"]) if known else (1, 1, 1, 1)
                axes.add_patch(cell(j, i, colour))
                axes.text(
                    j,
                    i,
                    _percent(row["share"]) if known else "–",
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color=ink_on(colour[:3]) if known else QUIET,
                )
        axes.set_xlim(-0.5, len(kinds) - 0.5)
        axes.set_ylim(len(design.species) - 0.5, -0.5)
        axes.set_yticks(range(len(design.species)), design.species)
        axes.set_xticks(range(len(kinds)), [])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(f"{split} split: test windows with a relative in training")
        letter(axes, panel)
    grid[-1].set_xticks(range(len(kinds)), [KIND_LABELS.get(kind, kind.replace("_", "\n")) for kind in kinds])
    return figure


def _percent(share: float) -> str:
    if share == 0:
        return "0"
    return "<0.1 %" if share < 0.001 else f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"


def explain_leaks(leaks: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_leaks`, by panel."""
    rows = select(leaks, label="all", kind="similar_any")
    texts = []
    for panel, split in zip("AB", dict.fromkeys(leaks["split"]), strict=False):
        counts = select(rows, split=split).set_index("species")["n"]
        told = ", ".join(f"{name} {int(counts[name]):,}" for name in design.species if name in counts.index)
        texts.append(
            (
                panel,
                f"Share of the test windows of each species, {split} split, that have in the training part a window of "
                f"the same sequence, a similar one (identity as configured, same strand), one of the same gene, of "
                f"another gene of its orthogroup, or of an orthologue in another species; –: genes or orthogroups are "
                f"not known. Test windows: {told}.",
            )
        )
    return texts


@styled
def draw_both_splits(metrics: pd.DataFrame, design: Design) -> Figure:
    """Recommended model and best baseline on the two splits, side by side.

    Parameters
    ----------
    metrics : pandas.DataFrame
    design : Design
    """
    shown = _on_both(metrics, design)
    splits = list(dict.fromkeys(split for series in shown for split in series.splits))
    block = len(design.species) + 0.9
    figure = new_figure(0.85 + len(shown) * (0.25 + 0.24 * len(design.species)))
    grid = figure.subplots(1, 2, sharey=True)
    ticks = []
    for axes, metric, panel in zip(grid, ("auprc", "auroc"), "AB", strict=True):
        found = {split: metric_rows(metrics, metric, split) for split in splits}
        for part, series in enumerate(shown):
            top = part * block
            axes.text(
                0.0,
                top - 0.75,
                series.label,
                transform=axes.get_yaxis_transform(),
                fontsize=7.5,
                fontweight="bold",
                va="center",
                color=INK,
            )
            for line, name in enumerate(design.species):
                for split, shift in zip(splits, (-0.16, 0.16), strict=False):
                    row = found[split].get((*series.key, name))
                    if row is None:
                        continue
                    look = _in_colour(series, design.colours[name])
                    draw_interval(axes, top + line + shift, row, look, hollow=split != splits[0])
                    chance = row["prevalence"] if metric == "auprc" else 0.5
                    axes.plot(
                        [chance] * 2, [top + line + shift - 0.16, top + line + shift + 0.16], color=CHANCE, lw=1.2
                    )
                if metric == "auprc":
                    ticks.append((top + line, name))
        axes.set_xlabel(METRIC_LABELS[metric])
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        letter(axes, panel)
    grid[0].set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    grid[0].set_ylim(len(shown) * block - 1.2, -1.2)
    value_axis(grid[0], select(metrics, part="test")["prevalence"].min())
    value_axis(grid[1])
    handles = [
        Line2D(
            [],
            [],
            color=INK,
            marker="o",
            markersize=6,
            linewidth=1.6,
            markerfacecolor=INK if at == 0 else "white",
            label=f"{split} split",
        )
        for at, split in enumerate(splits)
    ]
    handles.append(
        Line2D(
            [], [], color=CHANCE, marker="|", markersize=9, markeredgewidth=1.3, linestyle="none", label="random order"
        )
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _in_colour(series: Series, colour: str) -> Series:
    return Series(**{**series.__dict__, "colour": colour, "marker": "o"})


def _on_both(metrics: pd.DataFrame, design: Design) -> list[Series]:
    shown = [design.best] if design.best and len(design.best.splits) > 1 else []
    shown += [entry for entry in design.series if entry.trained and len(entry.splits) > 1 and entry not in shown][:1]
    lead = best_baseline(metrics, design, design.split)
    return [*shown, *([lead] if lead else [])]


def explain_both_splits(metrics: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_both_splits`, by panel."""
    splits = list(dict.fromkeys(split for series in _on_both(metrics, design) for split in series.splits))
    told = "; ".join(f"{split}: {say_counts(counts_by_species(metrics, design.species, split))}" for split in splits)
    return [
        (
            panel,
            f"{METRIC_LABELS[metric]} on the test part of each split, mean over seeds with 95 % bootstrap interval. "
            "The paper split is random with test windows similar to training removed; the guarded split keeps genes, "
            "orthologues and similar windows together, so what it loses was memory of relatives. The two test parts "
            f"hold different windows. Red marks: a random order. Sites : others: {told}.",
        )
        for panel, metric in (("A", "auprc"), ("B", "auroc"))
    ]


@styled
def draw_similarity(similarity: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Figure:
    """AUPRC at 1:1 by identity of the nearest training window, one panel per species.

    Parameters
    ----------
    similarity : pandas.DataFrame
        Metrics by ``identity_from`` and ``identity_to``.
    metrics : pandas.DataFrame
    design : Design
    """
    shown = _compared(metrics, design)
    rows = select(similarity, metric="auprc_1to1", split=design.split, part="test", seed="mean")
    edges = rows[["identity_from", "identity_to"]].drop_duplicates().sort_values("identity_from").to_numpy(float)
    names = _with_values(rows, design) or list(design.species[:1])
    panels, columns = grid_of(len(names))
    figure = new_figure(0.85 + 1.75 * panels, min(WIDTH, 1.8 * columns + 0.2))
    grid = figure.subplots(panels, columns, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, names, strict=False):
        counts: dict[int, int] = {}
        for at, series in enumerate(shown):
            shift = (at - (len(shown) - 1) / 2) * 0.2
            mine = select(rows, model=series.model, setting=series.setting, species=name)
            mine = mine.set_index("identity_from")
            for place, (low, _) in enumerate(edges):
                if low not in mine.index:
                    continue
                row = mine.loc[low].to_dict()
                counts[place] = int(row["n_positive"])
                if np.isfinite(row["value"]):
                    draw_interval(axes, place + shift, row, series, upright=True)
        for place, count in counts.items():
            axes.text(
                place,
                0.01,
                f"{count:,}",
                transform=axes.get_xaxis_transform(),
                fontsize=6.3,
                ha="center",
                va="bottom",
                color=QUIET,
            )
        axes.axhline(0.5, color=CHANCE, linestyle=(0, (3, 2)), linewidth=1)
        axes.set_title(name)
        axes.grid(axis="y", color=FAINT)
        axes.set_xticks(
            range(len(edges)), [_bin(*edge) for edge in edges], rotation=55, ha="right", rotation_mode="anchor"
        )
        axes.set_xlim(-0.6, len(edges) - 0.4)
    low = rows["low"].min()
    grid[0, 0].set_ylim(min(0.4, low - 0.05) if np.isfinite(low) else 0.4, 1.02)
    label_bottom(grid, len(names), "identity, %")
    figure.supylabel("AUPRC at 1:1", fontsize=8)
    handles = [
        Line2D([], [], color=series.colour, marker=series.marker, linewidth=1.4, label=series.label) for series in shown
    ]
    handles.append(Line2D([], [], color=CHANCE, linestyle=(0, (3, 2)), linewidth=1, label="random order"))
    wide = legend_columns([handle.get_label() for handle in handles], figure.get_figwidth(), 4)
    figure.legend(handles=handles, loc="outside lower center", ncols=wide)
    return figure


def _with_values(rows: pd.DataFrame, design: Design) -> list[str]:
    known = set(rows.loc[rows["value"].notna(), "species"])
    return [name for name in design.species if name in known]


def _bin(low: float, high: float) -> str:
    return f"<{100 * high:.0f}" if low == 0 else f"{100 * low:.0f}–{100 * high:.0f}"


def _compared(metrics: pd.DataFrame, design: Design) -> list[Series]:
    lead = best_baseline(metrics, design, design.split)
    return [entry for entry in (design.best, lead) if entry]


def explain_similarity(similarity: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Caption of :func:`draw_similarity`."""
    counts = say_counts(counts_by_species(metrics, design.species, design.split))
    rows = select(similarity, metric="auprc_1to1", split=design.split, part="test", seed="mean")
    absent = [name for name in design.species if name not in _with_values(rows, design)]
    left_out = f" Without such a bin, and not shown: {', '.join(absent)}." if absent else ""
    return [
        (
            "",
            "AUPRC with test windows weighted to one site per other window, so that bins compare, by the highest "
            f"identity of the test window with any training window of any species (horizontal axis), {design.split} "
            "split; mean over seeds with 95 % bootstrap interval. Small numbers: sites in the bin; a bin with fewer "
            f"than 20 sites or 20 others has no value. Identity below 60 % is a lower bound.{left_out} Sites : others "
            f"in all: {counts}.",
        )
    ]
