"""Terms of the gene ontology among genes of high capacity: Figures 7, S3 and S4 of the paper."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from .design import Design
from .lookup import select
from .marks import SEQUENTIAL
from .palette import CHANCE, INK, QUIET
from .style import WIDTH, letter, new_figure, styled

LEVEL = 0.05
SHOWN = 7
"""Most terms of a species."""
RECURRING = 14
"""Most terms of the figure over species."""
_TICKS = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128)
_LARGEST = 6.0


def _view(table: pd.DataFrame) -> tuple[str, str, pd.DataFrame]:
    """The first predictor and namespace of a table, and their rows."""
    if table.empty:
        return "", "", table
    predictor, namespace = table["predictor"].iloc[0], table["namespace"].iloc[0]
    return predictor, namespace, select(table, predictor=predictor, namespace=namespace)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _listed(rows: pd.DataFrame) -> pd.DataFrame:
    """Terms of one species that are shown: those with p below the level, and the best where they are few."""
    rows = rows.sort_values(["p", "fold"], ascending=[True, False], kind="stable")
    return rows.head(int(np.clip((rows["p"] < LEVEL).sum(), min(3, SHOWN), SHOWN)))


def shown_species(mapping: pd.DataFrame, design: Design, first: int, last: int | None) -> list[str]:
    """Species of a figure that shows a part of them, in the order of the design."""
    present = set(mapping["species"])
    return [name for name in design.species if name in present][first:last]


@styled
def draw_terms(
    terms: pd.DataFrame, mapping: pd.DataFrame, design: Design, first: int = 0, last: int | None = 4
) -> Figure:
    """Fold enrichment of the best terms, one panel per species.

    Parameters
    ----------
    terms, mapping : pandas.DataFrame
        Columns of :data:`rnamarks.biology.ontology.TERM_COLUMNS` and ``MAPPING_COLUMNS``.
    design : Design
    first, last : int
        Which species, in the order of the design.
    """
    names = shown_species(mapping, design, first, last)
    if not names:
        return _blank("no species has annotated genes")
    _, namespace, rows = _view(terms)
    panels = [_listed(select(rows, species=name)) for name in names]
    columns = min(2, max(1, len(names)))
    lines = -(-max(1, len(names)) // columns)
    heights = [max([3, *(len(panel) for panel in panels[at * columns :][:columns])]) for at in range(lines)]
    figure = new_figure(0.75 + sum(0.5 + 0.27 * height for height in heights), WIDTH if columns > 1 else 0.6 * WIDTH)
    grid = figure.subplots(lines, columns, squeeze=False, height_ratios=[0.5 + 0.27 * height for height in heights])
    ends = [(panel["fold_low"].replace(0, np.nan), panel["fold_high"]) for panel in panels if len(panel)]
    low = min([float(part.min()) for part, _ in ends if part.notna().any()], default=0.5)
    high = max([float(part.max()) for _, part in ends], default=2.0)
    span = (max(0.2, min(low, 0.8)) / 1.15, min(150.0, max(high, 1.6)) * 1.15)
    counts = np.concatenate([panel["study"].to_numpy(dtype=float) for panel in panels if len(panel)] or [np.ones(1)])
    for at, axes in enumerate(grid.flat):
        if at >= len(names):
            axes.set_visible(False)
            continue
        _panel(axes, panels[at], names[at], design, span, counts.max())
        numbers = select(mapping, species=names[at], namespace=namespace).head(1).to_dict("records")
        tested = f": {numbers[0]['study']:,} of {numbers[0]['tested']:,} genes" if numbers else ""
        axes.set_title(f"{names[at]}{tested}")
        letter(axes, "ABCDEFGH"[at])
    used = grid.flat[: len(names)]
    for axes in used[-columns:]:
        axes.set_xlabel("fold enrichment in the study set")
    handles = [
        _dot(INK, INK, f"q < {LEVEL:g}"),
        _dot("white", INK, f"P < {LEVEL:g} only"),
        _dot("white", QUIET, "neither"),
        *(_dot("#BBBBBB", "none", f"{int(n)} genes", _size(n, counts.max())) for n in _sizes(counts)),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), handletextpad=0.4, columnspacing=1.4)
    return figure


def _blank(text: str) -> Figure:
    figure = new_figure(1.0, 0.6 * WIDTH)
    figure.text(0.5, 0.5, text, ha="center", va="center", color=QUIET)
    return figure


def _sizes(counts: np.ndarray) -> list[float]:
    most = counts.max()
    return [most] if most < 4 else [max(1.0, np.rint(most / 4)), most]


def _size(count: float, most: float) -> float:
    """Diameter of a marker whose area grows with the number of genes, points."""
    return 3.0 + 5.5 * float(np.sqrt(count / max(most, 1.0)))


def _dot(face: str, edge: str, label: str, size: float = 5.5) -> Line2D:
    return Line2D(
        [], [], linestyle="none", marker="o", markersize=size, markerfacecolor=face, markeredgecolor=edge, label=label
    )


def _panel(axes: Axes, rows: pd.DataFrame, name: str, design: Design, span: tuple[float, float], most: float) -> None:
    colour = design.colours[name]
    for at, row in enumerate(rows.to_dict("records")):
        edge = colour if row["p"] < LEVEL else QUIET
        ends = np.clip([row["fold_low"], row["fold_high"]], *span)
        axes.plot(ends, [at, at], color=edge, linewidth=1.2, zorder=2)
        axes.plot(
            np.clip(row["fold"], *span),
            at,
            "o",
            markersize=_size(row["study"], most),
            markerfacecolor=colour if row["q"] < LEVEL else "white",
            markeredgecolor=edge,
            markeredgewidth=1.1,
            zorder=3,
        )
        axes.text(1.015, at, _short(row["q"]), transform=axes.get_yaxis_transform(), fontsize=6.8, va="center")
    if len(rows):
        axes.text(1.015, -0.72, "q", transform=axes.get_yaxis_transform(), fontsize=7, va="center", style="italic")
    else:
        axes.text(0.5, 0.5, "no term was tested", transform=axes.transAxes, ha="center", color=QUIET)
    axes.axvline(1, color=CHANCE, linestyle=(0, (3, 2)), linewidth=1.0, zorder=1)
    axes.set_yticks(range(len(rows)), [_wrapped(text) for text in rows["name"]], fontsize=6.8, linespacing=0.95)
    axes.set_ylim(max(2, len(rows) - 1) + 0.6, -0.6)
    axes.set_xscale("log")
    axes.set_xlim(span)
    inside = [tick for tick in _TICKS if span[0] <= tick <= span[1]]
    axes.xaxis.set_major_locator(FixedLocator(inside[:: 1 if len(inside) < 8 else 2]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _wrapped(name: str) -> str:
    """A term's name on at most two lines."""
    return textwrap.fill(name, 28, max_lines=2, placeholder=" …")


def _short(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else f"{value:.0e}".replace("e-0", "e-").replace("e-", "e−")


def explain_terms(
    terms: pd.DataFrame, mapping: pd.DataFrame, design: Design, first: int = 0, last: int | None = 4
) -> list[tuple[str, str]]:
    """Captions of :func:`draw_terms`, by panel."""
    predictor, namespace, _ = _view(terms)
    rows = select(mapping, predictor=predictor, namespace=namespace) if predictor else mapping
    texts = []
    for panel, name in zip("ABCDEFGH", shown_species(mapping, design, first, last), strict=False):
        row = _first(select(rows, species=name))
        texts.append(
            (
                panel,
                f"Terms of the namespace {_words(namespace) or 'asked for'} among the {row['study']:,} genes of "
                f"highest capacity ({100 * row['share']:.0f} % of {row['tested']:,} tested genes) of {name} by "
                f"{_words(predictor) or 'the model'}, against the {row['population']:,} {row['background']} genes. "
                "Dots: share of the former with the term over that of the latter; lines: 95 % intervals "
                f"(Clopper-Pearson), cut at the frame; area: genes. Fisher's exact test on {row['terms']:,} terms "
                f"(ancestors {'included' if row['ancestors'] else 'not included'}): {row['raw']:,} with P < {LEVEL:g} "
                f"as in the paper, {row['significant']:,} with Benjamini-Hochberg q < {LEVEL:g} (filled). At most "
                f"{SHOWN} are shown. {100 * row['unmapped_share']:.1f} % of the tested genes have no annotation.",
            )
        )
    return texts or [("", "No species of this figure has annotated genes, so 0 terms were tested.")]


def _first(rows: pd.DataFrame) -> Mapping[str, Any]:
    blank = dict.fromkeys(("study", "tested", "population", "terms", "raw", "significant"), 0)
    blank |= {"share": 0.0, "unmapped_share": 0.0, "background": "tested", "ancestors": True}
    return rows.iloc[0].to_dict() if len(rows) else blank


@styled
def draw_shared(shared: pd.DataFrame, terms: pd.DataFrame, design: Design) -> Figure:
    """Terms over species, one panel per predictor.

    Parameters
    ----------
    shared, terms : pandas.DataFrame
        Columns of :data:`rnamarks.biology.ontology.SHARED_COLUMNS` and ``TERM_COLUMNS``.
    design : Design
    """
    predictors = list(dict.fromkeys(terms["predictor"]))[:2] or [""]
    _, namespace, _ = _view(terms)
    listed = recurring(shared, namespace)
    names = [name for name in design.species if name in set(terms["species"])]
    figure = new_figure(1.35 + 0.27 * max(2, len(listed)), min(WIDTH, 2.6 + 0.38 * len(names) * len(predictors)))
    grid = figure.subplots(1, len(predictors), squeeze=False, sharey=True)[0]
    rows = select(terms, namespace=namespace, term=listed["term"].tolist())
    top = float(np.log2(max(2.0, rows["fold"].max()))) if len(rows) else 1.0
    norm = Normalize(0, top)
    for axes, predictor, panel in zip(grid, predictors, "AB", strict=False):
        found = {(row["term"], row["species"]): row for row in select(rows, predictor=predictor).to_dict("records")}
        for y, term in enumerate(listed["term"]):
            for x, name in enumerate(names):
                _mark(axes, x, y, found.get((term, name)), norm)
        axes.set_xticks(range(len(names)), names, rotation=50, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.set_title(_words(predictor) or "no term")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_axisbelow(True)
        axes.grid(True)
        letter(axes, panel)
    labels = [_wrapped(text) for text in listed["name"]]
    grid[0].set_yticks(range(len(listed)), labels, fontsize=6.8, linespacing=0.95)
    grid[0].set_ylim(max(1, len(listed)) - 0.4, -0.6)
    if listed.empty:
        grid[0].text(0.5, 0.5, "no term has P < 0.05", transform=grid[0].transAxes, ha="center", color=QUIET)
    else:
        bar = figure.colorbar(_scale(norm), ax=list(grid), fraction=0.03, pad=0.02, aspect=18)
        bar.set_label("fold enrichment", fontsize=7.5)
        steps = np.arange(0, np.floor(top) + 1)
        bar.set_ticks(steps, labels=[f"{2**step:g}" for step in steps])
        bar.outline.set_visible(False)
    handles = [_dot("#BBBBBB", "none", f"P = {10.0**-power:g}", _diameter(10.0**-power)) for power in (1, 2, 4)]
    handles += [_dot("#BBBBBB", INK, f"q < {LEVEL:g}", 6.5), _cross("too few genes to test")]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), handletextpad=0.3, columnspacing=1.3)
    return figure


def _scale(norm: Normalize):
    from matplotlib.cm import ScalarMappable

    return ScalarMappable(norm, SEQUENTIAL)


def _cross(label: str) -> Line2D:
    return Line2D([], [], linestyle="none", marker="x", markersize=3.5, color=QUIET, label=label)


def _diameter(p: float) -> float:
    """Diameter of a marker by p-value, points; the area grows with −log10 p."""
    return 1.5 + 3.6 * float(np.sqrt(min(_LARGEST, -np.log10(max(p, 1e-300)))))


def _mark(axes: Axes, x: float, y: float, row: Mapping[str, Any] | None, norm: Normalize) -> None:
    if row is None:
        axes.plot(x, y, "x", color=QUIET, markersize=3.5, markeredgewidth=0.8)
        return
    axes.plot(
        x,
        y,
        "o",
        markersize=_diameter(row["p"]),
        markerfacecolor=SEQUENTIAL(norm(np.log2(max(row["fold"], 1.0)))),
        markeredgecolor=INK if row["q"] < LEVEL else "none",
        markeredgewidth=1.1,
    )


def recurring(shared: pd.DataFrame, namespace: str) -> pd.DataFrame:
    """The terms of :func:`draw_shared`: those of the first predictor that recur over most species, then the others'."""
    rows = select(shared, namespace=namespace) if len(shared) else shared
    return rows.drop_duplicates("term").head(RECURRING)


def explain_shared(shared: pd.DataFrame, terms: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_shared`, by panel."""
    _, namespace, _ = _view(terms)
    listed = recurring(shared, namespace)
    texts = []
    for panel, predictor in zip("AB", list(dict.fromkeys(terms["predictor"]))[:2] or [""], strict=False):
        own = select(terms, predictor=predictor, namespace=namespace) if predictor else terms
        sums = select(shared, predictor=predictor, namespace=namespace) if predictor else shared
        species = own["species"].nunique() if len(own) else 0
        twice = int((sums["raw"] > 1).sum()) if len(sums) else 0
        sure = int((sums["significant"] > 1).sum()) if len(sums) else 0
        best = sums.iloc[0] if len(sums) else None
        lead = (
            f" Most often: {best['name']}, P < {LEVEL:g} in {best['raw']} of {species} species."
            if best is not None
            else ""
        )
        texts.append(
            (
                panel,
                f"Terms ({_words(namespace) or 'all namespaces'}) that recur over species by "
                f"{_words(predictor) or 'the model'}: {twice:,} with P < {LEVEL:g} in two or more of {species} "
                f"species, {sure:,} with q < {LEVEL:g} in two or more.{lead} Area: −log10 P of Fisher's exact test, at "
                f"most {_LARGEST:g}; colour: fold enrichment; rim: q < {LEVEL:g}; ×: too few genes to test. The "
                f"{len(listed)} terms of most species are shown. Species "
                "share genes and annotations, so recurrence is no independent evidence.",
            )
        )
    return texts
