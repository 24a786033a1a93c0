"""Predictions beside a user's measurements: offsets, curves, agreement and stoichiometry."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .captions import Captions, captioned, say_small, with_interval
from .design import Design
from .lookup import rows_by, select
from .palette import CHANCE, INK, QUIET, ramp
from .panels import (
    DASHED,
    add_letters,
    chance_entry,
    draw_interval,
    draw_reference,
    legend_entry,
    place_legend,
    unit_axes,
)
from .style import new_figure, styled

WAYS = {"genome": "along the genome", "rna": "along the RNA"}
SETS = {"all": ("all measured sites", INK, "o"), "without_control": ("without those in the control", ramp(1, 0.8), "D")}
CALLS = {"as_many": "as many calls as sites", "q": "calls with q < 0.1"}
AMONG = {"covered": "all covered positions", "sites": "measured sites alone"}
_LINES = (("on_base_share", "-", "o"), ("in_motif_share", (0, (4, 1.5)), "s"))


def _motif(design: Design) -> str:
    return design.tasks[0].place[0]


def _measures(design: Design) -> dict[str, str]:
    """Columns of shares and what they count; the base alone where there is no motif."""
    motif, base = _motif(design), design.tasks[0].base
    return {"on_base_share": f"on {base}"} | ({"in_motif_share": f"in {motif}"} if len(motif) > 1 else {})


@styled
def draw_offsets(offsets: pd.DataFrame, design: Design) -> Figure:
    """Shares of sites on the base and in the motif by offset, for either strand and both ways to move."""
    figure = new_figure(3.0)
    panels = figure.subplots(1, 2, sharey=True)
    colours = {"given": ramp(0, 0.85), "flipped": "#A0A0A0"}
    measures, entries = _measures(design), []
    start = offsets[(offsets["offset"] == 0) & (offsets["along"] == "genome")]
    for axes, (way, words) in zip(panels, WAYS.items(), strict=True):
        mine = pd.concat([select(offsets, along=way), start]).drop_duplicates(["offset", "strand"])
        for strand, colour in colours.items():
            rows = select(mine, strand=strand).sort_values("offset")
            for column, dash, marker in _LINES:
                if column in measures:
                    axes.plot(rows["offset"], rows[column], color=colour, linestyle=dash, marker=marker, markersize=3.5)
        for row in mine[mine["recommended"].astype(bool)].to_dict("records"):
            at = list(measures)[-1]
            axes.plot(row["offset"], row[at], "o", markersize=11, markerfacecolor="none", color=CHANCE, zorder=5)
        draw_reference(axes, 0)
        axes.set_title(f"moved {words}")
        axes.set_xlabel("offset (nt)")
        axes.set_xticks(range(-5, 6))
        axes.set_ylim(0, 1.03)
        axes.grid(axis="y")
    panels[0].set_ylabel("fraction of sites")
    add_letters(panels)
    for strand, colour in colours.items():
        words = "strand as given" if strand == "given" else "strands exchanged"
        for column, dash, marker in _LINES:
            if column in measures:
                entries.append(legend_entry(f"{measures[column]}, {words}", colour, marker, line=dash, size=3.5))
    entries.append(chance_entry("the file as it is"))
    if offsets["recommended"].astype(bool).any():
        entries.append(legend_entry("clearly better", CHANCE, "o", hollow=True, size=11, line="none"))
    place_legend(figure, entries, 3)
    return figure


@captioned
def explain_offsets(offsets: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_offsets`, by panel."""
    given = offsets.iloc[0]
    what = " and ".join(_measures(design).values())
    best = offsets[offsets["recommended"].astype(bool)]
    told = "None is clearly better than the file as it is"
    if len(best):
        row = best.iloc[0]
        strand = ", strands exchanged" if row["strand"] == "flipped" else ""
        told = f"Circled, clearly better: {row['offset']:+d} nt{strand}, {row['in_motif_share']:.1%} of the sites fit"
    return [
        f"Fraction of {int(given['sites']):,} measured sites {what} in the genome (vertical) if every position is "
        "moved by so many nt the same way on the genome (horizontal), as is needed where positions count from 1. The "
        f"dashed upright line is the file as it is. {told}.",
        "The same if every site is moved along its own RNA, positive towards the 3′ end, as is needed where the base "
        "beside a stop of reverse transcription was written: 1 nt mostly.",
    ]


@styled
def draw_compared_curves(curves: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Figure:
    """Precision-recall and ROC curve of each set of positions."""
    figure = new_figure(3.6, layout="compressed")
    panels = figure.subplots(1, 2)
    shown = [name for name in SETS if (curves["set"] == name).any()]
    prevalence = rows_by(select(metrics, metric="auprc"), "set")
    for axes, curve in zip(panels, ("pr", "roc"), strict=True):
        for name in shown:
            points = select(curves, set=name, curve=curve)
            axes.plot(points["x"], points["y"], color=SETS[name][1])
        unit_axes(axes)
    for name in shown:
        draw_reference(panels[0], prevalence[name,]["prevalence"], across=True)
    panels[0].set_aspect("auto")
    panels[0].set_ylim(0, _top_precision(curves, max(row["prevalence"] for row in prevalence.values())))
    panels[1].plot([0, 1], [0, 1], color=CHANCE, linestyle=DASHED, linewidth=1.1)
    panels[0].set_xlabel("recall: fraction of sites called")
    panels[0].set_ylabel("precision: fraction of calls measured")
    panels[1].set_xlabel("fraction of other positions called")
    panels[1].set_ylabel("fraction of sites called")
    add_letters(panels)
    place_legend(figure, [*(legend_entry(*SETS[name][:2]) for name in shown), chance_entry()])
    return figure


def _top_precision(curves: pd.DataFrame, prevalence: float) -> float:
    """Upper end of a scale for the precision: the first few calls, which jump, may leave it."""
    precision = select(curves, curve="pr").query("x >= 0.05")["y"].max()
    return float(min(1.02, 1.25 * max(precision, 2 * prevalence)))


@captioned
def explain_compared_curves(curves: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_compared_curves`, by panel."""
    areas = rows_by(select(metrics, metric=["auprc", "auroc"]), "set", "metric")
    counts = []
    for name, (label, _, _) in SETS.items():
        if (name, "auprc") in areas:
            row, area = areas[name, "auprc"], areas[name, "auroc"]
            counts.append(
                f"{label}: {int(row['n_positive']):,} of {int(row['n']):,} positions in {int(row['genes']):,} genes, "
                f"AUPRC {with_interval(row)} at a prevalence of {row['prevalence']:.3f}, AUROC {with_interval(area)}"
            )
    return [
        f"Precision against recall over all thresholds of the score, at {_motif(design)} positions. The dashed line "
        f"is the prevalence, which a random order gives; the first calls may leave the scale. {'; '.join(counts)}; "
        "intervals are 95 %, over genes.",
        "ROC curve of the same positions; the dashed line is a random order, AUROC 0.5.",
    ]


@styled
def draw_agreement(agreement: pd.DataFrame, design: Design) -> Figure:
    """Calls with a measured site within each tolerance, and the interval of shuffled calls."""
    rules = _called(agreement)
    figure = new_figure(2.9, 3.7 * len(rules))
    panels = figure.subplots(1, len(rules), squeeze=False)[0]
    shown = [name for name in SETS if (agreement["set"] == name).any()]
    tolerances = sorted(set(agreement["tolerance"]))
    for axes, rule in zip(panels, rules, strict=True):
        for shift, name in zip(np.linspace(-0.13, 0.13, len(shown)) if len(shown) > 1 else (0,), shown, strict=True):
            rows = select(agreement, call=rule, set=name).sort_values("tolerance").to_dict("records")
            for at, row in enumerate(rows):
                _expected(axes, at + shift, row)
                axes.plot(at + shift, row["agreeing"], SETS[name][2], color=SETS[name][1], markersize=5.5, zorder=4)
        axes.set_xticks(range(len(tolerances)), [f"±{number}" if number else "same nt" for number in tolerances])
        axes.set_xlim(-0.5, len(tolerances) - 0.5)
        axes.set_ylim(0, 1.12 * max(1.0, *select(agreement, call=rule)[["agreeing", "high"]].max()))
        axes.set_title(CALLS[rule])
        axes.set_xlabel("distance allowed (nt)")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y")
    panels[0].set_ylabel("calls with a measured site")
    if len(rules) > 1:
        add_letters(panels)
    entries = [legend_entry(SETS[name][0], SETS[name][1], SETS[name][2], line="none") for name in shown]
    chance = "chance: calls shuffled within transcripts, mean and 95 %"
    place_legend(figure, [*entries, legend_entry(chance, QUIET, "|", size=7)], 2)
    return figure


def _called(agreement: pd.DataFrame) -> list[str]:
    """Rules that call anything; the first where none does."""
    return [name for name in CALLS if select(agreement, call=name)["calls"].any()] or ["as_many"]


def _expected(axes: Axes, at: float, row: dict) -> None:
    draw_interval(axes, at, row, QUIET, keys=("expected", "low", "high"), marker="", upright=True)
    axes.plot(at, row["expected"], "_", color=QUIET, markersize=13, markeredgewidth=1.4)


@captioned
def explain_agreement(agreement: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_agreement`, by panel."""
    texts = []
    for rule in _called(agreement):
        rows = select(agreement, call=rule, set="all").sort_values("tolerance").to_dict("records")
        told = "; ".join(
            f"±{row['tolerance']} nt: {row['agreeing']:,} against {row['expected']:,.1f}, "
            f"{row['fold']:.1f} times, P = {say_small(row['p'])}"
            for row in rows
            if row["expected"] > 0
        )
        what = (
            "the positions of highest score, as many as there are measured sites" if rule == "as_many" else CALLS[rule]
        )
        texts.append(
            f"Number of calls ({what}: {rows[0]['calls']:,}) that have a measured site of any motif within the "
            "distance allowed on the same transcript. Grey: mean and 95 % interval if the calls of each transcript are "
            "shuffled among its judged positions (2,000 times): that a gene has many sites is no agreement. "
            f"{told or 'No call, so 0 can agree'}."
        )
    return texts if len(texts) > 1 else texts[0]


@styled
def draw_stoichiometry(stoichiometry: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Figure:
    """Quartiles of the stoichiometry in deciles of the score."""
    rows = select(stoichiometry, set="all")
    kinds = [name for name in AMONG if (rows["among"] == name).any()]
    top = min(1.03, max(0.05, 1.08 * rows[["upper", "mean"]].max(axis=None)))
    figure = new_figure(2.9, 3.7 * len(kinds))
    panels = figure.subplots(1, len(kinds), squeeze=False)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        for row in select(rows, among=kind).to_dict("records"):
            keys = ("median", "lower", "upper")
            draw_interval(axes, row["bin"] + 1, row, ramp(0, 0.85), keys=keys, upright=True)
            axes.plot(row["bin"] + 1, row["mean"], "x", color=QUIET, markersize=4.5, zorder=5)
        axes.set_xticks(range(1, 11))
        axes.set_xlim(0.4, 10.6)
        axes.set_ylim(0, top)
        axes.set_title(AMONG[kind])
        axes.set_xlabel("decile of the model's score, lowest to highest")
        axes.grid(axis="y")
    panels[0].set_ylabel("stoichiometry\n(modified share of the reads)")
    if len(kinds) > 1:
        add_letters(panels)
    entries = [legend_entry("median and quartiles", ramp(0, 0.85), "o"), legend_entry("mean", QUIET, "x", line="none")]
    place_legend(figure, entries)
    return figure


@captioned
def explain_stoichiometry(stoichiometry: pd.DataFrame, metrics: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_stoichiometry`, by panel."""
    found = rows_by(select(metrics, set="all"), "metric")
    texts = []
    for kind, words in AMONG.items():
        row = found.get((f"spearman_{kind}",))
        if row:
            said = with_interval(row) or "cannot be had"
            texts.append(
                f"Modified share of the reads at {words}, {int(row['n']):,} in {int(row['genes']):,} genes, in deciles "
                "of the model's score: 1 holds the tenth of the positions that the model scores lowest. Spearman's "
                f"correlation {said}, 95 % interval over genes."
            )
    return texts if len(texts) > 1 else texts[0]
