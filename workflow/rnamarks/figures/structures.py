"""Predicted base pairs: F1 by RNA and by family, and drawn examples; Figures 3, 4 and ED 1 of the paper."""

from __future__ import annotations

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .arcs import BOTH, FALSE, KNOT, MISSED, Arc, draw_arcs
from .captions import Captions, captioned, say_range
from .design import Design
from .downstream import Blocks, predictor_legend
from .lookup import rows_by, select
from .palette import FAINT
from .panels import draw_interval, legend_entry, nothing, place_legend, rows_axis, spread
from .predictors import find_predictors, say_name, say_set
from .style import WIDTH, new_figure, styled

KINDS = {"both": (BOTH, "known and predicted"), "missed": (MISSED, "missed"), "false": (FALSE, "predicted, not known")}
SIDES = {"above": ("both", "missed"), "below": ("both", "false")}
"""Kinds of pairs above the line (known) and below it (predicted)."""
SCORES = {"f1": "F1, both ends of a pair right", "f1_relaxed": "F1, one end may be off by one"}


@styled
def draw_spread(structure_spread: pd.DataFrame, design: Design) -> Figure:
    """Spread of F1 over RNAs as boxes, exact and relaxed side by side, rows by predictor."""
    table = select(structure_spread, family="")
    blocks = Blocks.of_predictors(table)
    figure = new_figure(blocks.height + 0.75)
    grid = figure.subplots(1, 2, sharey=True)
    for axes, (metric, label) in zip(grid, SCORES.items(), strict=True):
        found = rows_by(select(table, metric=metric), "downstream", "fold", "predictor")
        for at, where, predictor in blocks.rows():
            row = found.get((*where, predictor.name))
            if row:
                _draw_box(axes, at, row, predictor.colour)
        axes.set_xlim(-0.015, 1.015)
        axes.set_xlabel(label)
        blocks.finish(axes, axes is grid[0])
    return figure


def _draw_box(axes: Axes, at: float, row: dict, colour: str) -> None:
    box = {"med": row["q50"], "q1": row["q25"], "q3": row["q75"], "whislo": row["q05"], "whishi": row["q95"]}
    line = {"color": colour, "linewidth": 1}
    axes.bxp(
        [box],
        positions=[at],
        widths=0.62,
        orientation="horizontal",
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": colour, "edgecolor": colour, "alpha": 0.35},
        medianprops=line | {"linewidth": 2},
        whiskerprops=line,
        capprops=line,
    )
    axes.plot(row["value"], at, "D", color=colour, markersize=4, markeredgecolor="white", markeredgewidth=0.5, zorder=5)


@captioned
def explain_spread(structure_spread: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_spread`."""
    rows = select(structure_spread, family="", metric="f1")
    labels = find_predictors(rows["predictor"])
    told = "; ".join(
        f"{say_set(*where)} ({int(mine['examples'].max()):,} RNAs): "
        + ", ".join(f"{labels[row.predictor].label} {row.q50:.2f}" for row in mine.itertuples())
        for where, mine in rows.groupby(["downstream", "fold"], sort=False)
    )
    return (
        "How F1 of predicted base pairs varies from RNA to RNA in the test split (1: every pair right and none too "
        "many). Box: middle half of the RNAs, line: median, whiskers: 5 % to 95 %, diamond: mean. Left: a pair counts "
        f"if both ends are right; right: one end may be off by one nucleotide. Medians (left): {told}."
    )


@styled
def draw_structure_families(structure_spread: pd.DataFrame, design: Design) -> Figure:
    """Mean F1 of each family by predictor, exact and relaxed."""
    table = structure_spread[structure_spread["family"] != ""]
    if table.empty:
        return nothing("the families of the test RNAs are not known")
    predictors = find_predictors(table["predictor"])
    groups = list(dict.fromkeys(table[["downstream", "fold", "family"]].itertuples(index=False, name=None)))
    figure = new_figure(1.0 + len(groups) * (0.16 + 0.085 * len(predictors)))
    grid = figure.subplots(1, 2, sharey=True)
    shifts = dict(zip(predictors, spread(len(predictors), 0.78), strict=True))
    sizes = rows_by(table, "downstream", "fold", "family")
    for axes, (metric, label) in zip(grid, SCORES.items(), strict=True):
        found = rows_by(select(table, metric=metric), "downstream", "fold", "family", "predictor")
        for at, group in enumerate(groups):
            for name, predictor in predictors.items():
                row = found.get((*group, name))
                if row:
                    draw_interval(axes, at + shifts[name], row, predictor.colour, marker=predictor.marker, size=5)
            if at:
                axes.axhline(at - 0.5, color=FAINT, linewidth=0.6, zorder=0)
        rows_axis(axes, [_name_group(group, groups, int(sizes[group]["examples"])) for group in groups])
        axes.set_xlim(-0.015, 1.015)
        axes.set_xlabel(label)
    grid[1].tick_params(labelleft=False)
    place_legend(figure, predictor_legend(predictors.values()), 4)
    return figure


def _name_group(group: tuple[str, str, str], groups: list[tuple[str, str, str]], count: int) -> str:
    """A family with its number of RNAs, and before it the set and split where there are several to a family."""
    where = group[:2]
    alone = sum(one[2] == group[2] for one in groups) == 1
    name = say_name(group[2])
    return f"{name} ({count:,})" if alone else f"{say_set(*where)}:\n{name} ({count:,})"


@captioned
def explain_structure_families(structure_spread: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_structure_families`."""
    rows = structure_spread[structure_spread["family"] != ""]
    sizes = rows.drop_duplicates(["downstream", "fold", "family"])["examples"]
    return (
        f"Mean F1 of predicted base pairs over the test RNAs of each of {rows['family'].nunique()} families "
        f"({say_range(sizes)} RNAs; numbers in brackets), with 95 % intervals from a bootstrap of RNAs. Where a split "
        "leaves a family out, no RNA of it was trained on, and the value says how well pairs are predicted in a kind "
        "of RNA never seen. Right: one end of a pair may be off by one nucleotide."
    )


@styled
def draw_examples(structure_pairs: pd.DataFrame, design: Design) -> Figure:
    """Best, median and worst RNA: known pairs above the line, predicted pairs below it, a column per predictor."""
    shown = _shown(structure_pairs)
    names = list(dict.fromkeys(shown["predictor"]))
    groups = list(dict.fromkeys(shown[["downstream", "fold", "rank"]].itertuples(index=False, name=None)))
    labels = find_predictors(names)
    figure = new_figure(0.5 + 1.75 * len(groups), WIDTH)
    grid = figure.subplots(len(groups), len(names), squeeze=False, sharex="row")
    for line, group in zip(grid, groups, strict=True):
        where = dict(zip(("downstream", "fold", "rank"), group, strict=True))
        for axes, name in zip(line, names, strict=True):
            rows = select(shown, predictor=name, **where)
            if rows.empty:
                axes.set_visible(False)
                continue
            sides = {
                side: [
                    Arc(row.i, row.j, KINDS[row.kind][0], bool(row.pseudoknot))
                    for row in rows.itertuples()
                    if row.kind in kinds
                ]
                for side, kinds in SIDES.items()
            }
            draw_arcs(axes, int(rows["length"].iloc[0]), **sides)
            axes.set_ylim(-1.08, 1.08)
            axes.set_title(_title(rows, labels[name].label), fontsize=7.5)
            if axes is line[0]:
                axes.set_yticks([0.5, -0.5], ["known", "predicted"])
                axes.tick_params(axis="y", length=0)
    for axes in grid[-1]:
        axes.set_xlabel("nucleotide")
    entries = [legend_entry(label, colour) for colour, label in KINDS.values()]
    place_legend(figure, [*entries, legend_entry("in a pseudoknot", line=KNOT)], 4)
    return figure


def _shown(structure_pairs: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first way of splitting of each task, of the first predictor and of a baseline."""
    first = structure_pairs.groupby("downstream", sort=False)["fold"].transform("first")
    lead, *others = dict.fromkeys(structure_pairs["predictor"])
    looks = find_predictors(others)
    beside = sorted(others, key=lambda name: bool(looks[name].language))[:1]
    return select(structure_pairs[structure_pairs["fold"] == first], predictor=[lead, *beside])


def _title(rows: pd.DataFrame, predictor: str) -> str:
    row = rows.iloc[0]
    name = textwrap.shorten(str(row["example"]).replace("_", " "), 30, placeholder="…")
    family = f" ({say_name(row['family'])})" if row["family"] else ""
    return f"{row['rank']}: {name}{family}, {int(row['length']):,} nt\n{predictor}: F1 {row['f1']:.2f}"


@captioned
def explain_examples(structure_pairs: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_examples`."""
    shown = _shown(structure_pairs)
    lead = shown["predictor"].iloc[0]
    told = "; ".join(
        f"{row.rank} {row.example}: {int(pairs['kind'].isin(SIDES['above']).sum())} known pairs, "
        f"{int((pairs['kind'] == 'both').sum())} found, {int((pairs['kind'] == 'false').sum())} false"
        for _, pairs in select(shown, predictor=lead).groupby(["downstream", "fold", "rank"], sort=False)
        for row in [next(pairs.itertuples())]
    )
    sets = ", ".join(say_set(*where) for where in shown.groupby(["downstream", "fold"], sort=False).groups)
    return (
        f"RNAs of the test split ({sets}) with the highest, median and lowest F1 of "
        f"{find_predictors([lead])[lead].label}, mean over seeds; of equal ones the longest. Drawn is the first seed. "
        "Each arc joins two nucleotides that pair: "
        "above the line those of the known structure (blue: predicted, too; orange: missed), below it those predicted "
        f"(blue: right; red: not known). Dashed: pairs that cross the nested structure. {told}."
    )
