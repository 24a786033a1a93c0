"""Motifs of filters, without a model, and of what is attended, beside the known motifs that they resemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .attribution import METHOD_LABELS
from .captions import PANELS, Captions, captioned, say_range, say_small
from .design import Design
from .logos import draw_logo, frame_logo
from .lookup import rows_by, select
from .palette import INK, NUCLEOTIDES, QUIET
from .panels import (
    SIGNIFICANT,
    Look,
    add_letters,
    annotate,
    first_of,
    legend_entry,
    nothing,
    place_legend,
    predictor_looks,
    predictors_of,
    rows_axis,
    spread,
    write_inside,
)
from .style import new_figure, styled

FILTER, DE_NOVO = "filter", "de novo"
NULL_LOOKS = {"columns": ("#8C8C8C", "columns shuffled"), "nucleotides": ("#C9C9C9", "nucleotides exchanged")}
MATCHES = 3
"""Most pairs of a task that a figure shows."""
KNOWN_MATCHES = 4
_ACROSS = 4


def _draw(axes: Axes, rows: pd.DataFrame, top: float, limits: tuple[float, float]) -> None:
    draw_logo(axes, rows[list(NUCLEOTIDES)].to_numpy(), rows["position"].to_numpy())
    frame_logo(axes, top, limits)


def shown_logos(logos: pd.DataFrame, method: str) -> pd.DataFrame:
    """Logos of one method and of the first predictor that has it, and of each task's first database."""
    mine = first_of(select(logos, method=method))
    first = mine.drop_duplicates("task").set_index("task")["database"]
    return mine[mine["database"] == mine["task"].map(first)]


def _top(logos: pd.DataFrame, role: str) -> float:
    """Upper end of an axis that fits all logos of a role: the highest stack, rounded up to half bits."""
    heights = select(logos, role=role)[list(NUCLEOTIDES)].sum(axis=1)
    return max(0.5, min(2.0, float(np.ceil(2 * heights.max() - 1e-9) / 2))) if len(heights) else 2.0


def draw_pairs(
    logos: pd.DataFrame, design: Design, maximum: int, titles: Mapping[tuple[str, int], tuple[str, bool]]
) -> Figure:
    """A row per task; in each cell the target's logo above the query's, aligned.

    ``titles`` gives each (task, rank) its text and whether it is printed in full strength.
    """
    tasks = design.ordered(logos["task"])
    if not tasks:
        return nothing("no motif to show")
    height = 0.5 + 1.3 * len(tasks)
    figure = new_figure(height, layout="none")
    edges = {"left": 0.105, "right": 0.99, "top": 1 - 0.38 / height, "bottom": 0.1 / height}
    outer = figure.add_gridspec(len(tasks), maximum, hspace=0.5, wspace=0.14, **edges)
    tops = {role: _top(logos, role) for role in ("target", "query")}
    for line, name in enumerate(tasks):
        for at in range(maximum):
            cell = select(logos, task=name, rank=at + 1)
            if cell.empty:
                continue
            inner = outer[line, at].subgridspec(2, 1, hspace=0.14)
            limits = (cell["position"].min(), cell["position"].max())
            shown = [(place, role) for place, role in enumerate(tops) if role in set(cell["role"])]
            for place, role in shown:
                axes = figure.add_subplot(inner[place])
                _draw(axes, select(cell, role=role), tops[role], limits)
                axes.tick_params(labelleft=at == 0)
                if (place, role) == shown[0]:
                    text, strong = titles[name, at + 1]
                    axes.set_title(text, fontsize=6.8, fontweight="normal", color=INK if strong else QUIET, pad=3)
                if at == 0:
                    axes.set_ylabel("bits", fontsize=6.5, labelpad=2)
        box = outer[line, 0].get_position(figure)
        look = {"fontsize": 8.5, "fontweight": "bold", "color": design.colour(name)}
        place = (0.022, (box.y0 + box.y1) / 2)
        figure.text(*place, design.label(name), rotation=90, ha="center", va="center", **look)
    return figure


@styled
def draw_local_motifs(matches: pd.DataFrame, logos: pd.DataFrame, design: Design) -> Figure:
    """The best matches of a network's filters, per task."""
    shown = shown_logos(logos, FILTER)
    titles = {
        key: (
            f"{row['target_name']} ({row['target']})\n{_filter(row['query'])}, q {say_equal(row['q'])}",
            row["q"] < SIGNIFICANT,
        )
        for key, row in _rows_of(matches, shown).items()
    }
    return draw_pairs(shown, design, MATCHES, titles)


def say_equal(value: float) -> str:
    """``= 0.02``, or a bound where a double no longer holds the number."""
    text = say_small(value)
    return f"< {text[1:]}" if text.startswith("<") else f"= {text}"


def _rows_of(matches: pd.DataFrame, shown: pd.DataFrame) -> dict[tuple[str, int], dict[str, object]]:
    """Matches that the logos show, by task and rank."""
    keys = ["predictor", "task", "method", "database", "rank"]
    mine = matches.merge(shown[keys].drop_duplicates(), on=keys)
    return {(row["task"], int(row["rank"])): row for row in mine.to_dict("records")}


def _filter(query: str) -> str:
    """``m0_d1_f012`` in words."""
    parts = {part[:1]: part[1:] for part in query.split("_")}
    if set(parts) == {"m", "d", "f"} and all(text.isdecimal() for text in parts.values()):
        gap = f", dilation {parts['d']}" if parts["d"] != "1" else ""
        return f"filter {int(parts['f'])}{gap}"
    return query


@captioned
def explain_local_motifs(matches: pd.DataFrame, logos: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_local_motifs`."""
    shown = shown_logos(logos, FILTER)
    rows = _rows_of(matches, shown)
    if not rows:
        return "No filter was informative enough to be compared: 0 matches."
    strong = sum(row["q"] < SIGNIFICANT for row in rows.values())
    sizes = [int(row["targets"]) for row in rows.values()]
    return (
        f"Filters of the first convolution of {shown['predictor'].iloc[0]} (below) and the motifs of RNA-binding "
        f"proteins they resemble most (above), up to {MATCHES} per {design.word}, no filter and no protein twice. "
        "Letter heights in bits against equal frequencies; pairs are aligned as they match best. Filters: nucleotides "
        f"where the {design.word}'s positive test windows exceed the filter's threshold. Test: Tomtom, Euclidean "
        "distance, complete scores, same strand; q: Benjamini and Hochberg over the targets of one filter "
        f"({say_range(sizes)} per {design.word}). {strong} of the {len(rows)} pairs have q < 0.05; the others' titles "
        "are grey."
    )


@styled
def draw_annotated_filters(annotated: pd.DataFrame, design: Design) -> Figure:
    """Fraction of a network's filters with a match, per task, beside shuffled filters."""
    if annotated.empty:
        return nothing("no motif to show")
    databases, rules = (list(dict.fromkeys(annotated[column])) for column in ("database", "rule"))
    looks, tasks = predictor_looks(predictors_of(annotated)), design.ordered(annotated["task"])
    figure = new_figure(0.8 + len(databases) * (0.55 + 0.17 * len(tasks) * len(looks)))
    grid = figure.subplots(len(databases), len(rules), squeeze=False, sharey=True)
    for axes, (database, rule) in zip(grid.flat, product(databases, rules), strict=True):
        rows = select(annotated, database=database, rule=rule)
        for at, name in enumerate(tasks):
            for (predictor, look), shift in zip(looks.items(), spread(len(looks)), strict=True):
                _draw_fraction(axes, select(rows, task=name, predictor=predictor), at + shift, look)
        highest = float(np.nanmax(rows[["fraction", "null_high"]].to_numpy(dtype=float), initial=0.02))
        axes.set_xlim(0, 1.32 * highest)
        rows_axis(axes, [design.label(name) for name in tasks])
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
        axes.xaxis.get_major_locator().set_params(nbins=4)
        axes.set_title(f"{database}, {rule}" if database else rule)
    add_letters(grid.flat)
    for axes in grid[-1]:
        axes.set_xlabel("filters with a match")
    entries = [legend_entry(look.label, look.colour, look.marker, size=4, line="none") for look in looks.values()]
    entries += [Patch(facecolor=colour, label=f"filters with {text}") for colour, text in NULL_LOOKS.values()]
    place_legend(figure, entries, 4)
    return figure


def _draw_fraction(axes: Axes, rows: pd.DataFrame, place: float, look: Look) -> None:
    """One predictor and task: nulls as bands with their means, the observed fraction as a dot with its number."""
    for row in rows.dropna(subset=["null_fraction"]).to_dict("records"):
        at, low, high = place + (-0.07 if row["null"] == "columns" else 0.07), row["null_low"], row["null_high"]
        axes.barh(at, high - low, left=low, height=0.13, color=NULL_LOOKS[row["null"]][0], linewidth=0)
        axes.plot([row["null_fraction"]] * 2, [at - 0.065, at + 0.065], color=INK, linewidth=0.7)
    for row in rows.head(1).to_dict("records"):
        axes.plot([row["fraction"]], [place], look.marker, color=look.colour, markersize=4.2, zorder=3)
        right = (np.nanmax([row["fraction"], *rows["null_high"]]), place)
        text = f"{int(row['annotated'])}/{int(row['filters'])}"
        annotate(axes, text, right, (5, 0), xycoords="data", va="center", fontsize=6.3, color=look.colour)


@captioned
def explain_annotated_filters(annotated: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_annotated_filters`, by panel."""
    texts = []
    for database, rule in product(dict.fromkeys(annotated["database"]), dict.fromkeys(annotated["rule"])):
        rows = select(annotated, database=database, rule=rule)
        observed = rows.drop_duplicates(["predictor", "task"])
        nulls = ", ".join(
            f"{100 * part['null_fraction'].mean():.1f} % with {NULL_LOOKS[null][1]}"
            for null, part in rows.groupby("null", sort=False)
            if part["null_fraction"].notna().any()
        )
        above = sum((part["p"] < SIGNIFICANT).all() for _, part in rows.groupby(["predictor", "task"]))
        texts.append(
            f"Filters with {rule} to a motif of {database or 'the database'}, as a fraction of all "
            f"{say_range(observed['filters'])} filters of the layer: dots, with numbers; "
            f"{100 * observed['fraction'].mean():.1f} % on average over {len(observed)} models and {design.words}. "
            f"Bars: 95 % of {say_range(rows['shuffles'])} shuffles of the same filters, black line their mean "
            f"({nulls or 'none drawn'}). In {above} of {len(observed)} cases the fraction exceeds both nulls (p < "
            "0.05, fraction of shuffles that reach it)."
        )
    return texts or "No filter was compared: 0 rows."


@styled
def draw_discovered_motifs(discovered: pd.DataFrame, logos: pd.DataFrame, design: Design) -> Figure:
    """Motifs found in positive against control windows, below the protein's motif that each resembles most."""
    shown = shown_logos(logos, DE_NOVO)
    return draw_pairs(shown[shown["rank"] <= MATCHES], design, MATCHES, _discovered_titles(discovered))


def _discovered_titles(discovered: pd.DataFrame) -> dict[tuple[str, int], tuple[str, bool]]:
    titles = {}
    compared = _is_compared(discovered)
    for name, rows in discovered[discovered["reported"].astype(bool)].groupby("task", sort=False):
        for rank, row in enumerate(rows.to_dict("records"), 1):
            match = (
                f"{row['target_name']} ({row['target']}), q {say_equal(row['match_q'])}\n"
                if pd.notna(row["match_q"])
                else ""
            )
            text = f"{match}{row['enrichment']:.1f}-fold, p {say_equal(row['p'])}"
            # where there is no database, nothing could be resembled
            titles[name, rank] = text, bool(row["match_q"] < SIGNIFICANT) or not compared
    return titles


def _is_compared(discovered: pd.DataFrame) -> bool:
    """Whether any motif had a database to be compared with."""
    return bool(discovered["match_q"].notna().any())


@captioned
def explain_discovered_motifs(discovered: pd.DataFrame, logos: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_discovered_motifs`."""
    reported = discovered[discovered["reported"].astype(bool)]
    counts = reported.groupby("task")["motif"].size()
    if reported.empty:
        return [
            ("", f"No motif of {discovered['task'].nunique()} {design.words} has p < 0.05 in the windows held out.")
        ]
    beside, test = "", ""
    if _is_compared(discovered):
        beside = ", and the protein's motif that each resembles most (above)"
        test = " q: Tomtom against all motifs of the database; grey titles: q of 0.05 and more."
    return (
        f"Motifs found in positive against control windows without a model{' (below)' if beside else ''}, up to "
        f"{MATCHES} per {design.word} ({say_range(counts)} found){beside}. Letter heights in "
        "bits against equal frequencies. Enrichment is the ratio of the fractions of windows with a site; p: Fisher's "
        f"exact test, one-sided; both in windows held out ({say_range(reported['n_foreground'])} positive, "
        f"{say_range(reported['n_control'])} control), one motif after the other until p is no longer below 0.05."
        f"{test}"
    )


@styled
def draw_known_consensus(consensus: pd.DataFrame, matches: pd.DataFrame, logos: pd.DataFrame, design: Design) -> Figure:
    """Consensus motifs of what raises each task's logit, below the proteins' motifs they resemble most."""
    shown = _known_pairs(logos)
    by_name = consensus.set_index("motif")
    titles = {}
    for key, row in _rows_of(matches, shown).items():
        motif = by_name.loc[row["query"]]
        place = f" from {int(motif['offset']):+d}".replace("-", "−") if motif["offset_fraction"] >= 0.3 else ""
        null = f", null p {row['null_p']:.2g}" if np.isfinite(row["null_p"]) else ""
        titles[key] = (
            f"{row['target_name']}, q {say_equal(row['q'])}{null}\n"
            f"{int(motif['members'])} k-mers{place}, AUROC {motif['auroc']:.2f}",
            _is_strong(row),
        )
    return draw_pairs(shown, design, KNOWN_MATCHES, titles)


def _known_pairs(logos: pd.DataFrame) -> pd.DataFrame:
    """Logos of the ranked pairs of gradients with known motifs."""
    logos = select(logos, method="integrated_gradients")
    known = logos[(logos["database"] != DE_NOVO) & logos["rank"].between(1, KNOWN_MATCHES)]
    return shown_logos(known, "integrated_gradients")


def _is_strong(row: Mapping[str, Any]) -> bool:
    return row["q"] < SIGNIFICANT and not row["null_p"] > SIGNIFICANT


@captioned
def explain_known_consensus(
    consensus: pd.DataFrame, matches: pd.DataFrame, logos: pd.DataFrame, design: Design
) -> Captions:
    """Caption of :func:`draw_known_consensus`."""
    rows = pd.DataFrame(_rows_of(matches, _known_pairs(logos)).values())
    windows, motifs, positives = (
        say_range(first_of(select(consensus, method="integrated_gradients"))[name].dropna())
        for name in ("windows", "clusters", "n_positive")
    )
    if rows.empty:
        return "No consensus motif was compared: 0 matches."
    strong = sum(map(_is_strong, rows.to_dict("records")))
    return (
        "Consensus motifs of the k-mers with most integrated gradients in the most confident true positives of "
        f"{rows['predictor'].iloc[0]} (below; {windows} windows and {motifs} motifs per {design.word}), and the motifs "
        "of RNA-binding proteins they resemble most (above): of the motif with most attribution, then of the closest, "
        f"up to {KNOWN_MATCHES} per {design.word}, no motif and no protein twice. Heights in bits against equal "
        "frequencies. K-mers: members of the motif, and where it begins relative to the middle of the window, nt, if "
        f"three in ten begin there. AUROC: how the motif's best score ranks the {design.word}'s test windows "
        f"({positives} modified). Test: Tomtom; q: Benjamini and Hochberg over the targets of one motif "
        f"({say_range(rows['targets'])}); null p: how often the k-mers at the same places of unmodified windows, drawn "
        f"at random {say_range(rows['null_draws'])} times, give a motif as close to the same protein's. {strong} of "
        f"{len(rows)} pairs have q < 0.05 and a null p up to 0.05; the others' titles are grey."
    )


def _shown_motifs(consensus: pd.DataFrame, matches: pd.DataFrame, method: str) -> dict[str, tuple]:
    """By task: the row of the motif that is shown and its match, or None where no motif of the task resembles it."""
    best = rows_by(select(matches, method=method, database=DE_NOVO, rank=1), "task")
    shown = {}
    for row in select(consensus, method=method).to_dict("records"):
        match = best.get((row["task"],))
        if row["motif"] == (match["query"] if match else row["motif"]):
            shown.setdefault(row["task"], (row, match))
    return shown


@styled
def draw_consensus(consensus: pd.DataFrame, matches: pd.DataFrame, logos: pd.DataFrame, design: Design) -> Figure:
    """Consensus motifs above the motif found without the network that each task's best one resembles."""
    consensus, matches, logos = (first_of(table) for table in (consensus, matches, logos))
    methods = list(dict.fromkeys(consensus["method"]))
    if not methods:
        return nothing("no motif to show")
    tasks = design.ordered(consensus["task"])
    lines = -(-len(tasks) // _ACROSS)
    block = 0.42 + 1.5 * lines
    height = block * len(methods) + 0.05
    figure = new_figure(height, layout="none")
    for at, (method, panel) in enumerate(zip(methods, PANELS, strict=False)):
        top = 1 - (at * block + 0.5) / height
        figure.text(0.012, top + 0.3 / height, panel, fontsize=11, fontweight="bold", va="center")
        figure.text(0.04, top + 0.3 / height, METHOD_LABELS.get(method, method), fontweight="bold", va="center")
        edges = {
            "left": 0.05,
            "right": 0.99,
            "top": top - 0.1 / height,
            "bottom": 1 - ((at + 1) * block - 0.12) / height,
        }
        outer = figure.add_gridspec(lines, _ACROSS, hspace=0.5, wspace=0.16, **edges)
        shown = _shown_motifs(consensus, matches, method)
        for place, task in enumerate(tasks):
            rows = select(logos, task=task, method=method, database=DE_NOVO)
            pair = [
                figure.add_subplot(part)
                for part in outer[place // _ACROSS, place % _ACROSS].subgridspec(2, 1, hspace=0.5)
            ]
            _draw_consensus(pair, task, *shown.get(task, (None, None)), rows[rows["rank"] <= 1], design)
    return figure


def _draw_consensus(
    pair: Sequence[Axes],
    task: str,
    row: dict[str, Any] | None,
    match: dict[str, Any] | None,
    rows: pd.DataFrame,
    design: Design,
) -> None:
    """A motif above its match."""
    (upper, lower), colour = pair, design.colour(task)
    small = {"fontsize": 6.3}
    if row is None or not row["motif"] or rows.empty:
        upper.set_axis_off()
        lower.set_axis_off()
        upper.set_title(design.label(task), fontsize=7.5, color=colour, pad=3)
        write_inside(upper, row["reason"] if row and row["reason"] else "no window called", **small)
        return
    limits = (rows["position"].min(), rows["position"].max())
    mine = select(rows, role="query")
    _draw(upper, mine, 2.0, limits)
    judged = f", AUROC {row['auroc']:.2f}" if np.isfinite(row["auroc"]) else ""
    text = f"{design.label(task)}  ({row['members']}/{row['subsequences']}{judged})"
    upper.set_title(text, fontsize=6.8, color=colour, pad=3)
    site = mine["position"].min() - row["offset"]
    if row["offset_fraction"] >= 0.5 and mine["position"].min() <= site <= mine["position"].max():
        upper.plot([site], [-0.13], "^", color=INK, markersize=3.2, clip_on=False)
    if match is None:
        lower.set_axis_off()
        write_inside(lower, "none found without it", **small)
        return
    _draw(lower, select(rows, role="target"), 2.0, limits)
    ink = INK if match["q_own"] < SIGNIFICANT else QUIET
    lower.set_title(f"q {say_small(match['q_own'])}", fontsize=6.5, fontweight="normal", color=ink, pad=2)


@captioned
def explain_consensus(consensus: pd.DataFrame, matches: pd.DataFrame, logos: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_consensus`, by panel."""
    consensus, matches = first_of(consensus), first_of(matches)
    if consensus.empty:
        return "No window was explained, so there is no motif: 0 windows."
    texts = []
    for method in dict.fromkeys(consensus["method"]):
        rows = select(consensus, method=method)
        shown = _shown_motifs(consensus, matches, method)
        compared = [match for _, match in shown.values() if match]
        close = sum(match["q_own"] < SIGNIFICANT for match in compared)
        first = rows.drop_duplicates("task")
        with_motifs = first[first["clusters"] > 0]
        texts.append(
            f"Consensus motifs of the nucleotides with most {METHOD_LABELS.get(method, method)} in each "
            f"{design.word}'s most confident true positives ({say_range(first['windows'])} windows per {design.word}; "
            f"clusters of subsequences, in brackets members of the one shown / all subsequences), {len(with_motifs)} "
            f"of {len(first)} {design.words} with a cluster. Of the clusters of each the one is shown that resembles "
            f"its motifs from elsewhere most; below it that motif ({DE_NOVO}). Heights in bits against equal "
            "frequencies; triangle: the site, where most members have it in that column. AUROC: how the motif's best "
            f"score ranks the windows that judge ({say_range(rows['n_positive'].dropna())} modified). Test: Tomtom; q: "
            f"Benjamini and Hochberg over all pairs of its clusters and motifs; {close} of {len(compared)} have q < "
            "0.05, grey titles have not. The background, nucleotides of the unmodified windows, is in the table."
        )
    return texts
