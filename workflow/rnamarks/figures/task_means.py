"""Models over all tasks: Tables 1 to 4 of Song et al. 2021, differences in the mean, and exact against fast mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from .against_all import AREAS, BINARY, MEAN_COLUMNS, MULTI, say_test_counts
from .captions import Captions, captioned
from .design import Design, Series
from .lookup import MEAN, differences, ensembles, lead_series, rows_by, say_counts, select, shown_series
from .palette import INK, QUIET, ramp
from .panels import (
    DIFFERENCE,
    add_letters,
    chance_entry,
    draw_cells,
    draw_interval,
    draw_reference,
    leaves_out,
    legend_entry,
    place_legend,
    rows_axis,
    spread,
    value_axis,
    write_cells,
)
from .style import WIDTH, new_figure, styled

TABLE_4 = {"sensitivity": "Sn", "specificity": "Sp", "accuracy": "Acc", "mcc": "MCC", "own": "AUCb", "all": "AUCm"}
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


def _own_auroc(table: pd.DataFrame) -> pd.DataFrame:
    """AUCb of the test split, in a table of metrics or of their summary."""
    where = {"split": "test"} if "split" in table else {}
    return select(table, metric="auroc", against="own", **where)


@styled
def draw_models(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> Figure:
    """AUCb of every model and task as a table, with mean, median and mean rank: Table 3 of the paper."""
    rows = ensembles(_own_auroc(metrics), design)
    names, shown = design.ordered(rows["task"]), shown_series(rows, design)
    found = rows_by(rows, "model", "setting", "task")
    sums = rows_by(ensembles(_own_auroc(summary), design), "model", "setting")
    values = np.array(
        [
            [found.get((*series.key, name), {}).get("value", np.nan) for name in names]
            + [sums[series.key]["mean"], sums[series.key]["median"]]
            for series in shown
        ]
    )
    ranks = np.array([[sums[series.key]["rank"]] for series in shown])
    texts = np.hstack(
        [write_cells(values, np.nanmax(values, axis=0)), write_cells(ranks, [np.nanmin(ranks)], digits=2)]
    )
    coloured = np.hstack([values, np.full(ranks.shape, np.nan)])
    figure = new_figure(0.7 + 0.25 * len(shown), min(WIDTH, 2.3 + 0.42 * coloured.shape[1]))
    norm = Normalize(np.nanmin(values), np.nanmax(values))
    columns = [*map(design.label, names), "mean", "median", "rank"]
    draw_cells(figure.subplots(), coloured, texts, [series.label for series in shown], columns, norm)
    return figure


@captioned
def explain_models(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_models`."""
    text = (
        f"AUCb of every model (rows, ensembles) and {design.word} (columns) on the test split, {design.scheme} scheme, "
        f"with mean and median over {design.words} and the mean rank among models that know all of them (1 is best); "
        "bold: best of the column; –: not trained. A random order gives 0.5. Sites : own negatives: "
        f"{say_test_counts(metrics, design)}. Intervals are in the table."
    )
    return text


@styled
def draw_calls(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> Figure:
    """Sn, Sp, Acc, MCC, AUCb and AUCm of the recommended model: Table 4."""
    lead = lead_series(metrics, design)
    rows = _table_4(ensembles(metrics, design, split="test"), lead)
    means = _table_4(ensembles(summary, design), lead).rename(columns=MEAN_COLUMNS)
    names = [*design.ordered(rows["task"]), MEAN]
    found = rows_by(pd.concat([rows, means.assign(task=MEAN)]), "task", "column")
    values = np.full((len(names), len(TABLE_4)), np.nan)
    texts = np.full(values.shape, "–", dtype=object)
    for (y, name), (x, column) in product(enumerate(names), enumerate(TABLE_4)):
        row = found.get((name, column))
        if row:
            values[y, x] = row["value"]
            texts[y, x] = f"{row['value']:.2f}\n{row['low']:.2f}–{row['high']:.2f}"
    figure = new_figure(0.7 + 0.33 * len(values), min(WIDTH, 1.0 + 0.85 * len(TABLE_4)))
    labels = [design.label(name) for name in names]
    draw_cells(figure.subplots(), values, texts, labels, list(TABLE_4.values()), Normalize(0, 1))
    return figure


def _table_4(rows: pd.DataFrame, lead: Series) -> pd.DataFrame:
    """Rows of a model, their column of Table 4 in ``column``."""
    rows = select(rows, model=lead.model, setting=lead.setting)
    areas = select(rows, metric="auroc")
    calls = select(rows, metric=list(TABLE_4), choice="validation")
    return pd.concat([areas.assign(column=areas["against"]), calls.assign(column=calls["metric"])])


@captioned
def explain_calls(metrics: pd.DataFrame, summary: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_calls`."""
    lead = lead_series(metrics, design)
    text = (
        f"{lead.label} (ensemble) on the test split of each {design.word}, {design.scheme} scheme, with 95 % bootstrap "
        "intervals: sensitivity, specificity, accuracy and Matthews' correlation of calls at the threshold of largest "
        f"√(Sn · Sp) on own validation windows, measured on own test windows; {BINARY}; {MULTI}. The paper took "
        "thresholds from the test windows, against all others; the table has both (`choice`). Sites : own negatives: "
        f"{say_test_counts(metrics, design)}."
    )
    return text


@styled
def draw_mean_differences(paired: pd.DataFrame, noise: pd.DataFrame, design: Design) -> Figure:
    """The recommended model against each other one, mean over tasks: A AUCb, B AUCm."""
    lead, others = _lead_and_others(paired, design)
    figure = new_figure(0.75 + 0.24 * max(2, len(others)))
    grid = figure.subplots(1, 2, sharey=True)
    for axes, against in zip(grid, AREAS, strict=True):
        found = _mean_differences(paired, lead, others, design, against)
        low, high = _middle_range(list(found.values()))
        for at, series in enumerate(others):
            row = found.get(series.key)
            if row and low <= row["difference"] <= high:
                look = {"keys": DIFFERENCE, "marker": series.marker, "hollow": not leaves_out(row)}
                draw_interval(axes, at, row, series.colour, **look)
            elif row:
                _point_outside(axes, at, row["difference"], high, low, series.colour)
        axes.set_xlim(low, high)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlabel(f"difference in mean {AREAS[against]}")
        rows_axis(axes, [series.label for series in others])
        value_axis(axes)
    add_letters(grid)
    grid[0].set_title(fill(f"{lead.label} minus …", 34))
    return figure


def _mean_differences(
    paired: pd.DataFrame, lead: Series, others: Sequence[Series], design: Design, against: str
) -> dict[tuple[str, str], dict[str, float]]:
    """Lead minus each other series that it is compared with, in the mean AUROC over tasks."""
    wanted = {"scheme": design.scheme, "metric": "auroc", "seed": "ensemble", "against": against}
    found = {series.key: differences(paired, lead.key, series.key, **wanted) for series in others}
    return {key: one[MEAN] for key, one in found.items() if MEAN in one}


def _middle_range(rows: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    """Ends of an axis for differences: all intervals but those of models far behind, beside which none is seen."""
    sizes = np.array([abs(row["difference"]) for row in rows])
    near = [row for row, size in zip(rows, sizes, strict=True) if size <= FAR * np.median(sizes)]
    low, high = min(0.0, *(row["low"] for row in near)), max(0.0, *(row["high"] for row in near))
    margin = 0.08 * max(high - low, 1e-6)
    return low - margin, high + margin


def _point_outside(axes: Axes, at: float, value: float, high: float, low: float, colour: str) -> None:
    """An arrow at the end of the axis, and the value that lies beyond it."""
    right = value > high
    text, place = (f"{value:.2f} →", "right") if right else (f"← {value:.2f}", "left")
    axes.text(high if right else low, at, text, ha=place, va="center", color=colour, fontsize="small")


def _lead_and_others(paired: pd.DataFrame, design: Design) -> tuple[Series, list[Series]]:
    sides = [paired[[f"model_{side}", f"setting_{side}"]].set_axis(["model", "setting"], axis=1) for side in "ab"]
    models = pd.concat(sides).drop_duplicates()
    lead = lead_series(models, design)
    return lead, [series for series in shown_series(models, design) if series.key != lead.key]


@captioned
def explain_mean_differences(paired: pd.DataFrame, noise: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_mean_differences`, by panel."""
    lead, others = _lead_and_others(paired, design)
    texts = []
    for against in AREAS:
        found = _mean_differences(paired, lead, others, design, against)
        better = [key for key, row in found.items() if row["low"] > 0]
        worse = sum(row["high"] < 0 for row in found.values())
        plain = {series.key for series in others if not series.trained and series.key in found}
        single = ensembles(noise, design, metric="auroc", against=against)
        single = single[single["task"] != MEAN]
        errors = single["standard_error"]
        texts.append(
            f"Difference in mean {AREAS[against]} over the {design.words} that both models know, {lead.label} minus "
            f"each of {len(found)} others, ensembles, test split, {design.scheme} scheme; paired bootstrap of windows, "
            "95 % intervals; filled: the interval leaves out zero, arrows: differences beyond the axis (better than "
            f"{len(better)}, worse than {worse}; better than {len(plain & set(better))} of the {len(plain)} "
            f"baselines). On each {design.word} alone {single['differ'].sum():,} of {single['pairs'].sum():,} pairs of "
            f"models differ beyond their interval, of neighbours in rank {single['neighbours_differ'].sum():,} of "
            f"{single['neighbours'].sum():,}; one in twenty would by chance. The standard error of one model's "
            f"{AREAS[against]} is {errors.min():.3f} to {errors.max():.3f}."
        )
    return texts


def _group(summary: pd.DataFrame, design: Design, by: str) -> tuple[pd.DataFrame, bool]:
    """Networks that differ in ``by``, the more values the better, and whether they differ in nothing else."""
    rows = select(_own_auroc(summary), scheme=design.scheme, seed=MEAN)
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
    """AUROC of networks that differ in one setting: Table 1 (length) and Table 2 (objective), and embeddings.

    Parameters
    ----------
    by : {"width", "embedding", "objective"}
    """
    rows, (group, _) = select(_own_auroc(metrics), scheme=design.scheme, seed=MEAN), _group(summary, design, by)
    names, found = design.ordered(rows["task"]), rows_by(rows, "model", "setting", "task")
    found |= rows_by(group.rename(columns=MEAN_COLUMNS).assign(task=MEAN), "model", "setting", "task")
    figure = new_figure(0.9 + (len(names) + 1) * (0.14 + 0.085 * len(group)), 0.75 * WIDTH)
    axes = figure.subplots()
    entries = []
    for rank, (row, shift) in enumerate(zip(group.to_dict("records"), spread(len(group), 0.7), strict=True)):
        look = {"colour": ramp(rank, 0.7), "marker": MARKERS[rank % len(MARKERS)]}
        for at, name in enumerate([*names, MEAN]):
            entry = found.get((row["model"], row["setting"], name))
            if entry:
                draw_interval(axes, at + shift, entry, **look)
        entries.append(legend_entry(_say_varied(row[by]), **look))
    rows_axis(axes, [*map(design.label, names), MEAN])
    axes.axhline(len(names) - 0.5, color=QUIET, linewidth=0.7)
    draw_reference(axes, 0.5)
    axes.set_xlabel(design.own_area)
    value_axis(axes)
    place_legend(figure, [*entries, chance_entry()])
    return figure


@captioned
def explain_varied(
    metrics: pd.DataFrame, summary: pd.DataFrame, paired: pd.DataFrame, design: Design, by: str = "width"
) -> Captions:
    """Caption of :func:`draw_varied`."""
    group, only = _group(summary, design, by)
    seeds = summary[~summary["seed"].isin([MEAN, "ensemble"])].groupby(["model", "setting"])["seed"].nunique()
    means = ", ".join(
        f"{_say_varied(row[by])} {row['mean']:.3f} ({row['mean_low']:.3f}–{row['mean_high']:.3f}; seeds: "
        f"{seeds.get((row['model'], row['setting']), 0)})"
        for row in group.to_dict("records")
    )
    keys = set(zip(group["model"], group["setting"], strict=True))
    rows = select(paired, scheme=design.scheme, seed=MEAN, metric="auroc", against="own", task=MEAN)
    rows = [
        row
        for row in rows.to_dict("records")
        if {(row["model_a"], row["setting_a"]), (row["model_b"], row["setting_b"])} <= keys
    ]
    which = "alone" if only else "and in other settings, too"
    return (
        f"{design.own_area} of networks that differ in their {VARIED[by]} {which}, mean of their seeds, test split, "
        f"{design.scheme} scheme, with 95 % bootstrap intervals over windows. Mean over {design.words}: {means}. "
        f"{sum(map(leaves_out, rows))} of {len(rows)} pairs differ in the mean (paired bootstrap, 95 % interval "
        f"without zero). Sites : own negatives: {say_test_counts(metrics, design)}."
    )


@styled
def draw_modes(modes: pd.DataFrame, design: Design) -> Figure:
    """The exact and the fast mode of the released model: A AUROC of both, B their difference."""
    found = rows_by(modes, "task")
    names = [*design.ordered(modes["task"]), MEAN]
    figure = new_figure(0.85 + 0.24 * len(names))
    grid = left, right = figure.subplots(1, 2, sharey=True)
    for at, name in enumerate(names):
        row, colour = found[name,], design.colour(name)
        left.plot([row["exact"], row["fast"]], [at, at], color=colour, linewidth=1.2)
        left.plot(row["exact"], at, "o", color=colour, markersize=5)
        left.plot(row["fast"], at, "o", color=colour, markersize=5, markerfacecolor="white")
        draw_interval(right, at, row, colour, keys=DIFFERENCE)
    for axes, label in ((left, design.own_area), (right, f"{design.own_area}, fast − exact")):
        rows_axis(axes, [design.label(name) for name in names])
        axes.set_xlabel(label)
        value_axis(axes)
    add_letters(grid)
    right.axvline(0, color=INK, linewidth=0.8)
    modes = (("exact", False), ("fast", True))
    place_legend(figure, [legend_entry(name, marker="o", hollow=hollow, line="none") for name, hollow in modes])
    return figure


@captioned
def explain_modes(modes: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_modes`, by panel."""
    row = rows_by(modes, "task")[MEAN,]
    single = modes[modes["task"] != MEAN]
    counts = {entry["task"]: (entry["n_positive"], entry["n_negative"]) for entry in single.to_dict("records")}
    tail = f"the same held-out windows. Sites : own negatives: {say_counts(counts, design)}."
    return [
        (
            f"{design.own_area} of the released model scored window by window (exact, filled) and by the student that "
            f"reads a whole transcript at once (fast, open); mean over {len(single)} {design.words} "
            f"{row['exact']:.3f} and {row['fast']:.3f}; {tail}"
        ),
        (
            "Difference of the two with 95 % intervals from a paired bootstrap of windows; mean "
            f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f}); rank correlation of the logits "
            f"{single['agreement'].min():.2f} to {single['agreement'].max():.2f}; {tail}"
        ),
    ]
