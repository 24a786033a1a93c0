"""Local motifs: filters beside the proteins' motifs they resemble, how many do, and motifs found without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from .design import Design
from .lookup import select
from .palette import FAINT, INK, QUIET, ramp
from .style import letter, new_figure, styled

LETTER_COLOURS = {"A": "#009E73", "C": "#0072B2", "G": "#E69F00", "U": "#D55E00"}
DE_NOVO = "de novo"
SIGNIFICANT = 0.05
NULL_LOOKS = {"columns": ("#8C8C8C", "columns shuffled"), "letters": ("#C9C9C9", "letters exchanged")}
_LEAST_HEIGHT = 0.004


@cache
def _glyph(base: str) -> Path:
    """Outline of a letter, scaled to the unit square."""
    outline = TextPath((0, 0), base, size=100, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box = outline.get_extents()
    return outline.transformed(Affine2D().translate(-box.x0, -box.y0).scale(1 / box.width, 1 / box.height))


def draw_logo(axes: Axes, rows: pd.DataFrame, top: float, limits: tuple[float, float]) -> None:
    """A logo from letter heights; in each column the highest letter is on top.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    rows : pandas.DataFrame
        Columns ``position``, ``A``, ``C``, ``G``, ``U``; heights in bits.
    top : float
        Upper end of the axis, bits.
    limits : (float, float)
        First and last position shown.
    """
    heights = rows[list(LETTER_COLOURS)].to_numpy(dtype=float)
    order = np.argsort(heights, axis=1, kind="stable")
    floors = np.zeros_like(heights)
    np.put_along_axis(
        floors,
        order,
        np.cumsum(np.take_along_axis(heights, order, 1), axis=1) - np.take_along_axis(heights, order, 1),
        1,
    )
    places = rows["position"].to_numpy(dtype=float)
    for column, (base, colour) in enumerate(LETTER_COLOURS.items()):
        tall = np.flatnonzero(heights[:, column] >= _LEAST_HEIGHT)
        if len(tall):
            letters = [
                _glyph(base).transformed(
                    Affine2D().scale(0.92, heights[at, column]).translate(places[at] - 0.46, floors[at, column])
                )
                for at in tall
            ]
            # add_patch would measure every outline for limits that are set below
            axes.add_artist(PathPatch(Path.make_compound_path(*letters), facecolor=colour, linewidth=0))
    axes.axhline(0, color=INK, linewidth=0.7)
    axes.set_xlim(limits[0] - 0.6, limits[1] + 0.6)
    axes.set_ylim(0, top)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([0, top], ["", f"{top:g}"], va="top")
    axes.tick_params(axis="y", labelsize=6.5, length=2)


def _first(table: pd.DataFrame, column: str) -> str:
    return str(table[column].iloc[0]) if len(table) else ""


def shown_logos(logos: pd.DataFrame, predictor: str | None) -> pd.DataFrame:
    """Logos of one predictor, by default the first, and of each species' first database."""
    if predictor is None:
        others = logos[logos["predictor"] != DE_NOVO]
        predictor = _first(others, "predictor")
    mine = select(logos, predictor=predictor)
    first = mine.drop_duplicates("species").set_index("species")["database"]
    return mine[mine["database"] == mine["species"].map(first)]


def _top(logos: pd.DataFrame, role: str) -> float:
    """Upper end of an axis that fits all logos of a role: the highest stack, rounded up to half bits."""
    heights = select(logos, role=role)[list(LETTER_COLOURS)].sum(axis=1)
    return max(0.5, min(2.0, float(np.ceil(2 * heights.max() - 1e-9) / 2))) if len(heights) else 2.0


def draw_pairs(
    logos: pd.DataFrame, design: Design, most: int, titles: Mapping[tuple[str, int], tuple[str, bool]]
) -> Figure:
    """A row per species; in each cell the target's logo above the query's, aligned.

    ``titles`` gives each (species, rank) its text and whether it is printed in full strength.
    """
    species = [name for name in design.species if name in set(logos["species"])]
    if not species:
        return _nothing()
    height = 0.5 + 1.3 * len(species)
    figure = new_figure(height, layout="none")
    outer = GridSpec(
        len(species),
        most,
        figure=figure,
        left=0.105,
        right=0.99,
        top=1 - 0.38 / height,
        bottom=0.1 / height,
        hspace=0.5,
        wspace=0.14,
    )
    tops = {role: _top(logos, role) for role in ("target", "query")}
    for line, name in enumerate(species):
        for at in range(most):
            cell = select(logos, species=name, rank=at + 1)
            if cell.empty:
                continue
            inner = outer[line, at].subgridspec(2, 1, hspace=0.14)
            limits = (cell["position"].min(), cell["position"].max())
            roles = [role for role in ("target", "query") if role in set(cell["role"])]
            for place, role in enumerate(("target", "query")):
                if role not in roles:
                    continue
                axes = figure.add_subplot(inner[place])
                draw_logo(axes, select(cell, role=role), tops[role], limits)
                if role == roles[0]:
                    text, strong = titles[name, at + 1]
                    axes.set_title(text, fontsize=6.8, fontweight="normal", color=INK if strong else QUIET, pad=3)
                if at == 0:
                    axes.set_ylabel("bits", fontsize=6.5, labelpad=2)
                else:
                    axes.tick_params(labelleft=False)
        box = outer[line, 0].get_position(figure)
        figure.text(
            0.022,
            (box.y0 + box.y1) / 2,
            name,
            rotation=90,
            ha="center",
            va="center",
            fontsize=8.5,
            fontweight="bold",
            color=design.colours[name],
        )
    return figure


def _nothing() -> Figure:
    figure = new_figure(1.0)
    axes = figure.subplots()
    axes.axhline(0, color=FAINT)
    axes.set_axis_off()
    axes.text(0.5, 0.6, "no motif to show", ha="center", transform=axes.transAxes, color=QUIET)
    return figure


def equals(value: float) -> str:
    """``= 0.02``, or a bound where a double no longer holds the number."""
    return "< 1e-300" if value < 1e-300 else f"= {_number(value)}"


def _number(value: float) -> str:
    """A p- or q-value in three characters or in powers of ten."""
    if value >= 0.001:
        return f"{value:.2g}" if value < 0.995 else "1"
    exponent = int(np.floor(np.log10(value)))
    mantissa = value / 10.0**exponent
    return f"{mantissa:.0f}e{exponent}" if mantissa < 9.5 else f"1e{exponent + 1}"


@styled
def draw_local_motifs(matches: pd.DataFrame, logos: pd.DataFrame, design: Design, *, most: int = 3) -> Figure:
    """The best matches of a network's filters, per species.

    Parameters
    ----------
    matches : pandas.DataFrame
        Columns of :data:`rnamarks.interpretation.motif_matches.MATCH_COLUMNS`.
    logos : pandas.DataFrame
        Columns of :data:`rnamarks.interpretation.motif_matches.LOGO_COLUMNS`.
    design : Design
    most : int
        Matches per species.
    """
    shown = shown_logos(logos, None)
    rows = _rows_of(matches, shown)
    titles = {
        key: (
            f"{row['target_name']} ({row['target']})\n{_filter(row['query'])}, q {equals(row['q'])}",
            row["q"] < SIGNIFICANT,
        )
        for key, row in rows.items()
    }
    return draw_pairs(shown, design, most, titles)


def _rows_of(matches: pd.DataFrame, shown: pd.DataFrame) -> dict[tuple[str, int], dict[str, object]]:
    """Matches that the logos show, by species and rank."""
    mine = select(matches, predictor=_first(shown, "predictor"))
    mine = mine[mine["rank"] > 0].merge(shown[["species", "database"]].drop_duplicates(), on=["species", "database"])
    return {(row["species"], int(row["rank"])): row for row in mine.to_dict("records")}


def _filter(query: str) -> str:
    """``m0_d1_f012`` in words."""
    parts = {part[:1]: part[1:] for part in query.split("_")}
    if set(parts) == {"m", "d", "f"} and all(text.isdecimal() for text in parts.values()):
        gap = f", dilation {parts['d']}" if parts["d"] != "1" else ""
        return f"filter {int(parts['f'])}{gap}"
    return query


def explain_local_motifs(
    matches: pd.DataFrame, logos: pd.DataFrame, design: Design, *, most: int = 3
) -> list[tuple[str, str]]:
    """Caption of :func:`draw_local_motifs`."""
    shown = shown_logos(logos, None)
    rows = _rows_of(matches, shown)
    if not rows:
        return [("", "No filter was informative enough to be compared: 0 matches.")]
    strong = sum(row["q"] < SIGNIFICANT for row in rows.values())
    sizes = [int(row["targets"]) for row in rows.values()]
    return [
        (
            "",
            f"Filters of the first convolution of {_first(shown, 'predictor')} (below) and the motifs of RNA-binding "
            f"proteins they resemble most (above), up to {most} per species, no filter and no protein twice. Letter "
            "heights in bits against equal letter frequencies; pairs are aligned as they match best. Filters: letters "
            "where the species' positive test windows exceed the filter's threshold. Test: Tomtom, Euclidean "
            "distance, complete scores, same strand; q: Benjamini and Hochberg over the targets of one filter "
            f"({_range(sizes)} per species). {strong} of the {len(rows)} pairs have q < 0.05; the others' titles are "
            "grey.",
        )
    ]


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


@styled
def draw_annotated_filters(annotated: pd.DataFrame, design: Design) -> Figure:
    """Share of a network's filters with a match, per species, beside shuffled filters.

    Parameters
    ----------
    annotated : pandas.DataFrame
        Columns of :data:`rnamarks.interpretation.motif_matches.ANNOTATION_COLUMNS`.
    design : Design
    """
    if annotated.empty:
        return _nothing()
    databases, rules = (list(dict.fromkeys(annotated[column])) for column in ("database", "rule"))
    predictors = list(dict.fromkeys(annotated["predictor"]))
    species = [name for name in design.species if name in set(annotated["species"])]
    colours = {name: ramp(index, 0.8) for index, name in enumerate(predictors)}
    figure = new_figure(0.8 + len(databases) * (0.55 + 0.17 * len(species) * len(predictors)))
    grid = figure.subplots(len(databases), len(rules), squeeze=False, sharey=True)
    for line, database in enumerate(databases):
        for column, rule in enumerate(rules):
            axes = grid[line, column]
            rows = select(annotated, database=database, rule=rule)
            for at, name in enumerate(species):
                for order, predictor in enumerate(predictors):
                    place = at + (order + 0.5) / len(predictors) * 0.8 - 0.4
                    _draw_share(axes, select(rows, species=name, predictor=predictor), place, colours[predictor])
            highest = float(np.nanmax(rows[["share", "null_high"]].to_numpy(dtype=float), initial=0.02))
            axes.set_xlim(0, 1.32 * highest)
            axes.set_yticks(range(len(species)), species)
            axes.tick_params(axis="y", length=0)
            axes.set_ylim(len(species) - 0.4, -0.6)
            axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
            axes.xaxis.get_major_locator().set_params(nbins=4)
            axes.grid(axis="x")
            axes.set_title(f"{database}, {rule}" if database else rule)
            letter(axes, "ABCDEFGHIJKLMNOP"[line * len(rules) + column])
    for axes in grid[-1]:
        axes.set_xlabel("filters with a match")
    handles = [
        Line2D([], [], color=colours[name], marker="o", linestyle="", markersize=4, label=name.replace("_", " "))
        for name in predictors
    ]
    handles += [Patch(facecolor=colour, label=f"filters with {text}") for colour, text in NULL_LOOKS.values()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def _draw_share(axes: Axes, rows: pd.DataFrame, place: float, colour: str) -> None:
    """One predictor and species: nulls as bands with their means, the observed share as a dot with its number."""
    for row in rows.to_dict("records"):
        band, _ = NULL_LOOKS[row["null"]]
        shift = -0.07 if row["null"] == "columns" else 0.07
        if np.isfinite(row["null_share"]):
            low, high = row["null_low"], row["null_high"]
            axes.barh(place + shift, high - low, left=low, height=0.13, color=band, linewidth=0)
            axes.plot([row["null_share"]] * 2, [place + shift - 0.065, place + shift + 0.065], color=INK, linewidth=0.7)
    if len(rows):
        row = rows.iloc[0]
        axes.plot([row["share"]], [place], "o", color=colour, markersize=4.2, zorder=3)
        right = np.nanmax([row["share"], *rows["null_high"]])
        axes.annotate(
            f"{int(row['annotated'])}/{int(row['filters'])}",
            (right, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.3,
            color=colour,
        )


def explain_annotated_filters(annotated: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_annotated_filters`, by panel."""
    if annotated.empty:
        return [("", "No filter was compared: 0 rows.")]
    texts = []
    panels = iter("ABCDEFGHIJKLMNOP")
    for database in dict.fromkeys(annotated["database"]):
        for rule in dict.fromkeys(annotated["rule"]):
            rows = select(annotated, database=database, rule=rule)
            observed = rows.drop_duplicates(["predictor", "species"])
            nulls = ", ".join(
                f"{100 * part['null_share'].mean():.1f} % with {NULL_LOOKS[null][1]}"
                for null, part in rows.groupby("null", sort=False)
                if part["null_share"].notna().any()
            )
            above = sum((part["p"] < SIGNIFICANT).all() for _, part in rows.groupby(["predictor", "species"]))
            texts.append(
                (
                    next(panels),
                    f"Filters with {rule} to a motif of {database or 'the database'}, as a share of all "
                    f"{_range(observed['filters'].astype(int).tolist())} filters of the layer: dots, with numbers; "
                    f"{100 * observed['share'].mean():.1f} % on average over {len(observed)} models and species. "
                    f"Bars: 95 % of {_range(rows['shuffles'].astype(int).tolist())} shuffles of the same filters, "
                    f"black line their mean ({nulls or 'none drawn'}). In {above} of {len(observed)} cases the share "
                    "exceeds both nulls (p < 0.05, share of shuffles that reach it).",
                )
            )
    return texts


@styled
def draw_discovered_motifs(discovered: pd.DataFrame, logos: pd.DataFrame, design: Design, *, most: int = 3) -> Figure:
    """Motifs found in positive against control windows, below the protein's motif that each resembles most.

    Parameters
    ----------
    discovered : pandas.DataFrame
        ``species``, columns of :data:`rnamarks.interpretation.discovery.DISCOVERY_COLUMNS` and the best match.
    logos : pandas.DataFrame
        Columns of :data:`rnamarks.interpretation.motif_matches.LOGO_COLUMNS`.
    design : Design
    most : int
        Motifs per species.
    """
    shown = shown_logos(logos, DE_NOVO)
    shown = shown[shown["rank"] <= most]
    return draw_pairs(shown, design, most, _discovered_titles(discovered))


def _discovered_titles(discovered: pd.DataFrame) -> dict[tuple[str, int], tuple[str, bool]]:
    titles = {}
    for name, rows in discovered[discovered["reported"].astype(bool)].groupby("species", sort=False):
        for rank, row in enumerate(rows.to_dict("records"), 1):
            match = f"{row['target_name']} ({row['target']}), q {equals(row['match_q'])}\n" if row["target"] else ""
            text = f"{match}{row['enrichment']:.1f}-fold, p {equals(row['p'])}"
            titles[name, rank] = text, bool(row["match_q"] < SIGNIFICANT)
    return titles


def explain_discovered_motifs(
    discovered: pd.DataFrame, logos: pd.DataFrame, design: Design, *, most: int = 3
) -> list[tuple[str, str]]:
    """Caption of :func:`draw_discovered_motifs`."""
    reported = discovered[discovered["reported"].astype(bool)]
    counts = reported.groupby("species")["motif"].size()
    if reported.empty:
        return [
            (
                "",
                f"No motif of {discovered['species'].nunique()} species has p < 0.05 in the windows held out.",
            )
        ]
    return [
        (
            "",
            f"Motifs found in positive against control windows without a model (below), up to {most} per species "
            f"({_range(counts.tolist())} found), and the protein's motif that each resembles most (above). Letter "
            "heights in bits against equal letter frequencies. Enrichment is the ratio of the shares of windows with "
            "a site; p: Fisher's exact test, one-sided; both in windows held out "
            f"({_range(reported['n_foreground'].astype(int).tolist())} positive, "
            f"{_range(reported['n_control'].astype(int).tolist())} control), one motif after the other until p is no "
            "longer below 0.05. q: Tomtom against all motifs of the database; grey titles: q of 0.05 and more.",
        )
    ]
