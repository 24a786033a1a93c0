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
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from .design import Design
from .lookup import select
from .marks import SEQUENTIAL
from .palette import CHANCE, FAINT, INK, QUIET, ramp
from .style import WIDTH, grid_of, letter, new_figure, say_p, styled

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
    "none": ("as the paper tests", INK, "o", INK),
    "clusters": ("allowing for genes", INK, "o", INK),
    "controls": ("length, DRACH, GC held fixed", HIGH, "D", HIGH),
    "matched": ("matched for these", HIGH, "s", "white"),
}
"""Kind of comparison to its label, colour, marker and filling."""
NOTHING = "No table of gene regulation was compared: 0 tests."
_LETTERS = "ABCDEFGHIJKLMNOP"
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
    rows = tests.drop_duplicates(["species", "predictor", "name"])[["species", "predictor", "name", "kind", "panel"]]
    return sorted(rows.to_dict("records"), key=lambda row: kinds.index(row["kind"]))


def _rows(table: pd.DataFrame, entry: Mapping[str, Any]) -> pd.DataFrame:
    return select(table, **{key: entry[key] for key in ("species", "predictor", "name")})


def _one(tests: pd.DataFrame, entry: Mapping[str, Any], **wanted: str) -> dict[str, Any] | None:
    rows = select(_rows(tests, entry), **wanted)
    return rows.iloc[0].to_dict() if len(rows) and np.isfinite(rows["effect"].iloc[0]) else None


def _title(entry: Mapping[str, Any]) -> str:
    name, kind = entry["name"].replace("_", " "), TITLES[entry["kind"]]
    return kind if name == entry["kind"].replace("_", " ") else f"{kind}: {name}"


@styled
def draw_regulation(
    tests: pd.DataFrame, quantiles: pd.DataFrame, bins: pd.DataFrame, trends: pd.DataFrame, design: Design
) -> Figure:
    """Distributions by capacity and by structure class, and signal of peaks against potential.

    Parameters
    ----------
    tests, quantiles, bins, trends : pandas.DataFrame
        Columns of :data:`rnamarks.biology.regulation.TEST_COLUMNS` and the others there.
    design : Design
    """
    entries = _entries(tests)
    if not entries:
        return _blank()
    lines, columns = grid_of(len(entries), 3)
    figure = new_figure(0.35 + 2.35 * lines, WIDTH if columns > 1 else 0.5 * WIDTH)
    grid = figure.subplots(lines, columns, squeeze=False)
    for at, axes in enumerate(grid.flat):
        if at >= len(entries):
            axes.set_visible(False)
            continue
        entry = entries[at]
        if entry["kind"] == "peaks":
            _peaks(figure, axes, entry, bins, trends)
        else:
            _distributions(axes, entry, quantiles)
        axes.set_title(_title(entry), pad=24)
        axes.annotate(
            _statement(entry, tests),
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=6.5,
            va="bottom",
        )
        _raised_letter(axes, _LETTERS[at])
    present = set(quantiles["group"])
    handles = [
        Line2D([], [], color=colour, linestyle=dash, linewidth=1.6, label=label)
        for group, (label, colour, dash) in GROUPS.items()
        if group in present
    ]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _blank() -> Figure:
    figure = new_figure(1.0, 0.6 * WIDTH)
    figure.text(0.5, 0.5, "nothing was compared", ha="center", va="center", color=QUIET)
    return figure


def _raised_letter(axes: Axes, text: str) -> None:
    """A panel's letter beside a title that stands above a line of numbers."""
    place = {"xycoords": "axes fraction", "xytext": (-26, 24), "textcoords": "offset points"}
    axes.annotate(text, (0, 1), **place, fontsize=11, fontweight="bold", va="bottom", annotation_clip=False)


def _distributions(axes: Axes, entry: Mapping[str, Any], quantiles: pd.DataFrame) -> None:
    rows = _rows(quantiles, entry)
    groups = [group for group in GROUPS if group in set(rows["group"])]
    for group in groups:
        _, colour, dash = GROUPS[group]
        part = rows[rows["group"] == group].sort_values("share")
        axes.plot(part["value"], part["share"], color=colour, linestyle=dash, linewidth=1.6)
    inside = rows[(rows["share"] >= 0.02) & (rows["share"] <= 0.98)]["value"]
    if len(inside) and inside.max() > inside.min():
        room = 0.03 * (inside.max() - inside.min())
        axes.set_xlim(inside.min() - room, inside.max() + room)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.axhline(0.5, color=FAINT, linewidth=0.9, zorder=0)
    structure = entry["kind"] == "structure"
    axes.set_ylabel("share of sites" if structure else "share of genes")
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
        bar = figure.colorbar(drawn, ax=axes, fraction=0.05, pad=0.03, aspect=16)
        bar.set_label("peaks", fontsize=7)
        bar.outline.set_visible(False)
        ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000) if tick <= most]
        bar.set_ticks(ticks, labels=[f"{tick:,}" for tick in ticks])
        bar.minorticks_off()
    if len(means):
        inside = means[1e3 * means["x"] <= axes.get_xlim()[1]]
        error = [inside["value"] - inside["low"], inside["high"] - inside["value"]]
        axes.errorbar(
            1e3 * inside["x"], inside["value"], yerr=error, color=HIGH, linewidth=1.3, marker="o", markersize=3.2
        )
    axes.set_xlabel("potential, expected sites per kb of peak")
    unit = cells["unit"].iloc[0] if len(cells) else "signal"
    axes.set_ylabel(f"{_said(unit)} of the peak")


def explain_regulation(
    tests: pd.DataFrame, quantiles: pd.DataFrame, bins: pd.DataFrame, trends: pd.DataFrame, design: Design
) -> list[tuple[str, str]]:
    """Captions of :func:`draw_regulation`, by panel."""
    texts = []
    for panel, entry in zip(_LETTERS, _entries(tests), strict=False):
        texts.append((panel, " ".join(filter(None, _caption(tests, quantiles, entry)))))
    return texts or [("", NOTHING)]


def _caption(tests: pd.DataFrame, quantiles: pd.DataFrame, entry: Mapping[str, Any]) -> list[str]:
    kind, where = entry["kind"], f"{entry['species']}, {entry['predictor']}; Figure 8{entry['panel']} of the paper"
    if kind == "peaks":
        row = _one(tests, entry, test="pearson")
        rank = _one(tests, entry, test="spearman")
        held = _one(tests, entry, test="partial_pearson", adjusted="controls")
        start = (
            f"Signal of peaks against their mean potential, the summed probability of the sites inside per length "
            f"({where}). Colour: peaks; line: means of tenths with 95 % t intervals."
        )
        if row is None:
            return [start, "Fewer than 4 peaks could be tested."]
        said = f"Pearson's r {_interval(row)} over {int(row['n']):,} peaks, {say_p(row['p'])}"
        said += f"; Spearman's {_interval(rank)}." if rank else "."
        return [start, said, _held(held, "partial r"), _paper(kind, row)]
    row = (
        _one(tests, entry, test="rank_sum", comparison="SS − DS")
        if kind == "structure"
        else _one(tests, entry, test="rank_sum")
    )
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
        "The paper contradicts itself here: its heading and caption say faster (P = 5.95 × 10⁻³⁰), its text slower "
        f"(P = 9.78 × 10⁻³¹). In these data it is {own}. Ribosome-bound RPKM follows the amount of RNA "
        "as well; its ratio to that (te) does not."
    )


def _lines(tests: pd.DataFrame, correlations: bool) -> list[tuple[str, list[dict[str, Any]]]]:
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
                    lines.append((_line_label(entry, comparison, kept[0]), kept))
    return lines


def _family(measure: str) -> str:
    return measure.removeprefix("partial_").removesuffix("_r")


def _line_label(entry: Mapping[str, Any], comparison: str, row: Mapping[str, Any]) -> str:
    name = entry["name"].replace("_", " ")
    if entry["kind"] == "structure":
        return f"{name}, {comparison}"
    if row["measure"].endswith("_r"):
        return f"{name}, {_family(row['measure']).capitalize()}" if entry["kind"] == "peaks" else name
    return name


@styled
def draw_controlled(tests: pd.DataFrame, design: Design) -> Figure:
    """Each effect raw and with transcript length, number of motif positions and GC held fixed.

    Parameters
    ----------
    tests : pandas.DataFrame
        Columns of :data:`rnamarks.biology.regulation.TEST_COLUMNS`.
    design : Design
    """
    sides = [(_lines(tests, False), "Cliff's delta", "groups"), (_lines(tests, True), "correlation", "correlations")]
    longest = max(1, *(len(lines) for lines, _, _ in sides))
    figure = new_figure(1.0 + 0.4 * longest)
    grid = figure.subplots(1, 2)
    for axes, (lines, label, title), panel in zip(grid, sides, "AB", strict=True):
        for at, (_, rows) in enumerate(lines):
            for row, gap in zip(rows, np.linspace(-0.2, 0.2, len(rows)) if len(rows) > 1 else [0.0], strict=True):
                _, colour, marker, face = ADJUSTED[row["adjusted"]]
                axes.plot([row["low"], row["high"]], [at + gap] * 2, color=colour, linewidth=1.3)
                axes.plot(
                    row["effect"],
                    at + gap,
                    marker,
                    color=colour,
                    markersize=4.4,
                    markerfacecolor=face,
                    markeredgewidth=1,
                )
        axes.axvline(0, color=CHANCE, linestyle=(0, (3, 2)), linewidth=1.0, zorder=1)
        axes.set_yticks(range(len(lines)), [textwrap.fill(text, 22) for text, _ in lines])
        axes.set_ylim(max(1, len(lines)) - 0.45, -0.55)
        axes.set_xlabel(f"{label}, 95 % interval")
        axes.set_title(title)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        axes.locator_params(axis="x", nbins=5)
        if not lines:
            axes.text(0.5, 0.5, "nothing was tested", transform=axes.transAxes, ha="center", color=QUIET)
        letter(axes, panel)
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4.4, markerfacecolor=face, label=label)
        for name, (label, colour, marker, face) in ADJUSTED.items()
        if name in set(tests["adjusted"]) and name != "clusters"
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def explain_controlled(tests: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_controlled`, by panel."""
    texts = []
    first = tests.iloc[0] if len(tests) else {"species": "no species", "predictor": "no model"}
    held = "transcript length, number of DRACH and GC content (for peaks: of the peak, and GC of the transcripts there)"
    for panel, correlations in (("A", False), ("B", True)):
        lines = _lines(tests, correlations)
        raw = [rows[0] for _, rows in lines]
        fixed = [next((row for row in rows if row["adjusted"] == "controls"), None) for _, rows in lines]
        kept = sum(
            bool(one and (one["low"] > 0 or one["high"] < 0) and np.sign(one["effect"]) == np.sign(own["effect"]))
            for own, one in zip(raw, fixed, strict=True)
        )
        what = (
            "Correlation of capacity (Spearman) or of the potential of peaks with the value"
            if correlations
            else "Difference between groups as Cliff's delta: the probability that a value of the first group is the "
            "larger one, less that of the smaller"
        )
        ways = (
            "partial correlations with robust errors"
            if correlations
            else "the coefficient of the group in a regression of ranks (HC3 errors), and within cells of like "
            "covariates (coarsened exact matching)"
        )
        sizes = [int(row["n"]) for row in raw]
        span = f"{min(sizes):,} to {max(sizes):,}" if sizes else "0"
        texts.append(
            (
                panel,
                f"{what}, as the paper tests it and with {held} held fixed: {ways} ({first['species']}, "
                f"{first['predictor']}; n = {span}). Lines: 95 % intervals; those of structure and peaks allow for "
                f"values of one gene hanging together. {kept} of {len(lines)} raw effects keep their sign with an "
                "interval that excludes zero.",
            )
        )
    return texts


@styled
def draw_trends(trends: pd.DataFrame, tests: pd.DataFrame, design: Design) -> Figure:
    """Mean of each value by tenths of capacity.

    Parameters
    ----------
    trends, tests : pandas.DataFrame
        Columns of :data:`rnamarks.biology.regulation.TREND_COLUMNS` and ``TEST_COLUMNS``.
    design : Design
    """
    entries = [entry for entry in _entries(tests) if entry["kind"] not in ("structure", "peaks")]
    if not entries:
        return _blank()
    lines, columns = grid_of(len(entries), 4)
    figure = new_figure(0.3 + 2.0 * lines, min(WIDTH, 1.0 + 2.05 * columns))
    grid = figure.subplots(lines, columns, squeeze=False)
    for at, axes in enumerate(grid.flat):
        if at >= len(entries):
            axes.set_visible(False)
            continue
        rows = _rows(trends, entries[at]).sort_values("bin")
        axes.errorbar(
            rows["x"],
            rows["value"],
            yerr=[rows["value"] - rows["low"], rows["high"] - rows["value"]],
            color=HIGH,
            marker="o",
            markersize=3.6,
            linewidth=1.3,
        )
        axes.set_title(_title(entries[at]))
        axes.set_xlabel("capacity")
        unit = rows["unit"].iloc[0] if len(rows) else ""
        axes.set_ylabel(f"mean {textwrap.shorten(_said(unit), 34, placeholder=' …')}")
        axes.grid(axis="y")
        axes.locator_params(axis="x", nbins=4)
        axes.locator_params(axis="y", nbins=5)
        letter(axes, _LETTERS[at])
    return figure


def explain_trends(trends: pd.DataFrame, tests: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_trends`, by panel."""
    texts = []
    entries = [entry for entry in _entries(tests) if entry["kind"] not in ("structure", "peaks")]
    for panel, entry in zip(_LETTERS, entries, strict=False):
        rows = _rows(trends, entry)
        row = _one(tests, entry, test="spearman")
        said = f"Spearman's correlation over genes {_interval(row)}, {say_p(row['p'])}." if row else "Not tested."
        texts.append(
            (
                panel,
                f"Mean {_said(rows['unit'].iloc[0]) if len(rows) else entry['kind']} of genes in tenths of capacity "
                f"({entry['species']}, {entry['predictor']}; {int(rows['n'].sum()):,} genes), with 95 % t "
                f"intervals. {said}",
            )
        )
    return texts or [("", NOTHING)]
