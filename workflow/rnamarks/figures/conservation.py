"""Capacity of genes: what it goes along with, how far species share it (Figure 6), and which genes (Table 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .captions import Captions, captioned, say_p
from .design import Design
from .landscape import own_rows
from .lookup import rows_by, select
from .palette import CHANCE, INK, QUIET
from .panels import (
    DIFFERENCE,
    MEASURED,
    SEQUENTIAL,
    Look,
    add_letters,
    annotate,
    colour_scale,
    draw_cell,
    draw_interval,
    draw_reference,
    first_of,
    legend_entry,
    matrix_axes,
    nothing,
    place_legend,
    predictor_looks,
    rows_axis,
    spread,
    task_entries,
    write_inside,
)
from .style import WIDTH, new_figure, styled

COVARIATE_LABELS = {"length": "transcript length", "sites": "motif positions", "gc": "GC content"}
DEFINITION_LABELS = {
    "mean": "mean probability",
    "sum": "sum of probabilities",
    "per_kb": "sum per kb",
    "called_per_kb": "called per kb",
}
ROWS_PER_CATEGORY = 12


@styled
def draw_definitions(definitions: pd.DataFrame, design: Design) -> Figure:
    """Correlation of each definition of capacity with length, motif positions and GC; one panel per covariate.

    The first predictor is drawn.
    """
    mine = own_rows(first_of(definitions))
    names, shown = design.ordered(mine["task"]), list(dict.fromkeys(mine["definition"]))
    found = rows_by(mine, "covariate", "definition", "task")
    figure = new_figure(0.85 + max(1.2, len(shown) * (0.16 + 0.085 * len(names))))
    grid = figure.subplots(1, len(COVARIATE_LABELS), sharey=True)
    for axes, (covariate, label) in zip(grid, COVARIATE_LABELS.items(), strict=True):
        for at, definition in enumerate(shown):
            for name, shift in zip(names, spread(len(names), 0.7), strict=True):
                if (covariate, definition, name) in found:
                    row, keys = found[covariate, definition, name], ("spearman", "low", "high")
                    draw_interval(axes, at + shift, row, design.colour(name), keys=keys, size=3.4)
        draw_reference(axes, 0)
        axes.set_xlim(-1.02, 1.02)
        axes.set_xlabel("Spearman's ρ")
        axes.set_title(label)
        rows_axis(axes, [DEFINITION_LABELS.get(name, name) for name in shown])
    add_letters(grid)
    place_legend(figure, task_entries(design, names) if len(names) > 1 else [])
    return figure


@captioned
def explain_definitions(definitions: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_definitions`, by panel."""
    rows = own_rows(first_of(definitions)).drop_duplicates("task").set_index("task")
    counts = ", ".join(
        f"{design.label(name)} {int(rows.at[name, 'genes']):,} ({int(rows.at[name, 'left_out']):,})"
        for name in design.ordered(rows.index)
    )
    what = "Spearman's correlation over genes (horizontal, no unit) between capacity, by definition, and"
    lead = next(iter(rows["predictor"]), "")
    return [
        f"{what} the length of the representative transcript, as {lead} predicts it. Lines: 95 % intervals by Fisher's "
        f"z. Dashed: 0. Genes, and in brackets those left out for lack of a motif position: {counts or '0'}.",
        f"{what} the number of motif positions on the transcript. Lines: 95 % intervals; genes as in A.",
        f"{what} the fraction of G and C in the transcript. Lines: 95 % intervals; genes as in A.",
    ]


@styled
def draw_conservation(
    conservation: pd.DataFrame, differences: pd.DataFrame, similarity: pd.DataFrame, design: Design
) -> Figure:
    """Orthogroups of high capacity by number of species, against chance and between models; agreement of species."""
    conservation, differences, similarity = _named(design, conservation, differences, similarity)
    looks = predictor_looks([*conservation["predictor"], *similarity["predictor"]])
    counts = conservation
    far = similarity["distance"].notna().any()
    panels = [(_draw_counts, counts), (_draw_folds, counts)]
    panels += [(_draw_differences, differences)] if len(differences) else []
    panels += [(_draw_similarity, similarity)] if far else []
    rows = -(-len(panels) // 2)
    figure = new_figure(0.5 + 2.5 * rows)
    grid = [figure.add_subplot(rows, 2, at + 1) for at in range(len(panels))]
    for axes, (draw, table) in zip(grid, panels, strict=True):
        if len(table):
            axes.grid(axis="y")
            draw(axes, table, looks)
        else:
            write_inside(axes, "no orthogroup in all species")
            axes.set_xticks([])
            axes.set_yticks([])
    add_letters(grid)
    entries = [legend_entry(look.label, look.colour, look.marker, line="none") for look in looks.values()]
    entries.append(Patch(facecolor="#DDDDDD", label="by chance, 95 % of permutations"))
    place_legend(figure, entries)
    return figure


def _named(design: Design, *tables: pd.DataFrame) -> list[pd.DataFrame]:
    """The tables with the modification in the names of predictors and categories, where there are several."""
    if not design.several_modifications:
        return list(tables)
    keys = ("predictor", "predictor_a", "predictor_b", "category")
    return [
        table.assign(**{key: table["modification"] + ", " + table[key] for key in keys if key in table})
        for table in tables
    ]


def _by_number(axes: Axes, rows: pd.DataFrame, looks: Mapping[str, Look]) -> Iterator[tuple[float, Look, dict]]:
    """The axis of numbers of species, and place, look and values of each row, predictors side by side."""
    ks = sorted(rows["n_species"].unique())
    axes.set_xticks(list(ks), [f"≥ {k}" if k < max(ks) else f"{k}" for k in ks])
    axes.set_xlim(min(ks) - 0.6, max(ks) + 0.6)
    axes.set_xlabel("species with high capacity")
    shifts = dict(zip(looks, spread(len(looks), 0.26 * len(looks)), strict=True))
    for row in rows.to_dict("records"):
        yield row["n_species"] + shifts[row["predictor"]], looks[row["predictor"]], row


def _point(axes: Axes, x: float, row: Mapping[str, Any], look: Look, *keys: str) -> None:
    draw_interval(axes, x, row, look.colour, keys=keys, marker=look.marker, upright=True)


def _draw_counts(axes: Axes, counts: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    for x, look, row in _by_number(axes, counts, looks):
        ends = [x - 0.11, x + 0.11]
        axes.fill_between(ends, row["null_low"], row["null_high"], color="#DDDDDD", linewidth=0, zorder=1)
        axes.plot(ends, [row["null_mean"]] * 2, color=QUIET, linewidth=1.0, zorder=2)
        _point(axes, x, row, look, "observed", "low", "high")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("orthogroups")


def _draw_folds(axes: Axes, counts: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    for x, look, row in _by_number(axes, counts, looks):
        if np.isfinite(row["fold"]) and row["fold"] > 0:
            row["fold_low"] = max(row["fold_low"], 0.02 * row["fold"])
            _point(axes, x, row, look, "fold", "fold_low", "fold_high")
    draw_reference(axes, 1, across=True)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    low, high = min(low, 0.45), max(high, 2.2)
    axes.set_ylim(low, high)
    ticks = [tick for tick in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylabel("observed / by chance")


def _draw_differences(axes: Axes, differences: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    leads, others = (list(dict.fromkeys(differences[f"predictor_{side}"])) for side in "ab")
    looks = looks | {MEASURED: Look("", INK, "-", "o")}
    shown = {name: looks[name if len(others) > 1 else MEASURED] for name in others}
    for x, look, row in _by_number(axes, differences.assign(predictor=differences["predictor_b"]), shown):
        _point(axes, x, row, look, *DIFFERENCE)
    draw_reference(axes, 0, across=True)
    first = looks[leads[0]].label if len(leads) == 1 else "first model"
    axes.set_ylabel(f"orthogroups, {first} − {looks[others[0]].label if len(others) == 1 else 'other'}")


def _draw_similarity(axes: Axes, similarity: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    far = float(similarity["distance"].max())
    shifts = spread(len(looks), 0.012 * far * len(looks))
    for (name, look), shift in zip(looks.items(), shifts, strict=True):
        for row in select(similarity, predictor=name).dropna(subset=["distance"]).to_dict("records"):
            _point(axes, row["distance"] + shift, row, look, "spearman", "low", "high")
    draw_reference(axes, 0, across=True)
    axes.set_xlim(0, 1.07 * far or 1)
    axes.set_xlabel("distance on the species tree")
    axes.set_ylabel("Spearman's ρ of capacity")


@captioned
def explain_conservation(
    conservation: pd.DataFrame, differences: pd.DataFrame, similarity: pd.DataFrame, design: Design
) -> Captions:
    """Captions of :func:`draw_conservation`, by panel."""
    conservation, differences, similarity = _named(design, conservation, differences, similarity)
    counts = conservation
    if not len(counts):
        none = "No orthogroup has a capacity in every species, so that 0 groups could be counted."
        texts = [none, none]
    else:
        groups = int(counts["orthogroups"].max())
        most = counts[counts["n_species"] == counts.groupby("predictor")["n_species"].transform("max")]
        top = "; ".join(
            f"{row['predictor']} {int(row['observed']):,} against {row['null_mean']:,.1f} by chance "
            f"({row['null_low']:,.0f} to {row['null_high']:,.0f}), one-sided permutation {say_p(row['p'])}"
            for row in most.to_dict("records")
        )
        numbers = " or ".join(f"{number}" for number in sorted(most["n_species"].unique()))
        texts = [
            (
                f"Orthogroups (vertical, of {groups:,} that every species has) whose capacity is high in at least so "
                "many species (horizontal). Lines: 95 % bootstrap intervals over orthogroups. Grey: mean and 95 % of "
                f"permutations of the high genes within species. High in all {numbers}: {top}."
            ),
            (
                "The same number over its mean by chance, no unit, logarithmic; dashed: 1. Lines: 95 % bootstrap "
                "intervals of the number. Shared capacity makes groups that are high nowhere more frequent as well, so "
                "that few species fall below 1 where many exceed it. Orthologues of similar sequence are predicted "
                "alike, and by one model for all species more so than by one model each."
            ),
        ]
    if len(differences):
        rows = differences
        rows = rows[rows["n_species"] == rows.groupby("predictor_a")["n_species"].transform("max")].to_dict("records")
        values = "; ".join(
            f"{row['predictor_a']} minus {row['predictor_b']} in all {int(row['n_species'])} species: "
            f"{int(row['difference']):,} ({row['low']:,.0f} to {row['high']:,.0f}), {say_p(row['p'])}"
            for row in rows
        )
        texts.append(
            "Difference between the models in the number of orthogroups, on the same groups. Lines: 95 % paired "
            f"bootstrap intervals over orthogroups. {values}."
        )
    if similarity["distance"].notna().any():
        pairs = similarity.drop_duplicates(["species_a", "species_b"])
        texts.append(
            "Spearman's correlation of capacity between two species over orthogroups, against the path between them on "
            "the species tree (in the unit of its branches), one point per pair and model. Lines: 95 % intervals by "
            f"Fisher's z. Pairs of species: {len(pairs):,}, which share branches of the tree; orthogroups: "
            f"{int(similarity['orthogroups'].max()):,}."
        )
    return texts


@styled
def draw_conserved_genes(conserved: pd.DataFrame, capacity: pd.DataFrame, design: Design) -> Figure:
    """Genes that are high in every species: their quantile of capacity by species and model.

    Of each category the first rows are drawn.
    """
    conserved, capacity = _named(design, conserved, capacity)
    shown = conserved.groupby("category", sort=False).head(ROWS_PER_CATEGORY).reset_index(drop=True)
    if not len(shown):
        return nothing("no gene has high capacity in every species")
    predictors = list(dict.fromkeys(capacity["predictor"]))
    names = [name for name in design.species if name in set(capacity["species"])]
    found = rows_by(capacity, "orthogroup", "predictor", "species")
    gaps = np.cumsum((shown["category"] != shown["category"].shift()).to_numpy()) - 1
    places = np.arange(len(shown)) + 0.55 * gaps
    starts = [block * (len(names) + 0.6) for block in range(len(predictors))]
    figure = new_figure(1.35 + 0.17 * (places[-1] + 1), min(WIDTH, 2.6 + 0.29 * len(names) * len(predictors)))
    axes = figure.subplots()
    norm = Normalize(0, 1)
    for (start, predictor), (column, name) in product(zip(starts, predictors, strict=True), enumerate(names)):
        for y, group in zip(places, shown["orthogroup"], strict=True):
            row = found.get((group, predictor, name))
            if row:
                draw_cell(axes, start + column, y, SEQUENTIAL(norm(float(row["rank"]))))
                if not row["high"]:
                    axes.plot(start + column, y, "x", color=CHANCE, markersize=3.5, markeredgewidth=1.0)
    right = starts[-1] + len(names) - 0.5
    for category, rows in shown.groupby("category", sort=False):
        total = int((conserved["category"] == category).sum())
        axes.text(right + 0.35, places[rows.index].mean(), f"{category}\n({total:,})", va="center", fontsize=7.5)
    stars = [f"{name}{'*' if text else ''}" for name, text in zip(shown["name"], shown["support"], strict=True)]
    matrix_axes(axes, stars, names * len(predictors), size=7)
    axes.set_yticks(places, stars)
    axes.set_xticks([start + at for start in starts for at in range(len(names))], names * len(predictors), rotation=90)
    axes.set_xlim(-0.5, right)
    axes.set_ylim(places[-1] + 0.5, -0.5)
    axes.xaxis.tick_top()
    for start, predictor in zip(starts, predictors, strict=True):
        place = {"xycoords": axes.get_xaxis_transform(), "ha": "center", "fontweight": "bold"}
        above = (0, 8 + 4.6 * max(map(len, names)))
        annotate(axes, predictor.replace("_", " "), (start + (len(names) - 1) / 2, 1), above, **place)
    place = {"location": "bottom", "shrink": 0.45, "aspect": 28}
    colour_scale(figure, axes, norm, SEQUENTIAL, "quantile of capacity", **place)
    return figure


@captioned
def explain_conserved_genes(conserved: pd.DataFrame, capacity: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_conserved_genes`."""
    conserved = _named(design, conserved)[0]
    counts = conserved["category"].value_counts(sort=False)
    numbers = ", ".join(f"{category} {count:,}" for category, count in counts.items()) or "0"
    supported = int((conserved["support"].fillna("") != "").sum())
    names = [name for name in design.species if name in set(capacity["species"])]
    return (
        f"Genes whose capacity is high in every species ({len(names) or len(design.species)}) by at least one model; "
        "colour: quantile of the capacity among the genes of the species; cross: not high. Rows are named as in the "
        f"first species, at most {ROWS_PER_CATEGORY} of each category, highest mean quantile first. Genes by model: "
        f"{numbers}. Literature support (*): {supported:,} of {len(conserved):,}. By chance some genes are high "
        "everywhere, too: see Figure 6. The whole list is in the table."
    )
