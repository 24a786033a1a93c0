"""Predicted methylation against gene regulation: Figure 8 of the paper, and the same with covariates held fixed."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .captions import Captions, captioned, say_p, say_range
from .design import Design
from .lookup import select
from .palette import FAINT, INK, ramp
from .panels import (
    SEQUENTIAL,
    add_letters,
    annotate,
    colour_scale,
    draw_interval,
    draw_reference,
    leaves_out,
    legend_entry,
    nothing,
    panel_grid,
    place_legend,
    rows_axis,
    spread,
    value_axis,
    write_inside,
)
from .style import WIDTH, new_figure, styled

HIGH, LOW = ramp(1, 0.6), "#7E7E7E"
GROUPS = {
    "high": ("high capacity", HIGH, "-"),
    "low": ("low capacity", LOW, (0, (5, 1.5))),
    "SS": ("single-stranded", ramp(2, 0.85), "-"),
    "poised": ("poised", ramp(4, 0.45), (0, (5, 1.5))),
    "DS": ("double-stranded", ramp(0, 0.6), (0, (2, 1.2))),
}
"""Group to its label, colour and line style."""
TITLES = {
    "expression": "expression",
    "half_life": "half-life",
    "translation": "translation",
    "structure": "structure",
    "peaks": "chromatin peaks",
}
ADJUSTED = {
    "none": ("as the paper tests", INK, "o", False),
    "clusters": ("allowing for genes", INK, "o", False),
    "controls": ("length, motif positions, GC held fixed", HIGH, "D", False),
    "matched": ("matched for these", HIGH, "s", True),
}
"""Kind of comparison to its label, colour, marker and whether it is hollow."""
NOTHING = "No table of gene regulation was compared: 0 tests."
_KEYS = ("transcripts", "task", "predictor")
_PAPER = {
    "expression": "lower in genes of high capacity (P = 2.78 × 10⁻²⁷)",
    "half_life": "shorter in genes of high capacity (P = 9.35 × 10⁻⁹⁵)",
    "structure": "more probable where single-stranded (SS against DS: P = 2.11 × 10⁻¹²)",
    "peaks": "r = 0.55",
}


def _say(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _interval(row: Mapping[str, Any]) -> str:
    return f"{_say(row['effect'])} ({_say(row['low'])} to {_say(row['high'])})"


def _entries(tests: pd.DataFrame) -> list[dict[str, Any]]:
    """Comparisons in the order of the paper's panels."""
    kinds = list(TITLES)
    rows = tests.drop_duplicates([*_KEYS, "name"])[[*_KEYS, "species", "name", "kind", "panel"]]
    return sorted(rows.to_dict("records"), key=lambda row: kinds.index(row["kind"]))


def _rows(table: pd.DataFrame, entry: Mapping[str, Any]) -> pd.DataFrame:
    return select(table, **{key: entry[key] for key in (*_KEYS, "name")})


def _one(tests: pd.DataFrame, entry: Mapping[str, Any], **wanted: str) -> dict[str, Any] | None:
    rows = select(_rows(tests, entry), **wanted)
    return rows.iloc[0].to_dict() if len(rows) and np.isfinite(rows["effect"].iloc[0]) else None


def _title(entry: Mapping[str, Any], tests: pd.DataFrame, design: Design, width: int) -> str:
    """Title of a panel in lines of so many characters."""
    name, kind = entry["name"].replace("_", " "), TITLES[entry["kind"]]
    title = kind if name == entry["kind"].replace("_", " ") else f"{kind}: {name}"
    title = title if tests["task"].nunique() < 2 else f"{design.label(entry['task'])}, {title}"
    return textwrap.fill(title, width)


def _where(entry: Mapping[str, Any], design: Design) -> str:
    """Task, transcripts where they are not the species' own, and predictor."""
    others = [entry["transcripts"]] if entry["transcripts"] != entry["species"] else []
    return ", ".join([design.label(entry["task"]), *others, entry["predictor"]])


@styled
def draw_regulation(
    tests: pd.DataFrame, quantiles: pd.DataFrame, bins: pd.DataFrame, trends: pd.DataFrame, design: Design
) -> Figure:
    """Distributions by capacity and by structure class, and signal of peaks against potential."""
    entries = _entries(tests)
    if not entries:
        return nothing("nothing was compared")
    figure, grid = panel_grid(len(entries), 3, height=2.35, above=0.35, width=0.5 * WIDTH)
    for axes, entry in zip(grid.flat, entries, strict=False):
        if entry["kind"] == "peaks":
            _peaks(figure, axes, entry, bins, trends)
        else:
            _distributions(axes, entry, quantiles)
        axes.set_title(_title(entry, tests, design, 30), pad=24)
        annotate(axes, _statement(entry, tests), (0, 1), (0, 4), fontsize=6.5, va="bottom")
    add_letters(grid.flat, rise=24)
    present = set(quantiles["group"])
    looks = [look for group, look in GROUPS.items() if group in present]
    place_legend(figure, [legend_entry(label, colour, line=dash) for label, colour, dash in looks])
    return figure


def _distributions(axes: Axes, entry: Mapping[str, Any], quantiles: pd.DataFrame) -> None:
    rows = _rows(quantiles, entry)
    groups = [group for group in GROUPS if group in set(rows["group"])]
    for group in groups:
        _, colour, dash = GROUPS[group]
        part = rows[rows["group"] == group].sort_values("fraction")
        axes.plot(part["value"], part["fraction"], color=colour, linestyle=dash, linewidth=1.6)
    inside = rows[(rows["fraction"] >= 0.02) & (rows["fraction"] <= 0.98)]["value"]
    if len(inside) and inside.max() > inside.min():
        room = 0.03 * (inside.max() - inside.min())
        axes.set_xlim(inside.min() - room, inside.max() + room)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.axhline(0.5, color=FAINT, linewidth=0.9, zorder=0)
    structure = entry["kind"] == "structure"
    axes.set_ylabel("fraction of sites" if structure else "fraction of genes")
    unit = rows["unit"].iloc[0] if len(rows) else ""
    axes.set_xlabel("predicted probability" if structure else textwrap.shorten(_said(unit), 40, placeholder=" …"))


def _statement(entry: Mapping[str, Any], tests: pd.DataFrame) -> str:
    """Numbers below a panel's title, a line for each comparison."""
    texts = []
    for row in select(_rows(tests, entry), test="pearson" if entry["kind"] == "peaks" else "rank_sum").to_dict(
        "records"
    ):
        if not np.isfinite(row["effect"]):
            texts.append("too few values to test")
        elif entry["kind"] == "peaks":
            texts.append(f"r {_say(row['effect'])}, {say_p(row['p'], 1)}, n = {int(row['n']):,}")
        else:
            counts = f"n = {int(row['n_first']):,}, {int(row['n_second']):,}"
            named = f"{row['comparison']}: " if entry["kind"] == "structure" else ""
            texts.append(f"{named}δ {_say(row['effect'])}, {say_p(row['p'], 1)}" + ("" if named else f", {counts}"))
    return "\n".join(texts)


def _said(unit: str) -> str:
    return unit.replace("_", " ")


def _peaks(figure: Figure, axes: Axes, entry: Mapping[str, Any], bins: pd.DataFrame, trends: pd.DataFrame) -> None:
    cells, means = _rows(bins, entry), _rows(trends, entry)
    if len(cells):
        # per kilobase, as numbers per nucleotide are small
        patches = [
            Rectangle((1e3 * x0, y0), 1e3 * (x1 - x0), y1 - y0)
            for x0, x1, y0, y1 in cells[["x_from", "x_to", "y_from", "y_to"]].to_numpy()
        ]
        most = max(2, int(cells["n"].max()))
        drawn = PatchCollection(patches, cmap=SEQUENTIAL, norm=LogNorm(0.6, most), linewidths=0)
        drawn.set_array(cells["n"].to_numpy(dtype=float))
        axes.add_collection(drawn)
        axes.set_xlim(0, 1e3 * cells["x_to"].max())
        axes.set_ylim(cells["y_from"].min(), cells["y_to"].max())
        bar = colour_scale(figure, axes, drawn.norm, SEQUENTIAL, "peaks", shrink=1, fraction=0.05, aspect=16)
        ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000) if tick <= most]
        bar.set_ticks(ticks, labels=[f"{tick:,}" for tick in ticks])
        bar.minorticks_off()
    if len(means):
        _tenths(axes, means[1e3 * means["x"] <= axes.get_xlim()[1]], scale=1e3)
    axes.set_xlabel("potential, expected sites per kb of peak")
    unit = cells["unit"].iloc[0] if len(cells) else "signal"
    axes.set_ylabel(f"{_said(unit)} of the peak")


def _tenths(axes: Axes, rows: pd.DataFrame, scale: float = 1.0) -> None:
    """Means of tenths with their intervals, joined."""
    error = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
    axes.errorbar(scale * rows["x"], rows["value"], yerr=error, color=HIGH, linewidth=1.3, marker="o", markersize=3.4)


@captioned
def explain_regulation(
    tests: pd.DataFrame, quantiles: pd.DataFrame, bins: pd.DataFrame, trends: pd.DataFrame, design: Design
) -> Captions:
    """Captions of :func:`draw_regulation`, by panel."""
    return [" ".join(filter(None, _caption(tests, quantiles, entry, design))) for entry in _entries(tests)] or NOTHING


def _caption(tests: pd.DataFrame, quantiles: pd.DataFrame, entry: Mapping[str, Any], design: Design) -> list[str]:
    kind, where = entry["kind"], f"{_where(entry, design)}; Figure 8{entry['panel']} of the paper"
    if kind == "peaks":
        row = _one(tests, entry, test="pearson")
        rank = _one(tests, entry, test="spearman")
        held = _one(tests, entry, test="partial_pearson", adjusted="controls")
        start = (
            "Signal of peaks against their mean potential, the summed probability of the sites inside per length "
            f"({where}). Colour: peaks; line: means of tenths with 95 % t intervals."
        )
        if row is None:
            return [start, "Fewer than 4 peaks could be tested."]
        said = f"Pearson's r {_interval(row)} over {int(row['n']):,} peaks, {say_p(row['p'])}"
        said += f"; Spearman's {_interval(rank)}." if rank else "."
        return [start, said, _held(held, "partial r"), _paper(kind, row)]
    row = _one(tests, entry, test="rank_sum", **({"comparison": "SS − DS"} if kind == "structure" else {}))
    if kind == "structure":
        start = f"Cumulative distribution of the predicted probability of sites by structure class ({where})."
    else:
        unit = _rows(quantiles, entry)["unit"]
        start = (
            f"Cumulative distribution of {_said(unit.iloc[0]) if len(unit) else kind} in genes with a capacity above "
            f"the bar (high) and at or below it (low; {where})."
        )
    if row is None:
        return [start, "A group has fewer than 4 members and was not tested."]
    groups = ("single-stranded", "double-stranded") if kind == "structure" else ("high", "low")
    said = (
        f"Wilcoxon's rank-sum test of {int(row['n_first']):,} {groups[0]} against {int(row['n_second']):,} "
        f"{groups[1]}: {say_p(row['p'])}; Cliff's delta {_interval(row)}, 95 % interval; Hodges-Lehmann shift "
        f"{_number(row['shift'])} ({_number(row['shift_low'])} to {_number(row['shift_high'])})."
    )
    if kind == "structure":
        other = _one(tests, entry, test="rank_sum", comparison="SS − poised")
        if other:
            said += f" Against {int(other['n_second']):,} poised: {say_p(other['p'])}, delta {_interval(other)}."
        held = _one(tests, entry, adjusted="controls", comparison="SS − DS")
    else:
        held = _one(tests, entry, test="rank_regression", adjusted="controls")
    return [start, said, _held(held, "delta"), _paper(kind, row)]


def _held(row: Mapping[str, Any] | None, what: str) -> str:
    if row is None:
        return "Too few values to hold covariates fixed."
    return f"With {row['controls'].replace('gc', 'GC')} held fixed: {what} {_interval(row)}, {say_p(row['p'])}."


def _paper(kind: str, row: Mapping[str, Any]) -> str:
    if kind != "translation":
        return f"The paper: {_PAPER[kind]}." if kind in _PAPER else ""
    if row["low"] > 0:
        own = "faster (a higher value) in genes of high capacity"
    elif row["high"] < 0:
        own = "slower (a lower value) in genes of high capacity"
    else:
        own = "neither faster nor slower, as the interval includes zero"
    return (
        "The paper contradicts itself here: its heading and caption say faster (P = 5.95 × 10⁻³⁰), its text slower (P "
        f"= 9.78 × 10⁻³¹). In these data it is {own}. Ribosome-bound RPKM follows the amount of RNA as well; its ratio "
        "to that (te) does not."
    )


def _lines(tests: pd.DataFrame, correlations: bool, design: Design) -> list[tuple[str, list[dict[str, Any]]]]:
    """Label and rows, raw before controlled, of each line of :func:`draw_controlled`."""
    lines = []
    for entry in _entries(tests):
        rows = _rows(tests, entry)
        rows = rows[rows["measure"].str.endswith("_r") == correlations]
        for comparison, part in rows.groupby("comparison", sort=False):
            by_measure = [part] if not correlations else [one for _, one in part.groupby(part["measure"].map(_family))]
            for one in by_measure:
                # the interval that allows for clusters is the honest one of the raw effect
                if "clusters" in set(one["adjusted"]):
                    one = one[one["adjusted"] != "none"]
                kept = one[np.isfinite(one["effect"])].to_dict("records")
                if kept:
                    label = _line_label(entry, comparison, kept[0])
                    several = tests["task"].nunique() > 1
                    lines.append((f"{design.label(entry['task'])}, {label}" if several else label, kept))
    return lines


def _family(measure: str) -> str:
    return measure.removeprefix("partial_").removesuffix("_r")


def _line_label(entry: Mapping[str, Any], comparison: str, row: Mapping[str, Any]) -> str:
    name = entry["name"].replace("_", " ")
    if entry["kind"] == "structure":
        return f"{name}, {comparison}"
    return f"{name}, {_family(row['measure']).capitalize()}" if entry["kind"] == "peaks" else name


@styled
def draw_controlled(tests: pd.DataFrame, design: Design) -> Figure:
    """Each effect raw and with transcript length, number of motif positions and GC held fixed."""
    sides = [
        (_lines(tests, False, design), "Cliff's delta", "groups"),
        (_lines(tests, True, design), "correlation", "correlations"),
    ]
    figure = new_figure(1.0 + 0.4 * max(1, *(len(lines) for lines, _, _ in sides)))
    grid = figure.subplots(1, 2)
    for axes, (lines, label, title) in zip(grid, sides, strict=True):
        for at, (_, rows) in enumerate(lines):
            for row, gap in zip(rows, spread(len(rows), 0.2 * len(rows)), strict=True):
                _, colour, marker, hollow = ADJUSTED[row["adjusted"]]
                keys = ("effect", "low", "high")
                draw_interval(axes, at + gap, row, colour, keys=keys, marker=marker, size=4.4, hollow=hollow)
        draw_reference(axes, 0)
        rows_axis(axes, [textwrap.fill(text, 22) for text, _ in lines])
        axes.set_xlabel(f"{label}, 95 % interval")
        axes.set_title(title)
        value_axis(axes)
        if not lines:
            write_inside(axes, "nothing was tested")
    add_letters(grid)
    used = [look for name, look in ADJUSTED.items() if name in set(tests["adjusted"]) and name != "clusters"]
    entries = [legend_entry(label, colour, marker, hollow=hollow, size=4.4) for label, colour, marker, hollow in used]
    place_legend(figure, entries, 3)
    return figure


@captioned
def explain_controlled(tests: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_controlled`, by panel."""
    where = "; ".join(dict.fromkeys(_where(entry, design) for entry in _entries(tests))) or f"no {design.word}"
    held = (
        "transcript length, number of motif positions and GC content (for peaks: of the peak, and GC of the "
        "transcripts there)"
    )
    wording = {
        False: (
            "Difference between groups as Cliff's delta: the probability that a value of the first group is the larger "
            "one, less that of the smaller",
            "the coefficient of the group in a regression of ranks (HC3 errors), and within cells of like covariates "
            "(coarsened exact matching)",
        ),
        True: (
            "Correlation of capacity (Spearman) or of the potential of peaks with the value",
            "partial correlations with robust errors",
        ),
    }
    texts = []
    for correlations, (what, ways) in wording.items():
        lines = _lines(tests, correlations, design)
        raw = [rows[0] for _, rows in lines]
        fixed = [next((row for row in rows if row["adjusted"] == "controls"), None) for _, rows in lines]
        kept = sum(
            bool(one and leaves_out(one) and np.sign(one["effect"]) == np.sign(own["effect"]))
            for own, one in zip(raw, fixed, strict=True)
        )
        texts.append(
            f"{what}, as the paper tests it and with {held} held fixed: {ways} ({where}; n = "
            f"{say_range(row['n'] for row in raw)}). Lines: 95 % intervals; those of structure and peaks allow for "
            f"values of one gene hanging together. {kept} of {len(lines)} raw effects keep their sign with an interval "
            "that excludes zero."
        )
    return texts


@styled
def draw_trends(trends: pd.DataFrame, tests: pd.DataFrame, design: Design) -> Figure:
    """Mean of each value by tenths of capacity."""
    entries = _of_genes(tests)
    if not entries:
        return nothing("nothing was compared")
    figure, grid = panel_grid(len(entries), 4, height=2.0, above=0.3, width=2.6)
    for axes, entry in zip(grid.flat, entries, strict=False):
        rows = _rows(trends, entry).sort_values("bin")
        _tenths(axes, rows)
        axes.set_title(_title(entry, tests, design, 20), fontsize=8)
        axes.set_xlabel("capacity")
        unit = rows["unit"].iloc[0] if len(rows) else ""
        axes.set_ylabel(f"mean {textwrap.shorten(_said(unit), 34, placeholder=' …')}")
        axes.grid(axis="y")
        axes.locator_params(axis="x", nbins=4)
        axes.locator_params(axis="y", nbins=5)
    add_letters(grid.flat)
    return figure


def _of_genes(tests: pd.DataFrame) -> list[dict[str, Any]]:
    """Comparisons of values of genes, by their capacity."""
    return [entry for entry in _entries(tests) if entry["kind"] not in ("structure", "peaks")]


@captioned
def explain_trends(trends: pd.DataFrame, tests: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_trends`, by panel."""
    texts = []
    for entry in _of_genes(tests):
        rows = _rows(trends, entry)
        row = _one(tests, entry, test="spearman")
        said = f"Spearman's correlation over genes {_interval(row)}, {say_p(row['p'])}." if row else "Not tested."
        texts.append(
            f"Mean {_said(rows['unit'].iloc[0]) if len(rows) else entry['kind']} of genes in tenths of capacity "
            f"({_where(entry, design)}; {int(rows['n'].sum()):,} genes), with 95 % t intervals. {said}"
        )
    return texts or NOTHING
