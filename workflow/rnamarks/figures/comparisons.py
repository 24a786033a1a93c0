"""Models side by side: Figure 2 of the paper, all species and settings, paired differences, external sets."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .design import Design, Series
from .lookup import (
    METRIC_LABELS,
    best_baseline,
    counts_by_species,
    differences,
    metric_rows,
    say_counts,
    seed_values,
    select,
)
from .marks import SEQUENTIAL, cell, chance_handle, draw_interval, species_handles, value_axis
from .palette import CHANCE, FAINT, INK, QUIET, ink_on
from .style import WIDTH, letter, new_figure, styled

INTERVAL_TEXT = (
    "Filled markers: mean over seeds with its 95 % bootstrap interval over seeds and test windows; small dots: single "
    "seeds; open markers: the ensemble (mean logit of the seeds)."
)


def _legend(figure: Figure, *extra: Line2D) -> None:
    entries = [
        Line2D([], [], color=INK, marker="o", markersize=6, markeredgewidth=0, label="mean of seeds, 95 % interval"),
        Line2D([], [], color=INK, marker=".", markersize=5, linestyle="none", alpha=0.6, label="one seed"),
        Line2D(
            [], [], color=INK, marker="o", markersize=6, markerfacecolor="white", linestyle="none", label="ensemble"
        ),
        *extra,
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries), handletextpad=0.5)


def species_of_models(design: Design) -> list[str]:
    """The two species nearest to the root that networks were trained on alone; the first two where none was."""
    trained = {name for series in design.single() if series.trained for name in series.species}
    return [name for name in design.species if not trained or name in trained][:2]


@styled
def draw_models(metrics: pd.DataFrame, design: Design) -> Figure:
    """Models of one species on two species: AUPRC and AUROC, Figure 2 A and B of the paper.

    Parameters
    ----------
    metrics : pandas.DataFrame
        The *metrics* border.
    design : Design

    Returns
    -------
    matplotlib.figure.Figure
        One row of panels per species; on the left AUPRC, on the right AUROC.
    """
    species = species_of_models(design)
    shown = design.single()
    figure = new_figure(0.75 + len(species) * (0.55 + 0.235 * len(shown)))
    grid = figure.subplots(len(species), 2, squeeze=False, sharex="col", sharey=True)
    for column, metric in enumerate(("auprc", "auroc")):
        means = metric_rows(metrics, metric, design.split)
        ensembles = metric_rows(metrics, metric, design.split, seed="ensemble")
        for line, name in enumerate(species):
            axes = grid[line, column]
            for at, series in enumerate(shown):
                row = means.get((*series.key, name))
                if row is None:
                    continue
                seeds = seed_values(metrics, metric, design.split, series, name)
                if len(seeds) > 1:
                    together = ensembles[(*series.key, name)]
                    draw_interval(axes, at - 0.24, together | {"low": np.nan}, series, hollow=True)
                    axes.plot(seeds, [at + 0.24] * len(seeds), ".", color=series.colour, markersize=4, alpha=0.7)
                draw_interval(axes, at, row, series)
                axes.text(
                    1.015, at, f"{row['value']:.3f}", transform=axes.get_yaxis_transform(), fontsize=7.5, va="center"
                )
                chance = row["prevalence"] if metric == "auprc" else 0.5
                axes.axvline(chance, color=CHANCE, linestyle=(0, (3, 2)), linewidth=1.1, zorder=1)
            axes.set_yticks(range(len(shown)), [_name_alone(series) for series in shown])
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            axes.grid(axis="x")
            if column == 0:
                counts = counts_by_species(metrics, [name], design.split).get(name, (0, 0))
                axes.set_title(f"{name}: {counts[0]:,} sites, {counts[1]:,} others in test")
                letter(axes, "AB"[line])
        grid[-1, column].set_xlabel(METRIC_LABELS[metric])
    grid[0, 0].set_ylim(len(shown) - 0.45, -0.55)
    value_axis(grid[0, 0], select(metrics, part="test", split=design.split)["prevalence"].min())
    value_axis(grid[0, 1])
    _legend(figure, chance_handle("random order (AUPRC: prevalence)"))
    return figure


def _name_alone(series: Series) -> str:
    return f"{series.network}, single" if series.trained else series.network


def explain_models(metrics: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_models`, by panel."""
    species = species_of_models(design)
    counts = counts_by_species(metrics, species, design.split)
    texts = []
    for panel, name in zip("AB", species, strict=False):
        texts.append(
            (
                panel,
                f"Models trained on {name} alone, measured on its test part ({design.split} split; sites : others "
                f"{say_counts({name: counts[name]})}). Left: area under the precision-recall curve (AUPRC), right: "
                f"area under the ROC curve (AUROC), both without unit. {INTERVAL_TEXT} Dashed: what a random order "
                "gives, which for AUPRC is the prevalence.",
            )
        )
    return texts


@styled
def draw_settings(metrics: pd.DataFrame, design: Design) -> Figure:
    """AUPRC by number of species trained together, Figure 2 C and D of the paper.

    Parameters
    ----------
    metrics : pandas.DataFrame
    design : Design

    Returns
    -------
    matplotlib.figure.Figure
        One panel for the root species and one for its nearest.
    """
    species, shown = design.species[:2], design.ladder()
    figure = new_figure(3.1, WIDTH if len(species) > 1 else WIDTH * 0.6)
    grid = figure.subplots(1, len(species), squeeze=False)[0]
    means = metric_rows(metrics, "auprc", design.split)
    ensembles = metric_rows(metrics, "auprc", design.split, seed="ensemble")
    for axes, name, panel in zip(grid, species, "CD", strict=False):
        path = []
        for at, series in enumerate(shown):
            row = means.get((*series.key, name))
            if row is None:
                continue
            seeds = seed_values(metrics, "auprc", design.split, series, name)
            if len(seeds) > 1:
                together = ensembles[(*series.key, name)]
                draw_interval(axes, at + 0.26, together | {"low": np.nan}, series, upright=True, hollow=True)
                axes.plot([at - 0.22] * len(seeds), seeds, ".", color=series.colour, markersize=4, alpha=0.7)
            draw_interval(axes, at, row, series, upright=True)
            if series.trunk == design.best.trunk and series.nested:
                path.append((at, row["value"]))
        if len(path) > 1:
            axes.plot(*zip(*path, strict=True), color=QUIET, linewidth=0.9, zorder=2)
        counts = counts_by_species(metrics, [name], design.split).get(name)
        share = f", prevalence {counts[0] / sum(counts):.3f}" if counts else ""
        axes.set_title(f"{name}{share}", color=INK)
        axes.set_xticks(range(len(shown)), [_step(series, design) for series in shown])
        axes.set_xlim(-0.6, len(shown) - 0.4)
        axes.set_xlabel("species trained together")
        axes.grid(axis="y")
        letter(axes, panel)
    grid[0].set_ylabel("AUPRC")
    _legend(figure)
    return figure


def _step(series: Series, design: Design) -> str:
    if series.trunk != design.best.trunk:
        return f"1\n{series.network.replace('DeepM6ASeq', 'Deep-' + chr(10) + 'M6ASeq')}"
    count = "1" if series.setting == "single" else str(len(series.species))
    if series.kind == "stack":
        return f"{count}\n{series.model.replace('_', chr(10))}"
    if series.nested:
        return count
    return f"{count}\n{series.curriculum.replace('_', chr(10))}"


def explain_settings(metrics: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_settings`, by panel."""
    texts = []
    stacks = {series.model: series.network for series in design.ladder() if series.kind == "stack"}
    told = "".join(f" {name}: {words}, a weighted sum of their logits." for name, words in stacks.items())
    for panel, name in zip("CD", design.species[:2], strict=False):
        counts = say_counts(counts_by_species(metrics, [name], design.split))
        texts.append(
            (
                panel,
                f"AUPRC on the test part of {name} ({design.split} split; sites : others {counts}) by how many species "
                "the model was trained on, nearest relatives first; the line joins nested sets of the curriculum."
                f"{told} "
                f"{INTERVAL_TEXT} The vertical axis does not start at zero; a random order gives the prevalence in the "
                f"title.",
            )
        )
    return texts


@styled
def draw_heat_map(metrics: pd.DataFrame, design: Design, metric: str = "auprc") -> Figure:
    """All species by all models and settings, the numbers written in; S2 and S3 of the paper.

    Parameters
    ----------
    metrics : pandas.DataFrame
    design : Design
    metric : str

    Returns
    -------
    matplotlib.figure.Figure
        The best value of each species is underlined.
    """
    shown = design.on(design.split)
    means = metric_rows(metrics, metric, design.split)
    values = np.full((len(shown), len(design.species)), np.nan)
    for i, series in enumerate(shown):
        for j, name in enumerate(design.species):
            if (*series.key, name) in means:
                values[i, j] = means[(*series.key, name)]["value"]
    names = 0.65 + 0.0625 * max([28, *(len(series.label) for series in shown)])
    figure = new_figure(0.75 + 0.27 * len(shown), min(WIDTH, names + 0.72 * len(design.species)))
    axes = figure.subplots()
    finite = values[np.isfinite(values)]
    low = 0.5 if metric == "auroc" else 0.0
    norm = Normalize(min(low, finite.min()) if finite.size else low, finite.max() if finite.size else 1.0)
    best = np.where(np.isfinite(values).any(axis=0), np.nanmax(np.where(np.isnan(values), -1, values), axis=0), np.nan)
    for (i, j), value in np.ndenumerate(values):
        colour = SEQUENTIAL(norm(value)) if np.isfinite(value) else "#FFFFFF"
        axes.add_patch(cell(j, i, colour))
        if np.isfinite(value):
            top = round(value, 3) == round(best[j], 3)
            axes.text(
                j,
                i,
                f"{value:.3f}",
                ha="center",
                va="center",
                fontsize=7.5,
                color=ink_on(colour[:3]),
                fontweight="bold" if top else "normal",
            )
        else:
            axes.text(j, i, "–", ha="center", va="center", fontsize=7.5, color=QUIET)
    axes.set_xlim(-0.5, len(design.species) - 0.5)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xticks(range(len(design.species)), design.species)
    axes.set_yticks(range(len(shown)), [series.label for series in shown])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.xaxis.tick_top()
    axes.set_title(f"{METRIC_LABELS[metric]}, test part, mean of seeds", loc="left", pad=6)
    return figure


def explain_heat_map(metrics: pd.DataFrame, design: Design, metric: str = "auprc") -> list[tuple[str, str]]:
    """Caption of :func:`draw_heat_map`."""
    chance = "0.5" if metric == "auroc" else "the prevalence, written in the table"
    counts = say_counts(counts_by_species(metrics, design.species, design.split))
    return [
        (
            "",
            f"{METRIC_LABELS[metric]} of every model (rows) on the test part of every species (columns), "
            f"{design.split} split, mean over seeds; bold: highest of the species; –: not trained. A random order "
            f"gives {chance}. Sites : others: {counts}. Intervals are in the table.",
        )
    ]


@styled
def draw_differences(paired: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Figure:
    """The recommended model against each other one, on the same windows.

    Parameters
    ----------
    paired : pandas.DataFrame
        Differences on common resamples.
    metrics : pandas.DataFrame
    design : Design
    """
    rivals = _rivals(metrics, design)
    found = {
        (rival.key, metric): differences(
            paired, design.recommended, rival.key, split=design.split, metric=metric, seed="ensemble"
        )
        for rival in rivals
        for metric in ("auprc", "auroc")
    }
    lines = [(rival, [name for name in design.species if name in found[rival.key, "auprc"]]) for rival in rivals]
    lines = [(rival, names) for rival, names in lines if names]
    tops = np.cumsum([0, *(max(2, len(names)) + 1.2 for _, names in lines)])
    figure = new_figure(0.95 + max(1.0, 0.115 * tops[-1]))
    grid = figure.subplots(1, 2, sharey=True)
    for axes, metric, panel in zip(grid, ("auprc", "auroc"), "AB", strict=True):
        for top, (rival, names) in zip(tops[:-1], lines, strict=True):
            first = top + (max(2, len(names)) - len(names)) / 2
            for at, name in enumerate(names, 0):
                row, colour = found[rival.key, metric][name], design.colours[name]
                axes.plot([row["low"], row["high"]], [first + at] * 2, color=colour, linewidth=1.5)
                sure = row["low"] > 0 or row["high"] < 0
                axes.plot(
                    row["difference"],
                    first + at,
                    "o",
                    color=colour,
                    markersize=4.2,
                    markerfacecolor=colour if sure else "white",
                    markeredgewidth=1,
                )
            if top:
                axes.axhline(top - 1.1, color=FAINT, linewidth=0.8)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlabel(f"difference in {METRIC_LABELS[metric]}")
        value_axis(axes)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        letter(axes, panel)
    middles = [top + (max(2, len(names)) - 1) / 2 for top, (_, names) in zip(tops[:-1], lines, strict=True)]
    grid[0].set_yticks(middles, [rival.label for rival, _ in lines])
    grid[0].set_ylim(tops[-1] - 1.1, -1.1)
    grid[0].set_title(fill(f"{design.best.label} minus …", 34))
    figure.legend(handles=species_handles(design), loc="outside lower center", ncols=min(8, len(design.species)))
    return figure


def _rivals(metrics: pd.DataFrame, design: Design) -> list[Series]:
    rivals = [entry for entry in design.on(design.split) if entry.key != design.recommended]
    baselines = [entry for entry in rivals if not entry.trained]
    lead = best_baseline(metrics, design, design.split)
    return [entry for entry in rivals if entry.trained or len(baselines) <= 2 or entry == lead]


def explain_differences(paired: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_differences`, by panel."""
    lead = best_baseline(metrics, design, design.split)
    which = f" Of the baselines the one with the highest mean AUPRC is shown, {lead.label}." if lead else ""
    counts = say_counts(counts_by_species(metrics, design.species, design.split))
    return [
        (
            panel,
            f"Difference in {METRIC_LABELS[metric]} between {design.best.label} (ensemble) and each other model "
            f"(ensemble) on the same test windows, {design.split} split. Right of zero the first is better. Lines: 95 "
            "% intervals from a paired bootstrap of test windows; filled: the interval excludes zero; open: it does "
            f"not.{which} Sites : others: {counts}.",
        )
        for panel, metric in (("A", "auprc"), ("B", "auroc"))
    ]


@styled
def draw_external(external: pd.DataFrame, design: Design) -> Figure:
    """The released model on test sets from elsewhere.

    Parameters
    ----------
    external : pandas.DataFrame
        Columns of :data:`rnamarks.evaluation.external.COLUMNS`.
    design : Design
    """
    names = external[["name", "head", "width"]].drop_duplicates().to_dict("records")
    figure = new_figure(0.75 + 0.3 * len(names))
    grid = figure.subplots(1, 2, sharey=True)
    for axes, metric, panel in zip(grid, ("auprc", "auroc"), "AB", strict=True):
        for at, entry in enumerate(names):
            rows = select(external, metric=metric, name=entry["name"], head=entry["head"])
            for row in rows.to_dict("records"):
                colour = design.colours.get(row["head"], INK)
                axes.plot([row["low"], row["high"]], [at, at], color=colour, linewidth=1.6, solid_capstyle="round")
                axes.plot(row["value"], at, "o", color=colour, markersize=6)
                chance = row["prevalence"] if metric == "auprc" else 0.5
                axes.plot([chance, chance], [at - 0.35, at + 0.35], color=CHANCE, linewidth=1.3)
                axes.text(
                    1.015, at, f"{row['value']:.3f}", transform=axes.get_yaxis_transform(), fontsize=7.5, va="center"
                )
        axes.set_xlabel(METRIC_LABELS[metric])
        axes.set_yticks(range(len(names)), [f"{entry['name']} ({entry['head']} head)" for entry in names])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        letter(axes, panel)
    grid[0].set_ylim(len(names) - 0.4, -0.6)
    value_axis(grid[0], external["prevalence"].min())
    value_axis(grid[1])
    return figure


def explain_external(external: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_external`, by panel."""
    rows = external.drop_duplicates(["name", "head"]).to_dict("records")
    counts = "; ".join(
        f"{row['name']} {row['n_positive']:,} : {row['n_negative']:,}, {row['width']} nt, "
        f"{row['removed_seen_in_training'] + row['removed_within_training']:,} removed as seen in training"
        for row in rows
    )
    return [
        (
            panel,
            f"{METRIC_LABELS[metric]} of the released model on sets from elsewhere, coloured by the species head that "
            f"scored them, with 95 % bootstrap intervals over windows; red marks: a random order. Sites : others: "
            f"{counts}.",
        )
        for panel, metric in (("A", "auprc"), ("B", "auroc"))
    ]
