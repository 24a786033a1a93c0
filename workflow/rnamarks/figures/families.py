"""RNA families in the space of language models: maps, and scores beside those of 3-mers; Figure 2 of the paper."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .captions import Captions, captioned
from .design import Design
from .lookup import rows_by, select
from .palette import CHANCE, QUIET
from .panels import add_letters, draw_interval, grid_of, legend_entry, place_legend, rows_axis, write_values
from .predictors import SIMPLE_SPACES, language_colours, say_name
from .style import WIDTH, new_figure, styled

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#5E4403", "#332288", "#B2A800", "#222222")
"""Of families, the largest first; Okabe and Ito's and four that stand apart from them."""
MARKERS = "os^DvPX<>h"
MOST_MAPS, MOST_SCORES = 4, 12


@styled
def draw_families(family_map: pd.DataFrame, families: pd.DataFrame, design: Design) -> Figure:
    """Maps of RNAs by language model and by 3-mers, then how well each keeps families apart."""
    languages, looks = _languages(family_map), _looks(family_map)
    rows, columns = grid_of(len(languages), 3)
    lines = -(-len(set(looks.values())) // 3)
    maps, below = rows * (0.3 + min(3.2, WIDTH / columns)), 0.7 + 0.24 * len(_languages(families, MOST_SCORES))
    figure = new_figure(maps + below + 0.2 * lines + 0.3)
    upper, lower = figure.subfigures(2, 1, height_ratios=[maps, below])
    grid = upper.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(languages) :]:
        axes.set_visible(False)
    for axes, language in zip(grid.flat, languages, strict=False):
        _draw_map(axes, _first_seed(family_map, language), looks)
        axes.set_title(say_name(language))
    scores = lower.subplots(1, 2, sharey=True)
    measures = (("silhouette", "silhouette (1: apart, 0: mixed)"), ("knn_accuracy", "nearest neighbour of own family"))
    for axes, (measure, label) in zip(scores, measures, strict=True):
        _draw_scores(axes, families, measure, label)
    add_letters([*grid.flat, *scores])
    entries = [legend_entry(label, colour, marker, line="none") for label, colour, marker in looks.values()]
    entries.append(legend_entry("families dealt at random", CHANCE, "|", size=9, line="none"))
    place_legend(figure, list({entry.get_label(): entry for entry in entries}.values()), 4)
    return figure


def _languages(table: pd.DataFrame, most: int = MOST_MAPS) -> list[str]:
    """Language models, as many as there is room for, then what they have to beat."""
    found = dict.fromkeys(table["language"])
    simple = [name for name in SIMPLE_SPACES if name in found]
    return [*[name for name in found if name not in simple][: most - len(simple)], *simple]


def _looks(family_map: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    """Label with the number of RNAs, colour and marker of each family; small ones share a look where there are many."""
    sizes = family_map.drop_duplicates(["example", "family"])["family"].value_counts()
    looks = {
        name: (f"{say_name(name)} ({count:,})", COLOURS[at], MARKERS[at])
        for at, (name, count) in enumerate(sizes.iloc[: len(COLOURS)].items())
    }
    rest = sizes.iloc[len(COLOURS) :]
    label = f"{len(rest)} others ({rest.sum():,})"
    return looks | {name: (label, "#BBBBBB", ".") for name in rest.index}


def _first_seed(table: pd.DataFrame, language: str) -> pd.DataFrame:
    rows = select(table, language=language)
    return select(rows, seed=rows["seed"].iloc[0])


def _draw_map(axes: Axes, rows: pd.DataFrame, looks: dict[str, tuple[str, str, str]]) -> None:
    size = 4.5 if len(rows) < 400 else 3 if len(rows) < 1500 else 2.2
    # the small families on top
    for name in reversed(looks):
        mine = select(rows, family=name)
        _, colour, marker = looks[name]
        # a few points among thousands would not be seen
        larger = max(size, 4.2) if len(mine) < 60 and marker != "." else size
        look = {"color": colour, "markersize": larger, "markeredgewidth": 0, "alpha": 0.8, "linestyle": "none"}
        axes.plot(mine["x"], mine["y"], marker=marker, zorder=2 + 1 / (1 + len(mine)), **look)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(QUIET)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_box_aspect(1)


def _draw_scores(axes: Axes, families: pd.DataFrame, measure: str, label: str) -> None:
    languages = _languages(families, MOST_SCORES)
    colours, chance = language_colours(languages), rows_by(select(families, measure="knn_chance"), "language", "seed")
    for at, language in enumerate(languages):
        rows = select(families, language=language, measure=measure).to_dict("records")
        for row in rows:
            draw_interval(axes, at, row, colours[language], marker="X" if language in SIMPLE_SPACES else "o", size=6)
            if measure == "knn_accuracy":
                level = chance[language, row["seed"]]["value"]
                axes.plot([level] * 2, [at - 0.3, at + 0.3], color=CHANCE, linewidth=1.4)
        write_values(axes, at, [row["value"] for row in rows])
    rows_axis(axes, [say_name(language) for language in languages])
    axes.set_xlabel(label)
    if measure == "knn_accuracy":
        axes.set_xlim(0, 1.02)
    else:
        axes.axvline(0, color=QUIET, linewidth=0.9, zorder=1)


@captioned
def explain_families(family_map: pd.DataFrame, families: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_families`, by panel."""
    languages = _languages(family_map)
    scored = families.iloc[0]
    texts = []
    for language in languages:
        rows = _first_seed(family_map, language)
        what = (
            "frequencies of the 64 3-mers with the length, the simple description to beat"
            if language == "kmer"
            else f"the vector of a network with the sizes of {say_name(languages[0])} and random weights, which sees "
            "composition and length"
            if language == "untrained"
            else f"the vector that {say_name(language)} has for the whole sequence (CLS), never trained on families"
        )
        texts.append(
            f"{len(rows):,} RNAs of {rows['family'].nunique()} families placed by {what}: t-SNE, which puts alike RNAs "
            "near each other; directions and distances between clouds mean nothing."
        )
    left_out = [say_name(name) for name in dict.fromkeys(family_map["language"]) if name not in languages]
    if left_out:
        texts[0] += f" There are no maps of {', '.join(left_out)} for want of room; their places are in the table."
    among = (
        f"Among {int(scored['examples']):,} RNAs of {int(scored['families'])} families, no two of which resemble each "
        "other in sequence; every family counts the same, 95 % intervals by bootstrap of RNAs."
    )
    texts.append(
        f"{among} Silhouette: how much nearer an RNA is to its own family than to the next one (cosine distance of "
        "standardised vectors); 1 apart, 0 mixed."
    )
    levels = select(families, measure="knn_chance")["value"]
    low, high = (f"{level:.2f}" for level in (levels.min(), levels.max()))
    texts.append(
        f"{among} Fraction of RNAs whose nearest neighbour in the space is of their own family; red: what families "
        f"dealt at random give, {low if low == high else f'{low} to {high}'}."
    )
    return texts
