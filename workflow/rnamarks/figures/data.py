"""How many windows there are, and how many rows were dropped and why."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .captions import Captions, captioned
from .design import Design
from .lookup import select
from .palette import QUIET, shade
from .panels import SEQUENTIAL, add_letters, draw_cell, matrix_axes, place_legend, rows_axis
from .style import new_figure, styled

SPLIT_LABELS = {"train": "training", "valid": "validation", "test": "test", "": "left out"}
SPLIT_TINTS = {"train": 0.0, "valid": 0.38, "test": 0.68}
"""How far the colour of a split is moved towards white."""
KEPT, NOTE = "kept", "note: "


@styled
def draw_counts(counts: pd.DataFrame, design: Design) -> Figure:
    """Windows of each task by split and label, for each scheme."""
    schemes = list(dict.fromkeys(counts["scheme"]))
    figure = new_figure(0.8 + len(schemes) * (0.5 + 0.22 * len(design.tasks)))
    grid = figure.subplots(len(schemes), 2, squeeze=False, sharey=True, sharex="col")
    number = counts.fillna({"split": ""}).set_index(["scheme", "task", "label", "split"])["windows"].to_dict()
    for column, (label, word) in enumerate(((1, "sites"), (0, "others"))):
        widths = {
            (scheme, name): [number.get((scheme, name, label, split), 0) for split in SPLIT_LABELS]
            for scheme in schemes
            for name in design.names
        }
        longest = max(map(sum, widths.values()))
        for axes, scheme in zip(grid[:, column], schemes, strict=True):
            for at, task in enumerate(design.tasks):
                left = 0
                for split, width in zip(SPLIT_LABELS, widths[scheme, task.name], strict=True):
                    axes.barh(at, width, left=left, height=0.72, **_split_look(split, task.colour))
                    left += width
                axes.text(left + 0.012 * longest, at, f"{left:,}", va="center", fontsize=7)
            axes.set_xlim(0, 1.14 * max(longest, 1))
            rows_axis(axes, [task.label for task in design.tasks])
            axes.set_title(f"{scheme} scheme, {word}")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            axes.xaxis.get_major_locator().set_params(nbins=5, integer=True)
        grid[-1, column].set_xlabel("windows")
    add_letters(grid[:, 0])
    place_legend(figure, [Patch(**_split_look(split, "#333333"), label=text) for split, text in SPLIT_LABELS.items()])
    return figure


def _split_look(split: str, colour: str) -> dict[str, Any]:
    """Look of a bar; windows left out of a scheme are hatched."""
    if split not in SPLIT_TINTS:
        return {"facecolor": "white", "edgecolor": QUIET, "hatch": "/////", "linewidth": 0.6}
    return {"facecolor": shade(colour, SPLIT_TINTS[split]), "linewidth": 0}


@captioned
def explain_counts(counts: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_counts`, by panel."""
    texts = []
    for scheme in dict.fromkeys(counts["scheme"]):
        rows = select(counts, scheme=scheme).groupby("label")["windows"].sum()
        texts.append(
            f"Windows of each {design.word} in the {scheme} scheme by split: modified sites on the left "
            f"({int(rows.get(1, 0)):,} in all), others on the right ({int(rows.get(0, 0)):,}). Hatched: left out of "
            "the scheme; reasons are in the table of dropped rows."
        )
    return texts


@styled
def draw_drops(drops: pd.DataFrame, design: Design) -> Figure:
    """Rows dropped by reason and subject, a task or a set of transcripts."""
    table = _by_reason(drops)
    columns = design.ordered(table.columns)
    columns += [name for name in table.columns if name not in columns]
    values = table[columns].to_numpy(dtype=float)
    figure = new_figure(0.5 + 0.205 * len(table))
    axes = figure.subplots()
    lost = np.array([reason != KEPT and not reason.startswith(NOTE) for _, reason in table.index], dtype=bool)
    largest = np.nanmax(np.where(lost[:, None], np.nan_to_num(values), 1), initial=2.0)
    norm = LogNorm(0.7, max(largest, 2.0))
    for (i, j), value in np.ndenumerate(values):
        reason = table.index[i][1]
        look = {"fontweight": "bold"} if reason == KEPT else {"fontstyle": "italic"} if reason.startswith(NOTE) else {}
        colour = SEQUENTIAL(norm(value)) if lost[i] and value > 0 else (1, 1, 1, 1)
        draw_cell(axes, j, i, colour, f"{int(value):,}" if np.isfinite(value) else "", **look)
    stages = [stage for stage, _ in table.index]
    for at in range(1, len(stages)):
        if stages[at] != stages[at - 1]:
            axes.axhline(at - 0.5, color=QUIET, linewidth=0.8)
    rows = [f"{stage}: {textwrap.shorten(reason, 58, placeholder=' …')}" for stage, reason in table.index]
    matrix_axes(axes, rows, [design.label(name) for name in columns])
    axes.tick_params(axis="y", labelsize=7)
    axes.xaxis.tick_top()
    return figure


def _by_reason(drops: pd.DataFrame) -> pd.DataFrame:
    """Rows by (stage and source where that is a scheme or a step, reason), columns subjects; ``kept`` last in each."""
    rows = drops.fillna({"source": "", "stage": "", "subject": ""}).copy()
    # this stage names the scheme as the source
    of_scheme = rows["stage"] == "datasets"
    rows.loc[of_scheme, "stage"] = rows.loc[of_scheme, "source"] + " scheme"
    # what is kept of the annotation goes on to the genome, and would be counted twice
    steps = rows["stage"] == "transcripts"
    rows.loc[steps, "stage"] = "transcripts, " + rows.loc[steps, "source"]
    stages = list(dict.fromkeys(rows["stage"]))
    order = {
        (stage, reason): (stages.index(stage), reason == KEPT, reason.startswith(NOTE), at)
        for at, (stage, reason) in enumerate(dict.fromkeys(zip(rows["stage"], rows["reason"], strict=True)))
    }
    table = rows.pivot_table(index=["stage", "reason"], columns="subject", values="rows", aggfunc="sum")
    return table.loc[sorted(table.index, key=lambda entry: order[entry])]


@captioned
def explain_drops(drops: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_drops`."""
    subjects = design.word if set(drops["subject"]) <= set(design.names) else f"{design.word} or set of transcripts"
    places = "all sources and schemes"
    if not design.tasks:
        subjects, places = "set of RNAs", "all sources"
    elif not design.offers.isdisjoint({"corpus", "downstream"}):
        subjects = f"{design.word}, set of transcripts or set of RNAs"
    lost = drops[(drops["reason"] != KEPT) & ~drops["reason"].str.startswith(NOTE)]
    return (
        f"Rows of the input that were dropped, by stage and reason (rows) and {subjects} (columns), over "
        f"{places}: {int(lost['rows'].sum()):,} in all; darker is more, on a logarithmic scale. Bold: rows "
        "kept by the stage; italic: rows that stayed although something is odd about them."
    )
