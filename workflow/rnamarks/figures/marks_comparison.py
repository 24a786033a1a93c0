"""Differences between models of several modifications, and what they rest on: sources, inputs, modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .design import Design, Series
from .lookup import select
from .marks import value_axis
from .marks_evaluation import (
    MEAN,
    NAMES,
    draw_point,
    draw_table,
    ensembles,
    lead_series,
    legend_entry,
    place_legend,
    rows_axis,
    rows_by,
    say_mark,
    say_mark_counts,
    say_numbers,
    shown_marks,
    shown_series,
)
from .palette import CHANCE, FAINT, INK, QUIET, ramp
from .style import WIDTH, letter, new_figure, styled

VARIED = {"width": "input length", "embedding": "embedding", "objective": "training objective"}
SAID = {
    "one_hot": "one-hot, convolutions",
    "word2vec": "word2vec of 3-mers",
    "hmm": "hidden Markov chain",
    "sum": "sum of losses",
    "effective_number": "weighted classes",
    "focal": "focal loss",
    "ohem": "hard examples (OHEM)",
    "uncertainty": "uncertainty weights (UW)",
    "uncertainty_ohem": "UW + OHEM",
}
"""Embeddings and objectives in words."""
MARKERS = "osD^vPX"
FAR = 5
"""A difference of more than so many medians is written at the end of its axis."""
_MULTI = (
    ("micro", "precision"),
    ("micro", "recall"),
    ("micro", "f1"),
    ("macro", "precision"),
    ("macro", "recall"),
    ("macro", "f1"),
    ("micro", "hamming"),
)


def against_lead(paired: pd.DataFrame, lead: Series, design: Design, **wanted: str) -> pd.DataFrame:
    """Rows of the lead minus another model, turned round where the table has them the other way; ensembles."""
    rows = ensembles(paired, design, **wanted)
    first = ((rows["model_a"] == lead.model) & (rows["setting_a"] == lead.setting)).to_numpy()
    second = ((rows["model_b"] == lead.model) & (rows["setting_b"] == lead.setting)).to_numpy()
    turned = rows[second].copy()
    turned[["difference", "low", "high"]] = -turned[["difference", "high", "low"]].to_numpy()
    turned[["model_b", "setting_b"]] = turned[["model_a", "setting_a"]].to_numpy()
    turned[["value_a", "value_b"]] = turned[["value_b", "value_a"]].to_numpy()
    return pd.concat([rows[first], turned], ignore_index=True)


@styled
def draw_mean_differences(paired: pd.DataFrame, noise: pd.DataFrame, design: Design) -> Figure:
    """The recommended model against each other one, mean over marks: A AUCb, B AUCm.

    Parameters
    ----------
    paired, noise : pandas.DataFrame
        Columns of :data:`rnamarks.evaluation.marks.PAIRED_COLUMNS` and ``NOISE_COLUMNS``.
    design : Design
    """
    lead, others = _lead_and_others(paired, design)
    figure = new_figure(0.75 + 0.24 * max(2, len(others)))
    grid = figure.subplots(1, 2, sharey=True)
    for axes, metric, panel in zip(grid, ("auc_b", "auc_m"), "AB", strict=True):
        found = rows_by(against_lead(paired, lead, design, metric=metric, modification=MEAN), "model_b", "setting_b")
        low, high = _middle_range([found[series.key] for series in others])
        for at, series in enumerate(others):
            row = found[series.key] | {"value": found[series.key]["difference"]}
            if low <= row["value"] <= high:
                sure = row["low"] > 0 or row["high"] < 0
                draw_point(axes, at, row, series.colour, marker=series.marker, hollow=not sure)
            else:
                _point_outside(axes, at, row["value"], high if row["value"] > high else low, series.colour)
        axes.set_xlim(low, high)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlabel(f"difference in mean {NAMES[metric]}")
        rows_axis(axes, [series.label for series in others])
        value_axis(axes)
        letter(axes, panel)
    grid[0].set_title(f"{lead.label} minus …")
    return figure


def _middle_range(rows: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    """Ends of an axis for differences: all intervals but those of models far behind, which would leave no room."""
    sizes = np.array([abs(row["difference"]) for row in rows])
    near = [row for row, size in zip(rows, sizes, strict=True) if size <= FAR * np.median(sizes)]
    low, high = min(0.0, *(row["low"] for row in near)), max(0.0, *(row["high"] for row in near))
    margin = 0.08 * max(high - low, 1e-6)
    return low - margin, high + margin


def _point_outside(axes: Axes, at: float, value: float, end: float, colour: str) -> None:
    """An arrow at the end of the axis, and the value that lies beyond it."""
    right = value > end
    text, place = (f"{value:.2f} →", "right") if right else (f"← {value:.2f}", "left")
    axes.text(end, at, text, ha=place, va="center", color=colour, fontsize="small")


def _lead_and_others(paired: pd.DataFrame, design: Design) -> tuple[Series, list[Series]]:
    sides = [paired[[f"model_{side}", f"setting_{side}"]].set_axis(["model", "setting"], axis=1) for side in "ab"]
    models = pd.concat(sides).drop_duplicates()
    lead = lead_series(models, design)
    return lead, [series for series in shown_series(models, design) if series.key != lead.key]


def explain_mean_differences(paired: pd.DataFrame, noise: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_mean_differences`, by panel."""
    lead, others = _lead_and_others(paired, design)
    texts = []
    for panel, metric in (("A", "auc_b"), ("B", "auc_m")):
        rows = against_lead(paired, lead, design, metric=metric, modification=MEAN)
        better, worse = int((rows["low"] > 0).sum()), int((rows["high"] < 0).sum())
        plain = {series.key for series in others if not series.trained}
        beaten = sum((row["model_b"], row["setting_b"]) in plain and row["low"] > 0 for row in rows.to_dict("records"))
        single = ensembles(noise, design, metric=metric)
        single = single[single["modification"] != MEAN]
        errors = single["standard_error"]
        texts.append(
            (
                panel,
                f"Difference in mean {NAMES[metric]} over the marks that both models know, {lead.label} minus each of "
                f"{len(others)} others, ensembles, test part, {design.split} split; paired bootstrap of windows within "
                f"mark and label, 95 % intervals; filled: the interval leaves out zero, arrows: "
                f"differences beyond the axis (better than {better}, worse than {worse}; "
                f"better than {beaten} of the {len(plain)} baselines). On single marks "
                f"{single['differ'].sum():,} of {single['pairs'].sum():,} pairs of models differ beyond their "
                f"interval, of neighbours in rank {single['neighbours_differ'].sum():,} of "
                f"{single['neighbours'].sum():,}; one in twenty would by chance. The standard error of one model's "
                f"{NAMES[metric]} is {errors.min():.3f} to {errors.max():.3f}.",
            )
        )
    return texts


@styled
def draw_multilabel(multilabel: pd.DataFrame, design: Design) -> Figure:
    """Multi-label metrics of every model: Supplementary Table 3.

    Parameters
    ----------
    multilabel : pandas.DataFrame
        Columns of :data:`rnamarks.evaluation.multilabel.MULTILABEL_COLUMNS`.
    design : Design
    """
    shown = shown_series(multilabel, design)
    rows = ensembles(multilabel, design, choice="validation")
    found = rows_by(rows, "model", "setting", "called", "average", "metric")
    figure = new_figure(1.0 + 0.25 * max(3, len(shown)))
    grid = figure.subplots(1, 2, sharey=True)
    columns = ["P\nmicro", "R\nmicro", "F1\nmicro", "P\nmacro", "R\nmacro", "F1\nmacro", "Hamming\nloss"]
    for axes, rule, title, panel in zip(
        grid, ("any", "fitting"), ("every mark at every base", "marks that fit the base"), "AB", strict=True
    ):
        values = np.array([[found[*series.key, rule, *name]["value"] for name in _MULTI] for series in shown])
        best = np.append(values[:, :-1].max(axis=0), values[:, -1].min()).round(3)
        texts = np.array(
            [[f"{'*' if round(v, 3) == best[x] else ''}{v:.3f}" for x, v in enumerate(line)] for line in values],
            dtype=object,
        )
        coloured = values.copy()
        coloured[:, -1] = np.nan
        draw_table(axes, coloured, texts, [series.label for series in shown], columns, Normalize(0, 1))
        axes.tick_params(axis="x", labelsize=6.5)
        axes.set_title(title, pad=6)
        letter(axes, panel)
    return figure


def explain_multilabel(multilabel: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_multilabel`, by panel."""
    first = multilabel.iloc[0]
    nothing = first["labels"] / (first["windows"] * first["marks"])
    text = (
        f"Precision (P), recall (R), F1 and Hamming loss of ensembles over {first['windows']:,} test windows and "
        f"{first['marks']} marks ({first['labels']:,} labels of modified), {design.split} split; micro: over all "
        "labels, macro: mean over marks; thresholds of largest √(Sn · Sp) on validation windows. Bold: best of the "
        f"column. Calling nothing has a Hamming loss of {nothing:.3f}, so that high recall is paid for in it. Windows "
        "were measured for one mark each and count as unmodified for the others. "
    )
    return [
        ("A", text + "Every mark may be called at every base, as in the paper."),
        ("B", text + "Only marks whose base is in the centre may be called."),
    ]


@styled
def draw_sources(sources: pd.DataFrame, design: Design) -> Figure:
    """Which sets of unmodified windows can be told apart, pair by pair.

    Parameters
    ----------
    sources : pandas.DataFrame
        Columns of :data:`rnamarks.evaluation.sources_apart.COLUMNS`.
    design : Design
    """
    rows = sources.sort_values(["base", "auroc"], ascending=[True, False], kind="stable").to_dict("records")
    figure = new_figure(0.85 + 0.2 * max(3, len(rows)), 0.75 * WIDTH)
    axes = figure.subplots()
    for at, row in enumerate(rows):
        if np.isfinite(row["auroc"]):
            sure = row["low"] > 0.5 or row["high"] < 0.5
            draw_point(axes, at, row | {"value": row["auroc"]}, INK, hollow=not sure)
        counts = f"{row['n_a']:,} : {row['n_b']:,}"
        axes.text(1.015, at, counts, transform=axes.get_yaxis_transform(), fontsize=7, va="center")
        if at and row["base"] != rows[at - 1]["base"]:
            axes.axhline(at - 0.5, color=FAINT, linewidth=0.8)
    names = [f"{say_mark(row['modification_a'])}, {say_mark(row['modification_b'])}" for row in rows]
    rows_axis(axes, [f"{name} ({row['base']})" for name, row in zip(names, rows, strict=True)] or ["no pair"])
    axes.axvline(0.5, color=CHANCE, linestyle=(0, (3, 2)), linewidth=1, zorder=1)
    axes.set_xlabel("AUROC of the source, unmodified windows")
    value_axis(axes)
    return figure


def explain_sources(sources: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Caption of :func:`draw_sources`."""
    known = sources["auroc"].dropna()
    apart = int((sources["low"] > 0.5).sum())
    span = f", {known.min():.2f} to {known.max():.2f}" if len(known) else ""
    folds = int(sources["folds"].iloc[0]) if len(sources) else 0
    return [
        (
            "",
            "AUROC with 95 % interval (bootstrap, widened for cross-validation) of telling from an unmodified window's "
            "sequence which of two marks' sets it came from: k-mers up to 4 nt and letters by position, logistic "
            f"regression, {folds}-fold cross-validation with genes kept together, for marks with the same base in the "
            "centre. Where it is above "
            f"0.5 ({apart} of {len(sources)} pairs by the interval{span}) the sets differ without any mark, and AUCm "
            "measures the source as well as the mark. Filled: the interval leaves out 0.5. At the right: windows of "
            "the two sets.",
        )
    ]


def _group(summary: pd.DataFrame, design: Design, by: str) -> tuple[pd.DataFrame, bool]:
    """Networks that differ in ``by``, the more values the better, and whether they differ in nothing else."""
    rows = select(summary, split=design.split, seed=MEAN, metric="auc_b")
    known = {series.key for series in design.series}
    rows = rows[[key in known for key in zip(rows["model"], rows["setting"], strict=True)]]
    rows = rows[rows["network"] != ""]
    others = [name for name in ("setting", "network", *VARIED) if name != by]
    alike = [group for _, group in rows.groupby([*others, "otherwise"], sort=False)]
    loose = [group for _, group in rows.groupby(others, sort=False)]
    # the first of equals: networks alike in everything else
    best = max([*alike, *loose], key=lambda group: group[by].nunique())
    only = best["otherwise"].nunique() == 1
    best = best.drop_duplicates(by)
    return (best.sort_values(by) if by == "width" else best), only


def _say_varied(value: float | str) -> str:
    return SAID.get(value, value) if isinstance(value, str) else f"{value:.0f} nt"


@styled
def draw_varied(
    metrics: pd.DataFrame, summary: pd.DataFrame, paired: pd.DataFrame, design: Design, by: str = "width"
) -> Figure:
    """AUCb of networks that differ in one setting: Table 1 (length) and Table 2 (objective), and embeddings.

    Parameters
    ----------
    metrics, summary, paired : pandas.DataFrame
        Columns of :data:`rnamarks.evaluation.marks.METRIC_COLUMNS`, ``SUMMARY_COLUMNS`` and ``PAIRED_COLUMNS``.
    design : Design
    by : {"width", "embedding", "objective"}
    """
    names, (group, _) = shown_marks(metrics, design), _group(summary, design, by)
    found = rows_by(select(metrics, split=design.split, seed=MEAN, metric="auc_b"), "model", "setting", "modification")
    figure = new_figure(0.9 + (len(names) + 1) * (0.14 + 0.085 * len(group)), 0.75 * WIDTH)
    axes = figure.subplots()
    handles = []
    for rank, row in enumerate(group.to_dict("records")):
        colour = ramp(rank, 0.7)
        shift = 0.7 * ((rank + 0.5) / len(group) - 0.5)
        mean = {"value": row["mean"], "low": row["mean_low"], "high": row["mean_high"]}
        for at, name in enumerate([*names, MEAN]):
            entry = mean if name == MEAN else found.get((row["model"], row["setting"], name))
            if entry:
                draw_point(axes, at + shift, entry, colour, marker=MARKERS[rank % len(MARKERS)])
        handles.append(legend_entry(_say_varied(row[by]), colour, MARKERS[rank % len(MARKERS)]))
    rows_axis(axes, [*map(say_mark, names), "mean"])
    axes.axhline(len(names) - 0.5, color=QUIET, linewidth=0.7)
    axes.axvline(0.5, color=CHANCE, linestyle=(0, (3, 2)), linewidth=1, zorder=1)
    axes.set_xlabel("AUCb")
    value_axis(axes)
    handles.append(Line2D([], [], color=CHANCE, linestyle=(0, (3, 2)), linewidth=1, label="random order"))
    place_legend(figure, handles, 0.75 * WIDTH)
    return figure


def explain_varied(
    metrics: pd.DataFrame, summary: pd.DataFrame, paired: pd.DataFrame, design: Design, by: str = "width"
) -> list[tuple[str, str]]:
    """Caption of :func:`draw_varied`."""
    group, only = _group(summary, design, by)
    seeds = summary[~summary["seed"].isin([MEAN, "ensemble"])].groupby(["model", "setting"])["seed"].nunique()
    means = ", ".join(
        f"{_say_varied(row[by])} {row['mean']:.3f} ({row['mean_low']:.3f}–{row['mean_high']:.3f}; "
        f"seeds: {seeds.get((row['model'], row['setting']), 0)})"
        for row in group.to_dict("records")
    )
    keys = set(zip(group["model"], group["setting"], strict=True))
    rows = select(paired, split=design.split, seed=MEAN, metric="auc_b", modification=MEAN)
    inside = [
        (row["model_a"], row["setting_a"]) in keys and (row["model_b"], row["setting_b"]) in keys
        for row in rows.to_dict("records")
    ]
    rows = rows[inside]
    apart = int(((rows["low"] > 0) | (rows["high"] < 0)).sum())
    return [
        (
            "",
            f"AUCb of networks that differ in their {VARIED[by]}{' alone' if only else ' and in other settings, too'}, "
            f"mean of their seeds, test part, {design.split} split, with 95 % bootstrap intervals over windows. Mean "
            f"over marks: {means}. {apart} of {len(rows)} pairs differ in the mean (paired bootstrap, 95 % interval "
            f"without zero). Sites : own negatives: {say_mark_counts(metrics, design)}.",
        )
    ]


@styled
def draw_modes(modes: pd.DataFrame, design: Design) -> Figure:
    """The exact and the fast mode of the released model: A AUCb of both, B their difference.

    Parameters
    ----------
    modes : pandas.DataFrame
        As :func:`rnamarks.prediction.fast.compare_modes` gives it.
    design : Design
    """
    found = rows_by(modes, "modification")
    names = [name for name in (*design.species, MEAN) if (name,) in found]
    figure = new_figure(0.85 + 0.24 * len(names))
    left, right = figure.subplots(1, 2, sharey=True)
    for at, name in enumerate(names):
        row, colour = found[name,], design.colours.get(name, INK)
        left.plot([row["exact"], row["fast"]], [at, at], color=colour, linewidth=1.2)
        left.plot(row["exact"], at, "o", color=colour, markersize=5)
        left.plot(row["fast"], at, "o", color=colour, markersize=5, markerfacecolor="white")
        draw_point(right, at, row | {"value": row["difference"]}, colour)
    for axes, label, panel in ((left, "AUCb", "A"), (right, "AUCb, fast − exact", "B")):
        rows_axis(axes, [say_mark(name) for name in names])
        axes.set_xlabel(label)
        value_axis(axes)
        letter(axes, panel)
    right.axvline(0, color=INK, linewidth=0.8)
    exact = Line2D([], [], linestyle="none", marker="o", markersize=5, color=INK, label="exact")
    fast = Line2D([], [], linestyle="none", marker="o", markersize=5, color=INK, markerfacecolor="white", label="fast")
    place_legend(figure, [exact, fast])
    return figure


def explain_modes(modes: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_modes`, by panel."""
    row = rows_by(modes, "modification")[MEAN,]
    marks = modes[modes["modification"] != MEAN]
    tail = f"the same held-out windows. Sites : own negatives: {say_numbers(marks)}."
    return [
        (
            "A",
            "AUCb of the released model scored window by window (exact, filled) and by the student that reads a whole "
            f"transcript at once (fast, open); mean over {len(marks)} marks {row['exact']:.3f} and {row['fast']:.3f}; "
            f"{tail}",
        ),
        (
            "B",
            f"Difference of the two with 95 % intervals from a paired bootstrap of windows; mean "
            f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f}); rank correlation of the logits "
            f"{marks['agreement'].min():.2f} to {marks['agreement'].max():.2f}; {tail}",
        ),
    ]
