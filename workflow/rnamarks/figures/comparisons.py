"""Models side by side: Figure 2 of the paper, all tasks and settings, paired differences, external sets."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .captions import Captions, captioned
from .design import Design, Series
from .lookup import (
    AREA_METRICS,
    best_baseline,
    counts_by_task,
    differences,
    metric_rows,
    say_counts,
    seed_values,
    select,
)
from .palette import CHANCE, FAINT, INK, QUIET
from .panels import (
    DIFFERENCE,
    add_letters,
    bare_rows,
    chance_entry,
    draw_cells,
    draw_interval,
    draw_reference,
    leaves_out,
    legend_entry,
    letter,
    place_legend,
    rows_axis,
    spread,
    task_entries,
    value_axis,
    write_beside,
    write_cells,
)
from .style import WIDTH, new_figure, styled

INTERVAL_TEXT = (
    "Filled markers: mean over seeds with its 95 % bootstrap interval over seeds and test windows; small dots: single "
    "seeds; open markers: the ensemble (mean logit of the seeds)."
)


def _legend(figure: Figure, *extra: Line2D) -> None:
    entries = [
        legend_entry("mean of seeds, 95 % interval", marker="o", size=6),
        Line2D([], [], color=INK, marker=".", markersize=5, linestyle="none", alpha=0.6, label="one seed"),
        legend_entry("ensemble", marker="o", hollow=True, size=6, line="none"),
    ]
    place_legend(figure, [*entries, *extra], handletextpad=0.5)


class _Seeds:
    """A metric on the scheme of the design: the mean over seeds with its interval, single seeds, and the ensemble."""

    def __init__(self, metrics: pd.DataFrame, metric: str, design: Design) -> None:
        self.metrics, self.metric, self.scheme = metrics, metric, design.scheme
        self.means = metric_rows(metrics, metric, design.scheme)
        self.ensembles = metric_rows(metrics, metric, design.scheme, seed="ensemble")

    def draw(
        self, axes: Axes, at: float, series: Series, name: str, shifts: tuple[float, float], *, upright: bool = False
    ) -> dict[str, Any] | None:
        """Draw one model on one task, ensemble and seeds beside its mean; the row of the mean, None without one."""
        row = self.means.get((*series.key, name))
        if row is None:
            return None
        look = {"marker": series.marker, "size": 6, "upright": upright}
        seeds = seed_values(self.metrics, self.metric, self.scheme, series, name)
        if len(seeds) > 1:
            ensemble = self.ensembles[(*series.key, name)] | {"low": np.nan}
            draw_interval(axes, at + shifts[0], ensemble, series.colour, hollow=True, **look)
            places = [at + shifts[1]] * len(seeds), seeds
            axes.plot(*places[:: 1 if upright else -1], ".", color=series.colour, markersize=4, alpha=0.7)
        draw_interval(axes, at, row, series.colour, **look)
        return row


def tasks_of_models(design: Design) -> list[str]:
    """The first two tasks that networks were trained on alone; the first two where none was."""
    trained = {name for series in design.single() if series.trained for name in series.tasks}
    return design.ordered(trained or design.names)[:2]


@styled
def draw_models(metrics: pd.DataFrame, design: Design) -> Figure:
    """Models of one task on two tasks: AUPRC and AUROC, Figure 2 A and B of the paper.

    One row of panels per task; on the left AUPRC, on the right AUROC.
    """
    names, shown = tasks_of_models(design), design.single()
    figure = new_figure(0.75 + len(names) * (0.55 + 0.235 * len(shown)))
    grid = figure.subplots(len(names), 2, squeeze=False, sharex="col", sharey=True)
    labels = [f"{series.network}, single" if series.trained else series.network for series in shown]
    for column, metric in enumerate(AREA_METRICS):
        seeds = _Seeds(metrics, metric, design)
        for axes, name in zip(grid[:, column], names, strict=True):
            for at, series in enumerate(shown):
                row = seeds.draw(axes, at, series, name, (-0.24, 0.24))
                if row:
                    write_beside(axes, at, f"{row['value']:.3f}")
                    draw_reference(axes, row["prevalence"] if metric == "auprc" else 0.5)
            rows_axis(axes, labels)
        grid[-1, column].set_xlabel(metric.upper())
    for axes, name in zip(grid[:, 0], names, strict=True):
        counts = counts_by_task(metrics, [name], design.scheme).get(name, (0, 0))
        axes.set_title(f"{design.label(name)}: {counts[0]:,} sites, {counts[1]:,} others in test")
    add_letters(grid[:, 0])
    value_axis(grid[0, 0], select(metrics, split="test", scheme=design.scheme)["prevalence"].min())
    value_axis(grid[0, 1])
    _legend(figure, chance_entry("random order (AUPRC: prevalence)"))
    return figure


@captioned
def explain_models(metrics: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_models`, by panel."""
    counts = counts_by_task(metrics, tasks_of_models(design), design.scheme)
    return [
        f"Models trained on {design.label(name)} alone, measured on its test split ({design.scheme} scheme; sites : "
        f"others {say_counts({name: counts[name]}, design)}). Left: area under the precision-recall curve (AUPRC), "
        f"right: area under the ROC curve (AUROC), both without unit. {INTERVAL_TEXT} Dashed: what a random order "
        "gives, which for AUPRC is the prevalence."
        for name in tasks_of_models(design)
    ]


@styled
def draw_settings(metrics: pd.DataFrame, design: Design) -> Figure:
    """AUPRC by number of tasks trained together, Figure 2 C and D of the paper.

    One panel for each of the first two tasks: the root of the curriculum and what is nearest to it.
    """
    names, shown = design.names[:2], design.ladder()
    figure = new_figure(3.1, WIDTH if len(names) > 1 else WIDTH * 0.6)
    grid = figure.subplots(1, len(names), squeeze=False)[0]
    seeds = _Seeds(metrics, "auprc", design)
    for axes, name, panel in zip(grid, names, "CD", strict=False):
        path = []
        for at, series in enumerate(shown):
            row = seeds.draw(axes, at, series, name, (0.26, -0.22), upright=True)
            if row and series.trunk == design.best.trunk and series.nested:
                path.append((at, row["value"]))
        if len(path) > 1:
            axes.plot(*zip(*path, strict=True), color=QUIET, linewidth=0.9, zorder=2)
        counts = counts_by_task(metrics, [name], design.scheme).get(name)
        prevalence = f", prevalence {counts[0] / sum(counts):.3f}" if counts else ""
        axes.set_title(f"{design.label(name)}{prevalence}", color=INK)
        axes.set_xticks(range(len(shown)), [_step(series, design) for series in shown])
        axes.set_xlim(-0.6, len(shown) - 0.4)
        axes.set_xlabel(f"{design.words} trained together")
        axes.grid(axis="y")
        letter(axes, panel)
    grid[0].set_ylabel("AUPRC")
    _legend(figure)
    return figure


def _step(series: Series, design: Design) -> str:
    if series.trunk != design.best.trunk:
        return f"1\n{series.network.replace('DeepM6ASeq', 'Deep-' + chr(10) + 'M6ASeq')}"
    count = "1" if series.setting == "single" else str(len(series.tasks))
    word = series.model if series.kind == "stack" else "" if series.nested else series.curriculum
    return f"{count}\n{word.replace('_', chr(10))}" if word else count


@captioned
def explain_settings(metrics: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_settings`, by panel."""
    texts = []
    stacks = {series.model: series.network for series in design.ladder() if series.kind == "stack"}
    told = "".join(f" {name}: {words}, a weighted sum of their logits." for name, words in stacks.items())
    for panel, name in zip("CD", design.names[:2], strict=False):
        counts = say_counts(counts_by_task(metrics, [name], design.scheme), design)
        text = (
            f"AUPRC on the test split of {design.label(name)} ({design.scheme} scheme; sites : others {counts}) by how "
            f"many {design.words} the model was trained on, nearest first; the line joins nested sets of the "
            f"curriculum.{told} {INTERVAL_TEXT} The vertical axis does not start at zero; a random order gives the "
            "prevalence in the title."
        )
        texts.append((panel, text))
    return texts


@styled
def draw_heat_map(metrics: pd.DataFrame, design: Design, metric: str = "auprc") -> Figure:
    """All tasks by all models and settings, numbers written in, the best of a task bold; S2 and S3 of the paper."""
    shown = design.on(design.scheme)
    means = metric_rows(metrics, metric, design.scheme)
    values = np.array(
        [[means.get((*series.key, name), {}).get("value", np.nan) for name in design.names] for series in shown]
    )
    names = 0.65 + 0.0625 * max([28, *(len(series.label) for series in shown)])
    # the title needs room above a single task, too
    figure = new_figure(0.75 + 0.27 * len(shown), min(WIDTH, names + max(2.3, 0.72 * len(design.tasks))))
    axes = figure.subplots()
    low = 0.5 if metric == "auroc" else 0.0
    norm = Normalize(np.nanmin(values, initial=low), np.nanmax(values, initial=low) if np.isfinite(values).any() else 1)
    texts = write_cells(values, np.max(np.nan_to_num(values, nan=-np.inf), axis=0))
    draw_cells(axes, values, texts, [one.label for one in shown], [task.label for task in design.tasks], norm)
    axes.set_title(f"{metric.upper()}, test split, mean of seeds", loc="left", pad=6)
    return figure


@captioned
def explain_heat_map(metrics: pd.DataFrame, design: Design, metric: str = "auprc") -> Captions:
    """Caption of :func:`draw_heat_map`."""
    chance = "0.5" if metric == "auroc" else "the prevalence, written in the table"
    counts = say_counts(counts_by_task(metrics, design.names, design.scheme), design)
    return (
        f"{metric.upper()} of every model (rows) on the test split of every {design.word} (columns), {design.scheme} "
        f"scheme, mean over seeds; bold: highest of the column; –: not trained. A random order gives {chance}. Sites : "
        f"others: {counts}. Intervals are in the table."
    )


@styled
def draw_differences(paired: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Figure:
    """The recommended model against each other one, on the same windows."""
    rivals = _rivals(metrics, design)
    found = {
        (rival.key, metric): differences(
            paired, design.recommended, rival.key, scheme=design.scheme, metric=metric, seed="ensemble"
        )
        for rival in rivals
        for metric in AREA_METRICS
    }
    lines = [(rival, design.ordered(found[rival.key, "auprc"])) for rival in rivals]
    lines = [(rival, names) for rival, names in lines if names]
    tops = np.cumsum([0, *(max(2, len(names)) + 1.2 for _, names in lines)])
    figure = new_figure(0.95 + max(1.0, 0.115 * tops[-1]))
    grid = figure.subplots(1, 2, sharey=True)
    middles = []
    for axes, metric in zip(grid, AREA_METRICS, strict=True):
        for top, (rival, names) in zip(tops[:-1], lines, strict=True):
            middle = top + (max(2, len(names)) - 1) / 2
            middles.append(middle)
            for name, shift in zip(names, spread(len(names), len(names)), strict=True):
                row = found[rival.key, metric][name]
                look = {"keys": DIFFERENCE, "size": 4.2, "hollow": not leaves_out(row)}
                draw_interval(axes, middle + shift, row, design.colour(name), **look)
            if top:
                axes.axhline(top - 1.1, color=FAINT, linewidth=0.8)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlabel(f"difference in {metric.upper()}")
        value_axis(axes)
        bare_rows(axes)
    add_letters(grid)
    grid[0].set_yticks(middles[: len(lines)], [rival.label for rival, _ in lines])
    grid[0].set_ylim(tops[-1] - 1.1, -1.1)
    grid[0].set_title(fill(f"{design.best.label} minus …", 34))
    place_legend(figure, task_entries(design))
    return figure


def _rivals(metrics: pd.DataFrame, design: Design) -> list[Series]:
    rivals = [entry for entry in design.on(design.scheme) if entry.key != design.recommended]
    baselines = [entry for entry in rivals if not entry.trained]
    lead = best_baseline(metrics, design, design.scheme)
    return [entry for entry in rivals if entry.trained or len(baselines) <= 2 or entry == lead]


@captioned
def explain_differences(paired: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_differences`, by panel."""
    lead = best_baseline(metrics, design, design.scheme)
    which = f" Of the baselines the one with the highest mean AUPRC is shown, {lead.label}." if lead else ""
    counts = say_counts(counts_by_task(metrics, design.names, design.scheme), design)
    return [
        f"Difference in {metric.upper()} between {design.best.label} (ensemble) and each other model (ensemble) on the "
        f"same test windows, {design.scheme} scheme. Right of zero the first is better. Lines: 95 % intervals from a "
        f"paired bootstrap of test windows; filled: the interval excludes zero; open: it does not.{which} Sites : "
        f"others: {counts}."
        for metric in AREA_METRICS
    ]


@styled
def draw_external(external: pd.DataFrame, design: Design) -> Figure:
    """The released model on test sets from elsewhere."""
    names = external[["name", "task", "width"]].drop_duplicates().to_dict("records")
    figure = new_figure(1.0 + 0.3 * len(names))
    grid = figure.subplots(1, 2, sharey=True)
    for axes, metric in zip(grid, AREA_METRICS, strict=True):
        for at, entry in enumerate(names):
            rows = select(external, metric=metric, name=entry["name"], task=entry["task"])
            for row in rows.to_dict("records"):
                draw_interval(axes, at, row, design.colour(row["task"]), size=6)
                chance = row["prevalence"] if metric == "auprc" else 0.5
                axes.plot([chance, chance], [at - 0.35, at + 0.35], color=CHANCE, linewidth=1.3)
                write_beside(axes, at, f"{row['value']:.3f}")
        axes.set_xlabel(metric.upper())
        rows_axis(axes, [f"{entry['name']} ({design.label(entry['task'])})" for entry in names])
    add_letters(grid)
    value_axis(grid[0], external["prevalence"].min())
    value_axis(grid[1])
    place_legend(figure, [legend_entry("random order", CHANCE, "|", size=9, line="none")])
    return figure


@captioned
def explain_external(external: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_external`, by panel."""
    rows = external.drop_duplicates(["name", "task"]).to_dict("records")
    counts = "; ".join(
        f"{row['name']} {row['n_positive']:,} : {row['n_negative']:,}, {row['width']} nt, "
        f"{row['removed_seen_in_training'] + row['removed_within_training']:,} removed as seen in training"
        for row in rows
    )
    return [
        f"{metric.upper()} of the released model on sets from elsewhere, coloured by the {design.word} that it was "
        f"asked for, with 95 % bootstrap intervals over windows; red lines: a random order. Sites : others: {counts}."
        for metric in AREA_METRICS
    ]
