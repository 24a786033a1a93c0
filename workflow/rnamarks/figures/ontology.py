"""Terms of the gene ontology among genes of high capacity: Figures 7, S3 and S4 of the paper."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .captions import Captions, captioned, say_small
from .design import Design
from .landscape import own_rows
from .lookup import rows_by, select
from .palette import INK, QUIET
from .panels import (
    SEQUENTIAL,
    add_letters,
    colour_scale,
    draw_reference,
    grid_of,
    label_bottom,
    legend_entry,
    matrix_axes,
    nothing,
    rows_axis,
    write_beside,
    write_inside,
)
from .style import WIDTH, new_figure, styled

LEVEL = 0.05
PAGES = {"first": slice(4), "further": slice(4, None)}
"""Tasks of the first figure, and those of the one beside it."""
SHOWN = 7
"""Most terms of a task."""
RECURRING = 14
"""Most terms of the figure over tasks."""
_LARGEST = 6.0


def _view(table: pd.DataFrame) -> tuple[str, str, pd.DataFrame]:
    """The first predictor and namespace of a table, and their rows about the transcripts of the tasks' own species."""
    if table.empty:
        return "", "", table
    predictor, namespace = table["predictor"].iloc[0], table["namespace"].iloc[0]
    return predictor, namespace, own_rows(table, predictor=predictor, namespace=namespace)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _listed(rows: pd.DataFrame) -> pd.DataFrame:
    """Terms of one task that are shown: those with p below the level, and the best where they are few."""
    rows = rows.sort_values(["p", "fold"], ascending=[True, False], kind="stable")
    return rows.head(int(np.clip((rows["p"] < LEVEL).sum(), min(3, SHOWN), SHOWN)))


def shown_tasks(mapping: pd.DataFrame, design: Design, page: str) -> list[str]:
    """Tasks of a figure that shows a part of them, in the order of the design."""
    return design.ordered(own_rows(mapping)["task"])[PAGES[page]]


@styled
def draw_terms(terms: pd.DataFrame, mapping: pd.DataFrame, design: Design, page: str = "first") -> Figure:
    """Fold enrichment of the best terms, one panel per task.

    Parameters
    ----------
    page : {"first", "further"}
        Which tasks, in the order of the design; see :data:`PAGES`.
    """
    names = shown_tasks(mapping, design, page)
    if not names:
        return nothing(f"no {design.word} has annotated genes")
    _, namespace, rows = _view(terms)
    panels = [_listed(select(rows, task=name)) for name in names]
    lines, columns = grid_of(len(names), 2)
    heights = [0.5 + 0.27 * max(3, *map(len, panels[at * columns :][:columns]), 0) for at in range(lines)]
    figure = new_figure(0.75 + sum(heights), WIDTH if columns > 1 else 0.6 * WIDTH)
    grid = figure.subplots(lines, columns, squeeze=False, height_ratios=heights)
    shown = pd.concat(panels)
    low, high = shown["fold_low"].replace(0, np.nan).min(), shown["fold_high"].max()
    low, high = (0.5 if np.isnan(low) else low), (2.0 if np.isnan(high) else high)
    span = (max(0.2, min(low, 0.8)) / 1.15, min(150.0, max(high, 1.6)) * 1.15)
    most = shown["study"].max() if len(shown) else 1
    for axes, name, panel in zip(grid.flat, names, panels, strict=False):
        _panel(axes, panel, design.colour(name), span, most)
        numbers = own_rows(mapping, task=name, namespace=namespace).head(1).to_dict("records")
        tested = f": {numbers[0]['study']:,} of {numbers[0]['tested']:,} genes" if numbers else ""
        axes.set_title(f"{design.label(name)}{tested}")
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    label_bottom(grid, "fold enrichment in the study set")
    add_letters(grid.flat)
    entries = [
        _dot(INK, INK, f"q < {LEVEL:g}"),
        _dot("white", INK, f"P < {LEVEL:g} only"),
        _dot("white", QUIET, "neither"),
        *(_dot("#BBBBBB", "none", f"{int(n)} genes", _size(n, most)) for n in _sizes(most)),
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries), handletextpad=0.4, columnspacing=1.4)
    return figure


def _sizes(most: float) -> list[float]:
    return [most] if most < 4 else [max(1.0, np.rint(most / 4)), most]


def _size(count: float, most: float) -> float:
    """Diameter of a marker whose area grows with the number of genes, points."""
    return 3.0 + 5.5 * float(np.sqrt(count / max(most, 1.0)))


def _dot(face: str, edge: str, label: str, size: float = 5.5) -> Line2D:
    return Line2D(
        [], [], linestyle="none", marker="o", markersize=size, markerfacecolor=face, markeredgecolor=edge, label=label
    )


def _panel(axes: Axes, rows: pd.DataFrame, colour: str, span: tuple[float, float], most: float) -> None:
    for at, row in enumerate(rows.to_dict("records")):
        edge = colour if row["p"] < LEVEL else QUIET
        ends = np.clip([row["fold_low"], row["fold_high"]], *span)
        axes.plot(ends, [at, at], color=edge, linewidth=1.2, zorder=2)
        face = colour if row["q"] < LEVEL else "white"
        look = {"markersize": _size(row["study"], most), "markerfacecolor": face, "markeredgecolor": edge}
        axes.plot(np.clip(row["fold"], *span), at, "o", markeredgewidth=1.1, zorder=3, **look)
        write_beside(axes, at, say_small(row["q"]), 6.8)
    draw_reference(axes, 1)
    rows_axis(axes, [_wrapped(text) for text in rows["name"]], 6.8)
    axes.set_ylim(max(2, len(rows) - 1) + 0.6, -0.6)
    if len(rows):
        write_beside(axes, -0.72, "q", 7, style="italic")
    else:
        write_inside(axes, "no term was tested")
    axes.set_xscale("log")
    axes.set_xlim(span)
    inside = [2.0**power for power in range(-2, 8) if span[0] <= 2.0**power <= span[1]]
    inside = inside[:: 1 if len(inside) < 8 else 2]
    axes.set_xticks(inside, [f"{tick:g}" for tick in inside])
    axes.minorticks_off()


def _wrapped(name: str) -> str:
    """A term's name on at most two lines."""
    return textwrap.fill(name, 28, max_lines=2, placeholder=" …")


@captioned
def explain_terms(terms: pd.DataFrame, mapping: pd.DataFrame, design: Design, page: str = "first") -> Captions:
    """Captions of :func:`draw_terms`, by panel."""
    predictor, namespace, _ = _view(terms)
    rows = own_rows(mapping, predictor=predictor, namespace=namespace) if predictor else own_rows(mapping)
    texts = []
    for name in shown_tasks(mapping, design, page):
        row = _first(select(rows, task=name))
        texts.append(
            f"Terms of the namespace {_words(namespace) or 'asked for'} among the {row['study']:,} genes of highest "
            f"capacity ({100 * row['fraction']:.0f} % of {row['tested']:,} tested genes) of {design.label(name)} by "
            f"{_words(predictor) or 'the model'}, against the {row['population']:,} {row['background']} genes. Dots: "
            "fraction of the former with the term over that of the latter; lines: 95 % intervals (Clopper-Pearson), "
            f"cut at the frame; area: genes. Fisher's exact test on {row['terms']:,} terms (ancestors included): "
            f"{row['raw']:,} with P < {LEVEL:g} as in the paper, {row['significant']:,} with Benjamini-Hochberg q < "
            f"{LEVEL:g} (filled). At most {SHOWN} are shown. "
            f"{100 * row['unmapped_fraction']:.1f} % of the tested genes have no annotation."
        )
    return texts or f"No {design.word} of this figure has annotated genes, so 0 terms were tested."


def _first(rows: pd.DataFrame) -> Mapping[str, Any]:
    blank = dict.fromkeys(("study", "tested", "population", "terms", "raw", "significant"), 0)
    blank |= {"fraction": 0.0, "unmapped_fraction": 0.0, "background": "tested"}
    return rows.iloc[0].to_dict() if len(rows) else blank


@styled
def draw_shared(shared: pd.DataFrame, terms: pd.DataFrame, design: Design) -> Figure:
    """Terms over the species of a modification, one panel per modification and predictor."""
    panels = _panels(terms, design)
    _, namespace, _ = _view(terms)
    listed = recurring(shared, namespace)
    widths = [max(3, len(panel.names)) for panel in panels]
    figure = new_figure(1.35 + 0.27 * max(2, len(listed)), min(WIDTH, 2.6 + 0.38 * sum(widths)))
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True, width_ratios=widths)[0]
    rows = own_rows(terms, namespace=namespace, term=listed["term"].tolist())
    top = float(np.log2(max(2.0, rows["fold"].max()))) if len(rows) else 1.0
    norm = Normalize(0, top)
    for axes, panel in zip(grid, panels, strict=True):
        found = rows_by(select(rows, predictor=panel.predictor), "term", "task")
        for (y, term), (x, name) in product(enumerate(listed["term"]), enumerate(panel.names)):
            _mark(axes, x, y, found.get((term, name)), norm)
        matrix_axes(axes, [_wrapped(text) for text in listed["name"]], [design.label(name) for name in panel.names])
        axes.set_xticks(axes.get_xticks(), axes.get_xticklabels(), rotation=50, ha="right", rotation_mode="anchor")
        axes.tick_params(axis="y", labelsize=6.8)
        axes.set_title(panel.title or "no term")
        axes.grid(True)
    add_letters(grid)
    grid[0].set_ylim(max(1, len(listed)) - 0.4, -0.6)
    if listed.empty:
        write_inside(grid[0], "no term has P < 0.05")
    else:
        bar = colour_scale(figure, list(grid), norm, SEQUENTIAL, "fold enrichment", shrink=1, fraction=0.03)
        steps = np.arange(0, np.floor(top) + 1)
        bar.set_ticks(steps, labels=[f"{2**step:g}" for step in steps])
    entries = [_dot("#BBBBBB", "none", f"P = {10.0**-power:g}", _diameter(10.0**-power)) for power in (1, 2, 4)]
    entries += [
        _dot("#BBBBBB", INK, f"q < {LEVEL:g}", 6.5),
        legend_entry("too few genes to test", QUIET, "x", size=3.5, line="none"),
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries), handletextpad=0.3, columnspacing=1.3)
    return figure


class _Panel(NamedTuple):
    """A modification by a predictor, with its tasks."""

    modification: str
    predictor: str
    names: list[str]
    title: str


def _panels(terms: pd.DataFrame, design: Design) -> list[_Panel]:
    """At most two predictors of one modification; of several modifications the first four pairs."""
    own = own_rows(terms)
    keys = own[["modification", "predictor"]].drop_duplicates().head(4 if design.several_modifications else 2)
    panels = []
    for modification, predictor in keys.itertuples(index=False):
        names = design.ordered(select(own, modification=modification)["task"])
        title = f"{modification}, {_words(predictor)}" if design.several_modifications else _words(predictor)
        panels.append(_Panel(modification, predictor, names, title))
    return panels or [_Panel("", "", [], "")]


def _diameter(p: float) -> float:
    """Diameter of a marker by p-value, points; the area grows with −log10 p."""
    return 1.5 + 3.6 * float(np.sqrt(min(_LARGEST, -np.log10(max(p, 1e-300)))))


def _mark(axes: Axes, x: float, y: float, row: Mapping[str, Any] | None, norm: Normalize) -> None:
    if row is None:
        axes.plot(x, y, "x", color=QUIET, markersize=3.5, markeredgewidth=0.8)
        return
    colour, edge = SEQUENTIAL(norm(np.log2(max(row["fold"], 1.0)))), INK if row["q"] < LEVEL else "none"
    look = {"markersize": _diameter(row["p"]), "markerfacecolor": colour, "markeredgecolor": edge}
    axes.plot(x, y, "o", markeredgewidth=1.1, **look)


def recurring(shared: pd.DataFrame, namespace: str) -> pd.DataFrame:
    """The terms of :func:`draw_shared`: those of the first predictor that recur over most species, then the others'."""
    rows = select(shared, namespace=namespace) if len(shared) else shared
    return rows.drop_duplicates("term").head(RECURRING)


@captioned
def explain_shared(shared: pd.DataFrame, terms: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_shared`, by panel."""
    _, namespace, _ = _view(terms)
    listed = recurring(shared, namespace)
    texts = []
    for panel in _panels(terms, design):
        keys = {"modification": panel.modification, "predictor": panel.predictor, "namespace": namespace}
        sums, species = select(shared, **keys), len(panel.names)
        lead = ""
        if len(sums):
            best = sums.iloc[0]
            lead = f" Most often: {best['name']}, P < {LEVEL:g} in {best['raw']} of {species} species."
        texts.append(
            f"Terms ({_words(namespace) or 'all namespaces'}) that recur over species by {panel.title or 'the model'}: "
            f"{(sums['raw'] > 1).sum():,} with P < {LEVEL:g} in two or more of {species} species, "
            f"{(sums['significant'] > 1).sum():,} with q < {LEVEL:g} in two or more.{lead} Area: −log10 P of Fisher's "
            f"exact test, at most {_LARGEST:g}; colour: fold enrichment; rim: q < {LEVEL:g}; ×: too few genes to test. "
            f"The {len(listed)} terms of most species are shown. Species share genes and annotations, so recurrence is "
            "no independent evidence."
        )
    return texts
