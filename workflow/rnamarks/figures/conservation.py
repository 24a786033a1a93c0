"""Capacity of genes: what it goes along with, how far species share it (Figure 6), and which genes (Table 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .design import Design
from .landscape import Look, predictor_looks
from .lookup import select
from .marks import SEQUENTIAL, cell, species_handles
from .palette import CHANCE, FAINT, INK, QUIET
from .style import WIDTH, letter, new_figure, say_p, styled

COVARIATE_LABELS = {"length": "transcript length", "sites": "motif positions", "gc": "GC content"}
DEFINITION_LABELS = {
    "mean": "mean probability",
    "sum": "sum of probabilities",
    "per_kb": "sum per kb",
    "called_per_kb": "called per kb",
}
ROWS_PER_CATEGORY = 12


def _looks(*tables: pd.DataFrame) -> dict[str, Look]:
    return predictor_looks([name for table in tables for name in table["predictor"]])


@styled
def draw_definitions(definitions: pd.DataFrame, design: Design) -> Figure:
    """Correlation of each definition of capacity with length, motif positions and GC; one panel per covariate.

    Parameters
    ----------
    definitions : pandas.DataFrame
        Columns of :data:`rnamarks.biology.capacity.DESCRIPTION_COLUMNS`; the first predictor is drawn.
    design : Design
    """
    mine = definitions[definitions["predictor"] == _first(definitions)]
    names = [name for name in design.species if name in set(mine["species"])]
    shown = list(dict.fromkeys(mine["definition"]))
    step = 0.7 / max(1, len(names))
    figure = new_figure(0.85 + max(1.2, len(shown) * (0.16 + 0.085 * len(names))))
    grid = figure.subplots(1, len(COVARIATE_LABELS), sharey=True)
    for axes, (covariate, label), panel in zip(grid, COVARIATE_LABELS.items(), "ABC", strict=True):
        for row in select(mine, covariate=covariate).to_dict("records"):
            if row["species"] in names and np.isfinite(row["spearman"]):
                at = shown.index(row["definition"]) + (names.index(row["species"]) - (len(names) - 1) / 2) * step
                colour = design.colours[row["species"]]
                axes.plot([row["low"], row["high"]], [at, at], color=colour, linewidth=1.3, solid_capstyle="round")
                axes.plot(row["spearman"], at, "o", color=colour, markersize=3.4)
        axes.axvline(0, color=CHANCE, linewidth=1.1, linestyle=(0, (3, 2)), zorder=1)
        axes.set_xlim(-1.02, 1.02)
        axes.set_xlabel("Spearman's ρ")
        axes.set_title(label)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=FAINT)
        letter(axes, panel)
    grid[0].set_yticks(range(len(shown)), [DEFINITION_LABELS.get(name, name) for name in shown])
    grid[0].set_ylim(max(1, len(shown)) - 0.45, -0.55)
    if len(names) > 1:
        handles = [handle for handle in species_handles(design) if handle.get_label() in names]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(8, len(handles)))
    return figure


def explain_definitions(definitions: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_definitions`, by panel."""
    lead = _first(definitions)
    rows = definitions[definitions["predictor"] == lead].drop_duplicates("species").set_index("species")
    counts = ", ".join(
        f"{name} {int(rows.at[name, 'genes']):,} ({int(rows.at[name, 'left_out']):,})"
        for name in design.species
        if name in rows.index
    )
    what = "Spearman's correlation over genes (horizontal, no unit) between capacity, by definition, and"
    texts = [
        f"{what} the length of the representative transcript, as {lead} predicts it. Lines: 95 % intervals by Fisher's "
        f"z. Dashed: 0. Genes, and in brackets those left out for lack of a motif position: {counts or '0'}.",
        f"{what} the number of motif positions on the transcript. Lines: 95 % intervals; genes as in A.",
        f"{what} the share of G and C in the transcript. Lines: 95 % intervals; genes as in A.",
    ]
    return list(zip("ABC", texts, strict=True))


def _first(table: pd.DataFrame) -> str:
    return str(table["predictor"].iloc[0]) if len(table) else ""


@styled
def draw_conservation(
    conservation: pd.DataFrame, differences: pd.DataFrame, similarity: pd.DataFrame, design: Design
) -> Figure:
    """Orthogroups of high capacity by number of species, against chance and between models; agreement of species.

    Parameters
    ----------
    conservation, differences, similarity : pandas.DataFrame
        Columns ``COUNT_COLUMNS``, ``DIFFERENCE_COLUMNS`` and ``SIMILARITY_COLUMNS`` of
        :mod:`rnamarks.biology.conservation`.
    design : Design
    """
    looks = _looks(conservation, similarity)
    counts = select(conservation, counting="at least")
    far = similarity["distance"].notna().any()
    panels = [_draw_counts, _draw_folds]
    panels += [_draw_differences] if len(differences) else []
    panels += [_draw_similarity] if far else []
    rows = -(-len(panels) // 2)
    figure = new_figure(0.5 + 2.5 * rows)
    grid = figure.add_gridspec(rows, 2)
    for at, (draw, panel) in enumerate(zip(panels, "ABCD", strict=False)):
        axes = figure.add_subplot(grid[at // 2, at % 2])
        draw(axes, {_draw_differences: differences, _draw_similarity: similarity}.get(draw, counts), looks)
        letter(axes, panel)
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, markersize=5, linestyle="none", label=look.label)
        for look in looks.values()
    ]
    handles.append(Patch(facecolor="#DDDDDD", label="by chance, 95 % of permutations"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _offsets(looks: Mapping[str, Look], width: float = 0.26) -> dict[str, float]:
    return {name: (at - (len(looks) - 1) / 2) * width for at, name in enumerate(looks)}


def _by_number(axes: Axes, ks: Sequence[int]) -> None:
    axes.set_xticks(list(ks), [f"≥ {k}" if k < max(ks) else f"{k}" for k in ks])
    axes.set_xlim(min(ks) - 0.6, max(ks) + 0.6)
    axes.set_xlabel("species with high capacity")
    axes.grid(axis="y")


def _point(axes: Axes, x: float, value: float, low: float, high: float, look: Look) -> None:
    axes.plot([x, x], [low, high], color=look.colour, linewidth=1.5, solid_capstyle="round", zorder=3)
    axes.plot(x, value, look.marker, color=look.colour, markersize=5, zorder=4)


def _empty(axes: Axes, table: pd.DataFrame) -> bool:
    if len(table):
        return False
    axes.text(0.5, 0.5, "no orthogroup in all species", transform=axes.transAxes, ha="center", color=QUIET)
    axes.set_xticks([])
    axes.set_yticks([])
    return True


def _draw_counts(axes: Axes, counts: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    if _empty(axes, counts):
        return
    for name, offset in _offsets(looks).items():
        for row in select(counts, predictor=name).to_dict("records"):
            x = row["species"] + offset
            axes.fill_between(
                [x - 0.11, x + 0.11], row["null_low"], row["null_high"], color="#DDDDDD", linewidth=0, zorder=1
            )
            axes.plot([x - 0.11, x + 0.11], [row["null_mean"]] * 2, color=QUIET, linewidth=1.0, zorder=2)
            _point(axes, x, row["observed"], row["low"], row["high"], looks[name])
    _by_number(axes, sorted(counts["species"].unique()))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("orthogroups")


def _draw_folds(axes: Axes, counts: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    if _empty(axes, counts):
        return
    for name, offset in _offsets(looks).items():
        for row in select(counts, predictor=name).to_dict("records"):
            if np.isfinite(row["fold"]) and row["fold"] > 0:
                low = max(row["fold_low"], 0.02 * row["fold"])
                _point(axes, row["species"] + offset, row["fold"], low, row["fold_high"], looks[name])
    axes.axhline(1, color=CHANCE, linewidth=1.1, linestyle=(0, (3, 2)), zorder=1)
    _by_number(axes, sorted(counts["species"].unique()))
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    low, high = min(low, 0.45), max(high, 2.2)
    axes.set_ylim(low, high)
    ticks = [tick for tick in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylabel("observed / by chance")


def _draw_differences(axes: Axes, differences: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    mine = select(differences, counting="at least")
    others = list(dict.fromkeys(mine["predictor_b"]))
    for name, offset in _offsets({other: looks[other] for other in others}).items():
        for row in select(mine, predictor_b=name).to_dict("records"):
            look = looks[name] if len(others) > 1 else Look("", INK, "-", "o")
            _point(axes, row["species"] + offset, row["difference"], row["low"], row["high"], look)
    axes.axhline(0, color=CHANCE, linewidth=1.1, linestyle=(0, (3, 2)), zorder=1)
    _by_number(axes, sorted(mine["species"].unique()))
    first = looks[mine["predictor_a"].iloc[0]].label
    axes.set_ylabel(f"orthogroups, {first} − {looks[others[0]].label if len(others) == 1 else 'other'}")


def _draw_similarity(axes: Axes, similarity: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    shifts = _offsets(looks, 0.012 * float(similarity["distance"].max()))
    for name, look in looks.items():
        for row in select(similarity, predictor=name).to_dict("records"):
            if np.isfinite(row["spearman"]) and np.isfinite(row["distance"]):
                _point(axes, row["distance"] + shifts[name], row["spearman"], row["low"], row["high"], look)
    axes.axhline(0, color=CHANCE, linewidth=1.1, linestyle=(0, (3, 2)), zorder=1)
    axes.set_xlim(0, 1.07 * float(similarity["distance"].max()) or 1)
    axes.set_xlabel("distance on the species tree")
    axes.set_ylabel("Spearman's ρ of capacity")
    axes.grid(axis="y")


def explain_conservation(
    conservation: pd.DataFrame, differences: pd.DataFrame, similarity: pd.DataFrame, design: Design
) -> list[tuple[str, str]]:
    """Captions of :func:`draw_conservation`, by panel."""
    counts = select(conservation, counting="at least")
    if not len(counts):
        none = "No orthogroup has a capacity in every species, so that 0 groups could be counted."
        texts = [("A", none), ("B", none)]
    else:
        most, groups = int(counts["species"].max()), int(counts["orthogroups"].max())
        top = "; ".join(
            f"{row['predictor']} {int(row['observed']):,} against {row['null_mean']:,.1f} by chance "
            f"({row['null_low']:,.0f} to {row['null_high']:,.0f}), one-sided permutation {say_p(row['p'])}"
            for row in select(counts, species=most).to_dict("records")
        )
        texts = [
            (
                "A",
                f"Orthogroups (vertical, of {groups:,} that every species has) whose capacity is high in at least so "
                "many species (horizontal). Lines: 95 % bootstrap intervals over orthogroups. Grey: mean and 95 % of "
                f"permutations of the high marks within species. High in all {most}: {top}.",
            ),
            (
                "B",
                "The same number over its mean by chance, no unit, logarithmic; dashed: 1. Lines: 95 % bootstrap "
                "intervals of the number. Shared capacity makes groups that are high nowhere more frequent as well, so "
                "that few species fall below 1 where many exceed it. Orthologues of similar sequence are predicted "
                "alike, and by one model for all species more so than by one model each.",
            ),
        ]
    if len(differences):
        rows = select(differences, counting="at least", species=int(differences["species"].max())).to_dict("records")
        values = "; ".join(
            f"{row['predictor_a']} minus {row['predictor_b']} in all {int(row['species'])} species: "
            f"{int(row['difference']):,} ({row['low']:,.0f} to {row['high']:,.0f}), {say_p(row['p'])}"
            for row in rows
        )
        texts.append(
            (
                "C",
                "Difference between the models in the number of orthogroups, on the same groups. Lines: 95 % paired "
                f"bootstrap intervals over orthogroups. {values}.",
            )
        )
    if similarity["distance"].notna().any():
        pairs = similarity.drop_duplicates(["species_a", "species_b"])
        texts.append(
            (
                "CD"[len(texts) > 2],
                "Spearman's correlation of capacity between two species over orthogroups, against the path between "
                "them on the species tree (in the unit of its branches), one point per pair and model. Lines: 95 % "
                f"intervals by Fisher's z. Pairs of species: {len(pairs):,}, which share branches of the tree; "
                f"orthogroups: {int(similarity['orthogroups'].max()):,}.",
            )
        )
    return texts


@styled
def draw_conserved_genes(conserved: pd.DataFrame, capacity: pd.DataFrame, design: Design) -> Figure:
    """Genes that are high in every species: their quantile of capacity by species and model.

    Parameters
    ----------
    conserved, capacity : pandas.DataFrame
        Columns ``CONSERVED_COLUMNS`` and ``MEMBER_COLUMNS`` of :mod:`rnamarks.biology.conservation`. Of each category
        the first rows are drawn.
    design : Design
    """
    shown = conserved.groupby("category", sort=False).head(ROWS_PER_CATEGORY).reset_index(drop=True)
    if not len(shown):
        figure = new_figure(0.9)
        axes = figure.subplots()
        axes.axis("off")
        axes.text(0.5, 0.5, "no gene has high capacity in every species", ha="center", va="center", color=QUIET)
        return figure
    predictors = list(dict.fromkeys(capacity["predictor"]))
    names = [name for name in design.species if name in set(capacity["species"])]
    ranks = capacity.set_index(["orthogroup", "predictor", "species"])[["rank", "high"]]
    gaps = np.cumsum((shown["category"] != shown["category"].shift()).to_numpy()) - 1
    places = np.arange(len(shown)) + 0.55 * gaps
    figure = new_figure(1.35 + 0.17 * (places[-1] + 1), min(WIDTH, 2.6 + 0.29 * len(names) * len(predictors)))
    axes = figure.subplots()
    norm = Normalize(0, 1)
    for block, predictor in enumerate(predictors):
        for column, name in enumerate(names):
            x = block * (len(names) + 0.6) + column
            for y, group in zip(places, shown["orthogroup"], strict=True):
                found = ranks.loc[(group, predictor, name)]
                axes.add_patch(cell(x, y, SEQUENTIAL(norm(float(found["rank"])))))
                if not found["high"]:
                    axes.plot(x, y, "x", color=CHANCE, markersize=3.5, markeredgewidth=1.0)
    right = len(predictors) * (len(names) + 0.6) - 1.1
    for category, rows in shown.groupby("category", sort=False):
        middle = places[rows.index].mean()
        total = int((conserved["category"] == category).sum())
        axes.text(right + 0.35, middle, f"{category}\n({total:,})", va="center", fontsize=7.5)
    axes.set_xlim(-0.5, right)
    axes.set_ylim(places[-1] + 0.5, -0.5)
    starts = [block * (len(names) + 0.6) for block in range(len(predictors))]
    axes.set_xticks([start + at for start in starts for at in range(len(names))], names * len(predictors), rotation=90)
    marks = ["*" if text else "" for text in shown["support"]]
    axes.set_yticks(places, [f"{name}{mark}" for name, mark in zip(shown["name"], marks, strict=True)])
    axes.tick_params(length=0, labelsize=7)
    axes.spines[:].set_visible(False)
    axes.xaxis.tick_top()
    for start, predictor in zip(starts, predictors, strict=True):
        axes.annotate(
            predictor.replace("_", " "),
            (start + (len(names) - 1) / 2, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 8 + 4.6 * max(map(len, names))),
            textcoords="offset points",
            ha="center",
            fontweight="bold",
        )
    colours = axes.figure.colorbar(
        ScalarMappable(norm, SEQUENTIAL),
        ax=axes,
        location="bottom",
        shrink=0.45,
        aspect=28,
        pad=0.02,
        label="quantile of capacity",
    )
    colours.outline.set_visible(False)
    return figure


def explain_conserved_genes(conserved: pd.DataFrame, capacity: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Caption of :func:`draw_conserved_genes`."""
    counts = conserved["category"].value_counts(sort=False)
    numbers = ", ".join(f"{category} {count:,}" for category, count in counts.items()) or "0"
    supported = int((conserved["support"].fillna("") != "").sum())
    names = [name for name in design.species if name in set(capacity["species"])]
    return [
        (
            "",
            f"Genes whose capacity is high in every species ({len(names) or len(design.species)}) by at least one "
            "model; colour: quantile of the capacity among the genes of the species; cross: not high. Rows are named "
            f"as in the first species, at most {ROWS_PER_CATEGORY} of each category, highest mean quantile first. "
            f"Genes by model: {numbers}. Literature support (*): {supported:,} of {len(conserved):,}. By chance some "
            "genes are high everywhere, too: see Figure 6. The whole list is in the table.",
        )
    ]
