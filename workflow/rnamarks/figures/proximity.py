"""How near the sites of two tasks lie on the same transcripts: Figure S4 of Song et al. 2021."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from .captions import PANELS, Captions, captioned, say_range
from .design import Design
from .lookup import select
from .panels import DIVERGING, SIGNIFICANT, add_letters, colour_scale, draw_cell, nothing, square_axes
from .style import WIDTH, new_figure, styled

NULL_LABELS = {
    "transcript": "same base, same transcript",
    "region": "same base, same region",
    "rotation": "regions rotated, clusters kept",
}


@styled
def draw_proximity(proximity: pd.DataFrame, design: Design) -> Figure:
    """Distance of two tasks' sites over that of random positions, a map per null."""
    measured = proximity[proximity["p"].notna()]
    if measured.empty:
        return nothing("no two tasks have sites on the same transcripts")
    nulls = list(dict.fromkeys(proximity["null"]))
    tasks = design.ordered([*proximity["task_a"], *proximity["task_b"]])
    figure = new_figure(0.6 + 0.8 * WIDTH / max(len(nulls), 2))
    grid = figure.subplots(1, len(nulls), squeeze=False)[0]
    reach = max(0.5, float(np.ceil(2 * np.log2(measured["ratio"].astype(float)).abs().max()) / 2))
    norm = Normalize(-reach, reach)
    for axes, null in zip(grid, nulls, strict=True):
        for row in select(proximity, null=null).to_dict("records"):
            x, y = sorted(tasks.index(row[name]) for name in ("task_a", "task_b"))
            tested = np.isfinite(row["p"])
            colour = DIVERGING(norm(np.log2(row["ratio"]))) if tested else (0.93, 0.93, 0.93, 1.0)
            draw_cell(axes, x, y, colour, "*" if tested and row["q"] < SIGNIFICANT else "", fontsize=8)
        square_axes(axes, [design.label(task) for task in tasks])
        axes.set_title(NULL_LABELS.get(null, null), fontsize=7.2)
    add_letters(grid)
    colour_scale(figure, list(grid), norm, DIVERGING, "log2(distance / random)")
    return figure


@captioned
def explain_proximity(proximity: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_proximity`, by panel."""
    measured = proximity[proximity["p"].notna()]
    if measured.empty:
        reasons = "; ".join(dict.fromkeys(proximity["reason"])) or "no pair of tasks"
        return f"Distances between sites could not be measured: {reasons} ({len(proximity)} rows)."
    texts = []
    for null, panel in zip(dict.fromkeys(proximity["null"]), PANELS, strict=False):
        rows = select(measured, null=null)
        if rows.empty:
            continue
        strong = rows["q"] < SIGNIFICANT
        text = (
            "Distance from each site to the nearest site of the other on the same transcript, nt, geometric mean, over "
            f"that of random positions ({NULL_LABELS.get(null, null)}; {say_range(rows['permutations'])} "
            f"arrangements). Stars: q < 0.05, two-sided, normal, Benjamini and Hochberg over {len(rows)} pairs: "
            f"{int((strong & (rows['ratio'] < 1)).sum())} closer and {int((strong & (rows['ratio'] > 1)).sum())} "
            f"farther than random. {say_range(rows['transcripts'])} transcripts per pair; grey: not measured "
            f"({len(select(proximity, null=null)) - len(rows)} pairs)."
        )
        texts.append((panel, text))
    return texts
