"""Models of several modifications side by side: Tables 1 to 4 and Figures S1, S2 and S5 of Song et al. 2021."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .design import Design, Series
from .lookup import select
from .marks import SEQUENTIAL, cell, draw_interval, legend_columns, value_axis
from .palette import CHANCE, FAINT, INK, ink_on
from .style import WIDTH, grid_of, label_bottom, letter, new_figure, styled

LABELS = {"Y": "Ψ"}
"""Short names that figures write in another way."""
MEAN = "mean"
NAMES = {
    "auc_b": "AUCb",
    "ap_b": "APb",
    "auc_m": "AUCm",
    "ap_m": "APm",
    "sensitivity": "Sn",
    "specificity": "Sp",
    "accuracy": "Acc",
    "mcc": "MCC",
}
TABLE_4 = ("sensitivity", "specificity", "accuracy", "mcc", "auc_b", "auc_m")
BINARY = "AUCb: a mark's sites against its own negatives"
MULTI = "AUCm: against every other test window"
_DASHED = (0, (3, 2))
_DOTTED = (0, (1, 1.5))


def say_mark(name: str) -> str:
    """A modification's short name as figures write it."""
    return LABELS.get(name, name)


def ensembles(table: pd.DataFrame, design: Design, **wanted: Any) -> pd.DataFrame:
    """Rows of ensembles on the split that figures show."""
    return select(table, split=design.split, seed="ensemble", **wanted)


def shown_marks(metrics: pd.DataFrame, design: Design) -> list[str]:
    """Marks of a table, in the order of the design."""
    present = set(metrics["modification"])
    return [name for name in design.species if name in present]


def shown_series(table: pd.DataFrame, design: Design) -> list[Series]:
    """Models of a table, in the order of the design."""
    present = set(zip(table["model"], table["setting"], strict=True))
    return [series for series in design.on(design.split) if series.key in present]


def lead_series(table: pd.DataFrame, design: Design) -> Series:
    """The recommended model; where none is trained, the first of the table."""
    shown = shown_series(table, design)
    return next((series for series in shown if series.key == design.recommended), shown[0])


def _of(series: Series) -> dict[str, str]:
    return {"model": series.model, "setting": series.setting}


def rows_by(rows: pd.DataFrame, *columns: str) -> dict[tuple, dict[str, Any]]:
    """Rows as dicts, by the values of some columns."""
    return {tuple(row[name] for name in columns): row for row in rows.to_dict("records")}


def say_mark_counts(metrics: pd.DataFrame, design: Design, metric: str = "auc_b") -> str:
    """``50 : 50 (Am, Cm), 100 : 120 (Um)``: sites before the other windows that a metric was measured on."""
    rows = ensembles(metrics, design, metric=metric).drop_duplicates("modification")
    return say_numbers(rows[rows["modification"].isin(design.species)])


def say_numbers(rows: pd.DataFrame) -> str:
    """``n_positive`` before ``n_negative`` of the marks of a table, those with the same numbers together."""
    groups: dict[str, list[str]] = {}
    for row in rows.to_dict("records"):
        text = f"{row['n_positive']:,} : {row['n_negative']:,}"
        groups.setdefault(text, []).append(say_mark(row["modification"]))
    if len(groups) == 1:
        return f"{next(iter(groups))} for each mark"
    return ", ".join(f"{text} ({', '.join(names)})" for text, names in groups.items())


def rows_axis(axes: Axes, labels: Sequence[str], size: float = 7.5) -> None:
    """One row per label from top to bottom, without an axis line."""
    axes.set_yticks(range(len(labels)), labels, fontsize=size)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def draw_point(
    axes: Axes, at: float, row: Mapping[str, Any], colour: str, *, marker: str = "o", hollow: bool = False
) -> None:
    """A marker at ``row["value"]`` and a line from ``low`` to ``high``, at a height."""
    if np.isfinite([row["low"], row["high"]]).all():
        axes.plot([row["low"], row["high"]], [at, at], color=colour, linewidth=1.4, solid_capstyle="round", zorder=3)
    face = "white" if hollow else colour
    axes.plot(row["value"], at, marker, color=colour, markersize=5, markerfacecolor=face, zorder=4)


def legend_entry(label: str, colour: str = INK, marker: str = "o", hollow: bool = False) -> Line2D:
    """Legend entry of a marker with its interval."""
    face = "white" if hollow else colour
    return Line2D([], [], color=colour, marker=marker, markersize=5, markerfacecolor=face, linewidth=1.2, label=label)


def place_legend(figure: Figure, handles: Sequence[Line2D], width: float = WIDTH) -> None:
    """A legend below the figure, in as many columns as its width (inches) allows."""
    columns = legend_columns([str(handle.get_label()) for handle in handles], width, len(handles))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


@styled
def draw_auc(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> Figure:
    """AUCb and AUCm of every model, one panel per mark and one for their mean.

    Parameters
    ----------
    metrics, summary : pandas.DataFrame
        Columns of :data:`rnamarks.evaluation.marks.METRIC_COLUMNS` and ``SUMMARY_COLUMNS``.
    design : Design
    """
    names, shown = shown_marks(metrics, design), shown_series(metrics, design)
    both = ensembles(metrics, design, metric=["auc_b", "auc_m"])
    found = rows_by(both, "model", "setting", "modification", "metric")
    means = ensembles(summary, design, metric=["auc_b", "auc_m"]).rename(
        columns={"mean": "value", "mean_low": "low", "mean_high": "high"}
    )
    found |= {
        (model, setting, MEAN, metric): row
        for (model, setting, metric), row in rows_by(means, "model", "setting", "metric").items()
    }
    panels = [*names, MEAN]
    lines, columns = grid_of(len(panels))
    figure = new_figure(0.8 + lines * (0.42 + 0.15 * max(4, len(shown))))
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, panels, strict=False):
        for at, series in enumerate(shown):
            for metric, shift in (("auc_m", 0.18), ("auc_b", -0.18)):
                row = found.get((*series.key, name, metric))
                if row:
                    draw_interval(axes, at + shift, row, series, hollow=metric == "auc_m")
        axes.axvline(0.5, color=CHANCE, linestyle=_DASHED, linewidth=1, zorder=1)
        floor = select(both, modification=name, metric="auc_m")["chance"].head(1).tolist()
        for value in floor:
            axes.axvline(value, color=CHANCE, linestyle=_DOTTED, linewidth=1, zorder=1)
        rows_axis(axes, [series.label for series in shown], 6.5)
        axes.set_title("mean of marks" if name == MEAN else say_mark(name))
        for line in axes.lines:
            line.set_markersize(4)
    value_axis(grid[0, 0])
    label_bottom(grid, len(panels), "AUCb, AUCm")
    handles = [
        legend_entry("AUCb (own negatives)"),
        legend_entry("AUCm (every other window)", hollow=True),
        Line2D([], [], color=CHANCE, linestyle=_DASHED, linewidth=1, label="random order"),
        Line2D([], [], color=CHANCE, linestyle=_DOTTED, linewidth=1, label="AUCm of the centre's base"),
    ]
    if grid.size - len(panels) > 1:
        figure.legend(handles=handles, loc="lower right", bbox_to_anchor=(0.97, 0.06))
    else:
        place_legend(figure, handles)
    return figure


def explain_auc(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Caption of :func:`draw_auc`."""
    text = (
        f"AUROC of ensembles (mean logit of the seeds) on the test part, {design.split} split. Filled: {BINARY}; open: "
        f"{MULTI}, which is easier, since the base in the centre alone gives the dotted line, and rewards telling "
        "laboratories apart. Lines: 95 % bootstrap intervals over windows within mark and label. Sites : own "
        f"negatives: {say_mark_counts(metrics, design)}; other windows for AUCm: "
        f"{say_mark_counts(metrics, design, 'auc_m')}."
    )
    return [("", text)]


def draw_table(
    axes: Axes, values: np.ndarray, texts: np.ndarray, rows: Sequence[str], columns: Sequence[str], norm: Normalize
) -> None:
    """Cells coloured by value, white where it is NaN, with text; bold where the text begins with ``*``."""
    for (y, x), value in np.ndenumerate(values):
        colour = SEQUENTIAL(norm(value)) if np.isfinite(value) else (1.0, 1.0, 1.0)
        axes.add_patch(cell(x, y, colour))
        text = texts[y, x]
        axes.text(
            x,
            y,
            text.lstrip("*"),
            ha="center",
            va="center",
            fontsize=6.8,
            linespacing=1.05,
            color=ink_on(colour[:3]),
            fontweight="bold" if text.startswith("*") else "normal",
        )
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.xaxis.tick_top()


@styled
def draw_models_table(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> Figure:
    """AUCb of every model and mark as a table: Table 3 of the paper; arguments as :func:`draw_auc`."""
    names, shown = shown_marks(metrics, design), shown_series(metrics, design)
    found = rows_by(ensembles(metrics, design, metric="auc_b"), "model", "setting", "modification")
    sums = rows_by(ensembles(summary, design, metric="auc_b"), "model", "setting")
    values = np.array(
        [
            [found.get((*series.key, name), {}).get("value", np.nan) for name in names]
            + [sums[series.key]["mean"], sums[series.key]["median"], np.nan]
            for series in shown
        ]
    )
    ranks = [sums[series.key]["rank"] for series in shown]
    best = np.nanmax(values[:, :-1], axis=0).round(3)
    texts = np.full(values.shape, "–", dtype=object)
    for (y, x), value in np.ndenumerate(values[:, :-1]):
        if np.isfinite(value):
            texts[y, x] = f"{'*' if value.round(3) == best[x] else ''}{value:.3f}"
    for y, rank in enumerate(ranks):
        texts[y, -1] = f"{'*' if rank == np.nanmin(ranks) else ''}{rank:.2f}" if np.isfinite(rank) else "–"
    figure = new_figure(0.7 + 0.25 * len(shown), min(WIDTH, 2.3 + 0.42 * values.shape[1]))
    norm = Normalize(np.nanmin(values), np.nanmax(values))
    labels = [*map(say_mark, names), "mean", "median", "rank"]
    draw_table(figure.subplots(), values, texts, [series.label for series in shown], labels, norm)
    return figure


def explain_models_table(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Caption of :func:`draw_models_table`."""
    text = (
        f"AUCb of every model (rows, ensembles) and mark (columns) on the test part, {design.split} split, with mean "
        "and median over marks and the mean rank among models that know all marks (1 is best); bold: best of the "
        f"column; –: not trained. A random order gives 0.5. Sites : own negatives: {say_mark_counts(metrics, design)}. "
        "Intervals are in the table."
    )
    return [("", text)]


@styled
def draw_thresholds_table(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> Figure:
    """Sn, Sp, Acc, MCC, AUCb and AUCm of the recommended model: Table 4; arguments as :func:`draw_auc`."""
    names, lead = shown_marks(metrics, design), lead_series(metrics, design)
    rows = select(ensembles(metrics, design, **_of(lead)), choice=["", "validation"])
    found = rows_by(rows, "modification", "metric")
    sums = rows_by(select(ensembles(summary, design, **_of(lead)), choice=["", "validation"]), "metric")
    values = np.full((len(names) + 1, len(TABLE_4)), np.nan)
    texts = np.full(values.shape, "–", dtype=object)
    for x, metric in enumerate(TABLE_4):
        for y, name in enumerate([*names, MEAN]):
            row = sums.get((metric,)) if name == MEAN else found.get((name, metric))
            if row:
                three = [
                    row[key]
                    for key in (("mean", "mean_low", "mean_high") if name == MEAN else ("value", "low", "high"))
                ]
                values[y, x] = three[0]
                texts[y, x] = f"{three[0]:.2f}\n{three[1]:.2f}–{three[2]:.2f}"
    figure = new_figure(0.7 + 0.33 * len(values), min(WIDTH, 1.0 + 0.85 * len(TABLE_4)))
    columns = [NAMES[metric] for metric in TABLE_4]
    draw_table(figure.subplots(), values, texts, [*map(say_mark, names), "mean"], columns, Normalize(0, 1))
    return figure


def explain_thresholds_table(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Caption of :func:`draw_thresholds_table`."""
    lead = lead_series(metrics, design)
    text = (
        f"{lead.label} (ensemble) on the test part of each mark, {design.split} split, with 95 % bootstrap intervals: "
        "sensitivity, specificity, accuracy and Matthews' correlation of calls at the threshold of largest "
        "√(Sn · Sp) on the mark's own validation windows, measured on its own test windows; "
        f"{BINARY}; {MULTI}. The paper took thresholds from the test windows, against all others; the table has both "
        f"(`choice`). Sites : own negatives: {say_mark_counts(metrics, design)}."
    )
    return [("", text)]


@styled
def draw_curves(curves: pd.DataFrame, metrics: pd.DataFrame, design: Design, curve: str = "roc") -> Figure:
    """ROC or precision-recall curves of the recommended model, A against own negatives, B against every other window.

    Parameters
    ----------
    curves, metrics : pandas.DataFrame
        Columns of :data:`rnamarks.evaluation.multilabel.CURVE_COLUMNS` and
        :data:`rnamarks.evaluation.marks.METRIC_COLUMNS`.
    design : Design
    curve : {"roc", "pr"}
    """
    names, lead = shown_marks(metrics, design), lead_series(metrics, design)
    rows = ensembles(curves, design, curve=curve, **_of(lead))
    figure = new_figure(4.25, WIDTH, "compressed")
    grid = figure.subplots(1, 2, sharey=True)
    for axes, against, kind, panel in zip(grid, ("own", "all"), "bm", "AB", strict=True):
        for name in names:
            points = select(rows, modification=name, against=against)
            x, y = points["x"].to_numpy(), points["y"].to_numpy()
            axes.plot(x, y, color=design.colours[name], linewidth=1.3)
        shares = select(metrics, metric=f"ap_{kind}", split=design.split)["prevalence"]
        chance = ([0, 1], [0, 1]) if curve == "roc" else ([0, 1], [shares.median()] * 2)
        axes.plot(*chance, color=CHANCE, linestyle=_DASHED, linewidth=1)
        axes.set_title("against own negatives" if against == "own" else "against every other window")
        axes.set_xlabel("share of others called" if curve == "roc" else "recall")
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.02)
        axes.set_aspect("equal")
        axes.grid(color=FAINT)
        letter(axes, panel)
    grid[0].set_ylabel("share of sites called" if curve == "roc" else "precision")
    handles = [Line2D([], [], color=design.colours[name], label=say_mark(name)) for name in names]
    handles.append(Line2D([], [], color=CHANCE, linestyle=_DASHED, linewidth=1, label="random order"))
    place_legend(figure, handles)
    return figure


def explain_curves(
    curves: pd.DataFrame, metrics: pd.DataFrame, design: Design, curve: str = "roc"
) -> list[tuple[str, str]]:
    """Captions of :func:`draw_curves`, by panel."""
    lead = lead_series(metrics, design)
    what = "ROC curves" if curve == "roc" else "Precision-recall curves"
    texts = []
    for panel, kind, whom in (("A", "b", "its own negatives"), ("B", "m", "every other test window")):
        name = f"{'auc' if curve == 'roc' else 'ap'}_{kind}"
        rows = ensembles(metrics, design, metric=name, **_of(lead))
        areas = ", ".join(
            f"{say_mark(mark)} {value:.3f}" for mark, value in zip(rows["modification"], rows["value"], strict=True)
        )
        line = "" if curve == "roc" else f" Dashed: the median prevalence, {rows['prevalence'].median():.3f}."
        texts.append(
            (
                panel,
                f"{what} of {lead.label} (ensemble), the sites of each mark against {whom}, test part, {design.split} "
                f"split. {NAMES[name]}: {areas}.{line} Sites : others: "
                f"{say_mark_counts(metrics, design, f'auc_{kind}')}.",
            )
        )
    return texts


@styled
def draw_imbalance(imbalance: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Figure:
    """Average precision and precision at the threshold at the marks' natural rarity: Figure S5.

    Parameters
    ----------
    imbalance, metrics : pandas.DataFrame
        Columns of :data:`rnamarks.evaluation.multilabel.IMBALANCE_COLUMNS` and
        :data:`rnamarks.evaluation.marks.METRIC_COLUMNS`.
    design : Design
    """
    names, lead = shown_marks(metrics, design), lead_series(metrics, design)
    found = rows_by(ensembles(imbalance, design, **_of(lead)), "modification", "against", "method", "metric")
    figure = new_figure(0.85 + 0.3 * len(names))
    grid = figure.subplots(1, 2, sharey=True)
    for axes, metric, title, panel in zip(
        grid, ("ap", "precision"), ("AUPRC", "precision at the threshold"), "AB", strict=True
    ):
        for at, name in enumerate(names):
            colour = design.colours[name]
            for against, shift in (("own", -0.17), ("all", 0.17)):
                row, paper = (found[name, against, method, metric] for method in ("weighted", "resampled"))
                axes.plot([paper["low"], paper["high"]], [at + shift] * 2, color=FAINT, linewidth=6, zorder=1)
                draw_point(axes, at + shift, row, colour, hollow=against == "all")
            axes.plot([row["prevalence"]] * 2, [at - 0.38, at + 0.38], color=CHANCE, linewidth=1.2, zorder=2)
            if panel == "B":
                text = f"1 : {row['ratio']:,.0f}"
                axes.text(1.015, at, text, transform=axes.get_yaxis_transform(), fontsize=7, va="center")
        rows_axis(axes, [say_mark(name) for name in names])
        axes.set_xlabel(title)
        axes.set_xlim(-0.01, 1.01)
        letter(axes, panel)
    handles = [
        legend_entry("own negatives"),
        legend_entry("every other window", hollow=True),
        Line2D([], [], color=FAINT, linewidth=6, label="drawn up to the ratio, as in the paper"),
        Line2D([], [], color=CHANCE, linewidth=1.2, label="prevalence"),
    ]
    place_legend(figure, handles)
    return figure


def explain_imbalance(imbalance: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_imbalance`, by panel."""
    lead = lead_series(metrics, design)
    resamples = int(imbalance["resamples"].iloc[0])
    whats = (
        "Area under the precision-recall curve",
        "Precision of calls at the threshold chosen on validation windows",
    )
    return [
        (
            panel,
            f"{what} of {lead.label} (ensemble) when negatives are as many per site as in the whole data set (ratios "
            f"at the right of B), test part, {design.split} split. Filled: own negatives; open: every other window. "
            f"Lines: 95 % intervals from {resamples:,} bootstrap resamples with weighted negatives; grey: the paper's "
            "resamples, which draw the same few negatives many times and so hide how few they are. The ratio is the "
            f"data set's, not the cell's. Sites : own negatives: {say_mark_counts(metrics, design)}.",
        )
        for panel, what in zip("AB", whats, strict=True)
    ]
