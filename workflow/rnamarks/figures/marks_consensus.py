"""Consensus motifs of what a network attends to, beside motifs found without it: Figure 2 of Song et al. 2021."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec, SubplotSpec

from .design import Design
from .lookup import select
from .marks_interpretation import LETTERS, METHOD_LABELS, SIGNIFICANT, in_order, nothing, say_mark, say_q, say_range
from .motifs import draw_logo
from .palette import INK, QUIET
from .style import new_figure, styled

_ACROSS = 4


def _shown_motifs(consensus: pd.DataFrame, matches: pd.DataFrame, method: str, database: str) -> dict[str, tuple]:
    """By mark: the row of the motif that is shown and its match, or None where no motif of the mark resembles it."""
    best = select(matches, method=method, database=database)
    best = {row["modification"]: row for row in best[best["rank"] == 1].to_dict("records")}
    shown = {}
    for row in select(consensus, method=method).to_dict("records"):
        match = best.get(row["modification"])
        if row["motif"] == (match["query"] if match else row["motif"]):
            shown.setdefault(row["modification"], (row, match))
    return shown


@styled
def draw_consensus(
    consensus: pd.DataFrame,
    matches: pd.DataFrame,
    logos: pd.DataFrame,
    design: Design,
    *,
    database: str = "de novo",
) -> Figure:
    """Consensus motifs above the motif found without the network that each mark's best one resembles.

    Parameters
    ----------
    consensus, matches, logos : pandas.DataFrame
        Columns of :mod:`rnamarks.interpretation.consensus`.
    design : Design
    database : str
        Which of the matches' databases is below.
    """
    methods = list(dict.fromkeys(consensus["method"]))
    if not methods:
        return nothing("no motif to show")
    marks = in_order(consensus["modification"], design)
    lines = -(-len(marks) // _ACROSS)
    block = 0.42 + 1.5 * lines
    height = block * len(methods) + 0.05
    figure = new_figure(height, layout="none")
    for at, (method, panel) in enumerate(zip(methods, LETTERS, strict=False)):
        top = 1 - (at * block + 0.5) / height
        figure.text(0.012, top + 0.3 / height, panel, fontsize=11, fontweight="bold", va="center")
        figure.text(0.04, top + 0.3 / height, METHOD_LABELS.get(method, method), fontweight="bold", va="center")
        outer = GridSpec(
            lines,
            _ACROSS,
            figure=figure,
            left=0.05,
            right=0.99,
            top=top - 0.1 / height,
            bottom=1 - ((at + 1) * block - 0.12) / height,
            hspace=0.5,
            wspace=0.16,
        )
        shown = _shown_motifs(consensus, matches, method, database)
        for place, mark in enumerate(marks):
            row, match = shown.get(mark, (None, None))
            rows = select(logos, modification=mark, method=method, database=database)
            _draw_cell(figure, outer[place // _ACROSS, place % _ACROSS], mark, row, match, rows, design)
    return figure


def _draw_cell(
    figure: Figure,
    place: SubplotSpec,
    mark: str,
    row: dict[str, Any] | None,
    match: dict[str, Any] | None,
    rows: pd.DataFrame,
    design: Design,
) -> None:
    upper, lower = (figure.add_subplot(part) for part in place.subgridspec(2, 1, hspace=0.5))
    colour = design.colours.get(mark, INK)
    if row is None or not row["motif"] or rows.empty:
        for axes in (upper, lower):
            axes.set_axis_off()
        reason = row["reason"] if row is not None and row["reason"] else "no window called"
        upper.set_title(say_mark(mark), fontsize=7.5, color=colour, pad=3)
        upper.text(0.5, 0.2, reason, ha="center", fontsize=6.3, color=QUIET, transform=upper.transAxes)
        return
    limits = (rows["position"].min(), rows["position"].max())
    mine = select(rows, role="query")
    draw_logo(upper, mine, 2.0, limits)
    judged = f", AUROC {row['auroc']:.2f}" if np.isfinite(row["auroc"]) else ""
    upper.set_title(
        f"{say_mark(mark)}  ({row['members']}/{row['subsequences']}{judged})", fontsize=6.8, color=colour, pad=3
    )
    site = mine["position"].min() - row["offset"]
    if row["offset_share"] >= 0.5 and mine["position"].min() <= site <= mine["position"].max():
        upper.plot([site], [-0.13], "^", color=INK, markersize=3.2, clip_on=False)
    if match is None:
        lower.set_axis_off()
        lower.text(0.5, 0.4, "none found without it", ha="center", fontsize=6.3, color=QUIET, transform=lower.transAxes)
        return
    draw_logo(lower, select(rows, role="target"), 2.0, limits)
    lower.set_title(
        f"q {say_q(match['q_mark'])}",
        fontsize=6.5,
        fontweight="normal",
        color=INK if match["q_mark"] < SIGNIFICANT else QUIET,
        pad=2,
    )


def explain_consensus(
    consensus: pd.DataFrame,
    matches: pd.DataFrame,
    logos: pd.DataFrame,
    design: Design,
    *,
    database: str = "de novo",
) -> list[tuple[str, str]]:
    """Captions of :func:`draw_consensus`, by panel."""
    if consensus.empty:
        return [("", "No window was explained, so there is no motif: 0 windows.")]
    texts = []
    for method, panel in zip(dict.fromkeys(consensus["method"]), LETTERS, strict=False):
        rows = select(consensus, method=method)
        shown = _shown_motifs(consensus, matches, method, database)
        compared = [match for _, match in shown.values() if match]
        close = sum(match["q_mark"] < SIGNIFICANT for match in compared)
        first = rows.drop_duplicates("modification")
        with_motifs = first[first["clusters"] > 0]
        texts.append(
            (
                panel,
                f"Consensus motifs of the nucleotides with most {METHOD_LABELS.get(method, method)} in each mark's "
                f"most confident true positives ({say_range(first['windows'])} windows per mark; clusters of "
                f"subsequences, in brackets members of the one shown / all subsequences), {len(with_motifs)} of "
                f"{len(first)} marks with a cluster. Of a mark's clusters the one is shown that resembles its motifs "
                f"from elsewhere most; below it that motif ({database}). Letter heights in bits against equal letter "
                "frequencies; triangle: "
                "the site, where most members have it in that column. AUROC: how the motif's best score ranks the "
                f"mark's windows that judge ({say_range(rows['n_positive'].dropna())}"
                " modified). Test: Tomtom; q: Benjamini and Hochberg over all pairs of the mark's clusters and motifs; "
                f"{close} of {len(compared)} have q < 0.05, grey titles have not. The background, letters of the "
                "mark's unmodified windows, is in the table.",
            )
        )
    return texts
